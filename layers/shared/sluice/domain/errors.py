"""The errors a task of the rollout ends with on purpose; the machine knows them by name."""

from __future__ import annotations


class DisplacedError(Exception):
    """The target has a newer epoch: this execution must not touch its traffic any more."""


class SignalPendingError(Exception):
    """An alarm or a rejection spoke: the rollout must hear it before it goes on."""
