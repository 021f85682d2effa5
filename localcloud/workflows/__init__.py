"""To be written."""


def mount() -> None:
    """Declare the hooks and handlers of this subsystem; called once, before `hooks.install()`."""


def stop() -> None:
    """End what this subsystem started; called once, when the server stops."""
