"""Write files whole or not at all, keep other runs off them, and remove what killed runs left."""

import errno
import os
import re
import secrets
import shutil
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pyimagesearch.errors import WORK_FAILED, UserError, reason_of

try:
    import fcntl
except ImportError:  # Windows has no advisory locks of this kind.
    fcntl = None  # type: ignore[assignment]

AnyPath = str | os.PathLike[str]

# Windows translates line ends in files that are not opened as binary.
BINARY = getattr(os, "O_BINARY", 0)
# The part of a file's name that its temporary file repeats. Longer ones would not leave room for
# the rest of a name, which most file systems limit to 255 bytes.
NAME_PART = 50
TEMPORARY_NAME = re.compile(r"\.(?P<of>.+)\.[0-9a-f]{16}\.partial(\.[^.]+)?", re.DOTALL)


@contextmanager
def written_whole(
    path: AnyPath, *, flushed: bool = True, makes_folder: bool = False
) -> Iterator[Path]:
    """Write a file so that a reader sees the old one or the new one, never half of it.

    Parameters
    ----------
    path : path
        The file to write. If it is a link, its target gets the content. A file that exists keeps
        its permissions.
    flushed : bool
        Whether to wait until the file would survive a power failure.
    makes_folder : bool
        Whether to make the folder of the file, if there is none.

    Yields
    ------
    pathlib.Path
        An empty temporary file in the same folder, for the caller to overwrite. It replaces `path`
        if the block succeeds and is removed if it does not.

    Raises
    ------
    UserError
        If the file cannot be written, for example because it is protected or the disk is full.
    """
    try:
        if makes_folder:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        target = resolved(path)
        check_unprotected(target)
        with temporary_file(target) as temporary:
            yield temporary
            if flushed:
                _flush(temporary)
            if target.exists():
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            temporary.replace(target)
            if flushed and os.name == "posix":
                _flush(target.parent)  # makes the new name last, too
    except OSError as error:
        raise UserError(f"cannot write {path}: {reason_of(error)}", WORK_FAILED) from error


def remove_file(path: AnyPath) -> None:
    """Remove a file that :func:`written_whole` may have written.

    Parameters
    ----------
    path : path
        Which need not exist. If it is a link, the file that it leads to is removed.

    Raises
    ------
    UserError
        If it cannot be removed.
    """
    try:
        resolved(path).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"cannot remove {path}: {reason_of(error)}", WORK_FAILED) from error


def check_unprotected(target: Path) -> None:
    """Raise PermissionError for a protected file, which the system would let us replace."""
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))


def replace_folder(path: AnyPath, source: Path) -> None:
    """Put a copy of a folder in the place of another one, which stays if that fails.

    Parameters
    ----------
    path : path
        The folder to replace, if there is one. If it is a link, its target is replaced.
    source : pathlib.Path
        The folder to copy; it may lie on another disk.

    Raises
    ------
    OSError
        If it cannot be copied, or not put into the place of the other.
    UserError
        If `path` is a pipe or a device.
    """
    target = resolved(path)
    with temporary_folder(target) as beside:
        new, old = beside / "new", beside / "old"
        shutil.copytree(source, new)
        try:
            if target.exists():
                target.rename(old)
            new.rename(target)
        except BaseException:  # Ctrl-C, too
            if old.exists() and not target.exists():
                old.rename(target)
            raise


def is_utf8(path: AnyPath) -> bool:
    """Tell whether a name is UTF-8. OpenCV and TensorFlow end the process, or fail, over others."""
    return not any("\ud800" <= character <= "\udfff" for character in os.fspath(path))


def resolved(path: AnyPath) -> Path:
    """Follow links, so that an output that is a link stays one; refuse pipes and devices."""
    target = os.path.realpath(path)
    # A Path raises if a name is too long.
    if os.path.exists(target) and not (os.path.isfile(target) or os.path.isdir(target)):  # noqa: PTH110, PTH112, PTH113
        raise UserError(f"{path} is a pipe or a device: give the name of a file to write")
    return Path(target)


@contextmanager
def temporary_file(target: Path) -> Iterator[Path]:
    """Make an empty file beside `target` under a name that nobody can foresee, locked while open.

    The lock tells :func:`remove_litter` that the file's process is alive.
    """
    while True:
        temporary = _temporary_name(target, target.suffix)
        # O_EXCL also refuses a link that somebody has put there. The umask limits the permissions.
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | BINARY, 0o666)
        if fcntl is None:
            os.close(descriptor)  # Windows renames no file that is open.
            break
        # Before it was locked, another process may have taken it for litter.
        if lock(descriptor) is not False and is_still_at(temporary, descriptor):
            break
        os.close(descriptor)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
        if fcntl is not None:
            os.close(descriptor)


@contextmanager
def temporary_folder(target: Path) -> Iterator[Path]:
    """Make an empty folder beside `target`, named and locked like a :func:`temporary_file`.

    It vanishes with the block, and with all that is in it.
    """
    descriptor = None
    while True:
        folder = _temporary_name(target)
        folder.mkdir(mode=0o700)
        if fcntl is None:
            break  # Windows opens no folders.
        # Before it was locked, another process may have taken it for litter.
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        if lock(descriptor) is not False and is_still_at(folder, descriptor):
            break
        os.close(descriptor)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


def _temporary_name(target: Path, ending: str = "") -> Path:
    name = f".{target.name[:NAME_PART]}.{secrets.token_hex(8)}.partial{ending}"
    return target.with_name(name)


def remove_litter(*paths: AnyPath) -> None:
    """Remove the temporary files and folders that killed runs left beside some outputs.

    These have names as :func:`temporary_file` gives them, and no living process holds their lock.
    Where the system has no such locks, nothing is removed.

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


def _remove_unless_locked(path: Path, access: int, remove: Callable[[Path], object]) -> None:
    with suppress(OSError):
        descriptor = os.open(path, access | os.O_NOFOLLOW)
        try:
            if lock(descriptor) and is_still_at(path, descriptor):
                remove(path)
        finally:
            os.close(descriptor)


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Keep other runs off an output, by the lock of a hidden file that vanishes with the block.

    Parameters
    ----------
    target : pathlib.Path
        From :func:`resolved`.

    Raises
    ------
    UserError
        If another run has the lock, or the hidden file cannot be made.
    """
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


def lock(descriptor: int) -> bool | None:
    """Take the lock of an open file.

    Returns
    -------
    bool or None
        False if another process has it, None if the file system has no locks, as some network file
        systems have none: there, nobody is kept out.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def is_still_at(path: Path, descriptor: int) -> bool:
    """Tell whether a path still names the file that a descriptor has open."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except OSError:
        return False


def _flush(path: Path) -> None:
    is_folder = path.is_dir()
    descriptor = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems, such as shared folders of virtual machines, flush no folders.
        if not is_folder or error.errno not in (errno.EINVAL, errno.EBADF, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
