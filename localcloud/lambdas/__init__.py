"""Lambda: functions run by AWS's own runtime interface client, seeing only what Lambda gives."""

from localcloud.lambdas import (
    aliases,
    asynchronous,
    configurations,
    executor,
    mappings,
    resources,
    versions,
)


def mount() -> None:
    """Declare the hooks of this subsystem; called once, before `hooks.install()`."""
    executor.mount()
    asynchronous.mount()
    aliases.mount()
    mappings.mount()
    versions.mount()
    resources.mount()
    configurations.mount()


def stop() -> None:
    """End every function that runs."""
    executor.stop()
