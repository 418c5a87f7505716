"""Compare this project with the tutorial's own recipe, side by side on one machine.

    python benchmarks/compare.py --dataset DIR --fullsize DIR

Print a table of times and memory, and of how many times better this project is. A whole run of the
tutorial's 75 epochs takes most of the time; --skip whole leaves it out.
"""

import itertools
import re
import shutil
import tempfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from measure import Run, median, print_table, run

from pyimagesearch.arguments import ArgumentParser, number

TUTORIAL = "benchmarks/tutorial.py"
ACCURACY = r"val_binary_accuracy: ([\d.]+)"


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition("\n")[0],
        "example: python benchmarks/compare.py --dataset dataset --skip whole --epochs 3",
    )
    count = number(int, 1, 10**8)
    parser.add_argument("--dataset", default="dataset", help="folder of label folders")
    parser.add_argument("--fullsize", help="another one, with large images to load")
    parser.add_argument(
        "--files", type=number(int, 40, 10**8), default=2000, help="files to load; some are copies"
    )
    parser.add_argument("--epochs", type=number(int, 2, 1000), default=10, help="epochs to time")
    parser.add_argument("--whole-epochs", type=count, default=12, help="epochs of our whole run")
    parser.add_argument("--repeats", type=count, default=3, help="how often to classify one image")
    parser.add_argument(
        "--skip", nargs="*", default=[], choices=list(PARTS), help="parts to leave out"
    )
    return parser.parse_args()


def main() -> None:
    """Run all parts, and print the table again after each."""
    args = parse_arguments()
    with tempfile.TemporaryDirectory() as name:
        rows = [["what", "the tutorial's recipe", "this project", "times better"]]
        for part, compare in PARTS.items():
            if part not in args.skip:
                rows += compare(args, Path(name))
                print_table(rows)


def compare_loading(args: Namespace, folder: Path) -> list[list[str]]:
    """Time loading up to the first training step, without and with this project's cache."""
    images = folder / "fullsize"
    copy_files(Path(args.fullsize or args.dataset), images, args.files)
    shared = ["--dataset", images, "--epochs", 1]
    tutorial = loading_seconds(run(TUTORIAL, "train", *shared, folder=folder))
    cache = {"XDG_CACHE_HOME": str(folder / "cache")}
    first, second = (
        loading_seconds(run("train.py", *shared, folder=folder, environment=cache))
        for _ in range(2)
    )
    name = f"from files to the first step, {args.files:,} files"
    return [
        row(name, "{:.1f} s", tutorial, ours=first),
        row(f"{name}, second run", "{:.2f} s", tutorial, ours=second),
    ]


def compare_epochs(args: Namespace, folder: Path) -> list[list[str]]:
    """Time an epoch, and measure the peak memory of a run."""
    shared = ["--dataset", Path(args.dataset).resolve(), "--epochs", args.epochs]
    runs = [run(TUTORIAL, "train", *shared, folder=folder), run("train.py", *shared, folder=folder)]
    seconds = [epoch_seconds(timed) for timed in runs]
    means = [sum(values) / len(values) for values in seconds]
    cells = [
        f"{mean:.1f} s ({min(values):.1f} to {max(values):.1f})"
        for mean, values in zip(means, seconds, strict=True)
    ]
    return [
        [f"mean epoch of {args.epochs}", *cells, f"{means[0] / means[1]:.1f}"],
        row("peak memory of a run", "{:,.0f} MB", runs[0].peak_mb, ours=runs[1].peak_mb),
    ]


def compare_one_image(args: Namespace, folder: Path) -> list[list[str]]:
    """Classify one image from a cold start."""
    image = next(path.resolve() for path in sorted(Path(args.dataset).rglob("*.jpg")))
    tutorial, ours = [], []
    for _ in range(args.repeats):
        tutorial.append(run(TUTORIAL, "classify", "-i", image, folder=folder))
        ours.append(run("classify.py", "-i", image, "--no-display", folder=folder))
    seconds, peaks = (
        [median([getattr(timed, field) for timed in runs]) for runs in (tutorial, ours)]
        for field in ("seconds", "peak_mb")
    )
    return [
        row("classify.py, one image", "{:.2f} s", seconds[0], ours=seconds[1]),
        row("its peak memory", "{:,.0f} MB", peaks[0], ours=peaks[1]),
    ]


def compare_many_images(args: Namespace, folder: Path) -> list[list[str]]:
    """Count the images classified per second, and compare the memory for few and many images."""
    few, many = folder / "few", folder / "many"
    copy_files(Path(args.dataset), few, args.files // 4)
    copy_files(Path(args.dataset), many, args.files)
    files = sorted(map(str, few.rglob("*.*")))
    tutorial = run(TUTORIAL, "classify", "-i", *files, folder=folder)
    ours_few, ours_many = (run("classify.py", "-i", each, folder=folder) for each in (few, many))
    rates = images_per_second(tutorial, len(files)), images_per_second(ours_many, args.files)
    peaks = f"{ours_few.peak_mb:,.0f} and {ours_many.peak_mb:,.0f} MB"
    return [
        [
            f"classify.py, images a second of {args.files:,}",
            *(f"{rate:,.0f}" for rate in rates),
            f"{rates[1] / rates[0]:.1f}",
        ],
        [f"its peak memory, {len(files):,} and {args.files:,} images", "", peaks, ""],
    ]


def compare_whole_runs(args: Namespace, folder: Path) -> list[list[str]]:
    """Time whole runs from start to files, and show the accuracy of their last epochs."""
    shared = ["--dataset", Path(args.dataset).resolve()]
    ours = run("train.py", *shared, "--epochs", args.whole_epochs, folder=folder)
    tutorial = run(TUTORIAL, "train", *shared, folder=folder)
    cells = [
        f"{timed.seconds:,.0f} s, ends at {final_accuracy(timed):.2%}" for timed in (tutorial, ours)
    ]
    name = f"whole run of 75 epochs, and of {args.whole_epochs}"
    return [[name, *cells, f"{tutorial.seconds / ours.seconds:.1f}"]]


# Training leaves the models with which the parts after it classify.
PARTS: dict[str, Callable[[Namespace, Path], list[list[str]]]] = {
    "load": compare_loading,
    "epochs": compare_epochs,
    "one": compare_one_image,
    "many": compare_many_images,
    "whole": compare_whole_runs,
}


def copy_files(source: Path, target: Path, count: int) -> None:
    """Copy files of a data set into label folders, each as often as needed to make `count`."""
    files = sorted(path for path in source.rglob("*") if path.is_file())
    for position in range(count):
        original = files[position % len(files)]
        folder = target / original.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, folder / f"{position:06}{original.suffix}")


def loading_seconds(timed: Run) -> float:
    """Return the time from the start of loading to the start of training."""
    return timed.when("[INFO] training network") - timed.when("[INFO] loading images")


def epoch_seconds(timed: Run) -> list[float]:
    """Return the time of each epoch but the first, which also compiles the network."""
    moments = [moment for moment, line in timed.lines if re.search(ACCURACY, line)]
    return [after - before for before, after in itertools.pairwise(moments)]


def final_accuracy(timed: Run) -> float:
    """Return the test accuracy of the last epoch."""
    return float(re.findall(ACCURACY, "\n".join(line for _, line in timed.lines))[-1])


def images_per_second(timed: Run, count: int) -> float:
    """Return how many images per second were classified, not counting the start."""
    return count / (timed.seconds - timed.when("classifying"))


def row(name: str, form: str, tutorial: float, *, ours: float) -> list[str]:
    """Format two values and their ratio."""
    return [name, form.format(tutorial), form.format(ours), f"{tutorial / ours:.1f}"]


if __name__ == "__main__":
    main()
