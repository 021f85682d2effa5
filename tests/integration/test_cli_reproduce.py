"""`sluice reproduce`: a release written as a blueprint, from vault and registry alone."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cli.__main__ import main
from sluice.domain import making
from sluice.domain.application_blueprint import application_template
from sluice.domain.bedrock import FunctionCode
from sluice.domain.deploying import fleet
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from sluice.domain.manifest import parse_manifest
from tests.builders import ACCOUNT, BUCKET, REGION, a_bedrock_manifest, a_config, a_release_name
from tests.integration.conftest import TABLE
from tests.integration.rollouts import ROLE
from tests.integration.signing import SIGNING_KEY, STRANGE_KEY
from tests.integration.unpacked import push_unpacked

if TYPE_CHECKING:
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import Wire, World

LAYER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:shared:7"
VERSION = {
    "FunctionName": "serve",
    "Version": "7",
    "Role": f"arn:aws:iam::{ACCOUNT}:role/serve",
    "Runtime": "python3.13",
    "Handler": "app.lambda_handler",
    "Architectures": ["arm64"],
    "MemorySize": 512,
    "Timeout": 60,
    "Description": "answers",
    "EphemeralStorage": {"Size": 512},
    "TracingConfig": {"Mode": "Active"},
    "Layers": [{"Arn": LAYER}],
    "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/mine", "SystemLogLevel": "INFO"},
    "VpcConfig": {"SubnetIds": ["subnet-1a2b3c4d"], "SecurityGroupIds": ["sg-1a2b3c4d"]},
    "KMSKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/6f0f3a0e-6a53-5d0c-9b7e-3c1c54a2c9a1",
    "SnapStart": {"ApplyOn": "PublishedVersions"},
    "Environment": {"Variables": {"LEVEL": "1"}},
}
"""As GetFunctionConfiguration tells one."""
LOST = ["--table", "no-such-table", "--trusted-keys", SIGNING_KEY]
GROUP = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn"


class Kept:
    """`churn-v1`, captured by `register_package`."""

    def __init__(
        self, world: World, inbox: Inbox, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.world, self.aws, self._capsys = world, world.aws, capsys
        self.inbox, self.folder = inbox, folder / "churn-v1"
        self.package = f"{GROUP}/1"
        inbox.begin(self._capture)

    def _capture(self) -> None:
        config = a_config(environment={"LEVEL": "1", "ODD": "s3://a/${B}"}, instance_count=2)
        events = [
            self.inbox.push(MODEL, folder="churn-v1"),
            self.inbox.push(CONFIG, config, folder="churn-v1"),
            self.inbox.push(EVALUATION, folder="churn-v1"),
        ]
        assert self.inbox.deliver(*events) == []
        self.world.decide(self.package, "Approved")

    def asked(self, *more: str, code: int = 0, release: str = "churn-v1") -> str:
        """What the command says on both channels."""
        self._capsys.readouterr()
        output = ["--output", str(self.folder)]
        assert main(["reproduce", release, *output, *more]) == code, self._capsys.readouterr()
        said = self._capsys.readouterr()
        return said.out + said.err

    def file(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    @property
    def template(self) -> dict[str, Any]:
        return dict(json.loads(self.file("template.json")))

    def key(self, name: str) -> str:
        listed = self.aws("s3").list_objects_v2(Bucket=BUCKET, Prefix="releases/churn/v1-")
        (found,) = (one["Key"] for one in listed["Contents"] if one["Key"].endswith(f"/{name}"))
        return str(found)


@pytest.fixture
def churn(world: World, inbox: Inbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Kept:
    """Such a release."""
    return Kept(world, inbox, tmp_path, capsys)


def test_a_blueprint_is_written_without_a_ledger(churn: Kept) -> None:
    told = churn.asked(*LOST)

    assert "as captured: yes" in told
    assert "the ledger was not asked" in told
    assert sorted(one.name for one in churn.folder.iterdir()) == [
        "README.txt",
        "manifest.dsse.json",
        "manifest.json",
        "template.json",
    ]
    kept = churn.aws("s3").get_object(Bucket=BUCKET, Key=churn.key("manifest.json"))
    assert churn.file("manifest.json") == kept["Body"].read()


def test_the_template_has_what_a_rollout_gives_sagemaker(churn: Kept) -> None:
    churn.asked(*LOST)
    resources = churn.template["Resources"]
    container = resources["Model"]["Properties"]["PrimaryContainer"]
    folder = churn.key("model.tar.gz").removesuffix("model.tar.gz")

    assert container == {
        "Image": {"Ref": "ImageUri"},
        "ModelDataUrl": {"Fn::Sub": "s3://${VaultBucket}/${VaultPrefix}model.tar.gz"},
        "Environment": {"LEVEL": "1", "ODD": "s3://a/${B}"},
    }
    parameters = churn.template["Parameters"]
    assert parameters["VaultBucket"]["Default"] == BUCKET
    assert parameters["VaultPrefix"]["Default"] == folder
    assert parameters["ImageUri"]["Default"].endswith(f"@{churn.inbox.image}")
    (variant,) = resources["EndpointConfig"]["Properties"]["ProductionVariants"]
    assert variant == {
        "VariantName": "v1",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 2,
        "InitialVariantWeight": 100.0,
    }


def test_cloudformation_would_take_the_templates(churn: Kept, tmp_path: Path) -> None:
    churn.asked(*LOST)
    application = tmp_path / "application.json"
    code = FunctionCode(function="serve", sha256="c29tZSBjb2Rl", layers=(LAYER,))
    manifest = a_bedrock_manifest(code=code)
    application.write_text(json.dumps(application_template(manifest, "0" * 64, VERSION)))

    lint = Path(sys.executable).parent / "cfn-lint"
    ended = subprocess.run(
        [str(lint), str(churn.folder / "template.json"), str(application)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stdout


def test_the_readme_tells_digests_and_what_another_account_needs(churn: Kept) -> None:
    churn.asked(*LOST)
    text, manifest = churn.file("README.txt").decode(), churn.file("manifest.json")
    assert hashlib.sha256(manifest).hexdigest() in text
    assert "aws cloudformation deploy --template-file template.json" in text
    assert f"arn:aws:s3:::{BUCKET}/{churn.key('model.tar.gz').rpartition('/')[0]}/*" in text
    assert "ecr:BatchGetImage" in text


def test_a_second_time_it_is_there_and_another_is_not_written_over(churn: Kept) -> None:
    churn.asked(*LOST)
    assert "is there already, the same" in churn.asked("--table", TABLE, *LOST[2:])
    (churn.folder / "template.json").write_text("{}")
    assert "with other template.json" in churn.asked(*LOST, code=1)
    assert churn.file("template.json") == b"{}"


def test_a_package_is_named_by_its_arn_too(churn: Kept) -> None:
    churn.asked(*LOST, release=churn.package)
    assert churn.template["Metadata"]["Sluice"]["release"] == "churn-v1"


def test_other_bytes_in_the_vault_are_named_and_nothing_is_written(churn: Kept) -> None:
    s3, key = churn.aws("s3"), churn.key("model.tar.gz")
    whole = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=key, Body=bytes([whole[0] ^ 1]) + whole[1:])

    told = churn.asked(*LOST, code=1)

    assert f"drift: model.tar.gz of churn-v1 in s3://{BUCKET}/releases/churn/v1-" in told
    assert told.count("drift:") == 1
    assert not churn.folder.exists()


@pytest.mark.parametrize("name", ["model.tar.gz", "config.json", "evaluation-results.json"])
def test_an_object_that_left_the_vault_is_named(churn: Kept, name: str) -> None:
    churn.aws("s3").delete_object(Bucket=BUCKET, Key=churn.key(name))
    told = churn.asked(*LOST, code=1)
    assert f"gone: {name} of churn-v1 in s3://{BUCKET}/releases/churn/v1-" in told
    assert not churn.folder.exists()


def test_another_manifest_is_refused(churn: Kept) -> None:
    s3, key = churn.aws("s3"), churn.key("manifest.json")
    text = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=key, Body=text.replace(b"ml.m5.large", b"ml.m5.small"))
    assert "the manifest's digest is not" in churn.asked(*LOST, code=1)
    s3.delete_object(Bucket=BUCKET, Key=key)
    assert "manifest.json is gone" in churn.asked(*LOST, code=1)


def test_an_image_that_left_its_repository_is_named(churn: Kept) -> None:
    churn.aws("ecr").batch_delete_image(
        repositoryName="churn", imageIds=[{"imageDigest": churn.inbox.image}]
    )
    assert "gone: image of churn-v1 in its repository" in churn.asked(*LOST, code=1)


def test_a_ledger_that_says_otherwise_is_named(churn: Kept) -> None:
    row = {"pk": {"S": "RELEASE#churn"}, "sk": {"S": "V#000001"}}
    found = churn.aws("dynamodb").get_item(TableName=TABLE, Key=row)
    assert found["Item"]
    churn.aws("dynamodb").update_item(
        TableName=TABLE,
        Key=row,
        UpdateExpression="SET digest = :other",
        ExpressionAttributeValues={":other": {"S": "0" * 64}},
    )
    told = churn.asked("--table", TABLE, *LOST[2:], code=1)
    assert "drift: digest of churn-v1 in its record of the ledger" in told
    assert not churn.folder.exists()


def test_what_names_no_release_is_told(churn: Kept) -> None:
    assert "names no release" in churn.asked(*LOST, code=2, release="churn")
    assert "no package of churn-v9" in churn.asked(*LOST, code=2, release="churn-v9")


@pytest.mark.parametrize("name", ["churn", "9lives", "a" * 64, "double--dash-"])
def test_a_name_that_must_not_be_is_refused_before_anything(churn: Kept, name: str) -> None:
    assert "refused" in churn.asked(*LOST, "--name", name, code=1)
    assert not churn.folder.exists()


def test_what_was_not_approved_is_not_deployed(churn: Kept, wire: Wire) -> None:
    churn.world.decide(churn.package, "Rejected")
    told = churn.asked(*LOST, "--deploy", "--role", ROLE, code=1)
    assert "not deployed: its package is Rejected" in told
    assert wire.calls("CreateStack", "DescribeStacks") == []


def test_another_image_is_refused(churn: Kept, wire: Wire) -> None:
    other = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/churn@sha256:{'0' * 64}"
    told = churn.asked(*LOST, "--deploy", "--role", ROLE, "--image", other, code=1)
    assert "refused: --image" in told
    assert wire.calls("CreateStack", "DescribeStacks") == []


def test_the_answer_is_one_json_document(churn: Kept) -> None:
    answer = json.loads(churn.asked(*LOST, "--json"))
    assert answer["release"] == str(a_release_name("churn-v1"))
    assert answer["as_captured"] is True
    assert answer["findings"] == []
    assert answer["files"] == ["README.txt", "manifest.dsse.json", "manifest.json", "template.json"]


def test_a_model_of_many_files_is_told_by_its_folder_and_nothing_may_lie_beside_them(
    churn: Kept,
) -> None:
    assert churn.inbox.deliver(*push_unpacked(churn.inbox, folder="churn-v2")) == []
    churn.world.decide(f"{GROUP}/2", "Approved")
    churn.asked(*LOST, release="churn-v2")
    container = churn.template["Resources"]["Model"]["Properties"]["PrimaryContainer"]
    source = container["ModelDataSource"]["S3DataSource"]
    assert source["S3Uri"] == {"Fn::Sub": "s3://${VaultBucket}/${VaultPrefix}model/"}
    assert source["S3DataType"] == "S3Prefix"

    prefix = churn.template["Parameters"]["VaultPrefix"]["Default"]
    churn.aws("s3").put_object(Bucket=BUCKET, Key=f"{prefix}model/more.py", Body=b"evil")
    told = churn.asked(*LOST, code=1, release="churn-v2")
    assert "objects beside the files of churn-v2: expected none, found model/more.py" in told


def test_a_copy_of_the_vaults_folder_is_held_against_the_manifest_too(churn: Kept) -> None:
    s3, own = churn.aws("s3"), churn.key("model.tar.gz").removesuffix("model.tar.gz")
    for name in (MODEL, CONFIG, EVALUATION):
        kept = s3.get_object(Bucket=BUCKET, Key=f"{own}{name}")["Body"].read()
        s3.put_object(Bucket=BUCKET, Key=f"copy/{name}", Body=kept)
    copied = ["--vault", f"s3://{BUCKET}/copy/"]
    churn.asked(*LOST, *copied)

    s3.put_object(Bucket=BUCKET, Key=f"copy/{CONFIG}", Body=b"{}")
    told = churn.asked(*LOST, *copied, code=1)
    assert f"drift: config.json of churn-v1 in s3://{BUCKET}/copy/" in told
    assert "with its last slash" in churn.asked(*LOST, "--vault", f"s3://{BUCKET}/copy", code=2)


def test_an_account_that_nobody_configured_is_told(churn: Kept) -> None:
    told = churn.asked(*LOST, "--deploy", "--role", ROLE, "--profile", "nobody", code=2)
    assert "nobody" in told


def test_what_no_trusted_key_has_signed_is_named_and_nothing_is_written(churn: Kept) -> None:
    told = churn.asked("--table", "lost", "--trusted-keys", STRANGE_KEY, code=1)
    assert "drift: signature of churn-v1" in told
    assert "SIGNATURE_UNTRUSTED" in told
    churn.aws("s3").delete_object(Bucket=BUCKET, Key=churn.key("manifest.dsse.json"))
    assert "SIGNATURE_MISSING" in churn.asked(*LOST, code=1)
    assert not churn.folder.exists()


def test_a_signature_that_nobody_can_check_is_not_taken_for_one(churn: Kept) -> None:
    told = churn.asked("--table", "lost", "--stack", "lost", code=3)
    assert "unreadable: signature of churn-v1" in told
    assert not churn.folder.exists()


class Standing:
    """The original and a reproduction of it, as SageMaker has both."""

    def __init__(self, churn: Kept) -> None:
        churn.asked(*LOST)
        self.sagemaker = churn.aws("sagemaker")
        text = churn.file("manifest.json").decode()
        self.digest = hashlib.sha256(text.encode()).hexdigest()
        self.manifest = parse_manifest(text, digest=self.digest)
        self.made("churn", "v1-e1")
        self.made("churn-v1-reproduced", "v1")

    def made(self, name: str, variant: str, *, count: int = 2, **container: Any) -> None:
        """An endpoint of the release, replaced if it is there; with this in its container."""
        for kind in ("endpoint", "endpoint_config", "model"):
            camel = "".join(word.title() for word in kind.split("_"))
            with contextlib.suppress(ClientError):
                getattr(self.sagemaker, f"delete_{kind}")(**{f"{camel}Name": name})
        runs = {**making.container(self.manifest, self.digest), **container}
        self.sagemaker.create_model(**making.model(name, runs=runs, role_arn=ROLE))
        of = making.production_variant(variant, model=name, fleet=fleet(self.manifest, count=count))
        self.sagemaker.create_endpoint_config(**making.config(name, variants=[of]))
        self.sagemaker.create_endpoint(**making.endpoint(name, config=name))


CHECK = ("--check", "--role", ROLE)


def test_a_reproduction_is_held_against_the_original_that_serves(churn: Kept) -> None:
    standing = Standing(churn)
    told = churn.asked(*LOST, *CHECK)
    assert "the same: yes" in told
    assert "cannot be compared" not in told

    standing.made("churn", "v1-e1", Environment={"LEVEL": "9"})
    told = churn.asked(*LOST, *CHECK, code=1)
    assert "PrimaryContainer.Environment.LEVEL of model: expected 9, found 1" in told


def test_how_many_instances_the_original_has_is_told_and_no_difference(churn: Kept) -> None:
    standing = Standing(churn)
    standing.made("churn", "v1-e1", count=5)
    told = churn.asked(*LOST, *CHECK)
    assert "InitialInstanceCount of endpoint configuration: 5 of the original, 2 here" in told


def test_an_original_that_serves_something_else_is_not_compared_with(churn: Kept) -> None:
    standing = Standing(churn)
    standing.made("churn", "v2-e2", ModelDataUrl="s3://elsewhere/model.tar.gz")
    assert "endpoint churn serves another release now" in churn.asked(*LOST, *CHECK)


def test_a_reproduction_that_is_not_there_is_gone(churn: Kept) -> None:
    assert "gone: endpoint churn-v1-reproduced" in churn.asked(*LOST, *CHECK, code=1)
