"""CloudFormation: its engine, and the resource types that are ours.

It is half of what there is to import, and nobody needs it before the first stack: it is mounted
once the gateway answers, and a request that comes earlier waits.
"""

from localcloud import custom_resources, provisioning
from localcloud.alarms import formation as alarms
from localcloud.sagemaker import provisioners as sagemaker
from localcloud.workflows import formation as workflows


def mount() -> None:
    """Declare the hooks and resource types; called once."""
    provisioning.mount()
    custom_resources.mount()
    sagemaker.mount()
    workflows.mount()
    alarms.mount()


def stop() -> None:
    """Nothing runs here."""
