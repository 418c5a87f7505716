"""A label folder that a search fills: what is kept of it, under which name, and where it is from.

Results are downloaded and judged in parallel, but enter the folder in the order of the search, so
that names and the choice among copies do not depend on which server was faster. What has been
downloaded waits its turn in a hidden folder; a run that was killed finds it there.
"""

import errno
import hashlib
import io
import os
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from PIL import Image

from pyimagesearch.console import examples
from pyimagesearch.data.decoding import MAX_PIXELS, UnreadableFileError, decode_image
from pyimagesearch.data.duplicates import find_copy, perceptual_hash
from pyimagesearch.data.folders import IMAGE_SUFFIXES
from pyimagesearch.data.loading import load_images
from pyimagesearch.errors import WORK_FAILED, UserError
from pyimagesearch.files import read_file, written_whole
from pyimagesearch.search.download import Downloader, FetchError
from pyimagesearch.search.provenance import Sources
from pyimagesearch.search.services import SearchResult

WAITING = ".downloaded"

# Suffixes by content, as Pillow names it; a file of another kind is no image to the training.
SUFFIXES = {
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "PNG": ".png",
    "BMP": ".bmp",
    "TIFF": ".tif",
    "WEBP": ".webp",
    "GIF": ".gif",
}
# Copies are compared as small as this, in pixels.
COMPARED_SIZE = 96

KEPT, DUPLICATE, OTHER_FOLDER = "kept", "duplicate", "in another folder"
TOO_SMALL, NO_IMAGE, FAILED = "too small", "not an image", "failed"


class Rejection(Exception):
    """A result is not kept.

    Attributes
    ----------
    category : str
        One of the reasons above.
    detail : str
        What is wrong with this one.
    """

    def __init__(self, category: str, detail: str) -> None:
        super().__init__(f"{category}: {detail}")
        self.category = category
        self.detail = detail


class Judged(NamedTuple):
    """A file that is an image worth keeping.

    Attributes
    ----------
    suffix : str
        By its content.
    sha256 : str
        In hexadecimal.
    small : numpy.ndarray
        uint8, shape (96, 96, 3), BGR, to compare it with others.
    """

    suffix: str
    sha256: str
    small: np.ndarray


class Outcome(NamedTuple):
    """What became of a search result.

    Attributes
    ----------
    url : str
        Of the image.
    category : str
        ``KEPT`` or why not.
    detail : str
        The name it was kept under, or what is wrong with it.
    is_earlier : bool
        Whether an earlier run has found this.
    """

    url: str
    category: str
    detail: str
    is_earlier: bool = False


def judge(data: bytes, min_size: int) -> Judged:
    """Decide whether what was downloaded is an image worth keeping.

    Parameters
    ----------
    data : bytes
        Anything.
    min_size : int
        Pixels that the shorter side must have.

    Returns
    -------
    Judged
        What has to be known of it.

    Raises
    ------
    Rejection
        If it is not an image that can be decoded whole, or too small.
    """
    try:
        small = decode_image(data, COMPARED_SIZE)
    except UnreadableFileError as error:
        raise Rejection(NO_IMAGE, str(error)) from error
    image = Image.open(io.BytesIO(data))
    size = f"{image.width} x {image.height} pixels"
    if image.format not in SUFFIXES:
        raise Rejection(NO_IMAGE, f"training does not read {image.format} files")
    if image.width * image.height > MAX_PIXELS:
        raise Rejection(NO_IMAGE, f"{size} are more than the limit of {MAX_PIXELS:,}")
    if min(image.size) < min_size:
        raise Rejection(TOO_SMALL, size)
    _require_whole(image)
    return Judged(SUFFIXES[image.format], hashlib.sha256(data).hexdigest(), small)


def _require_whole(image: Image.Image) -> None:
    # Training makes do with half an image; a new one has to be all there. Pillow is strict about
    # that, and its decoders fail in ways of their own (OSError, SyntaxError, struct.error, ...).
    try:
        image.load()
    except Exception as error:
        raise Rejection(NO_IMAGE, "cut off, or damaged") from error


class Collection:
    """A folder of images with a record of where each is from; open it with ``with``.

    Parameters
    ----------
    folder : path
        The label folder; it is made if there is none. Its siblings, which are other labels, are
        looked at, too.
    min_size : int
        Pixels that the shorter side of an image must have.

    Attributes
    ----------
    outcomes : list of Outcome
        What became of the results so far.

    Raises
    ------
    UserError
        If the folder cannot be used, another run is using it, or its record is not one.
    """

    def __init__(self, folder: str | os.PathLike, min_size: int) -> None:
        self.folder = Path(folder)
        self.min_size = min_size
        self.outcomes: list[Outcome] = []
        with ExitStack() as undo:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                undo.callback(_lock_folder(self.folder))
                (self.folder / WAITING).mkdir(exist_ok=True)
            except OSError as error:
                raise UserError(f"cannot use the folder {folder}: {error.strerror}") from error
            self._sources = undo.enter_context(closing(Sources(self.folder)))
            own, others = _images_in(self.folder), _images_in_siblings(self.folder)
            loaded = load_images([*map(str, own), *map(str, others)], COMPARED_SIZE)
            self._paths = [Path(path) for path in loaded.paths]
            self._smalls = list(loaded.images)
            self._hashes = [perceptual_hash(image) for image in loaded.images]
            numbers = [int(path.stem) for path in own if _is_number(path.stem)]
            self._next_number = max(numbers, default=-1) + 1
            undo.callback(shutil.rmtree, self.folder / WAITING, ignore_errors=True)
            self._undo = undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._undo.close()

    def fill(
        self, results: Iterable[SearchResult], downloader: Downloader, workers: int
    ) -> Iterator[Outcome]:
        """Download results, several at once, and keep what is worth it.

        Parameters
        ----------
        results : iterable of SearchResult
            Taken as fast as they come.
        downloader : Downloader
            Told to stop if the iteration ends early.
        workers : int
            How many downloads may run at once.

        Yields
        ------
        Outcome
            One a result, in their order.

        Raises
        ------
        UserError
            If the folder cannot be written. What `results` raises is raised once all that it gave
            before has been dealt with.
        """
        pending: deque[tuple[SearchResult, Outcome | Future[Judged]]] = deque()
        seen: set[str] = set()
        search_error: UserError | None = None
        pool = ThreadPoolExecutor(workers)
        try:
            try:
                for result in results:
                    known = self._known_outcome(result, seen)
                    job = known or pool.submit(self._download, result, downloader)
                    pending.append((result, job))
                    while pending and _is_done(pending[0][1]):
                        yield self._settle(*pending.popleft())
            except UserError as error:
                search_error = error
            while pending:
                _wait(pending[0][1])
                yield self._settle(*pending.popleft())
        finally:
            # Where the iteration ends early, something is left: what has come is kept.
            if pending:
                downloader.stop()
            pool.shutdown(cancel_futures=True)
            for result, job in pending:
                if _has_come(job):
                    self._settle(result, job)
        if search_error:
            raise search_error

    def _known_outcome(self, result: SearchResult, seen: set[str]) -> Outcome | None:
        """Look up what is known of a URL before it is fetched."""
        if result.url in seen:
            return Outcome(result.url, DUPLICATE, "the search found it twice")
        seen.add(result.url)
        row = self._sources.row_of(result.url)
        if row is None:
            return None
        if row["file"]:
            return Outcome(result.url, KEPT, row["file"], is_earlier=True)
        category, _, detail = row["reason"].partition(": ")
        return Outcome(result.url, category, detail, is_earlier=True)

    def _download(self, result: SearchResult, downloader: Downloader) -> Judged:
        """Fetch and judge a result, in a thread; its bytes go where they wait for their turn."""
        waiting = self._waiting_path(result)
        if not waiting.exists():
            data = downloader.fetch(result.url)
            with written_whole(waiting) as partial:
                partial.write_bytes(data)
        try:
            return judge(read_file(waiting), self.min_size)
        except UnreadableFileError as error:
            raise Rejection(NO_IMAGE, str(error)) from error

    def _settle(self, result: SearchResult, job: Outcome | Future[Judged]) -> Outcome:
        """Keep what was downloaded, or remember why not."""
        outcome = job if isinstance(job, Outcome) else self._keep_or_reject(result, job)
        self.outcomes.append(outcome)
        return outcome

    def _keep_or_reject(self, result: SearchResult, job: Future[Judged]) -> Outcome:
        try:
            return Outcome(result.url, KEPT, self._keep(result, job.result()))
        except FetchError as error:
            # What may fare better in another run leaves no row, so that it is tried again then.
            if not error.is_transient:
                self._sources.add(result, reason=f"{FAILED}: {error}")
            return Outcome(result.url, FAILED, str(error))
        except Rejection as rejection:
            self._sources.add(result, reason=str(rejection))
            return Outcome(result.url, rejection.category, rejection.detail)

    def _keep(self, result: SearchResult, judged: Judged) -> str:
        copy = find_copy(judged.small, self._smalls, self._hashes)
        if copy is not None:
            return self._adopt(result, judged, self._paths[copy])
        path = self.folder / f"{self._next_number:08d}{judged.suffix}"
        # In this order a kill between the two leaves the download where the next run finds it.
        self._sources.add(result, file=path.name, sha256=judged.sha256)
        try:
            self._waiting_path(result).replace(path)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}", WORK_FAILED) from error
        self._next_number += 1
        self._paths.append(path)
        self._smalls.append(judged.small)
        self._hashes.append(perceptual_hash(judged.small))
        return path.name

    def _adopt(self, result: SearchResult, judged: Judged, copy: Path) -> str:
        """Record a file that lies in the folder without a row, if the result is that very file."""
        if copy.parent != self.folder:
            raise Rejection(OTHER_FOLDER, str(Path(copy.parent.name, copy.name)))
        if (
            self._sources.has_file(copy.name)
            or hashlib.sha256(read_file(copy)).hexdigest() != judged.sha256
        ):
            raise Rejection(DUPLICATE, f"of {copy.name}")
        self._sources.add(result, file=copy.name, sha256=judged.sha256)
        return copy.name

    def _waiting_path(self, result: SearchResult) -> Path:
        digest = hashlib.sha256(result.url.encode("utf-8", "surrogatepass"))
        return self.folder / WAITING / digest.hexdigest()


def summary(outcomes: Sequence[Outcome]) -> list[str]:
    """Count what became of the results, one line a reason.

    Parameters
    ----------
    outcomes : sequence of Outcome
        All of them.

    Returns
    -------
    list of str
        Lines fit to be printed.
    """
    earlier = sum(outcome.is_earlier for outcome in outcomes if outcome.category == KEPT)
    elsewhere = [outcome for outcome in outcomes if outcome.category == OTHER_FOLDER]
    failures = Counter(outcome.detail for outcome in outcomes if outcome.category == FAILED)
    counts = Counter(outcome.category for outcome in outcomes)
    lines = [
        f"kept: {counts[KEPT]}" + (f", {earlier} of them by an earlier run" if earlier else "")
    ]
    lines.append(f"duplicates: {counts[DUPLICATE]}")
    named = examples([f"{outcome.url} is {outcome.detail}" for outcome in elsewhere])
    lines.append(f"left out as they are under other labels: {len(elsewhere)}")
    lines[-1] += f" ({named})" if elsewhere else ""
    lines.append(f"too small: {counts[TOO_SMALL]}")
    lines.append(f"not an image: {counts[NO_IMAGE]}")
    reasons = examples([f"{count} x {reason}" for reason, count in failures.most_common()])
    lines.append(f"failed: {counts[FAILED]}" + (f" ({reasons})" if failures else ""))
    return lines


def _lock_folder(folder: Path) -> Callable[[], None]:
    """Keep a second run out of a folder, where the system knows how to; return how to let it in.

    The lock of a run that is killed goes with it.
    """
    if os.name != "posix":
        return lambda: None
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise UserError(f"another run is filling {folder}: wait until it has ended") from error
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
        # Some network file systems have no locks: there, nothing is kept out.
    return lambda: os.close(descriptor)


def _images_in(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
    )


def _images_in_siblings(folder: Path) -> list[Path]:
    own = folder.resolve()
    siblings = sorted(
        path
        for path in own.parent.iterdir()
        if path != own
        and not path.name.startswith(".")
        and path.is_dir()
        and os.access(path, os.R_OK | os.X_OK)
    )
    return [image for sibling in siblings for image in _images_in(sibling)]


def _is_number(stem: str) -> bool:
    return len(stem) == 8 and stem.isascii() and stem.isdigit()


def _is_done(job: Outcome | Future[Judged]) -> bool:
    return isinstance(job, Outcome) or job.done()


def _has_come(job: Outcome | Future[Judged]) -> bool:
    if isinstance(job, Outcome):
        return True
    return not job.cancelled() and not isinstance(job.exception(), FetchError)


def _wait(job: Outcome | Future[Judged]) -> None:
    if isinstance(job, Future):
        job.exception()
