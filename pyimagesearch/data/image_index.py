"""Which image below a folder a text names, such as a cell of a table."""

import functools
import os
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator

from pyimagesearch.data.folders import IMAGE_SUFFIXES, list_images
from pyimagesearch.files import AnyPath


class ImageIndex:
    """Finds the image that a cell names.

    Parameters
    ----------
    folder : path
        Images below it are found, and no others.

    Attributes
    ----------
    folder : str
        The folder.
    paths : list of str
        All images below it, sorted.
    """

    def __init__(self, folder: AnyPath) -> None:
        self.folder = os.fspath(folder)
        self.paths = list_images(folder).paths
        # Absolute paths are compared, because cells and the folder may begin anywhere.
        self._top = os.path.abspath(folder)  # noqa: PTH100 (keeps links)
        tops = {self._top, os.path.realpath(folder)}
        self._path_at: dict[str, str] = {}
        self._names: set[str] = set()
        for path in self.paths:
            for top in tops:
                self._path_at[self._absolute(path, top)] = path
            name = _folded(os.path.basename(path))  # noqa: PTH119
            self._names |= {name, _without_suffix(name)}
        self._of_several: dict[str, list[str]] = {}

    @functools.cached_property
    def _backwards(self) -> list[tuple[str, int]]:
        """All absolute paths from last to first character, with their positions in `paths`.

        Sorted, so that those that end alike are neighbours. A path with a suffix is there without
        it, too.
        """
        found = []
        for position, path in enumerate(self.paths):
            folded = _folded(self._absolute(path, self._top))
            found += [(end[::-1], position) for end in {folded, _without_suffix(folded)}]
        return sorted(found)

    def find(self, cell: str) -> str | None:
        """Find the image that a cell names.

        Parameters
        ----------
        cell : str
            A path, absolute, from the folder or from the working directory, or the end of one. The
            suffix may be missing.

        Returns
        -------
        str or None
            The image's path; None if there is not exactly one :meth:`candidate <candidates>`.
        """
        paths = self.candidates(cell)
        return paths[0] if len(paths) == 1 else None

    def candidates(self, cell: str) -> list[str]:
        """List the paths of all images that a cell may name."""
        wanted = cell.replace("\\", "/").removeprefix("./")
        if _folded(wanted.rpartition("/")[2]) not in self._names:
            return []
        if (exact := self._at(self._top, wanted)) is not None:
            return [exact]
        folded = _folded(f"/{wanted}").replace("/", os.sep)
        ends = self._of_several.get(folded) or [
            self.paths[position] for position in sorted(self._ending_in(folded))
        ]
        # Kept for the next cell: a name that several images have is likely to be in several cells.
        if len(ends) > 1:
            self._of_several[folded] = ends
        if not ends and (exact := self._at(os.curdir, wanted)) is not None:
            return [exact]
        return ends

    def _ending_in(self, end: str) -> Iterator[int]:
        """Yield the positions of the paths that end in a text, with or without their suffix."""
        begin = end[::-1]
        for place in range(bisect_left(self._backwards, (begin, 0)), len(self._backwards)):
            text, position = self._backwards[place]
            if not text.startswith(begin):
                break
            yield position

    def _absolute(self, path: str, top: str) -> str:
        """Return the absolute path of an image, given that of the folder."""
        below = path[len(self.folder) :].lstrip("/" + os.sep)
        return os.path.normcase(os.path.join(top, below))  # noqa: PTH118 (fast)

    def _at(self, start: str, wanted: str) -> str | None:
        """Return the image at a path, which may be absolute, from a folder."""
        absolute = os.path.abspath(os.path.join(start, wanted))  # noqa: PTH100, PTH118 (fast)
        return self._path_at.get(os.path.normcase(absolute))


def has_image_suffix(name: str) -> bool:
    """Tell whether a name ends in one of ``IMAGE_SUFFIXES``, in either case."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def _folded(text: str) -> str:
    """Return what spellings share that differ in case, or in how a letter has its accent.

    An "é" may be one character, as most people type it, or an "e" and an accent, as in the names
    of files from macOS.
    """
    return unicodedata.normalize("NFC", text.casefold())


def _without_suffix(name: str) -> str:
    return os.path.splitext(name)[0] if has_image_suffix(name) else name  # noqa: PTH122 (fast)
