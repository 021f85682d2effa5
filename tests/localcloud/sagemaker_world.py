"""What SageMaker tests need around an endpoint: roles, images, artifacts, and patience."""

import io
import json
import tarfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.localcloud.waiting import until

ACCOUNT = "123456789012"


def trust(principal: dict[str, str]) -> dict[str, Any]:
    """A policy that lets the principal assume a role."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
SAGEMAKER = {"Service": "sagemaker.amazonaws.com", **ROOT}
ANSWERS = """
import json, os

def model_fn(folder):
    return open(os.path.join(folder, "name")).read()

def input_fn(body, content_type):
    if content_type != "application/json":
        raise ValueError("unsupported content type " + content_type)
    return json.loads(body)

def predict_fn(data, model):
    if data.get("fail"):
        raise RuntimeError("the model broke")
    if data.get("die"):
        os._exit(3)
    return {"model": model, "greeting": os.environ.get("GREETING"), "pid": os.getpid()}

def output_fn(prediction, accept):
    return json.dumps(prediction), accept
"""
REFUSES_TO_LOAD = "def model_fn(folder):\n    raise RuntimeError('weights are corrupt')\n"
_PATIENCE_SECONDS = 30.0


@dataclass
class World:
    """One test's corner of the account."""

    client: Any
    name: str

    @property
    def sagemaker(self) -> Any:
        """SageMaker, as root."""
        return self.client("sagemaker")

    def role(self, *statements: dict[str, Any], trusted: dict[str, str] = SAGEMAKER) -> str:
        """A new role that may do what the statements say."""
        iam, name = self.client("iam"), f"role-{uuid.uuid4().hex[:10]}"
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust(trusted)))
        if statements:
            policy = {"Version": "2012-10-17", "Statement": list(statements)}
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        return str(made["Role"]["Arn"])

    def as_role(self, role_arn: str, service: str = "sagemaker") -> Any:
        """A client that acts as the role."""
        return self.client.as_role(service, role_arn)

    def serving_role(self, *more: str) -> str:
        """A role that may fetch everything an endpoint needs, and more."""
        actions = ["s3:GetObject", "s3:ListBucket", "ecr:*", "logs:*", "kms:Decrypt", *more]
        return self.role(allow(actions, "*"))

    def image(self) -> str:
        """An image in this account's registry, by digest."""
        ecr = self.client("ecr")
        ecr.create_repository(repositoryName=self.name)
        pushed = ecr.put_image(repositoryName=self.name, imageManifest="{}", imageTag="latest")
        digest = pushed["image"]["imageId"]["imageDigest"]
        return f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/{self.name}@{digest}"

    def artifact(self, label: str, code: str = ANSWERS) -> str:
        """A model artifact in S3 that answers with its label."""
        s3, packed = self.client("s3"), io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for path, text in {"name": label, "code/inference.py": code}.items():
                member = tarfile.TarInfo(path)
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
        s3.create_bucket(Bucket=self.name)
        s3.put_object(Bucket=self.name, Key=f"{label}.tar.gz", Body=packed.getvalue())
        return f"s3://{self.name}/{label}.tar.gz"

    def model(self, label: str, *, code: str = ANSWERS, role: str = "", image: str = "") -> str:
        """A SageMaker model whose answers carry its label."""
        name = f"{self.name}-{label}"
        self.sagemaker.create_model(
            ModelName=name,
            PrimaryContainer={
                "Image": image or self.image_once(),
                "ModelDataUrl": self.artifact(label, code),
                "Environment": {"GREETING": f"hello from {label}"},
            },
            ExecutionRoleArn=role or self.serving_role(),
        )
        return name

    def image_once(self) -> str:
        """The test's image, pushed at first use."""
        ecr = self.client("ecr")
        repositories = ecr.describe_repositories()["repositories"]
        if self.name not in {repository["repositoryName"] for repository in repositories}:
            return self.image()
        digest = ecr.list_images(repositoryName=self.name)["imageIds"][0]["imageDigest"]
        return f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/{self.name}@{digest}"

    def config(self, label: str, **variants: tuple[str, float]) -> str:
        """An endpoint configuration: variant name to model name and weight."""
        name = f"{self.name}-{label}"
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {
                    "VariantName": variant,
                    "ModelName": model,
                    "InitialVariantWeight": weight,
                    "InitialInstanceCount": 1,
                    "InstanceType": "ml.m5.large",
                }
                for variant, (model, weight) in variants.items()
            ],
        )
        return name

    def endpoint(self, config: str) -> str:
        """An endpoint in service."""
        self.sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=config)
        self.settled()
        return self.name

    def settled(self, name: str = "") -> dict[str, Any]:
        """The endpoint's description once it is neither creating nor updating."""
        told: dict[str, Any] = until(
            lambda: self.sagemaker.describe_endpoint(EndpointName=name or self.name),
            "the endpoint settled",
            seconds=_PATIENCE_SECONDS,
            good=lambda told: told["EndpointStatus"] not in {"Creating", "Updating"},
            pause=0.1,
        )
        return told

    def invoke(self, body: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """What InvokeEndpoint answers, its body parsed."""
        answer: dict[str, Any] = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.name,
            Body=json.dumps(body or {}),
            **{"ContentType": "application/json", **options},
        )
        return {**answer, "Body": json.loads(answer["Body"].read())}

    def watch(self, pattern: dict[str, Any]) -> Callable[[], list[dict[str, Any]]]:
        """Collect events that match; the function returned says what has come so far."""
        sqs, events = self.client("sqs"), self.client("events")
        name = f"watch-{uuid.uuid4().hex[:8]}"
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
        rule = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
                }
            ],
        }
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])
        seen: list[dict[str, Any]] = []

        def so_far() -> list[dict[str, Any]]:
            while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
                "Messages"
            ):
                for message in messages:
                    seen.append(json.loads(message["Body"]))
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return seen

        return so_far


def allow(actions: str | list[str], resources: str | list[str], **extra: Any) -> dict[str, Any]:
    """An Allow statement."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **extra}


def eventually(look: Callable[[], Any], *, seconds: float = 10.0) -> Any:
    """What `look` finds, once it finds something."""
    return until(look, "it came", seconds=seconds, pause=0.05)
