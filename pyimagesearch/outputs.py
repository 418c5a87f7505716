"""The outputs of a run: checked before hours of work, and reserved for one run at a time."""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pyimagesearch.errors import UserError, reason_of
from pyimagesearch.files import (
    AnyPath,
    check_unprotected,
    is_utf8,
    locked,
    remove_litter,
    resolved,
    temporary_file,
)


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
        exist or cannot be written to, or it is itself protected, a folder, a pipe or a device.
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
            locks.enter_context(locked(target))
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
        If its name is not UTF-8, it is no folder, or it cannot be written to.
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
        above = (at for at in (Path(path), *Path(path).parents) if os.path.lexists(at))
        nearest = next(above, Path(path))  # On Windows, a drive may not exist.
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
        If one is protected, a folder, a pipe or a device, or its folder does not exist or cannot be
        written to.
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
