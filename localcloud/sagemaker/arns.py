"""Names of SageMaker resources, as IAM policies and events write them."""

from localcloud.constants import ACCOUNT, REGION

_PREFIX = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:"


def endpoint(name: str) -> str:
    """SageMaker writes the name in lower case here (see its published state-change event)."""
    return f"{_PREFIX}endpoint/{name.lower()}"


def endpoint_config(name: str) -> str:
    """An endpoint configuration."""
    return f"{_PREFIX}endpoint-config/{name}"


def model(name: str) -> str:
    """A deployable model."""
    return f"{_PREFIX}model/{name}"


def group(name_or_arn: str) -> str:
    """A model package group, given by name or by ARN."""
    return f"{_PREFIX}model-package-group/{last_part(name_or_arn)}"


def package(name_or_arn: str) -> str:
    """A model package: `GROUP/VERSION`, an unversioned name, or already an ARN."""
    return (
        name_or_arn if name_or_arn.startswith("arn:") else f"{_PREFIX}model-package/{name_or_arn}"
    )


def last_part(name_or_arn: str) -> str:
    """The name at the end of an ARN, or the name itself."""
    return name_or_arn.rsplit("/", 1)[-1]
