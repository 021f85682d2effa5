"""Lambda: the alias `live` of an application's function, and the published versions it leads to.

In the words of an endpoint: a version is a variant, and the versions that the alias leads to are
its configuration. A version that gets no traffic yet, or no more, stands there with weight 0, so
that every change of the traffic is one UpdateAlias. That call takes effect at once and is guarded
by the alias's RevisionId: whoever changed it in between is not overwritten unseen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sluice.adapters.endpoint import EndpointBusyError, EndpointRefusedError
from sluice.domain import names
from sluice.domain.statuses import IN_SERVICE
from sluice.domain.values import ALL_TRAFFIC
from sluice.domain.watching import EndpointView, VariantView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mypy_boto3_lambda import LambdaClient

_LATER = {"PreconditionFailedException", "ResourceConflictException"}
_REFUSED = {"ResourceNotFoundException", "InvalidParameterValueException"}
_UNREADABLE = "not for us to read"


class Alias:
    """The alias `live` of each application's function."""

    def __init__(self, client: Callable[[], LambdaClient], functions: Mapping[str, str]) -> None:
        """`functions` names the function that serves each application."""
        self._client = client
        self._functions = functions

    def make(self, name: str) -> None:
        """Make the alias on a version without a release, unless it is there; safe to repeat.

        Raises EndpointRefusedError when every version serves one, and what is next to be.
        """
        if self._alias(name) is not None:
            return
        try:
            self._client().create_alias(
                FunctionName=self._functions[name],
                Name=names.LIVE,
                FunctionVersion=self._first(name) or self._publish(name),
            )
        except ClientError as error:
            # Somebody was faster, or we were, and the answer was lost.
            if error.response["Error"]["Code"] not in _LATER or self._alias(name) is None:
                raise

    def describe(self, name: str) -> EndpointView | None:
        """The alias as it is; None where there is none, or none that leads to a release.

        The stack makes it on a version that was given no release: that one answers nobody.
        """
        alias = self._alias(name)
        shares = _shares(alias) if alias else {}
        if not shares or self._answers_nobody(name, shares):
            return None
        return EndpointView(
            status=IN_SERVICE,
            config=names.together(shares),
            variants={one: VariantView(weight=share, instances=1) for one, share in shares.items()},
        )

    def create(self, name: str, config: str) -> None:
        """Lead to the version that `config` holds. Raises EndpointBusyError, EndpointRefusedError.

        There is an alias already, or nothing can be created: its callers' permissions are on it.
        """
        self.update(name, config)

    def update(self, name: str, config: str, *, keep_counts: bool = False) -> None:
        """Lead to the versions that `config` holds, each with the traffic that it has.

        Raises EndpointBusyError and EndpointRefusedError.
        """
        alias, versions = self._existing(name), names.apart(config)
        shares = {one: _shares(alias).get(one, 0) for one in versions}
        if len(shares) == 1:
            shares = dict.fromkeys(shares, ALL_TRAFFIC)
        if sum(shares.values()) != ALL_TRAFFIC:
            message = (
                f"{names.LIVE} leads to {names.together(_shares(alias))}, which is not of {config}"
            )
            raise EndpointRefusedError(message)
        self._lead(name, alias, shares)

    def set_weights(self, name: str, weights: Mapping[str, int]) -> None:
        """Split the traffic. Raises EndpointBusyError and EndpointRefusedError."""
        alias = self._existing(name)
        if _shares(alias).keys() != weights.keys():
            leads, wanted = names.together(_shares(alias)), names.together(weights)
            message = f"{names.LIVE} leads to {leads}, not to {wanted}"
            raise EndpointRefusedError(message)
        self._lead(name, alias, weights)

    def delete(self, name: str) -> None:
        """Lead to the version that the stack made the alias on; safe to repeat.

        Raises EndpointBusyError and EndpointRefusedError.
        """
        first = self._first(name)
        if not first:
            message = f"{self._functions[name]} has no version without a release to lead back to"
            raise EndpointRefusedError(message)
        self.update(name, first)

    def _lead(self, name: str, alias: Any, weights: Mapping[str, float]) -> None:
        """Make the alias lead where `weights` says, if it is still as it was read."""
        main, *other = sorted(weights, key=lambda one: -weights[one])
        try:
            self._client().update_alias(
                FunctionName=self._functions[name],
                Name=names.LIVE,
                FunctionVersion=main,
                RoutingConfig={
                    "AdditionalVersionWeights": {one: weights[one] / ALL_TRAFFIC for one in other}
                },
                RevisionId=alias["RevisionId"],
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _REFUSED:
                raise EndpointRefusedError(str(error)) from error
            if code not in _LATER:
                raise
            # The SDK asks again when it gets no answer, and the first time may have had its effect.
            if _shares(self._existing(name)) != weights:
                raise EndpointBusyError(name) from error

    def _first(self, name: str) -> str:
        """The first version that serves no release, or nothing."""
        found = (one for one in self._versions(name) if not _release_of(one))
        return str(next(found, {"Version": ""})["Version"])

    def _publish(self, name: str) -> str:
        """Make what the function is now a version, if that serves no release.

        Lambda makes none when nothing changed since the last one: it answers with that.
        """
        function = self._functions[name]
        latest = self._client().get_function_configuration(FunctionName=function)
        if _release_of(latest):
            message = f"{function} serves a release: take {names.VERSION_VARIABLE} out of it once"
            raise EndpointRefusedError(message)
        published = self._client().publish_version(
            FunctionName=function, RevisionId=latest["RevisionId"]
        )
        return str(published["Version"])

    def _existing(self, name: str) -> Any:
        alias = self._alias(name)
        if alias is None:
            message = f"no function has an alias {names.LIVE} that serves application {name}"
            raise EndpointRefusedError(message)
        return alias

    def _alias(self, name: str) -> Any:
        """The alias as it is, or None where there is none."""
        if name not in self._functions:
            return None
        try:
            return self._client().get_alias(FunctionName=self._functions[name], Name=names.LIVE)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise

    def _answers_nobody(self, name: str, shares: Mapping[str, float]) -> bool:
        """Whether all requests go to a version that was published to serve no release.

        `$LATEST` is none: whatever it is told next it tells everybody at once.
        """
        if len(shares) > 1 or names.LATEST in shares:
            return False
        (version,) = shares
        return not _release_of(
            self._client().get_function_configuration(
                FunctionName=self._functions[name], Qualifier=version
            )
        )

    def _versions(self, name: str) -> Iterable[Any]:
        """The published versions, oldest first; `$LATEST` is none."""
        pages = (
            self._client()
            .get_paginator("list_versions_by_function")
            .paginate(FunctionName=self._functions[name])
        )
        found = (one for page in pages for one in page["Versions"])
        return sorted(
            (one for one in found if one["Version"].isdecimal()),
            key=lambda one: int(one["Version"]),
        )


def _shares(alias: Any) -> dict[str, float]:
    """The percentage of requests that each version gets: the first one what the other leaves."""
    others = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    shares = {version: round(share * ALL_TRAFFIC, 6) for version, share in others.items()}
    return {alias["FunctionVersion"]: ALL_TRAFFIC - sum(shares.values()), **shares}


def _release_of(configuration: Any) -> str:
    """What a function's configuration says it serves, or nothing.

    Where Lambda may not decrypt the variables for us it says an error instead: that may be any
    release, and to take it for none would be to find nothing serving where something does.
    """
    environment = configuration.get("Environment", {})
    if "Error" in environment:
        return _UNREADABLE
    return str(environment.get("Variables", {}).get(names.VERSION_VARIABLE, ""))
