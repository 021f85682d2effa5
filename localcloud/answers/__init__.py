"""Every answer the gateway sends, held against AWS's own service models.

The check stands at the one socket, so that it sees what the state machine and the functions are
answered as well as what a test is. It never changes an answer; faults are kept, and told at
`/_localcloud/answers` together with how many answers of each operation were checked.
"""

from localcloud import control
from localcloud.answers import record


def mount() -> None:
    """Serve the record; `control.application` puts the check before the gateway."""
    control.route("answers")(record.tell)


def stop() -> None:
    """Nothing runs here."""
