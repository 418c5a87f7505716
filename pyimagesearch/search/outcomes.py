"""What became of the results of a search, and the summary of it."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from pyimagesearch.console import first_few
from pyimagesearch.errors import WORK_FAILED, UserError

KEPT, DUPLICATE, OTHER_FOLDER = "kept", "duplicate", "in another folder"
TOO_SMALL, NO_IMAGE, FAILED = "too small", "not an image", "failed"


class Outcome(NamedTuple):
    """What became of one result.

    Attributes
    ----------
    url : str
        URL of the image.
    category : str
        ``KEPT``, or the kind of reason why it was not kept.
    detail : str
        The name it was kept under, or what exactly is wrong with it.
    is_earlier : bool
        Whether an earlier run found this out.
    """

    url: str
    category: str
    detail: str
    is_earlier: bool = False


class Rejection(Exception):
    """A result is not kept.

    Attributes
    ----------
    category : str
        ``DUPLICATE``, ``OTHER_FOLDER``, ``TOO_SMALL`` or ``NO_IMAGE``.
    detail : str
        What exactly is wrong with it.
    """

    def __init__(self, category: str, detail: str) -> None:
        super().__init__(f"{category}: {detail}")
        self.category = category
        self.detail = detail


def summary(outcomes: Sequence[Outcome]) -> list[str]:
    """Count what became of the results.

    Parameters
    ----------
    outcomes : sequence of Outcome
        One for each result.

    Returns
    -------
    list of str
        A printable line for each category.
    """
    counts = Counter(outcome.category for outcome in outcomes)
    earlier = sum(outcome.is_earlier for outcome in outcomes if outcome.category == KEPT)
    elsewhere = [
        f"{outcome.url} is {outcome.detail}"
        for outcome in outcomes
        if outcome.category == OTHER_FOLDER
    ]
    reasons = Counter(outcome.detail for outcome in outcomes if outcome.category == FAILED)
    failures = [f"{count:,} x {reason}" for reason, count in reasons.most_common()]
    return [
        f"kept: {counts[KEPT]:,}" + (f", {earlier:,} of them by an earlier run" if earlier else ""),
        f"duplicates: {counts[DUPLICATE]:,}",
        f"left out as they are under other labels: {counts[OTHER_FOLDER]:,}{_named(elsewhere)}",
        f"too small: {counts[TOO_SMALL]:,}",
        f"not an image: {counts[NO_IMAGE]:,}",
        f"failed: {counts[FAILED]:,}{_named(failures)}",
    ]


def check_any_kept(outcomes: Sequence[Outcome]) -> None:
    """Make sure that a search has brought something.

    Parameters
    ----------
    outcomes : sequence of Outcome
        One for each result.

    Raises
    ------
    UserError
        If no result was kept, by this run or an earlier one.
    """
    if not outcomes:
        raise UserError("nothing was found: search with other words or licences", WORK_FAILED)
    if not any(outcome.category == KEPT for outcome in outcomes):
        raise UserError(
            "no image was kept, and the summary says why: search with other words, or run the same "
            "command again if downloads failed",
            WORK_FAILED,
        )


def _named(items: Sequence[str]) -> str:
    return f" ({first_few(items)})" if items else ""
