"""Services by the name that requests are signed for, known without reading every model of AWS.

The engine's router asks whether a name it does not route is a service at all, and reads all of
botocore's models the first time: a name that is answered for here, or is a folder of botocore's, is
one at once.
"""

import functools
from typing import Any

import botocore.session
import ministack.app as gateway
from ministack.core import router

from localcloud import hooks


def mount() -> None:
    """Look before the engine reads."""
    hooks.require(gateway, "SERVICE_HANDLERS", call=False)
    hooks.require(router, "_KNOWN_AWS_SERVICE_NAMES", call=False)
    hooks.wrap(router, "_is_aws_service_name", "scope_name")(_is_service)


def stop() -> None:
    """Nothing runs here."""


def _is_service(original: Any, scope_name: str) -> bool:
    known = scope_name in gateway.SERVICE_HANDLERS or scope_name in _botocores()
    return known or bool(original(scope_name))


@functools.cache
def _botocores() -> frozenset[str]:
    return frozenset(botocore.session.get_session().get_available_services())
