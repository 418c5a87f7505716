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
        self.by_name: dict[str, list[str]] = {}
        for path in self.paths:
            name = os.path.basename(path).casefold()  # noqa: PTH119 (called once an image)
            for key in {name, _without_suffix(name)}:
                self.by_name.setdefault(key, []).append(path)

    def find(self, cell: str) -> str | list[str]:
        """Find the image that a cell names.

        Parameters
        ----------
        cell : str
            A path, or the end of one. The suffix may be missing.

        Returns
        -------
        str or list of str
            The image's path, or the candidates if there is not exactly one.
        """
        wanted = cell.replace("\\", "/").removeprefix("./")
        exact = os.path.join(self.folder, wanted.replace("/", os.sep))  # noqa: PTH118
        candidates = self.by_name.get(wanted.rpartition("/")[2].casefold(), [])
        if exact in candidates:
            return exact
        folded = f"/{wanted.casefold()}".replace("/", os.sep)
        ends = [
            path
            for path in candidates
            if path.casefold().endswith(folded) or _without_suffix(path.casefold()).endswith(folded)
        ]
        return ends[0] if len(ends) == 1 else ends


def has_image_suffix(name: str) -> bool:
    """Tell whether a name ends in one of ``IMAGE_SUFFIXES``, in either case."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def _without_suffix(name: str) -> str:
    return os.path.splitext(name)[0] if has_image_suffix(name) else name  # noqa: PTH122 (fast)
