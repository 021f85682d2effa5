"""How a copy is cut: within S3's limits, whatever its size, and always alike."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.parts import LARGEST_PART, MOST_PARTS, SMALLEST_PART, cut

LARGEST_OBJECT = 10_000 * LARGEST_PART
"""48.8 TiB: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html."""


@given(st.integers(1, LARGEST_OBJECT))
def test_parts_cover_an_object_of_any_size_within_s3s_limits(size: int) -> None:
    parts = cut(size)

    assert 1 <= len(parts) <= MOST_PARTS
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    if len(parts) == 1:
        assert parts[0].extent == ""
        return
    ends = [tuple(map(int, one.extent.removeprefix("bytes=").split("-"))) for one in parts]
    assert ends[0][0] == 0
    assert ends[-1][1] == size - 1
    assert all(after[0] == before[1] + 1 for before, after in itertools.pairwise(ends))
    lengths = {end - start + 1 for start, end in ends[:-1]}
    assert len(lengths) == 1
    assert 5 * 2**20 <= lengths.pop() <= 5 * 2**30


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        pytest.param(1, 1, id="a byte"),
        pytest.param(SMALLEST_PART, 1, id="one part"),
        pytest.param(SMALLEST_PART + 1, 2, id="a byte more"),
        pytest.param(500 * 10**9, 2_000, id="half a terabyte"),
        pytest.param(LARGEST_OBJECT, MOST_PARTS, id="the largest object"),
    ],
)
def test_larger_objects_have_larger_parts_rather_than_more(size: int, parts: int) -> None:
    assert len(cut(size)) == parts
