"""Folders of drawn photographs.

The folders `dataset` and `examples` of this repository were written by

    python -m pyimagesearch.garments --output dataset --per-combination 120 --seed 7
    python -m pyimagesearch.garments --examples examples --seed 83
"""

import itertools
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from pyimagesearch.console import Progress, no_progress
from pyimagesearch.errors import WORK_FAILED, UserError, reason_of
from pyimagesearch.files import AnyPath
from pyimagesearch.garments.scenes import (
    COLORS,
    COMBINATIONS,
    DATASET_SIZE,
    EXAMPLES,
    EXAMPLES_SIZE,
    KINDS,
    draw_garment,
)

DATASET_SEED, EXAMPLES_SEED = 7, 83
DATASET_IMAGES = 120
JPEG_QUALITY = 88


def write_dataset(
    folder: AnyPath,
    combinations: Sequence[tuple[str, str]] = COMBINATIONS,
    per_combination: int = DATASET_IMAGES,
    *,
    seed: int = DATASET_SEED,
    size: int = DATASET_SIZE,
    progress: Progress = no_progress,
) -> None:
    """Write a dataset: one folder of JPEG files for each combination.

    Parameters
    ----------
    folder : path
        Where to write; made if it does not exist.
    combinations : sequence of pair of str
        Colour and kind of each folder. ``("blue", "dress")`` is written to ``blue_dress``.
    per_combination : int
        Number of images in each folder.
    seed : int
        Random seed, not negative. The same seed draws the same images.
    size : int
        Longest side of each image in pixels.
    progress : callable, optional
        Shows how many images have been drawn, for example :func:`pyimagesearch.console.progress`.

    Raises
    ------
    UserError
        If the folder is not empty or cannot be written to.
    ValueError
        If there is no such colour or kind.
    """
    folder = Path(folder)
    _require_empty(folder)
    drawings = itertools.product(combinations, range(per_combination))
    for (color, kind), index in progress(drawings, per_combination * len(combinations)):
        # An image depends only on the seed, its combination and its number.
        rng = np.random.default_rng([seed, COLORS.index(color), KINDS.index(kind), index])
        path = folder / f"{color}_{kind}" / f"{index:08}.jpg"
        _write_jpeg(path, draw_garment(color, kind, rng, size=size))


def write_examples(
    folder: AnyPath, *, seed: int = EXAMPLES_SEED, size: int = EXAMPLES_SIZE
) -> None:
    """Write one image for each of `EXAMPLES`: ``example_01.jpg``, ``example_02.jpg`` and so on.

    Parameters
    ----------
    folder, seed, size
        See :func:`write_dataset`.

    Raises
    ------
    UserError
        If the folder is not empty or cannot be written to.
    """
    folder = Path(folder)
    _require_empty(folder)
    for index, (color, kind) in enumerate(EXAMPLES, start=1):
        rng = np.random.default_rng([seed, index])
        _write_jpeg(folder / f"example_{index:02}.jpg", draw_garment(color, kind, rng, size=size))


def _require_empty(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        raise UserError(f"cannot use {folder} as the output folder: {reason_of(error)}") from error
    if not is_empty:
        raise UserError(f"{folder} is not empty: name an empty folder or one that does not exist")


def _write_jpeg(path: Path, image: np.ndarray) -> None:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise UserError(f"cannot write {path}: {reason_of(error)}", WORK_FAILED) from error
