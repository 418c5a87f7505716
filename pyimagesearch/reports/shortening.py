"""Long names, shortened for tables and pictures."""

from typing import Literal

# Where dots replace a part of a long text.
Cut = Literal["start", "middle", "end"]


def shortened(text: str, most: int, *, cut: Cut = "middle") -> str:
    """Replace a part of a long text by dots.

    Parameters
    ----------
    text : str
        Printable text.
    most : int
        How many characters to keep, the dots among them; at least 0.
    cut : {"start", "middle", "end"}
        Which part to leave out. Names that begin alike differ when it is the middle.

    Returns
    -------
    str
        For example ``"A ver...el 7"``. Where less than two characters would be left beside the
        dots, the text ends without them.
    """
    if len(text) <= most:
        return text
    if (left := most - len("...")) < 2:
        return text[:most]
    before = {"start": 0, "middle": (left + 1) // 2, "end": left}[cut]
    return f"{text[:before]}...{text[len(text) - left + before :]}"
