"""Is what serves what was approved, and could each target go back? People are told what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.adapters.announcements import Announcements
from sluice.adapters.endpoint import Endpoint
from sluice.adapters.foundation_models import FoundationModels
from sluice.adapters.hosting import Hosting
from sluice.adapters.images import Images
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.reminders import Reminders
from sluice.adapters.ledger.table import Table
from sluice.adapters.ledger.targets import Targets
from sluice.adapters.probes import Probes
from sluice.adapters.queue import Queue
from sluice.adapters.registry import Registry
from sluice.adapters.roles import Roles
from sluice.adapters.session import client, client_later
from sluice.adapters.signing_keys import SigningKeys
from sluice.adapters.texts import Texts
from sluice.adapters.vault import Vault
from sluice.adapters.versions import Versions
from sluice.attesting import Attesting
from sluice.events.triggers import parse_triggers
from sluice.examining import Examining
from sluice.observability import logger, metrics
from sluice.overseeing import Overseeing
from sluice.readying import Readying
from sluice.reminding import Reminding
from sluice.settings import Settings
from sluice.verifying import Verifying

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

settings = Settings.from_env()
sagemaker, s3 = client("sagemaker"), client("s3")
table = Table(client("dynamodb"), settings.ledger_table)
lambdas = client_later("lambda")
vault = Vault(s3)
examining = Examining(
    releases=Releases(table),
    endpoint=Endpoint(sagemaker),
    lambdas=lambdas,
    registry=Registry(sagemaker),
    images=Images(client("ecr")),
    vault=vault,
    texts=Texts(s3),
    hosting=Hosting(sagemaker),
    versions=Versions(lambdas),
    catalogue=FoundationModels(client_later("bedrock")),
    role=lambda: settings.serving_role_arn,
    attesting=Attesting(vault, SigningKeys(client_later("kms")), settings.trusted_keys),
)
overseeing = Overseeing(
    targets=Targets(table),
    verifying=Verifying(examining),
    readying=Readying(
        examining=examining,
        roles=Roles(client_later("iam")),
        probes=Probes(client_later("bedrock-runtime", read_seconds=8, attempts=2)),
        listed=frozenset(settings.execution_roles),
    ),
    reminding=Reminding(
        Reminders(table),
        Announcements(client("events"), client("sns"), topic_arn=settings.notifications_topic_arn),
    ),
    verifications=Queue(client_later("sqs"), settings.verifications_queue_url),
    warning_days=settings.model_end_warning_days,
)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Look at the targets that the queue names, or ask for a look at each there is."""
    triggers = parse_triggers(event)
    seen = overseeing.handle(triggers)
    logger.info("targets verified", seen=seen)
    metrics.add_metric(name="TargetsVerified", unit="Count", value=len(seen))
    metrics.add_metric(name="DriftFound", unit="Count", value=sum(one.drift for one in seen))
    not_ready = sum(one.not_ready for one in seen)
    metrics.add_metric(name="RollbacksNotReady", unit="Count", value=not_ready)
    unreadable = sum(len(one.unreadable) for one in seen)
    metrics.add_metric(name="VerificationsUnread", unit="Count", value=unreadable)
    return {"told": [event for one in seen for event in one.told]}
