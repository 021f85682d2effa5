"""CloudWatch: metrics, metric math and alarms on the virtual clock, over ministack's store."""

from localcloud.alarms import (
    api,
    configuration,
    evaluation,
    readings,
    retention,
    series,
    states,
)


def mount() -> None:
    """Declare the hooks and handlers of this subsystem; called once, before `hooks.install()`."""
    for part in (api, configuration, readings, retention, states):
        part.mount()
    series.require()
    evaluation.begin()


def stop() -> None:
    """End the evaluation of alarms; called once, when the server stops."""
    evaluation.end()
