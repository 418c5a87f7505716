"""Surfaces of cloth, skin and hair: light and shade, folds, weave and patterns."""

from typing import NamedTuple

import cv2
import numpy as np

from pyimagesearch.garments.colors import WHITE, Color

Size = tuple[int, int]


class Texture(NamedTuple):
    """How a surface looks.

    Attributes
    ----------
    relief : float
        How much darker the surface is at its edges, where it turns away.
    folds : float
        Contrast of the folds.
    across, along : int
        Number of folds from left to right and from top to bottom.
    grain : float
        Contrast of the weave.
    sheen : float
        How strongly the brightest folds reflect light.
    pattern : str
        A key of `PATTERNS`; empty for none.
    pattern_color : tuple of float
        Second colour of the pattern, BGR from 0 to 255.
    """

    relief: float = 0.0
    folds: float = 0.0
    across: int = 3
    along: int = 3
    grain: float = 0.0
    sheen: float = 0.0
    pattern: str = ""
    pattern_color: Color = WHITE


PLAIN = Texture()
SKIN = Texture(relief=0.35)
HAIR = Texture(relief=0.3, folds=0.25, across=14, along=3, grain=0.08)
LEATHER_SHOE = Texture(relief=0.4, folds=0.1)
FRAYED = Texture(grain=0.15)

FABRICS = {
    "denim": Texture(relief=0.5, folds=0.10, across=7, along=10, grain=0.06),
    "stretch": Texture(relief=0.4, folds=0.06, across=4, along=8, grain=0.02),
    "leather": Texture(relief=0.4, folds=0.25, across=14, along=16, grain=0.02, sheen=0.25),
    "jersey": Texture(relief=0.35, folds=0.06, across=3, along=4, grain=0.03),
    "cotton": Texture(relief=0.4, folds=0.07, across=6, along=6, grain=0.03),
    "satin": Texture(relief=0.4, folds=0.15, across=8, along=4, sheen=0.4),
    "chiffon": Texture(relief=0.3, folds=0.14, across=14, along=2, grain=0.02, sheen=0.15),
    "crepe": Texture(relief=0.35, folds=0.05, across=4, along=3, grain=0.015),
    "lace": Texture(relief=0.3, folds=0.06, across=4, along=4, grain=0.12),
}


def surface(
    color: Color, texture: Texture, coverage: np.ndarray, *, rng: np.random.Generator
) -> np.ndarray:
    """Compute the colour of each pixel of a surface.

    Parameters
    ----------
    color : tuple of float
        Main colour, BGR from 0 to 255.
    texture : Texture
        How the surface looks.
    coverage : numpy.ndarray
        uint8, shape (H, W): 255 where the surface is, 0 elsewhere.
    rng : numpy.random.Generator
        Places folds and patterns.

    Returns
    -------
    numpy.ndarray
        float, BGR from 0 to 255, shape (H, W, 3), or (3,) if all pixels have the same colour.
    """
    pixels = np.asarray(color, np.float32)
    if texture == PLAIN:
        return pixels
    if texture.pattern:
        weight = PATTERNS[texture.pattern](coverage.shape, rng)[..., None]
        pixels = pixels + weight * (np.asarray(texture.pattern_color, np.float32) - pixels)
    light = _light(coverage, texture, rng)[..., None]
    reflected = texture.sheen * 255 * np.maximum(light - 1, 0)
    return np.clip(pixels * light + reflected, 0, 255)


def _light(coverage: np.ndarray, texture: Texture, rng: np.random.Generator) -> np.ndarray:
    """Compute how much light each pixel returns, about 1; float32, shape (H, W)."""
    height, width = coverage.shape
    side_light = rng.normal(0, 0.06)
    light = np.linspace(1 - side_light, 1 + side_light, width, dtype=np.float32)
    light = np.repeat(light[None, :], height, axis=0)
    if texture.folds:
        folds = _folds((height, width), texture, rng)
        light += texture.folds * (folds + _creases((height, width), rng))
    reach = max(3, width // 5) | 1
    inside = cv2.blur(coverage, (reach, reach), borderType=cv2.BORDER_REPLICATE)
    light += texture.relief * (inside.astype(np.float32) / 255 - 0.8)
    if texture.grain:
        light += texture.grain * rng.standard_normal((height, width), np.float32)
    return np.maximum(light, 0.05)


def _folds(shape: Size, texture: Texture, rng: np.random.Generator) -> np.ndarray:
    """Draw soft folds that lean to one side; float32."""
    folds = smooth_noise(shape, (texture.along, texture.across), rng)
    height, width = shape
    slant = rng.normal(0, 0.6 * texture.along / texture.across) * width / height
    lean = np.array([[1, slant, -slant * height / 2], [0, 1, 0]], np.float32)
    return np.asarray(cv2.warpAffine(folds, lean, (width, height), borderMode=cv2.BORDER_REFLECT))


def _creases(shape: Size, rng: np.random.Generator) -> np.ndarray:
    """Draw soft straight creases, each a dark line beside a bright one; float32."""
    creases = np.zeros(shape, np.float32)
    width = shape[1]
    count = int(rng.integers(2, 9))
    starts = rng.uniform(0, 1, (count, 2)) * shape[::-1]
    ends = starts + rng.normal(0, 0.25, (count, 2)) * width
    for start, end in zip(starts, ends, strict=True):
        cv2.line(creases, _pixel(start), _pixel(end), -2.0, 1 + width // 50)
        cv2.line(creases, _pixel(start + 2), _pixel(end + 2), 1.5, 1)
    return np.asarray(cv2.GaussianBlur(creases, (0, 0), max(0.8, width / 50)))


def _pixel(point: np.ndarray) -> list[int]:
    return point.astype(int).tolist()


def smooth_noise(shape: Size, cells: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Draw smooth noise of about unit variance.

    Parameters
    ----------
    shape : pair of int
        Height and width in pixels.
    cells : pair of int
        How many independent values there are from top to bottom and from left to right.
    rng : numpy.random.Generator
        Draws these values.

    Returns
    -------
    numpy.ndarray
        float32, shape (height, width).
    """
    noise = rng.standard_normal((max(cells[0], 2), max(cells[1], 2)), np.float32)
    return np.asarray(cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC))


# Patterns return how much of the second colour each pixel has, from 0 to 1.


def _stripes(shape: Size, rng: np.random.Generator) -> np.ndarray:
    """Draw horizontal stripes."""
    period = shape[0] * rng.uniform(0.05, 0.2)
    return _wave(shape[0], period, rng)[:, None] * np.ones(shape, np.float32)


def _pinstripes(shape: Size, rng: np.random.Generator) -> np.ndarray:
    """Draw thin vertical stripes."""
    wave = _wave(shape[1], max(4.0, shape[1] * rng.uniform(0.04, 0.1)), rng)
    return wave[None, :] ** 4 * np.ones(shape, np.float32)


def _checks(shape: Size, rng: np.random.Generator) -> np.ndarray:
    """Cross horizontal stripes with vertical ones."""
    period = max(4.0, shape[1] * rng.uniform(0.05, 0.22))
    across, down = _wave(shape[0], period, rng), _wave(shape[1], period, rng)
    return (across[:, None] + down[None, :]) / 2


def _wave(length: int, period: float, rng: np.random.Generator) -> np.ndarray:
    phase = rng.uniform(0, 2 * np.pi)
    wave = np.sin(np.arange(length, dtype=np.float32) * (2 * np.pi / period) + phase)
    return np.clip(wave * 3 + 0.5, 0, 1)


def _blotches(shape: Size, rng: np.random.Generator) -> np.ndarray:
    """Draw flowers, leaves or stains of bleach."""
    cells = int(rng.integers(6, 16))
    return np.clip(smooth_noise(shape, (cells, cells), rng) * 2 - 0.8, 0, 1)


def _lace(shape: Size, rng: np.random.Generator) -> np.ndarray:
    """Draw small holes or sequins."""
    cells = max(8, shape[0] // 4), max(8, shape[1] // 4)
    return np.clip(smooth_noise(shape, cells, rng) * 1.2, 0, 1)


def _heather(shape: Size, rng: np.random.Generator) -> np.ndarray:
    """Mix two yarns."""
    return rng.random(shape, np.float32) * 0.8


def _fading(shape: Size, rng: np.random.Generator) -> np.ndarray:
    """Fade from one colour to the other, downwards or upwards."""
    ramp = np.linspace(-1, 1, shape[0], dtype=np.float32) * rng.choice((-1, 1)) * 1.5
    return np.clip(ramp[:, None] * np.ones(shape, np.float32) + rng.uniform(-0.8, 0.3), 0, 1)


def _wash(shape: Size, rng: np.random.Generator) -> np.ndarray:
    """Bleach the middle of both legs, as on worn or washed denim."""
    y = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None]
    x = np.abs(np.linspace(-1, 1, shape[1], dtype=np.float32))[None, :]
    thigh = np.exp(-(((y - rng.uniform(0.25, 0.5)) / rng.uniform(0.12, 0.35)) ** 2))
    middle = np.exp(-(((x - rng.uniform(0.4, 0.6)) / 0.25) ** 2))
    worn = thigh * middle * rng.uniform(0.3, 1)
    return np.clip(worn + 0.3 * smooth_noise(shape, (12, 8), rng) * worn, 0, 1)


PATTERNS = {
    "stripes": _stripes,
    "pinstripes": _pinstripes,
    "checks": _checks,
    "blotches": _blotches,
    "lace": _lace,
    "heather": _heather,
    "fading": _fading,
    "wash": _wash,
}
