"""What a cell of a table says: yes or no, which side of the split, or which labels."""

TRUE_WORDS = {"1", "1.0", "true", "yes", "x", "y"}
# Some tables write -1 for a label that an image does not have, or for one that is uncertain.
FLAGS = TRUE_WORDS | {"0", "0.0", "-1", "-1.0", "false", "no", "n", ""}
# Letters may be labels themselves, unless all that several columns hold is one of these.
LETTERS = {"x", "y", "n"}
CROSSES, YES_OR_NO = {"x", ""}, {"y", "n", ""}
# Whether each word of a column `split`, and of fastai's `is_valid`, puts an image on the test side.
SIDES = dict.fromkeys(("", "train", "training"), False) | dict.fromkeys(
    ("test", "testing", "val", "valid", "validation", "eval", "dev", "holdout"), True
)
IS_VALID = {flag: flag in TRUE_WORDS for flag in FLAGS}


def labels_in(cell: str, separator: str) -> set[str]:
    """Take the labels of a cell apart, which may look like a list of Python.

    Parameters
    ----------
    cell : str
        Such as ``"red|dress"`` or ``"['red', 'dress']"``.
    separator : str
        Stands between labels. In a list, it is a comma.

    Returns
    -------
    set of str
        The labels.
    """
    text = cell.strip()
    is_list = text[:1] + text[-1:] in ("[]", "()", "{}")
    parts = text[1:-1].split(",") if is_list else text.split(separator)
    stripped = (part.strip().strip("'\"") if is_list else part.strip() for part in parts)
    return set(filter(None, stripped))
