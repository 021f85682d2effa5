"""Every contract test of the local cloud says what it stands on, and the page shows it."""

from __future__ import annotations

import re

import botocore.session
import pytest

from tests.architecture.grounds import Contract, contracts, shown, table

_PAGE = re.compile(r"[\w-]+/[\w./-]+\.html(#[\w-]+)?")


@pytest.mark.parametrize("contract", contracts(), ids=lambda one: one.path.stem)
def test_contract_tests_name_their_ground(contract: Contract) -> None:
    assert contract.grounds, (
        f"{contract.path.name}: add lines `AWS: page`, `Model: service.Operation` or `Ours: why` "
        "to the docstring"
    )


@pytest.mark.parametrize("contract", contracts(), ids=lambda one: one.path.stem)
def test_the_models_and_pages_they_name_can_be(contract: Contract) -> None:
    for kind, where in contract.grounds:
        if kind == "AWS":
            assert _PAGE.fullmatch(where), where
        elif kind == "Model":
            service, _, operation = where.partition(".")
            model = botocore.session.get_session().get_service_model(service)
            assert operation in model.operation_names, where


def test_the_page_of_the_local_cloud_shows_them() -> None:
    assert shown() == table(), "run `python -m tests.architecture.grounds`"
