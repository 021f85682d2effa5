"""How long metrics are kept: datapoints of a minute for fifteen days of the virtual clock.

AWS goes on with averages of five minutes and of an hour for up to 455 days; nothing here lives so
long. The engine looks through every datapoint there is at every request, and copies them meanwhile,
so that one that is stored at the same moment is lost; here it is done once in a virtual hour.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
"""

from ministack.services import cloudwatch

from localcloud import hooks
from localcloud.clock import clock

_KEPT_SECONDS = 15 * 86_400.0
_EVERY_SECONDS = 3_600.0
_next = 0.0


def mount() -> None:
    """Forget in our own time."""
    hooks.require(cloudwatch, "_metrics", call=False)
    hooks.replace(cloudwatch, "_evict_old_metrics")(_forget_now_and_then)


def _forget_now_and_then() -> None:
    global _next  # noqa: PLW0603
    now = clock.now()
    if now >= _next:
        _next = now + _EVERY_SECONDS
        forget_before(now - _KEPT_SECONDS)


def forget_before(cutoff: float) -> None:
    """Remove the datapoints from before `cutoff`, and the metrics that have no others."""
    for key, points in list(cloudwatch._metrics.items()):
        for index in reversed(range(len(points))):  # others add at the end meanwhile
            if points[index]["Timestamp"] < cutoff:
                del points[index]
        if not points:
            cloudwatch._metrics.pop(key, None)
