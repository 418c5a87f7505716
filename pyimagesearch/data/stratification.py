"""Share groups of images with any number of labels out between training and test."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

# At most this many moves of groups are tried to get a label tested. With up to eight groups, there
# are no more than these.
MOVES = 256


def large_last(sizes: np.ndarray, wanted: float) -> np.ndarray:
    """Put groups that are too large for the test side behind the others.

    A folder that is mostly copies of one image would otherwise be tested on as a whole, and hardly
    trained on.

    Parameters
    ----------
    sizes : numpy.ndarray
        int, shape (G,): the images in each group.
    wanted : float
        How many images the test side is to have of them.

    Returns
    -------
    numpy.ndarray
        int, shape (G,): positions. Groups of at most `wanted` images keep their order; of the
        others, the smallest comes first.
    """
    return np.argsort(np.maximum(sizes, wanted), kind="stable")


def share_out(
    labels: Sequence[tuple[str, ...]],
    groups: np.ndarray,
    *,
    test_size: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Choose the groups to test on, so that each label is on both sides where it can be.

    Each label gets its share in turn. The label of the fewest groups is first, because it leaves
    the least choice (Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-Label
    Data", 2011). Then groups are moved for the labels that are not tested yet.

    Parameters
    ----------
    labels : sequence of tuple of str
        The labels of each of the N images.
    groups : numpy.ndarray
        int, shape (N,): images with the same number stay on one side.
    test_size : float
        Share of each label for the test side, between 0 and 1.
    rng : numpy.random.Generator
        Decides between groups that are equally good.

    Returns
    -------
    numpy.ndarray
        bool, one for each group. Every label has a group to train on. To find out whether all
        labels of several groups can be tested as well is hard in general. With up to eight groups,
        all are tested if any choice allows it. With more, one may stay untested if ``MOVES`` moves
        do not find it a group.
    """
    images = _images_of(labels, groups)
    sides = _Sides(images, np.bincount(groups).tolist())
    is_open = np.ones(len(sides.is_test), bool)
    order = sorted(images, key=lambda name: (len(images[name]), sum(images[name].values()), name))
    for label in order:
        counts = images[label]
        wanted = test_size * sum(counts.values())
        wanted -= sum(count for group, count in counts.items() if sides.is_test[group])
        members = rng.permutation([group for group in counts if is_open[group]]).astype(int)
        sizes = np.array([counts[group] for group in members.tolist()])
        for group in members[large_last(sizes, wanted)].tolist():
            is_closer = abs(wanted - counts[group]) < abs(wanted)
            is_needed = not sides.is_tested(label)
            if (is_closer or is_needed) and sides.is_free_to_test(group):
                sides.move(group)
                wanted -= counts[group]
        is_open[members] = False
    for label in order:
        if label and len(images[label]) > 1:
            sides.test_more(label)
    return np.array(sides.is_test, bool)


def _images_of(labels: Sequence[tuple[str, ...]], groups: np.ndarray) -> dict[str, dict[int, int]]:
    """Count the images of each label in each group; those without one are of the label ""."""
    images: dict[str, dict[int, int]] = {}
    for each, group in zip(labels, groups.tolist(), strict=True):
        for label in each or ("",):  # no label of a table is empty
            counts = images.setdefault(label, {})
            counts[group] = counts.get(group, 0) + 1
    return images


class _Sides:
    """Which groups to test on. All are trained on at first, and no label ever has none to train on.

    Parameters
    ----------
    groups_of : mapping of str to collection of int
        The groups of each label.
    sizes : sequence of int
        The images in each group.
    """

    def __init__(self, groups_of: Mapping[str, Collection[int]], sizes: Sequence[int]) -> None:
        self.groups_of, self.sizes = groups_of, sizes
        self.is_test = [False] * len(sizes)
        self.labels_of: list[list[str]] = [[] for _ in sizes]
        for label, groups in groups_of.items():
            for group in groups:
                self.labels_of[group].append(label)
        # How many groups of each label are trained on and tested on.
        self.counts = {label: [len(groups), 0] for label, groups in groups_of.items()}
        self.pinned: set[int] = set()  # groups that may not move now
        self.moves_left = 0

    def is_tested(self, label: str) -> bool:
        return self.counts[label][True] > 0

    def is_free_to_test(self, group: int) -> bool:
        """Tell whether all labels of a group have others to train on."""
        return all(self.counts[label][False] > 1 for label in self.labels_of[group])

    def move(self, group: int) -> None:
        """Move a group to the other side."""
        side = self.is_test[group]
        self.is_test[group] = not side
        for label in self.labels_of[group]:
            self.counts[label][side] -= 1
            self.counts[label][not side] += 1

    def test_more(self, label: str) -> None:
        """Try to move a group of a label to the test side, without leaving another untested."""
        self.pinned.clear()
        self.moves_left = MOVES
        self._mend([(label, True)])

    def _mend(self, lacking: list[tuple[str, bool]]) -> bool:
        """Move groups until labels that lack one on a side have one; undo all moves if it fails."""
        lacking = [(label, side) for label, side in lacking if not self.counts[label][side]]
        if not lacking:
            return True
        label, _ = lacking[0]
        # One of the label's groups has to move. Each is tried without those before it.
        candidates = [group for group in self.groups_of[label] if group not in self.pinned]
        candidates.sort(key=lambda group: (len(self._lost_by(group)), self.sizes[group]))
        tried = []
        for group in candidates:
            if not self.moves_left:
                break
            self.moves_left -= 1
            lost = self._lost_by(group)
            self.move(group)
            self.pinned.add(group)
            tried.append(group)
            if self._mend([*lacking[1:], *lost]):
                return True
            self.move(group)
        self.pinned.difference_update(tried)
        return False

    def _lost_by(self, group: int) -> list[tuple[str, bool]]:
        """List which labels would lack a group, and on which side, if a group moved."""
        side = self.is_test[group]
        labels = filter(None, self.labels_of[group])
        return [(label, side) for label in labels if self.counts[label][side] == 1]
