"""Images of no garment at all, which no test expects anything of but that they do no harm."""

import numpy as np
from hypothesis import strategies as st


@st.composite
def odd_images(draw):
    """Draw three small images of noise, of grey noise, of one colour, or of black."""
    size, seed = draw(st.integers(1, 40)), draw(st.integers(0, 99))
    images = np.random.default_rng(seed).integers(0, 256, (3, size, size, 3), np.uint8)
    kind = draw(st.sampled_from(["noise", "grey", "one colour", "black"]))
    if kind == "grey":
        images[:] = images[..., :1]
    elif kind == "one colour":
        images[:] = images[0, 0, 0]
    elif kind == "black":
        images[:] = 0
    return images
