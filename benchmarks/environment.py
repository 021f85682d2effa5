"""What the template sets in a function's environment, for scenarios."""

from __future__ import annotations

from functools import partial

from benchmarks.scenario import Scenario
from tests.builders import ACCOUNT, BUCKET, REGION

MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:sluice-rollout"
ENVIRONMENT = {
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "ACCOUNT": ACCOUNT,
    "ARTIFACTS_BUCKET": BUCKET,
    "LEDGER_TABLE": "sluice-ledger",
    "NOTIFICATIONS_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:sluice-notifications",
    "POWERTOOLS_SERVICE_NAME": "sluice",
    "POWERTOOLS_METRICS_NAMESPACE": "Sluice",
    "RECONCILE_FUNCTION": "sluice-reconcile-target",
    "ROLLOUT_MACHINE_ARN": MACHINE,
    "SERVING_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/sluice-serving",
}
scenario = partial(Scenario, environment=ENVIRONMENT)

"""A scenario in that environment."""
