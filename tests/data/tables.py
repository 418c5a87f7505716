"""Tables of labels that tests read, and the files that stand for their images."""

from hypothesis import strategies as st

from pyimagesearch.data import label_table

# The names, in a table, of the images in the fixture `folder`.
NAMES = ["a", "000005", "tt0151137"]
LABEL_SETS = st.lists(
    st.sets(st.sampled_from(["clear", "haze", "Sci-Fi", "été"])), min_size=3, max_size=3
)


def write_images(folder, names):
    """Write files that are called images; no test decodes them."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"-")


def read(folder, text, encoding="utf-8"):
    (folder / "t.csv").write_bytes(text.encode(encoding))
    return label_table.read_label_table(folder / "t.csv", folder)


def labels_of(table):
    """Return the labels of each image by its file's name."""
    return by_name(table, table.labels)


def by_name(table, values):
    """Return what a table says of each image by its file's name."""
    return dict(zip([path.rpartition("/")[2] for path in table.paths], values, strict=True))
