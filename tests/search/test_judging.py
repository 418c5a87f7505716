import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from misbehaving_results import bomb_png, encoded, pattern

from pyimagesearch.data.image_header import READS_AVIF
from pyimagesearch.search.judging import judge
from pyimagesearch.search.outcomes import NO_IMAGE, TOO_SMALL, Rejection

NEEDS_AVIF = pytest.mark.skipif(not READS_AVIF, reason="AVIF needs Pillow 11.3")


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [(".jpg", ".jpg"), (".png", ".png"), (".bmp", ".bmp"), (".tiff", ".tif"), (".webp", ".webp")]
    + [(".gif", ".gif"), pytest.param(".avif", ".avif", marks=NEEDS_AVIF)],
)
def test_the_suffix_follows_the_content(suffix, expected):
    assert judge(encoded(pattern(1), suffix), 64).suffix == expected


@pytest.mark.parametrize(
    ("data", "category", "detail"),
    [
        (b"<!DOCTYPE html>", NO_IMAGE, "not an image"),
        (b"", NO_IMAGE, "not an image"),
        (bomb_png(), NO_IMAGE, "pixels"),
        (encoded(pattern(1))[:-200], NO_IMAGE, "cut off"),
        (encoded(pattern(1), ".png")[:-2000], NO_IMAGE, "damaged"),
        (encoded(pattern(1), ".webp")[:-200], NO_IMAGE, "damaged"),
        (encoded(pattern(1), ".gif")[:-2000], NO_IMAGE, "damaged"),
        (encoded(pattern(1, 300, 63)), TOO_SMALL, "300 x 63 pixels"),
    ],
    ids=["html", "nothing", "bomb", "jpeg cut", "png cut", "webp cut", "gif cut", "too small"],
)
def test_what_is_not_worth_keeping_is_rejected(data, category, detail):
    with pytest.raises(Rejection, match=detail) as caught:
        judge(data, 64)
    assert caught.value.category == category


def test_an_image_as_small_as_allowed_is_kept():
    assert judge(encoded(pattern(1, 300, 64)), 64).small.shape == (96, 96, 3)


@pytest.mark.slow
@settings(max_examples=60)
@given(st.data())
def test_any_damage_leads_to_an_image_or_a_rejection(data):
    suffix = data.draw(st.sampled_from([".jpg", ".png", ".gif", ".webp", ".tif"]))
    body = bytearray(encoded(pattern(2), suffix))
    for _ in range(data.draw(st.integers(1, 8))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert judge(bytes(body), 64).small.dtype == np.uint8
    except Rejection as rejection:
        assert rejection.category in (NO_IMAGE, TOO_SMALL)
