"""Signing names: known without reading the models of all of AWS, which takes its time and memory.

Ours: what the router reads to know a service by its name, in a process of its own
"""

from tests.localcloud.processes import printed_by

ASK = """
from localcloud import environment
environment.prepare(0)
from localcloud import hooks, quotas, scopes
from ministack.core import router
quotas.mount()
scopes.mount()
hooks.install()
asked = [router._is_aws_service_name(one) for one in ("servicequotas", "pinpoint", "glacier")]
unread = router._KNOWN_AWS_SERVICE_NAMES is None
print(asked, unread, router._is_aws_service_name("nothing"))
"""


def test_a_service_is_known_before_any_model_is_read() -> None:
    assert printed_by(ASK) == "[True, True, True] True False\n"
