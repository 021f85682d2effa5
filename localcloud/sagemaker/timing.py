"""How long SageMaker takes, in virtual seconds, and waiting for it."""

import threading
from dataclasses import dataclass

from localcloud.clock import clock

_LONGEST_NAP_SECONDS = 0.25  # so that a change of speed is noticed


@dataclass
class Durations:
    """How long changes of an endpoint take; `/_localcloud/sagemaker` sets them."""

    deployment: float = 240.0
    weights: float = 20.0
    deletion: float = 20.0


durations = Durations()
stopping = threading.Event()


def wait_until(moment: float) -> bool:
    """Wait for a virtual moment, or until the server stops; return whether it stops."""
    while (left := moment - clock.now()) > 0:
        if stopping.wait(min(clock.real_seconds(left), _LONGEST_NAP_SECONDS)):
            return True
    return stopping.is_set()
