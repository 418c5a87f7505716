"""Which image below a folder a text names, such as a cell of a table."""

import os

from pyimagesearch.data.folders import IMAGE_SUFFIXES, list_images
from pyimagesearch.files import AnyPath


class ImageIndex:
    """Finds the image that a cell names.

    Parameters
    ----------
    folder : path
        Images below it are found, and no others.
    """

    def __init__(self, folder: AnyPath) -> None:
        self.folder = os.fspath(folder)
        self.paths = list_images(folder).paths
        # Absolute paths are compared, because cells and the folder may begin anywhere.
        self.top = os.path.abspath(folder)  # noqa: PTH100 (keeps links)
        tops = {self.top, os.path.realpath(folder)}
        self.path_at: dict[str, str] = {}
        self.by_name: dict[str, list[str]] = {}
        for path in self.paths:
            below = path[len(self.folder) :].lstrip("/" + os.sep)
            for top in tops:
                self.path_at[os.path.normcase(os.path.join(top, below))] = path  # noqa: PTH118 (fast)
            absolute = os.path.normcase(os.path.join(self.top, below))  # noqa: PTH118
            name = os.path.basename(path).casefold()  # noqa: PTH119
            for key in {name, _without_suffix(name)}:
                self.by_name.setdefault(key, []).append(absolute)

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
        same_name = self.by_name.get(wanted.rpartition("/")[2].casefold(), [])
        if not same_name:
            return []
        if (exact := self._at(self.top, wanted)) is not None:
            return [exact]
        folded = f"/{wanted.casefold()}".replace("/", os.sep)
        ends = [
            self.path_at[path]
            for path in same_name
            if path.casefold().endswith(folded) or _without_suffix(path.casefold()).endswith(folded)
        ]
        if not ends and (exact := self._at(os.curdir, wanted)) is not None:
            return [exact]
        return ends

    def _at(self, start: str, wanted: str) -> str | None:
        """Return the image at a path, which may be absolute, from a folder."""
        absolute = os.path.abspath(os.path.join(start, wanted))  # noqa: PTH100, PTH118 (fast)
        return self.path_at.get(os.path.normcase(absolute))


def has_image_suffix(name: str) -> bool:
    """Tell whether a name ends in one of ``IMAGE_SUFFIXES``, in either case."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def _without_suffix(name: str) -> str:
    return os.path.splitext(name)[0] if has_image_suffix(name) else name  # noqa: PTH122 (fast)
