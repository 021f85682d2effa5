"""Policies: what was read once is not read again, and a changed one is.

Ours: how often the engine parses a policy, which AWS never shows, in a process of its own
"""

from tests.localcloud.processes import printed_by

READ = """
from localcloud import environment
environment.prepare(0)
from localcloud import hooks, statements
from ministack.core import iam_evaluator
statements.mount()
hooks.install()
read = iam_evaluator.parse_policy_document
policy = '{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}'
first = read(policy)
first_again = read(policy)
second = read(policy.replace("Get", "Put"))
print(first[0] is first_again[0], first is first_again, first[0].actions + second[0].actions)
"""


def test_a_text_is_read_once_and_a_changed_one_anew() -> None:
    assert printed_by(READ) == "True False ['s3:GetObject', 's3:PutObject']\n"
