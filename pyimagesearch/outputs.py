"""The outputs of a run: checked before hours of work, and reserved for one run at a time."""

import contextlib
import errno
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pyimagesearch.errors import UserError, reason_of
from pyimagesearch.files import (
    NAME_PART,
    AnyPath,
    check_unprotected,
    fcntl,
    is_still_at,
    is_utf8,
    lock,
    resolved,
    temporary_file,
)

TEMPORARY_NAME = re.compile(r"\.(?P<of>.+)\.[0-9a-f]{16}\.partial(\.[^.]+)?", re.DOTALL)


def checkpoint_path(model_path: AnyPath) -> Path:
    """Name the checkpoint of a run, which lies beside the model that it is going to write."""
    return Path(f"{Path(model_path)}.checkpoint")


def check_resumable(checkpoint: Path) -> None:
    """Raise UserError if there is no checkpoint."""
    if not checkpoint.is_file():
        raise UserError(
            f"there is no checkpoint {checkpoint} to resume from: train without --resume"
        )


@contextmanager
def reserved(
    outputs: Mapping[str, AnyPath | None], kept: Mapping[str, AnyPath | None] | None = None
) -> Iterator[None]:
    """Check, before hours of work, that outputs can be written, and keep other runs off them.

    Parameters
    ----------
    outputs : mapping of str to path
        The files that are going to be written, by the names that the user knows them by. None
        stands for one that is not.
    kept : mapping of str to path, optional
        Other files and folders that no output may take the place of.

    Raises
    ------
    UserError
        If two of the files are one, another run is going to write one of them, its folder does not
        exist or cannot be written to, or it is itself a folder.
    """
    given = {name: path for name, path in (kept or {}).items() if path is not None}
    taken = {Path(os.path.realpath(path)): name for name, path in given.items()}
    targets = []
    for name, path in outputs.items():
        if path is None:
            continue
        check_writable(path)
        target = resolved(path)
        other = taken.setdefault(target, name)
        if other != name:
            raise UserError(
                f"{path} cannot be both {other} and {name}: give each a file of its own"
            )
        targets.append(target)
    remove_litter(*targets)
    with ExitStack() as locks:
        for target in targets:
            locks.enter_context(_locked(target))
        yield


def make_folder(path: AnyPath) -> None:
    """Make a folder, if there is none, and make sure that files can be written there.

    Parameters
    ----------
    path : path
        For TensorFlow, which needs a name in UTF-8.

    Raises
    ------
    UserError
        If it is no folder, or cannot be written to.
    """
    if not is_utf8(path):
        raise UserError(f"cannot write {path}: TensorFlow needs a name in UTF-8")
    with _refusal_named(path):
        Path(path).mkdir(parents=True, exist_ok=True)
        with temporary_file(Path(path) / "events"):
            pass


def check_makeable(path: AnyPath) -> None:
    """Make sure that a folder can be made, or is there, and can be written to; make none.

    Parameters
    ----------
    path : path
        The folder.

    Raises
    ------
    UserError
        If it, or what it would lie in, is no folder or cannot be written to.
    """
    with _refusal_named(path):
        nearest = next(at for at in (Path(path), *Path(path).parents) if os.path.lexists(at))
        if not nearest.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        with temporary_file(nearest / "trial"):
            pass


def check_writable(*paths: AnyPath) -> None:
    """Make sure that files can be written.

    Parameters
    ----------
    *paths : path
        The files.

    Raises
    ------
    UserError
        If one is a folder or protected, or its folder does not exist or cannot be written to.
    """
    for path in map(Path, paths):
        with _refusal_named(path):
            target = resolved(path)
            if target.is_dir():
                raise UserError(f"{path} is a folder: give the name of a file to write")
            if not target.parent.is_dir():
                raise UserError(f"cannot write {path}: the folder {target.parent} does not exist")
            check_unprotected(target)
            with temporary_file(target):
                pass


@contextmanager
def _refusal_named(path: AnyPath) -> Iterator[None]:
    """Turn what the system says of a path that cannot be written into one line."""
    try:
        yield
    except UserError:
        raise
    except (OSError, ValueError) as error:
        raise UserError(f"cannot write {path}: {reason_of(error)}") from error


def remove_litter(*paths: AnyPath) -> None:
    """Remove the temporary files and folders that killed runs left beside some outputs.

    They are removed only if :mod:`pyimagesearch.files` gives such names and no living process holds
    their lock. Where the system has no such locks, nothing is removed.

    Parameters
    ----------
    *paths : path
        The outputs.

    Raises
    ------
    UserError
        If one is a pipe or a device.
    """
    if fcntl is None:
        return
    by_folder: dict[Path, set[str]] = {}
    for target in map(resolved, paths):
        by_folder.setdefault(target.parent, set()).add(target.name[:NAME_PART])
    for folder, names in by_folder.items():
        try:
            entries = [
                (TEMPORARY_NAME.fullmatch(entry.name), entry) for entry in os.scandir(folder)
            ]
        except OSError:
            continue
        found = [entry for match, entry in entries if match and match["of"] in names]
        for entry in found:
            if entry.is_file(follow_symlinks=False):
                _remove_unless_locked(Path(entry.path), os.O_RDWR, Path.unlink)
            elif entry.is_dir(follow_symlinks=False):
                _remove_unless_locked(Path(entry.path), os.O_RDONLY, shutil.rmtree)


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Hold the lock of an output, in a hidden file beside it that vanishes with the block."""
    if fcntl is None:
        yield
        return
    # Names that begin alike must not share a lock.
    checksum = zlib.crc32(os.fsencode(target.name))
    path = target.with_name(f".{target.name[:NAME_PART]}.{checksum:08x}.lock")
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        except OSError as error:
            raise UserError(
                f"cannot lock {target}: {path}: {reason_of(error)}; remove that file, or choose "
                "another name"
            ) from error
        if lock(descriptor) is False:
            os.close(descriptor)
            raise UserError(
                f"another run is going to write {target}: wait until it has ended, or choose "
                "another name"
            )
        # Between opening and locking, the run that held the lock may have removed the file.
        if is_still_at(path, descriptor):
            break
        os.close(descriptor)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _remove_unless_locked(path: Path, access: int, remove: Callable[[Path], object]) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(path, access | os.O_NOFOLLOW)
        try:
            if lock(descriptor) and is_still_at(path, descriptor):
                remove(path)
        finally:
            os.close(descriptor)
