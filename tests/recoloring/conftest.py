from typing import NamedTuple

import cv2
import numpy as np
import pytest

SIZE = 64
BACKGROUND, SKIN, PRINT = (235, 238, 240), (140, 172, 224), (250, 250, 250)
COLORS = {"black": (28, 26, 26), "blue": (170, 70, 25), "red": (35, 25, 190)}
OUTLINES = {
    "dress": [(24, 18), (40, 18), (50, 52), (14, 52)],
    "jeans": [(22, 20), (42, 20), (44, 62), (35, 62), (32, 32), (29, 62), (20, 62)],
    "shirt": [(20, 12), (44, 12), (54, 30), (46, 32), (46, 48), (18, 48), (18, 32), (10, 30)],
}
HEAD_HEIGHTS = {"dress": 11, "jeans": 14, "shirt": 6}
FOLDERS = [
    ("black", "jeans"),
    ("blue", "dress"),
    ("blue", "jeans"),
    ("blue", "shirt"),
    ("red", "dress"),
    ("red", "shirt"),
]


class Photographs(NamedTuple):
    """Drawn images, their labels, and masks by name of what each of them shows."""

    images: np.ndarray
    labels: list[tuple[str, str]]
    regions: list[dict[str, np.ndarray]]

    def at(self, indices):
        """Return the photographs at some indices."""
        return Photographs(
            self.images[indices],
            [self.labels[i] for i in indices],
            [self.regions[i] for i in indices],
        )


def draw(color, type_, rng, *, with_print):
    """Draw a person in a garment that is darker towards its right, and return what is where."""
    shift = rng.integers(-3, 4, 2)
    garment, skin, printed = (np.zeros((SIZE, SIZE), np.uint8) for _ in range(3))
    cv2.fillPoly(garment, [np.array(OUTLINES[type_]) + shift], 1)
    head = (32 + int(shift[0]), HEAD_HEIGHTS[type_] + int(shift[1]))
    cv2.circle(skin, head, 6, 1, -1)
    if with_print:
        printed[28:36, 28:36] = 1
    skin[garment == 1] = 0
    garment[printed == 1] = 0

    image = np.full((SIZE, SIZE, 3), BACKGROUND, np.float64)
    image[skin == 1] = SKIN
    shade = np.linspace(1.15, 0.75, SIZE)[None, :, None]
    vivid = np.array(COLORS[color]) * rng.uniform(0.85, 1.15)
    image = np.where(garment[..., None] == 1, vivid * shade, image)
    image[printed == 1] = PRINT
    image += rng.normal(0, 2, image.shape)

    # Pixels along an edge may change, so the tests look at what lies further inside.
    neighbours = np.ones((3, 3), np.uint8)
    drawn = {"garment": garment, "skin": skin, "print": printed}
    regions = {
        name: cv2.erode(region, neighbours, borderValue=1) == 1 for name, region in drawn.items()
    }
    regions["background"] = cv2.dilate(garment + skin + printed, neighbours) == 0
    return image.clip(0, 255).astype(np.uint8), regions


@pytest.fixture(scope="session")
def photographs():
    """Twelve images of each folder; one in three shirts has a white print."""
    rng = np.random.default_rng(0)
    labels = [folder for folder in FOLDERS for _ in range(12)]
    drawn = [
        draw(*label, rng, with_print=label[1] == "shirt" and i % 3 == 0)
        for i, label in enumerate(labels)
    ]
    images, regions = zip(*drawn, strict=True)
    return Photographs(np.stack(images), labels, list(regions))
