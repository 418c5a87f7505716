"""TODO."""

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from pyimagesearch.errors import WORK_FAILED, UserError
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
    folder: str | os.PathLike,
    combinations: Sequence[tuple[str, str]] = COMBINATIONS,
    per_combination: int = DATASET_IMAGES,
    seed: int = DATASET_SEED,
    size: int = DATASET_SIZE,
) -> None:
    """Write a data set: a folder for each combination, with JPEG files in it.

    Parameters
    ----------
    folder : str or path
        Where to; made if it is missing.
    combinations : sequence of pair of str
        Colour and kind of each folder, which is named after them, ``blue_dress`` for instance.
    per_combination : int
        Images a folder.
    seed : int
        Not negative. The same seed gives the same images.
    size : int
        The longest side of an image in pixels.

    Raises
    ------
    UserError
        If the folder holds anything already or cannot be written.
    """
    folder = Path(folder)
    _require_empty(folder)
    total = per_combination * len(combinations)
    with tqdm(total=total, unit="image", disable=None, leave=False) as progress:
        for color, kind in combinations:
            for index in range(per_combination):
                # What an image shows depends on its own folder and number, not on the others.
                rng = np.random.default_rng([seed, COLORS.index(color), KINDS.index(kind), index])
                path = folder / f"{color}_{kind}" / f"{index:08}.jpg"
                _write_jpeg(path, draw_garment(color, kind, rng, size))
                progress.update()


def write_examples(
    folder: str | os.PathLike, seed: int = EXAMPLES_SEED, size: int = EXAMPLES_SIZE
) -> None:
    """Write one image of each of `EXAMPLES`: ``example_01.jpg``, ``example_02.jpg`` and so on.

    Parameters
    ----------
    folder, seed, size
        As for :func:`write_dataset`.

    Raises
    ------
    UserError
        As for :func:`write_dataset`.
    """
    folder = Path(folder)
    _require_empty(folder)
    for index, (color, kind) in enumerate(EXAMPLES, start=1):
        rng = np.random.default_rng([seed, index])
        _write_jpeg(folder / f"example_{index:02}.jpg", draw_garment(color, kind, rng, size))


def _require_empty(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        holds_something = any(folder.iterdir())
    except OSError as error:
        raise UserError(f"cannot use {folder} as the output folder: {error.strerror}") from error
    if holds_something:
        raise UserError(f"{folder} is not empty: name a folder that is, or that does not exist yet")


def _write_jpeg(path: Path, image: np.ndarray) -> None:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}", WORK_FAILED) from error
