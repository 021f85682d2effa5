"""The record of API calls: who asked what of which resource, and whether IAM let them.

Ours: the record is what tests of least privilege read; no service of AWS answers it
"""

import pytest
from botocore.exceptions import ClientError

from localcloud.launcher import LocalCloud
from tests.localcloud.conftest import Clients
from tests.localcloud.functions import create_role


def test_allowed_and_denied_calls_are_both_on_record(
    cloud: LocalCloud, client: Clients, unique: str
) -> None:
    client("s3").create_bucket(Bucket=unique)
    reading = {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": f"arn:aws:s3:::{unique}",
    }
    role = create_role(client, f"{unique}-role", [reading])
    as_role = client.as_role("s3", role)
    as_role.list_objects_v2(Bucket=unique)
    with pytest.raises(ClientError, match="AccessDenied"):
        as_role.put_object(Bucket=unique, Key="a", Body=b"")

    principal = f"arn:aws:sts::123456789012:assumed-role/{unique}-role/test"
    seen = [call for call in cloud.calls() if call["principal"] == principal]
    assert [(call["action"], call["resource"], call["allowed"]) for call in seen] == [
        ("s3:ListBucket", f"arn:aws:s3:::{unique}", True),
        ("s3:PutObject", f"arn:aws:s3:::{unique}/a", False),
    ]
    assert all(call["time"] <= cloud.now().isoformat() for call in seen)
