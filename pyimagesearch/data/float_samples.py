"""Which value is white in an image of floating-point samples, for which TIFF defines none."""

import numpy as np
from PIL import Image

from pyimagesearch.data.image_header import UnreadableImageError

# Samples from 0 to 1, as programs for photographs write them, or scaled from 8 or from 16 bits.
WHITES = (1, 255, 65535)
# Resampling goes beyond black and white by less than this share of white.
MOST_BEYOND = 0.5
# If the largest sample is below this share of a white, the image is not scaled to that white. With
# samples up to 5, for example, it may have a high dynamic range.
LEAST_LARGEST = 1 / 16


def white_of(image: Image.Image) -> int:
    """Tell from the samples of an image which value is white.

    Parameters
    ----------
    image : PIL.Image.Image
        Of the mode ``F``.

    Returns
    -------
    int
        One of ``WHITES``. Black is 0.

    Raises
    ------
    UnreadableImageError
        If the samples fit none of them.
    """
    least, largest = map(float, np.ravel(image.getextrema()))
    for white in WHITES:
        is_within = -MOST_BEYOND * white <= least and largest <= (1 + MOST_BEYOND) * white
        if is_within and (white == WHITES[0] or largest >= LEAST_LARGEST * white):
            return white
    raise UnreadableImageError(
        f"its floating-point samples, from {least:g} to {largest:g}, do not tell which value is "
        "white: save it with samples from 0 to 1"
    )
