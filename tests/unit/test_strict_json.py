"""What strangers write is read strictly, and nothing but MalformedJsonError comes of it."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.strict_json import MAX_DEPTH, MalformedJsonError, parse

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"", "Expecting value", id="nothing"),
        pytest.param(b"{", "Expecting property name", id="cut off"),
        pytest.param(b'{"a": 1} {}', "Extra data", id="two documents"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', "byte order mark", id="byte order mark"),
        pytest.param('{"a": 1}'.encode("utf-16"), "not UTF-8", id="UTF-16"),
        pytest.param(b'{"a": "\xff"}', "not UTF-8 at byte 7", id="not UTF-8"),
        pytest.param(b'{"a": NaN}', "NaN is not JSON", id="NaN"),
        pytest.param(b'{"a": -Infinity}', "-Infinity is not JSON", id="Infinity"),
        pytest.param(b'{"a": 1e999}', "too large", id="overflows to infinity"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", "more than 20 digits", id="5000 digits"),
        pytest.param(b'{"a": 1, "b": 2, "a": 3}', "'a' stands twice", id="repeated name"),
        pytest.param(b'{"a": {"b": 1, "b": 1}}', "'b' stands twice", id="repeated name inside"),
        pytest.param(b'{"a": "\\ud800"}', "surrogate", id="half a surrogate pair"),
        pytest.param(b'{"\\udc00": 1}', "surrogate", id="half a surrogate pair in a name"),
        pytest.param(b"[" * 100_000, "deeper than 32", id="deep enough to crash a reader"),
        pytest.param(b'{"a":' * 33 + b"1" + b"}" * 33, "deeper than 32", id="too deep"),
    ],
)
def test_what_two_readers_could_understand_differently_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(MalformedJsonError, match=said):
        parse(data)


def test_the_deepest_document_allowed_is_read() -> None:
    nested = b"[" * (MAX_DEPTH - 1) + b"1" + b"]" * (MAX_DEPTH - 1)

    assert json.dumps(parse(nested)).encode() == nested


@given(json_values)
def test_whatever_is_proper_json_is_read_as_it_was_meant(value: object) -> None:
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail_in_any_other_way(data: bytes) -> None:
    with suppress(MalformedJsonError):
        parse(data)
