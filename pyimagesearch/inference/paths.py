"""Which files are classified, and where their labelled images and heat maps are written."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pyimagesearch.console import shell_command
from pyimagesearch.data.folders import IMAGE_SUFFIXES, file_identity, list_images
from pyimagesearch.errors import UserError
from pyimagesearch.files import AnyPath
from pyimagesearch.reading import did_you_mean

STANDARD_INPUT = "-"


def expand(inputs: Sequence[AnyPath]) -> list[str]:
    """Replace folders by the images below them.

    Parameters
    ----------
    inputs : sequence of path
        Files and folders; ``-`` is the standard input.

    Returns
    -------
    list of str
        Files, and folders that cannot be opened. Whether each file can be read turns out when it is
        classified.

    Raises
    ------
    UserError
        If there is no such file or folder, a folder holds no images, or the standard input is
        given twice.
    TypeError
        If `inputs` is a single string.
    """
    if isinstance(inputs, str):
        raise TypeError(f"give a list, not the string {inputs!r}")
    paths: list[str] = []
    for given in (os.fspath(path) for path in inputs):
        if os.path.isdir(given):  # noqa: PTH112 (a string may hold what a Path refuses)
            found = list_images(given)
            if not found.paths and found.unreadable:
                folder, reason = found.unreadable[0]
                raise UserError(f"cannot read {folder}: {reason}")
            if not found.paths:
                raise UserError(f"there are no images below {given}")
            # A folder that cannot be read is named where its images would be.
            paths.extend([*found.paths, *(path for path, _ in found.unreadable)])
        elif given.startswith(("http://", "https://")):
            # A shell would end the command at an & in the address.
            command = shell_command("curl", "-LO", given)
            raise UserError(f"{given} is not a file: fetch it first, with {command}")
        elif given != STANDARD_INPUT and not os.path.lexists(given):
            raise UserError(f"there is no image {given}{did_you_mean(given)}")
        else:
            paths.append(given)
    if paths.count(STANDARD_INPUT) > 1:
        raise UserError("the standard input can be read only once: give - once")
    return paths


def output_paths(
    inputs: Sequence[AnyPath],
    paths: Sequence[str],
    output: AnyPath | None,
    *,
    suffixes: Sequence[str] = (".jpg", ".jpeg"),
) -> Sequence[Path | None]:
    """Decide where the labelled image of each file is written, or its heat maps.

    Parameters
    ----------
    inputs : sequence of path
        Files and folders as the user gave them.
    paths : sequence of str
        The files that :func:`expand` found.
    output : path or None
        A file for a single image, otherwise a folder. A text that ends in a slash names a folder.
    suffixes : sequence of str
        The suffixes that files in a folder may have, the usual one first.

    Returns
    -------
    sequence of (pathlib.Path or None)
        A path for each file. Below an output folder, images keep their places below the input
        folder. All become files of one kind; other suffixes stay in the name: ``a.png.jpg``.

    Raises
    ------
    UserError
        If `output` is a file, or named like one, where a folder is needed, a picture would replace
        one of the files, or two would be written to one file.
    """
    if output is None:
        return [None] * len(paths)
    inputs, output, folder = [os.fspath(given) for given in inputs], os.fspath(output), Path(output)
    exists = os.path.exists(folder)  # noqa: PTH110 (a Path raises if the name is too long)
    # A Path does not keep the slash at the end of a folder's name.
    has_slash = output.endswith(("/", os.sep))
    is_folder = os.path.isdir(folder) if exists else has_slash  # noqa: PTH112
    if has_slash and not is_folder:
        raise UserError(f"{folder} is a file: give it without a slash at its end, or name a folder")
    if list(paths) == inputs and len(paths) == 1 and not is_folder:
        _check_targets(paths, [folder])
        return [folder]
    is_named_like_file = folder.suffix.lower() in {*IMAGE_SUFFIXES, *suffixes}
    if not is_folder and (is_named_like_file or exists):
        kind = "is a file" if exists else "is the name of a file"
        raise UserError(
            f"{output} {kind}: give a folder for several images or clips, or for a folder of images"
        )
    # Without "..": ../b.jpg is not below ".".
    folders = (os.path.abspath(given) for given in inputs if os.path.isdir(given))  # noqa: PTH100, PTH112
    positions = {given: n for n, given in enumerate(dict.fromkeys(map(Path, folders)))}

    def below_output(path: str) -> Path:
        full = Path(os.path.abspath(path))  # noqa: PTH100
        above = [given for given in (full, *full.parents) if given in positions]
        root = min(above, key=positions.__getitem__, default=None)
        place = full.relative_to(root) if root else Path(full.name)
        is_of_kind = place.suffix.lower() in suffixes
        return folder / (place if is_of_kind else place.with_name(place.name + suffixes[0]))

    outputs = [below_output(path) for path in paths]
    _check_targets(paths, outputs)
    return outputs


def check_different(outputs: Sequence[Path | None], others: Sequence[Path | None]) -> None:
    """Make sure that no labelled image would replace a picture of heat maps.

    Parameters
    ----------
    outputs, others : sequence of (pathlib.Path or None)
        From :func:`output_paths`.

    Raises
    ------
    UserError
        If one file is in both.
    """
    targets = {_identity(path) for path in outputs if path is not None}
    for path in others:
        if path is not None and _identity(path) in targets:
            raise UserError(
                f"{path} cannot be both a labelled image and heat maps: choose another name"
            )


def _identity(path: str | Path) -> object:
    """Return what all names of a file share, also where case makes no difference."""
    try:
        # A string may hold what a Path refuses.
        identity = file_identity(path, os.stat(path))  # noqa: PTH116
    except (OSError, ValueError):
        identity = os.path.realpath(path)
    if isinstance(identity, str) and sys.platform in ("darwin", "win32"):
        return identity.casefold()
    return identity


def _check_targets(paths: Sequence[str], outputs: Sequence[Path]) -> None:
    images = set(map(_identity, paths))
    sources: dict[object, str] = {}
    for path, output in zip(paths, outputs, strict=True):
        target = _identity(output)
        if target in images:
            raise UserError(f"{output} is itself to be classified: choose another output")
        other = sources.setdefault(target, path)
        if other != path:
            raise UserError(
                f"{other} and {path} would both be written to {output}: classify them separately"
            )
