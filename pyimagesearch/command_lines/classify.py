"""The command line of classify.py."""

import glob
import sys
from argparse import Namespace

from pyimagesearch.arguments import ArgumentParser, either, number

EXAMPLES = """examples:
  python classify.py --image examples/example_01.jpg
  python classify.py --image examples/example_07.jpg --output labelled.jpg --no-display
  python classify.py --image examples --threshold auto --json
"""


def parse_arguments(description: str | None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description, EXAMPLES)
    files = parser.add_argument_group("files").add_argument
    files(
        "-i",
        "--image",
        action="extend",
        nargs="+",
        required=True,
        help="images, folders, clips or camera:0; - reads standard input",
    )
    files("-m", "--model", default="fashion.model", help="the trained network")
    names = "file with its labels; by default the model file's own labels, or else mlb.pickle"
    files("-l", "--labelbin", help=names)
    drawn = "write the labelled image or clip; a folder for several"
    files("--output", metavar="FILE", help=drawn)
    explained = "draw where the network sees each label; a folder for several"
    files("--explain", metavar="FILE", help=explained)
    files("--no-display", action="store_true", help="open no window")
    devices = ("auto", "cpu", "gpu")
    files("--device", choices=devices, default="auto", help="auto: a GPU, if any, for many images")

    labels = parser.add_argument_group("labels").add_argument
    top, threshold = either("all", number(int, 1, 1_000_000)), either("auto", number(float, 0, 1))
    labels(
        "--top",
        type=top,
        help="how many labels to give, or all; by default the likeliest of each part of the "
        "folders' names; after --labels, those above their thresholds",
    )
    labels(
        "--threshold",
        type=threshold,
        help="instead of --top: all labels at least this likely, from 0 to 1; auto: for each "
        "label the threshold that was best on the test images",
    )
    reject = "share of the test images that would be called unknown; 0 calls no image unknown"
    labels("--reject", metavar="SHARE", type=number(float, 0, 1), default=0.02, help=reject)

    form = parser.add_argument_group("for programs").add_mutually_exclusive_group().add_argument
    one_object = "print one JSON object per line"
    form("--json", dest="form", action="store_const", const="json", default="text", help=one_object)
    table = "print a table of comma-separated values"
    form("--csv", dest="form", action="store_const", const="csv", default="text", help=table)
    args = parser.parse_args()
    if sys.platform == "win32":
        args.image = [path for given in args.image for path in _expanded(given)]
    return args


def _expanded(given: str) -> list[str]:
    """Expand a pattern such as ``clips/*.mp4``, which shells of Windows leave to programs."""
    # The name of a file on Windows may hold brackets, but neither * nor ?.
    return sorted(glob.glob(given.replace("[", "[[]"))) or [given]  # noqa: PTH207
