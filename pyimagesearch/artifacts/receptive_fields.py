"""Which part of an image a cell of a feature map stands for."""

from typing import NamedTuple

Pair = tuple[int, ...]


class Cells(NamedTuple):
    """Where in an image the cells of a feature map lie.

    Poolings drop the last pixels that fill no window, so that the cells do not always cover the
    whole image. Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural
    Networks" (2019).

    Attributes
    ----------
    first : tuple of float
        Row and column of the pixel on which the receptive field of the first cell is centred.
    step : tuple of int
        How many rows and columns of pixels further that of the next one is.
    """

    first: tuple[float, ...] = (0.0, 0.0)
    step: Pair = (1, 1)

    def after(self, window: Pair, strides: Pair, *, taken: Pair, returned: Pair) -> "Cells":
        """Follow the cells through a convolution or a pooling.

        Parameters
        ----------
        window, strides : (int, int)
            Those of the layer, rows first. A dilated window includes its gaps.
        taken, returned : (int, int)
            Height and width of the feature maps that it takes and returns.

        Returns
        -------
        Cells
            Those of the feature maps that it returns.
        """
        pads = padding(window, strides, taken=taken, returned=returned)
        axes = zip(self.first, self.step, window, pads, strict=True)
        first = [
            start + step * ((width - 1) / 2 - before) for start, step, width, (before, _) in axes
        ]
        steps = (step * stride for step, stride in zip(self.step, strides, strict=True))
        return Cells(tuple(first), tuple(steps))

    def cropped(self, rows: int, columns: int) -> "Cells":
        """Follow the cells through a cropping.

        Parameters
        ----------
        rows, columns : int
            How many are cut off at the top and at the left; below zero where they are padded.

        Returns
        -------
        Cells
            Those of the feature maps that it returns.
        """
        (y, x), (height, width) = self.first, self.step
        return self._replace(first=(y + rows * height, x + columns * width))


def padding(window: Pair, strides: Pair, *, taken: Pair, returned: Pair) -> list[tuple[int, int]]:
    """Count the pixels by which Keras pads each axis before a convolution or a pooling.

    Parameters
    ----------
    window, strides, taken, returned
        As for :meth:`Cells.after`.

    Returns
    -------
    list of (int, int)
        For rows and columns, how many pixels at the beginning and at the end: if they are odd,
        Keras puts one more at the end.
    """
    axes = zip(window, strides, taken, returned, strict=True)
    missing = [max(0, (count - 1) * stride + width - size) for width, stride, size, count in axes]
    return [(pixels // 2, pixels - pixels // 2) for pixels in missing]
