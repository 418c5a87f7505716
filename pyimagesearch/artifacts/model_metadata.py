"""The metadata of a model file: what it says about the training run that it comes from.

``FIELDS`` describes all of it. What comes from a file is checked against this description before
anything uses it; what it does not describe is left out.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pyimagesearch.artifacts.plain_json import JsonError, read_json
from pyimagesearch.data.decoding import FITS
from pyimagesearch.errors import UserError

# Room for the names of some hundred thousand combinations.
MOST_BYTES = 2**24


class MetadataError(ValueError):
    """The metadata of a model file are not what they should be; says what is wrong."""


class _Field(NamedTuple):
    """What a field holds, in words, and a check of its value, given the labels."""

    holds: str
    is_right: Callable[[Any, list[str]], bool]


def to_bytes(metadata: Mapping[str, Any]) -> bytes:
    """Write the metadata of a model file as JSON, as :func:`from_bytes` reads them.

    Parameters
    ----------
    metadata : mapping
        JSON values as ``FIELDS`` describes them.

    Returns
    -------
    bytes
        UTF-8.

    Raises
    ------
    UserError
        If they are longer than ``MOST_BYTES``.
    """
    text = json.dumps(metadata, ensure_ascii=False, separators=(",", ":"))
    # Names of folders that are no UTF-8 have lone surrogates, which JSON escapes as Python does.
    data = text.encode("utf-8", "backslashreplace")
    if len(data) > MOST_BYTES:
        raise UserError(
            f"the names of all labels and combinations are too long for a model file, which has "
            f"room for {MOST_BYTES >> 20} MiB of them: train with fewer or shorter names"
        )
    return data


def from_bytes(data: bytes, *, image_size: int, outputs: int) -> dict[str, Any]:
    """Read and check the metadata of a model file.

    Parameters
    ----------
    data : bytes
        JSON.
    image_size : int
        Height and width of the images that the network takes.
    outputs : int
        Number of the network's outputs.

    Returns
    -------
    dict
        The fields that `data` holds of those in ``FIELDS``; ``labels`` always.

    Raises
    ------
    MetadataError
        If they are damaged, a field is not what ``FIELDS`` says, or they belong to another network.
    """
    try:
        metadata = read_json(data, most_bytes=MOST_BYTES)
    except JsonError as error:
        raise MetadataError(f"it {error}") from error
    if not isinstance(metadata, dict):
        raise MetadataError("it is not an object of JSON")
    labels: Any = metadata.get("labels")
    if not _are_labels(labels) or len(labels) != outputs:
        raise MetadataError(f"its labels are not {outputs} different names")
    if metadata.get("image_size", image_size) != image_size:
        raise MetadataError(f"its field image_size is not the network's, {image_size}")
    for name, field in FIELDS.items():
        if name in metadata and not field.is_right(metadata[name], labels):
            raise MetadataError(f"its field {name} is not {field.holds}")
    return {name: metadata[name] for name in FIELDS if name in metadata}


def _are_labels(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(isinstance(label, str) for label in value)
        and len(set(value)) == len(value)
    )


def _are_combinations(value: Any, labels: list[str]) -> bool:
    known = set(labels)
    return isinstance(value, list) and all(
        _are_labels(combination) and known.issuperset(combination) for combination in value
    )


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


FIELDS = {
    "labels": _Field("a list of different names", lambda value, _: _are_labels(value)),
    "free_labels": _Field("true or false", lambda value, _: isinstance(value, bool)),
    "image_size": _Field("a number of pixels", lambda value, _: _is_count(value)),
    "fit": _Field(" or ".join(FITS), lambda value, _: value in FITS),
    "combinations": _Field("a list of lists of its labels", _are_combinations),
    "composed": _Field("a list of lists of its labels", _are_combinations),
    "trained_at": _Field("a time", lambda value, _: isinstance(value, str) and len(value) <= 100),
    "images": _Field(
        "a number of images for each part of the dataset",
        lambda value, _: isinstance(value, dict) and all(map(_is_count, value.values())),
    ),
    "test_accuracies": _Field(
        "a share for each accuracy",
        lambda value, _: isinstance(value, dict) and all(map(_is_share, value.values())),
    ),
    "thresholds": _Field(
        "a number between 0 and 1 for each label",
        lambda value, labels: (
            isinstance(value, dict)
            and set(value) == set(labels)
            and all(map(_is_share, value.values()))
        ),
    ),
}
