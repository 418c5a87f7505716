import numpy as np
import pytest

from pyimagesearch.data.loading import Dataset
from pyimagesearch.reports import montage


@pytest.fixture
def make_dataset():
    """Make a dataset out of the labels of its images, each image a grey of its own."""

    def make(labels, *, paths=None, groups=None, skipped=()):
        greys = np.arange(len(labels), dtype=np.uint8)
        return Dataset(
            images=np.broadcast_to(greys[:, None, None, None], (len(labels), 8, 8, 3)),
            labels=labels,
            paths=paths or [f"d/{'_'.join(each)}/{n}.png" for n, each in enumerate(labels)],
            classes=sorted({label for each in labels for label in each}),
            groups=np.arange(len(labels)) if groups is None else np.array(groups),
            checksums=np.arange(len(labels), dtype=np.uint32),
            skipped=list(skipped),
        )

    return make


@pytest.fixture
def captions(monkeypatch):
    """The lines that are written below the images of montages, in order."""
    lines = []
    monkeypatch.setattr(montage, "write_text", lambda cell, text, *_, **__: lines.append(text))
    return lines
