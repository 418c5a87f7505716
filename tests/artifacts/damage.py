"""Damaged copies of a file, which must be read or refused without delay."""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


def damaged_copies(
    data: bytes, count: int, places: Sequence[int] = (1, 3, 10, 100)
) -> Iterator[bytes]:
    """Yield copies with other bytes in one of these numbers of places; in each run the same."""
    for seed in range(count):
        choose = random.Random(seed)
        damaged = bytearray(data)
        for _ in range(choose.choice(places)):
            damaged[choose.randrange(len(data))] = choose.choice([0, 1, 255, choose.randrange(256)])
        yield bytes(damaged)


@contextmanager
def read_or_refused_at_once(refusal: type[Exception]) -> Iterator[None]:
    """Let reading raise this kind of exception, in one line, but not compute for long."""
    began = time.process_time()
    try:
        yield
    except refusal as error:
        assert "\n" not in str(error)
    assert time.process_time() - began < 5
