"""Split each combination of labels into a colour and a type.

One part of the folders' names is the colour, and all others together are the type: in
``old_blue_dress``, blue is the colour of an old dress. Where names differ in length, shorter names
tell what the parts of longer ones mean: beside ``blue_jeans``, ``dark_blue_jeans`` are jeans, and
their colour is dark blue.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby, islice, product
from typing import NamedTuple

from pyimagesearch.console import printable
from pyimagesearch.errors import UserError

Labels = tuple[str, ...]


class Pair(NamedTuple):
    """The labels of a combination that are its colour, and those that are its type."""

    color: Labels
    type: Labels

    @property
    def joined(self) -> tuple[str, str]:
        """Name the colour and the type in one word each, as folders would."""
        return "_".join(self.color), "_".join(self.type)


class NameParts(NamedTuple):
    """What the parts of the folders' names mean.

    Attributes
    ----------
    pairs : dict of tuple of str to Pair
        The colour and the type of each combination where they can be told.
    color_place : int or None
        How many labels of the type stand before the colour; None for all of them.
    reason : str or None
        One line that says where the colour cannot be told from the type, and why.
    """

    pairs: dict[Labels, Pair]
    color_place: int | None
    reason: str | None = None


def split_names(labels: Iterable[Labels], *, part: int) -> NameParts:
    """Tell the colour from the type in each combination.

    Parameters
    ----------
    labels : iterable of tuple of str
        The labels of each image, or each combination once.
    part : int
        Which part of the shortest names is the colour; 0 is the first.

    Returns
    -------
    NameParts
        A longer name is split where one piece is the colour or the type of a shorter name, if
        there is one such place. That takes a colour that is the first or the last part.

    Raises
    ------
    UserError
        If the shortest names have too few parts for `part`.
    """
    combinations = sorted(set(labels), key=lambda combination: (len(combination), combination))
    shortest, longest = combinations[0], combinations[-1]
    if len(shortest) < 2:
        reason = (
            "recolouring needs folder names of two parts or more, a colour and a type, and "
            f"{_name(shortest)} has {len(shortest)}"
        )
        return NameParts({}, None, reason)
    if part >= len(shortest):
        raise UserError(
            f"part {part + 1} of the folders' names cannot be the colour: {_name(shortest)} has "
            f"only {len(shortest)} parts"
        )
    is_last = part == len(shortest) - 1
    pairs = {
        combination: Pair((combination[part],), combination[:part] + combination[part + 1 :])
        for combination in combinations
        if len(combination) == len(shortest)
    }
    names = NameParts(pairs, None if is_last else part)
    if len(longest) == len(shortest):
        return names
    if part > 0 and not is_last:
        reason = (
            "recolouring needs folder names of equally many parts if the colour is neither the "
            f"first nor the last, and {_name(shortest)} has {len(shortest)} and {_name(longest)} "
            f"has {len(longest)}"
        )
        return names._replace(reason=reason)
    return _split_longer(names, combinations[len(pairs) :])


def missing_pairs(names: NameParts) -> dict[Labels, Pair]:
    """List all combinations of a colour and a type that no folder holds.

    A colour and a type that share a label, such as rose where it is both, make no combination.

    Parameters
    ----------
    names : NameParts
        From :func:`split_names`.

    Returns
    -------
    dict of tuple of str to Pair
        Sorted by the combinations.
    """
    return dict(sorted(_missing(names)))


def count_missing_pairs(names: NameParts, *, most: int) -> int:
    """Count what :func:`missing_pairs` would list, up to `most`, without listing it."""
    return sum(1 for _ in islice(_missing(names), most))


def _missing(names: NameParts) -> Iterator[tuple[Labels, Pair]]:
    colors, types = ({pair[side] for pair in names.pairs.values()} for side in (0, 1))
    for color, type_ in product(colors, types):
        if not set(color).isdisjoint(type_):
            continue
        place = len(type_) if names.color_place is None else names.color_place
        if (combination := type_[:place] + color + type_[place:]) not in names.pairs:
            yield combination, Pair(color, type_)


def _split_longer(names: NameParts, longer: Iterable[Labels]) -> NameParts:
    """Split names, given from short to long, by what shorter ones tell."""
    pairs, reason = dict(names.pairs), None
    for _, equally_long in groupby(longer, key=len):
        colors, types = ({pair[side] for pair in pairs.values()} for side in (0, 1))
        for combination in equally_long:
            cuts = [(combination[:at], combination[at:]) for at in range(1, len(combination))]
            splits = [Pair(*(cut if names.color_place == 0 else cut[::-1])) for cut in cuts]
            likely = [split for split in splits if split.color in colors or split.type in types]
            if len(likely) == 1:
                pairs[combination] = likely[0]
            else:
                reason = reason or _why_not_told(combination, likely)
    return names._replace(pairs=pairs, reason=reason)


def _why_not_told(combination: Labels, likely: Collection[Pair]) -> str:
    why = " or ".join(f"{_name(color)} and {_name(type_)}" for color, type_ in likely)
    why = f"they may be {why}" if likely else "no shorter name has either"
    return (
        f"the colour and the type of {_name(combination)} cannot be told: {why} (parts of one name "
        "belong together if - joins them instead of _)"
    )


def _name(labels: Labels) -> str:
    return printable("_".join(labels))
