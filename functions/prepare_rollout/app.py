"""Truth re-read, way back checked, model and configurations made; later, the smoke test asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.adapters.alarms import Alarms
from sluice.adapters.alias import Alias
from sluice.adapters.announcements import Announcements
from sluice.adapters.autoscaling import Autoscaling
from sluice.adapters.endpoint import Endpoint
from sluice.adapters.foundation_models import FoundationModels
from sluice.adapters.hosting import Hosting
from sluice.adapters.images import Images
from sluice.adapters.instances import Instances
from sluice.adapters.invocations import Invocations
from sluice.adapters.ledger.evidence import Evidences
from sluice.adapters.ledger.histories import Histories
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.table import Table
from sluice.adapters.ledger.targets import Targets
from sluice.adapters.metrics import Metrics
from sluice.adapters.peaks import Peaks
from sluice.adapters.probes import Probes
from sluice.adapters.quotas import Quotas
from sluice.adapters.registry import Registry
from sluice.adapters.roles import Roles
from sluice.adapters.runtime import Runtime
from sluice.adapters.session import client, client_later
from sluice.adapters.signing_keys import SigningKeys
from sluice.adapters.texts import Texts
from sluice.adapters.vault import Vault
from sluice.adapters.versions import Versions
from sluice.attesting import Attesting
from sluice.checking import Checking
from sluice.domain.smoke_test import LONGEST_ANSWER_SECONDS
from sluice.events.tasks import dump_rollout, parse_task
from sluice.fleets import Fleets
from sluice.foreseeing import Foreseeing
from sluice.grounds import Grounds
from sluice.observability import logger, metrics
from sluice.preparing import Preparing
from sluice.publishing import Publishing
from sluice.recalling import Recalling
from sluice.retracing import Retracing
from sluice.retreating import Retreating
from sluice.routing import Routers
from sluice.scaling import Scaling
from sluice.settings import Settings
from sluice.sizing import Sizing
from sluice.smoke_testing import SmokeTesting
from sluice.vetting import Vetting

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

settings = Settings.from_env()
sagemaker, cloudwatch = client("sagemaker"), client("cloudwatch")
table = Table(client("dynamodb"), settings.ledger_table)
targets, releases, s3 = Targets(table), Releases(table), client("s3")
vault = Vault(s3)
attesting = Attesting(vault, SigningKeys(client_later("kms")), settings.trusted_keys)
recalling = Recalling(releases, vault, Texts(s3), attesting)
endpoint, registry = Endpoint(sagemaker), Registry(sagemaker)
autoscaling = Autoscaling(client("application-autoscaling"))
lambdas = client_later("lambda")
versions = Versions(lambdas)
asking = {"read_seconds": LONGEST_ANSWER_SECONDS, "attempts": 1}
fleets = Fleets(
    endpoint=endpoint,
    checking=Checking(
        endpoint=endpoint,
        hosting=Hosting(sagemaker),
        registry=registry,
        recalling=recalling,
        images=Images(client("ecr")),
        roles=Roles(client_later("iam")),
        serving_role_arn=settings.serving_role_arn,
        execution_roles=settings.execution_roles,
    ),
    sizing=Sizing(
        targets=targets,
        autoscaling=autoscaling,
        peaks=Peaks(cloudwatch),
        quotas=Quotas(client("service-quotas")),
        instances=Instances(sagemaker),
    ),
    scaling=Scaling(targets, autoscaling),
)
publishing = Publishing(
    versions=versions,
    vetting=Vetting(
        registry=registry,
        recalling=recalling,
        models=FoundationModels(client_later("bedrock")),
        probes=Probes(client_later("bedrock-runtime", read_seconds=8, attempts=2)),
        versions=versions,
    ),
    functions=settings.functions,
)
grounds = Grounds(fleets, publishing)
preparing = Preparing(
    targets=targets,
    releases=releases,
    routers=Routers(endpoint, Alias(lambdas, settings.functions)),
    grounds=grounds,
    alarms=Alarms(cloudwatch),
    retracing=Retracing(Histories(table)),
    retreating=Retreating(targets, registry, grounds),
    foreseeing=Foreseeing(
        metrics=Metrics(cloudwatch),
        evidences=Evidences(table),
        announcements=Announcements(
            client("events"), client("sns"), topic_arn=settings.notifications_topic_arn
        ),
    ),
    smoke_testing=SmokeTesting(
        targets=targets,
        releases=releases,
        vault=vault,
        runtime=Runtime(client("sagemaker-runtime", **asking)),
        invocations=Invocations(client_later("lambda", **asking)),
    ),
)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Make the rollout ready to provision, or ask its smoke test; say why it must not go on."""
    task = parse_task(event)
    logger.append_keys(rollout_id=task.rollout.id)
    rollout = preparing.carry_out(task.rollout, now=task.at)
    logger.info("rollout prepared", action=rollout.action, reason=rollout.reason)
    metrics.add_metric(name="RolloutPrepared", unit="Count", value=1)
    return dump_rollout(rollout)
