"""Random choices from tuples and tables."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def one_of(items: Sequence[T], rng: np.random.Generator) -> T:
    """Choose one of several items, each with the same probability."""
    return items[int(rng.integers(len(items)))]


def weighted_key(weights: Mapping[str, float], rng: np.random.Generator) -> str:
    """Choose a key with a probability in proportion to its weight; weights need not sum to one."""
    edges = np.cumsum(list(weights.values()))
    return list(weights)[int(np.searchsorted(edges, rng.random() * edges[-1]))]
