"""SageMaker's half of an account: models, configurations, endpoints that take their time, packages.

What it answers is what the service models and AWS's pages say of the calls we make; the local
cloud is the faithful one. Here an endpoint is `Updating` for a while on virtual time, refuses what
SageMaker refuses meanwhile, and comes up as its new configuration says.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tests.builders import ACCOUNT, REGION
from tests.integration.machine.refusal import invalid

if TYPE_CHECKING:
    from datetime import datetime

    from tests.integration.machine.clock import Clock

type Request = dict[str, Any]

UPDATE_SECONDS = 150
WEIGHTS_SECONDS = 40
_BUSY = 'Cannot update in-progress endpoint "{}".'


@dataclass(frozen=True)
class Variant:
    """A production variant: what share it has now, and how many instances."""

    weight: float
    instances: int = 1


@dataclass
class FakeEndpoint:
    """One endpoint; `next_*` is what it becomes when the update under way ends."""

    name: str
    config: str
    variants: dict[str, Variant]
    status: str
    due: datetime | None
    next_config: str
    next_variants: dict[str, Variant]
    failure: str = ""

    def settle(self, ends: str = "") -> None:
        """The update under way has ended: well, unless it ends in a status that says otherwise.

        `InService` is one that was rolled back: what served before serves again;
        `UpdateRollbackFailed` leaves a mix of fleets.
        """
        self.status, self.due = ends or "InService", None
        if ends:
            self.failure = "the container did not pass its health check"
            if ends == "UpdateRollbackFailed":
                self.variants = {**self.next_variants, **self.variants}
        else:
            self.config, self.variants = self.next_config, self.next_variants

    @property
    def updatable(self) -> bool:
        """Whether SageMaker takes a change now."""
        return self.status in {"InService", "UpdateRollbackFailed"}


@dataclass
class FakeSageMaker:
    """Endpoints and what they are made of."""

    clock: Clock
    models: dict[str, Request] = field(default_factory=dict)
    configs: dict[str, list[Request]] = field(default_factory=dict)
    endpoints: dict[str, FakeEndpoint] = field(default_factory=dict)
    doomed: dict[str, str] = field(default_factory=dict)
    """The status in which an update ends that brings up a variant whose name begins so."""
    shares: list[tuple[datetime, str, dict[str, float]]] = field(default_factory=list)
    """Since when which endpoint sends what share of its requests to each variant."""

    def create_model(self, asked: Request) -> Request:
        """Names are taken once."""
        if asked["ModelName"] in self.models:
            raise invalid(f"Cannot create already existing model {asked['ModelName']}")
        self.models[asked["ModelName"]] = asked
        return {"ModelArn": _arn("model", asked["ModelName"])}

    def describe_model(self, asked: Request) -> Request:
        """As it was created; an archive is told twice, as a URL and as a source."""
        name = asked["ModelName"]
        if name not in self.models:
            raise invalid(f"Could not find model {name}")
        container = self.models[name]["PrimaryContainer"]
        if url := container.get("ModelDataUrl"):
            source = {"S3Uri": url, "S3DataType": "S3Object", "CompressionType": "Gzip"}
            container = {**container, "ModelDataSource": {"S3DataSource": source}}
        return {**self.models[name], "PrimaryContainer": container}

    def create_endpoint_config(self, asked: Request) -> Request:
        """Names are taken once, and every model must exist."""
        name = asked["EndpointConfigName"]
        if name in self.configs:
            raise invalid(f"Cannot create already existing endpoint configuration {name}")
        missing = [
            v["ModelName"] for v in asked["ProductionVariants"] if v["ModelName"] not in self.models
        ]
        if missing:
            raise invalid(f"Could not find model {missing[0]}")
        self.configs[name] = asked["ProductionVariants"]
        return {"EndpointConfigArn": _arn("endpoint-config", name)}

    def describe_endpoint_config(self, asked: Request) -> Request:
        """Its variants."""
        name = asked["EndpointConfigName"]
        if name not in self.configs:
            raise invalid(f"Could not find endpoint configuration {name}")
        return {"EndpointConfigName": name, "ProductionVariants": self.configs[name]}

    def describe_endpoint(self, asked: Request) -> Request:
        """As it stands: the configuration in force, the weights wanted and in effect."""
        endpoint = self._existing(asked)
        wanted = endpoint.next_variants if endpoint.due else endpoint.variants
        return {
            "EndpointName": endpoint.name,
            "EndpointConfigName": endpoint.config,
            "EndpointStatus": endpoint.status,
            **({"FailureReason": endpoint.failure} if endpoint.failure else {}),
            "ProductionVariants": [
                {
                    "VariantName": name,
                    "CurrentWeight": one.weight,
                    "DesiredWeight": wanted.get(name, one).weight,
                    "CurrentInstanceCount": one.instances,
                    "DesiredInstanceCount": wanted.get(name, one).instances,
                }
                for name, one in endpoint.variants.items()
            ],
        }

    def list_endpoints(self, asked: Request) -> Request:
        """Those in the status asked for, in one page."""
        wanted = asked.get("StatusEquals", "")
        found = [one for one in self.endpoints.values() if wanted in {"", one.status}]
        summaries = [{"EndpointName": one.name, "EndpointStatus": one.status} for one in found]
        return {"Endpoints": summaries}

    def create_endpoint(self, asked: Request) -> Request:
        """It is `Creating` first."""
        name, config = asked["EndpointName"], asked["EndpointConfigName"]
        if name in self.endpoints:
            raise invalid(f'Cannot create already existing endpoint "{_arn("endpoint", name)}".')
        variants = self._variants(config)
        self.endpoints[name] = FakeEndpoint(
            name, config, {}, "Creating", self.clock.after(UPDATE_SECONDS), config, variants
        )
        return {"EndpointArn": _arn("endpoint", name)}

    def update_endpoint(self, asked: Request) -> Request:
        """Old variants serve until the new ones are up; retained ones keep what is asked to."""
        endpoint, config = self._free(asked), asked["EndpointConfigName"]
        variants = self._variants(config)
        if asked.get("RetainAllVariantProperties"):
            excluded = {
                one["VariantPropertyType"]
                for one in asked.get("ExcludeRetainedVariantProperties", [])
            }
            assert excluded == {"DesiredWeight"}, "the only form we send"
            variants = {
                name: replace(one, instances=endpoint.variants.get(name, one).instances)
                for name, one in variants.items()
            }
        self._begin(endpoint, UPDATE_SECONDS, config, variants)
        return {"EndpointArn": _arn("endpoint", endpoint.name)}

    def update_endpoint_weights_and_capacities(self, asked: Request) -> Request:
        """Every variant named must be on the endpoint."""
        endpoint = self._free(asked)
        variants = dict(endpoint.variants)
        for one in asked["DesiredWeightsAndCapacities"]:
            name = one["VariantName"]
            if name not in variants:
                raise invalid(f"Could not find variant {name}")
            variants[name] = replace(variants[name], weight=one["DesiredWeight"])
        if not any(one.weight for one in variants.values()):
            raise invalid("the weights of all variants must not be zero")
        self._begin(endpoint, WEIGHTS_SECONDS, endpoint.config, variants)
        return {"EndpointArn": _arn("endpoint", endpoint.name)}

    def delete_endpoint(self, asked: Request) -> Request:
        """Gone at once."""
        endpoint = self._existing(asked)
        if endpoint.due:
            raise invalid(_BUSY.format(endpoint.name))
        del self.endpoints[endpoint.name]
        self.shares.append((self.clock.now, endpoint.name, {}))
        return {}

    def settle(self, now: datetime) -> list[FakeEndpoint]:
        """The endpoints whose update has ended by now."""
        done = [one for one in self.endpoints.values() if one.due and one.due <= now]
        for one in done:
            one.settle(self._end(one))
            total = sum(variant.weight for variant in one.variants.values()) or 1.0
            shares = {name: variant.weight / total for name, variant in one.variants.items()}
            self.shares.append((now, one.name, shares))
        return done

    def _end(self, endpoint: FakeEndpoint) -> str:
        """The status in which the update under way ends, if it does not end well."""
        coming = set(endpoint.next_variants) - set(endpoint.variants)
        ends = (
            end for name in coming for begins, end in self.doomed.items() if name.startswith(begins)
        )
        return next(ends, "")

    def _begin(
        self, endpoint: FakeEndpoint, seconds: int, config: str, variants: dict[str, Variant]
    ) -> None:
        endpoint.status, endpoint.due = "Updating", self.clock.after(seconds)
        endpoint.next_config, endpoint.next_variants = config, variants

    def _variants(self, config: str) -> dict[str, Variant]:
        if config not in self.configs:
            raise invalid(f"Could not find endpoint configuration {config}")
        return {
            one["VariantName"]: Variant(one["InitialVariantWeight"], one["InitialInstanceCount"])
            for one in self.configs[config]
        }

    def _free(self, asked: Request) -> FakeEndpoint:
        endpoint = self._existing(asked)
        if not endpoint.updatable:
            raise invalid(_BUSY.format(endpoint.name))
        return endpoint

    def _existing(self, asked: Request) -> FakeEndpoint:
        name = asked["EndpointName"]
        if name not in self.endpoints:
            raise invalid(f'Could not find endpoint "{name}".')
        return self.endpoints[name]


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name}"
