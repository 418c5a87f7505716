"""A label folder that a search fills.

Results are downloaded and judged in parallel, but enter the folder in the order of the search.
Otherwise the names of the files, and which of several copies is kept, would depend on which server
was faster. A download waits for its turn in a hidden folder. If the run is killed, the next one
finds it there.
"""

import hashlib
import os
import shutil
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from pyimagesearch.console import Progress, no_progress, say_nothing
from pyimagesearch.errors import WORK_FAILED, UnreadableFileError, UserError, reason_of
from pyimagesearch.files import AnyPath, fcntl, lock, written_whole
from pyimagesearch.interruption import interruption_postponed
from pyimagesearch.reading import read_file
from pyimagesearch.search.copies import FolderImages, images_in, load_folder_images
from pyimagesearch.search.download import Downloader
from pyimagesearch.search.errors import FetchError
from pyimagesearch.search.judging import Judged, judge
from pyimagesearch.search.outcomes import (
    DUPLICATE,
    FAILED,
    KEPT,
    NO_IMAGE,
    OTHER_FOLDER,
    Outcome,
    Rejection,
)
from pyimagesearch.search.provenance import Sources
from pyimagesearch.search.services import SearchResult

WAITING = ".downloaded"

# What a result is waiting for: its download, or what is known about it already.
Job = Future[Judged] | Future[Outcome]


@contextmanager
def open_collection(
    folder: AnyPath, *, min_size: int, progress: Progress = no_progress
) -> Iterator["Collection"]:
    """Open a label folder for one run at a time.

    Parameters
    ----------
    folder : path
        The label folder. It is made if there is none.
    min_size : int
        Pixels that the shorter side of an image must have.
    progress : callable, optional
        Shows how many images of this folder and its siblings have been decoded.

    Yields
    ------
    Collection
        Ready to be filled.

    Raises
    ------
    UserError
        If the folder cannot be used, another run is filling it, or its ``sources.csv`` is not ours.
    """
    folder = Path(folder)
    with _locked(folder), closing(Sources(folder)) as sources:
        folder_images = load_folder_images(folder, progress)
        with _waiting_folder(folder):
            yield Collection(
                folder, min_size=min_size, sources=sources, folder_images=folder_images
            )


class Collection:
    """A label folder, what is known about its images, and what became of the results so far.

    Made by :func:`open_collection`.

    Attributes
    ----------
    outcomes : list of Outcome
        What became of the results so far.
    """

    def __init__(
        self, folder: Path, *, min_size: int, sources: Sources, folder_images: FolderImages
    ) -> None:
        self.outcomes: list[Outcome] = []
        self._folder = folder
        self._min_size = min_size
        self._sources = sources
        self._folder_images = folder_images
        numbers = [int(path.stem) for path in images_in(folder) if _is_number(path.stem)]
        self._next_number = max(numbers, default=-1) + 1

    def fill(
        self,
        results: Iterable[SearchResult],
        downloader: Downloader,
        workers: int,
        *,
        say: Callable[[str], None] = say_nothing,
    ) -> Generator[Outcome, None, None]:
        """Download results, several at once, and keep what is worth keeping.

        Parameters
        ----------
        results : iterable of SearchResult
            Taken as fast as they come.
        downloader : Downloader
            Stopped if the iteration ends early.
        workers : int
            How many downloads run at once.
        say : callable, optional
            Is told if the iteration ends early, because then downloads under way have to end.

        Yields
        ------
        Outcome
            One for each result, in their order.

        Raises
        ------
        UserError
            If the folder cannot be written to. What `results` raises is raised when all results
            before it have been dealt with.
        """
        pending: deque[tuple[SearchResult, Job]] = deque()
        seen: set[str] = set()
        search_errors: list[UserError] = []
        pool = ThreadPoolExecutor(workers)
        try:
            for result in _until_error(results, search_errors):
                known = self._known_outcome(result, seen)
                job = _done(known) if known else pool.submit(self._download, result, downloader)
                pending.append((result, job))
                while pending and pending[0][1].done():
                    yield self._settle(*pending.popleft())
            while pending:
                pending[0][1].exception()  # Waits, so that what is pending stays in the queue.
                yield self._settle(*pending.popleft())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            if pending:  # The iteration ends early.
                downloader.stop()
                say("stopping; keeping what has arrived")
            try:
                # Before we wait for the others, because a second Ctrl-C ends the wait.
                self._settle_arrived(pending)
            finally:
                pool.shutdown()
            self._settle_arrived(pending)
        if search_errors:
            raise search_errors[0]

    def _known_outcome(self, result: SearchResult, seen: set[str]) -> Outcome | None:
        """Return what is known about a URL before it is downloaded."""
        if not result.url:
            return Outcome("", FAILED, "the result has no URL")
        if result.url in seen:
            return Outcome(result.url, DUPLICATE, "the search found it twice")
        seen.add(result.url)
        row = self._sources.row_of(result.url)
        if row is None:
            return None
        if row.file:
            return Outcome(result.url, KEPT, row.file, is_earlier=True)
        category, _, detail = row.reason.partition(": ")
        return Outcome(result.url, category, detail, is_earlier=True)

    def _download(self, result: SearchResult, downloader: Downloader) -> Judged:
        """Download and judge a result, in a thread, and leave the file in the hidden folder."""
        waiting = self._waiting_path(result)
        try:
            if not waiting.exists():
                data = downloader.fetch(result.url)
                with written_whole(waiting) as partial:
                    partial.write_bytes(data)
            return judge(read_file(waiting), self._min_size)
        except UnreadableFileError as error:
            raise Rejection(NO_IMAGE, str(error)) from error
        except (FetchError, Rejection, UserError):
            raise
        except Exception as error:
            # Whatever a stranger's file brings about, it costs this result and not the run.
            reason = f"unexpected error ({type(error).__name__}: {error})"
            raise FetchError(reason, is_transient=True) from error

    def _settle(self, result: SearchResult, job: Job) -> Outcome:
        """Keep a result that was downloaded, or record why not."""
        # A file, its row and its outcome belong together.
        with interruption_postponed():
            try:
                found = job.result()
                outcome = found if isinstance(found, Outcome) else self._keep(result, found)
            except FetchError as error:
                # A failure that may pass leaves no row, so that the next run tries again.
                if not error.is_transient:
                    self._sources.add(result, reason=f"{FAILED}: {error}")
                outcome = Outcome(result.url, FAILED, str(error))
            except Rejection as rejection:
                self._sources.add(result, reason=str(rejection))
                outcome = Outcome(result.url, rejection.category, rejection.detail)
            self.outcomes.append(outcome)
        return outcome

    def _settle_arrived(self, pending: deque[tuple[SearchResult, Job]]) -> None:
        """Settle what has been stored; what is still under way stays pending.

        Raise UserError if the folder or its ``sources.csv`` takes no more.
        """
        with interruption_postponed():
            for _ in range(len(pending)):
                result, job = pending.popleft()
                if not job.done():
                    pending.append((result, job))
                # A UserError is of a result that could not be stored; others may have been.
                elif not job.cancelled() and not isinstance(
                    job.exception(), FetchError | UserError
                ):
                    self._settle(result, job)

    def _keep(self, result: SearchResult, judged: Judged) -> Outcome:
        copy = self._folder_images.find_copy(judged)
        if copy is not None:
            return self._adopt(result, judged, copy)
        waiting = self._waiting_path(result)
        path = self._named(waiting, judged.suffix)
        # After a kill in between, the next run finds the download and gives its file a row.
        try:
            self._sources.add(result, file=path.name, sha256=judged.sha256)
        except UserError:
            with suppress(OSError):
                path.unlink()  # Nobody could say where it is from.
            raise
        with suppress(OSError):
            waiting.unlink(missing_ok=True)
        self._folder_images.add(path, judged)
        return Outcome(result.url, KEPT, path.name)

    def _named(self, waiting: Path, suffix: str) -> Path:
        """Give a download the next number that no file of the folder has."""
        while True:
            path = self._folder / f"{self._next_number:08d}{suffix}"
            self._next_number += 1
            try:
                _link_or_move(waiting, path)
            except FileExistsError:  # The user has put it there meanwhile.
                continue
            except OSError as error:
                raise UserError(f"cannot write {path}: {reason_of(error)}", WORK_FAILED) from error
            return path

    def _adopt(self, result: SearchResult, judged: Judged, copy: Path) -> Outcome:
        """Give a file of the folder that has no row one, if the result is that very file."""
        if copy.parent != self._folder:
            raise Rejection(OTHER_FOLDER, str(Path(copy.parent.name, copy.name)))
        if self._sources.has_file(copy.name) or _checksum(copy) != judged.sha256:
            raise Rejection(DUPLICATE, f"of {copy.name}")
        self._sources.add(result, file=copy.name, sha256=judged.sha256)
        return Outcome(result.url, KEPT, copy.name)

    def _waiting_path(self, result: SearchResult) -> Path:
        digest = hashlib.sha256(result.url.encode("utf-8", "surrogatepass"))
        return self._folder / WAITING / digest.hexdigest()


def _link_or_move(source: Path, target: Path) -> None:
    """Give a file another name, or raise FileExistsError rather than replace another file."""
    try:
        target.hardlink_to(source)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # Not all file systems have hard links.
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        source.rename(target)


def _checksum(path: Path) -> str | None:
    """Return the SHA-256 of a file; None if it can no longer be read."""
    try:
        return hashlib.sha256(read_file(path)).hexdigest()
    except UnreadableFileError:
        return None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Make a folder, and keep other runs out of it where the system has locks."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY) if fcntl else None
    except OSError as error:
        raise UserError(f"cannot use the folder {folder}: {reason_of(error)}") from error
    try:
        # The lock of a run that is killed vanishes with the process.
        if descriptor is not None and lock(descriptor) is False:
            raise UserError(f"another run is filling {folder}: wait until it has ended")
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def _waiting_folder(folder: Path) -> Iterator[None]:
    """Have a hidden folder for downloads, which vanishes unless the process is killed."""
    waiting = folder / WAITING
    try:
        waiting.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot use the folder {folder}: {reason_of(error)}") from error
    try:
        yield
    finally:
        shutil.rmtree(waiting, ignore_errors=True)


def _until_error(
    results: Iterable[SearchResult], errors: list[UserError]
) -> Iterator[SearchResult]:
    """Yield results until the search fails, and keep the error for later."""
    try:
        yield from results
    except UserError as error:
        errors.append(error)


def _done(outcome: Outcome) -> Future[Outcome]:
    job: Future[Outcome] = Future()
    job.set_result(outcome)
    return job


def _is_number(stem: str) -> bool:
    return len(stem) == 8 and stem.isascii() and stem.isdigit()
