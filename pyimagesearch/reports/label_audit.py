"""Rank the images of a dataset by how likely their labels are wrong, and show the first."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from pyimagesearch.console import printable
from pyimagesearch.data.duplicates import spanning_groups
from pyimagesearch.data.folders import numbered_combinations, positions_of
from pyimagesearch.data.image_header import read_header
from pyimagesearch.data.loading import Dataset
from pyimagesearch.errors import INTERRUPTED, UnreadableFileError, UserError
from pyimagesearch.files import AnyPath, remove_file, written_whole
from pyimagesearch.reading import read_file
from pyimagesearch.reports.montage import captioned, label_line, path_line, save_montage
from pyimagesearch.spreadsheets import escaped_cell, joined_labels

if TYPE_CHECKING:
    import keras

    from pyimagesearch.training.devices import TrainingDevice
    from pyimagesearch.training.fitting import Settings

HEADINGS = ("path", "why", "labels", "suggested labels", "confidence")
COPIES = "a copy has other labels"
WRONG = "labels probably wrong"
# More epochs than this teach the networks wrong labels by heart.
MOST_EPOCHS = 12
# Of 255 grey levels: a darker image shows next to nothing, and so does one that varies less.
DARKEST, LEAST_DEVIATION = 20, 8
SMALLEST = 48  # pixels
LEAST_PROBABILITY = 1e-4
# Images get the probabilities of all combinations in slices of this many numbers, to save memory.
PROBABILITIES_AT_ONCE = 2**21
MOST_DRAWN = 60  # findings, in the picture
# Networks that recognise fewer images, or suspect more, have learned too little.
LEAST_RECOGNISED, MOST_SUSPECTED = 0.5, 0.25
USEFUL = 30  # images a folder, from which on the networks recognise most images


class Finding(NamedTuple):
    """Why an image should be looked at.

    Attributes
    ----------
    position : int
        Of the image in the dataset.
    why : str
        In words.
    suggested : tuple of str
        The likeliest labels; empty if they are not the question.
    confidence : float
        The probability of the image's own labels, in [0, 1].
    """

    position: int
    why: str
    suggested: tuple[str, ...]
    confidence: float


def audit(
    path: AnyPath,
    dataset: Dataset,
    build: Callable[..., "keras.Sequential"],
    *,
    device: "TrainingDevice",
    settings: "Settings",
    say: Callable[[str], None],
) -> int:
    """Cross-validate a dataset, and write what was found as a table and a picture.

    Parameters
    ----------
    path : path
        Of the table.
    dataset : Dataset
        Its images.
    build : callable
        :meth:`pyimagesearch.smallervggnet.SmallerVGGNet.build`, or one like it.
    device, settings
        Where and how to train, for at most ``MOST_EPOCHS`` epochs and in batches that suit the
        number of images.
    say : callable
        Takes messages for the user, one at a time.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    UserError
        If the table would be a picture, one of the two cannot be written, or the dataset cannot be
        audited.
    TypeError, ValueError
        As :func:`pyimagesearch.training.cross_validation.cross_validated`.
    """
    picture_path(path)  # refuses the table before the networks are trained
    from pyimagesearch.training import cross_validation

    replicas = device.strategy.num_replicas_in_sync
    settings = settings._replace(
        epochs=min(settings.epochs, MOST_EPOCHS),
        batch_size=cross_validation.audit_batch_size(
            len(dataset.paths), settings.batch_size, replicas=replicas
        ),
    )
    say(cross_validation.announcement(dataset, settings))
    result = cross_validation.cross_validated(
        dataset,
        lambda size: build(size, size, 3, len(dataset.classes), finalAct="sigmoid"),
        device,
        settings=settings,
    )
    if isinstance(result, str):
        say(f"ended by {result}: nothing is written")
        return INTERRUPTED
    findings, recognised = audit_labels(dataset, result)
    write_audit(path, dataset, findings)
    for line in audit_lines(dataset, findings, path, recognised=recognised):
        say(line)
    return 0


def audit_labels(dataset: Dataset, probabilities: np.ndarray) -> tuple[list[Finding], float]:
    """Find the images that should be looked at, the most urgent first.

    First come copies of one image with different labels, then images whose labels are probably
    wrong, then images that show little. A label set counts as one class, and each class has a
    threshold: the mean probability that the network gives it on the class's own images. Labels are
    probably wrong if, of the classes that reach their thresholds, the likeliest is not the image's
    own: confident learning (Northcutt, Jiang and Chuang, "Confident Learning: Estimating
    Uncertainty in Dataset Labels", 2021). The images are ranked by the probability of their own
    labels.

    Parameters
    ----------
    dataset : Dataset
        N images.
    probabilities : numpy.ndarray
        float32, shape (N, L): what networks predict that were not trained on the image.

    Returns
    -------
    findings : list of Finding
        At most two for an image.
    recognised : float
        How good the networks are: the share of images whose own labels are the likeliest.
    """
    combinations, numbers = numbered_combinations(dataset.labels)
    own = np.array(numbers)
    slices = partial(combination_probabilities, probabilities, combinations, dataset.classes)
    likeliest, sure, confidence = _judged(own, slices)
    suggested = np.where(sure >= 0, sure, likeliest)

    copies = list(chain.from_iterable(spanning_groups(dataset.groups, dataset.labels)))
    is_wrong = (sure >= 0) & (sure != own)
    is_wrong[copies] = False
    wrong = [int(i) for i in np.argsort(confidence, kind="stable") if is_wrong[i]]
    findings = [
        Finding(i, why, combinations[suggested[i]], float(confidence[i]))
        for positions, why in ((copies, COPIES), (wrong, WRONG))
        for i in positions
    ]
    for i, image in enumerate(dataset.images):
        if why := little_shown(image, dataset.paths[i]):
            findings.append(Finding(i, why, (), float(confidence[i])))
    return findings, float((likeliest == own).mean())


def _judged(
    own: np.ndarray, slices: Callable[[], Iterable[tuple[np.ndarray, np.ndarray]]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Judge images by the probabilities of their own and of all combinations.

    `slices` computes these twice, because they would not fit in memory together.

    Returns
    -------
    likeliest : numpy.ndarray
        int, shape (N,): the likeliest combination of each image.
    sure : numpy.ndarray
        int, shape (N,): the likeliest of those that reach their thresholds, or -1 if none does.
    confidence : numpy.ndarray
        float, shape (N,): the probability of its own combination.
    """
    judged = [
        (shares.argmax(axis=1), shares[np.arange(len(shares)), own[positions]])
        for positions, shares in slices()
    ]
    likeliest, confidence = (np.concatenate(parts) for parts in zip(*judged, strict=True))
    # How likely each combination is, on average, for the images that have it.
    of_own = sorted(positions_of(own.tolist()).items())
    usual = np.array([confidence[positions].mean() for _, positions in of_own])
    sure = np.concatenate([_likeliest_that_reach(usual, shares) for _, shares in slices()])
    return likeliest, sure, confidence


def _likeliest_that_reach(thresholds: np.ndarray, shares: np.ndarray) -> np.ndarray:
    reaching = np.where(shares >= thresholds, shares, 0)
    return np.where(reaching.max(axis=1) > 0, reaching.argmax(axis=1), -1)


def combination_probabilities(
    probabilities: np.ndarray, combinations: Sequence[tuple[str, ...]], classes: Sequence[str]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Turn probabilities of labels into those of combinations, of some images at a time.

    Parameters
    ----------
    probabilities : numpy.ndarray
        float, shape (N, L).
    combinations : sequence of tuple of str
        The C combinations that an image may have.
    classes : sequence of str
        The L labels.

    Yields
    ------
    positions : numpy.ndarray
        int, shape (M,): images, which follow those of the slice before.
    shares : numpy.ndarray
        float, shape (M, C). The sum of each row is 1.
    """
    has_label = np.array([[label in each for label in classes] for each in combinations], float)
    count = -(-len(probabilities) // max(1, PROBABILITIES_AT_ONCE // len(combinations)))
    for positions in np.array_split(np.arange(len(probabilities)), count):
        likely = probabilities[positions].astype(float)
        likely = np.clip(likely, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        logs = np.log(likely) @ has_label.T + np.log(1 - likely) @ (1 - has_label).T
        shares = np.exp(logs - logs.max(axis=1, keepdims=True))
        yield positions, shares / shares.sum(axis=1, keepdims=True)


def little_shown(image: np.ndarray, path: str) -> str | None:
    """Say what is poor about an image, or return None."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if grey.mean() < DARKEST:
        return "very dark"
    if grey.std() < LEAST_DEVIATION:
        return "nearly empty"
    try:
        header = read_header(read_file(path))
    except UnreadableFileError:  # It has gone since its pixels were loaded.
        return "no longer readable"
    return "very small" if max(header.width, header.height) < SMALLEST else None


def audit_lines(
    dataset: Dataset, findings: Sequence[Finding], path: AnyPath, *, recognised: float
) -> list[str]:
    """Count what was found, and say where it is and whether the networks are good enough.

    Parameters
    ----------
    dataset : Dataset
        All images.
    findings : sequence of Finding
        From :func:`audit_labels`.
    path : path
        Of the table.
    recognised : float
        From :func:`audit_labels`.

    Returns
    -------
    list of str
        Messages.
    """
    counts = Counter(finding.why for finding in findings)
    lines = [f"{why}: {count:,}" for why, count in counts.items()] or ["nothing found"]
    lines.append(f"the networks recognise {recognised:.1%} of the images")
    if recognised < LEAST_RECOGNISED or counts[WRONG] > MOST_SUSPECTED * len(dataset.paths):
        lines.append(
            "the networks are too poor to judge labels, and most that are called wrong may be "
            f"right: put {USEFUL} images or more into each folder, and train for {MOST_EPOCHS} "
            "epochs"
        )
    return [*lines, f"audit written to {printable(path)}; no model is written"]


def picture_path(path: AnyPath) -> Path:
    """Name the picture beside a table: ``audit.png`` for ``audit.csv``.

    Raise UserError if it would replace the table.
    """
    picture = Path(path).with_suffix(".png")
    if picture == Path(path):
        raise UserError(f"{path} is where the picture goes: name the table *.csv")
    return picture


def write_audit(path: AnyPath, dataset: Dataset, findings: Sequence[Finding]) -> None:
    """Write a table of findings as CSV, and a picture of the first beside it.

    Parameters
    ----------
    path : path
        Of the table; :func:`picture_path` names the picture. If nothing was found, there is none.
    dataset : Dataset
        The images.
    findings : sequence of Finding
        From :func:`audit_labels`.

    Raises
    ------
    UserError
        If one of them cannot be written, or an earlier picture cannot be removed.
    """
    with (
        written_whole(path) as temporary,
        # Excel takes UTF-8 without a mark for Windows-1252.
        temporary.open("w", encoding="utf-8-sig", newline="") as file,
    ):
        table = csv.writer(file)
        table.writerow(HEADINGS)
        for finding in findings:
            labels, suggested = (
                joined_labels(each, dataset.classes)
                for each in (dataset.labels[finding.position], finding.suggested)
            )
            cells = [dataset.paths[finding.position], finding.why, labels, suggested]
            table.writerow(map(escaped_cell, [*cells, f"{finding.confidence:.4f}"]))
    if findings:
        drawn = [_drawn(dataset, finding) for finding in findings[:MOST_DRAWN]]
        save_montage(picture_path(path), drawn)
    else:
        remove_file(picture_path(path))  # It shows what an earlier audit found.


def _drawn(dataset: Dataset, finding: Finding) -> np.ndarray:
    last = finding.why
    if finding.suggested and finding.why != COPIES:
        last = label_line(finding.suggested, before="rather ", after="?")
    lines = [
        path_line(dataset.paths[finding.position]),
        label_line(dataset.labels[finding.position], before="is "),
        last,
    ]
    return captioned(dataset.images[finding.position], lines)
