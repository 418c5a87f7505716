"""The project beside the tutorial's own recipe: run in turn, in one go, on one machine.

    python benchmarks/compare.py --dataset DIR --fullsize DIR

prints a table of both figures and their ratio. A whole run of the tutorial's 75 epochs takes most
of the time; --skip whole leaves it out.
"""

import argparse
import itertools
import re
import shutil
import tempfile
from pathlib import Path

from measure import Run, median, print_table, run

ACCURACY = r"val_binary_accuracy: ([\d.]+)"


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dataset", default="dataset", help="folder of label folders to train on")
    parser.add_argument("--fullsize", help="the same with large images, to load; default --dataset")
    parser.add_argument("--files", type=int, default=2000, help="how many files to load, repeated")
    parser.add_argument("--epochs", type=int, default=10, help="epochs to time")
    parser.add_argument("--whole-epochs", type=int, default=12, help="epochs of our whole run")
    parser.add_argument("--repeats", type=int, default=3, help="of what is short")
    parser.add_argument(
        "--skip", nargs="*", default=[], choices=["whole", "epochs", "load", "one", "many"]
    )
    return parser.parse_args()


def epoch_seconds(timed: Run) -> list[float]:
    """Take the seconds between the lines of the epochs; the first, which compiles, is left out."""
    moments = [moment for moment, line in timed.lines if re.search(ACCURACY, line)]
    return [after - before for before, after in itertools.pairwise(moments)]


def final_accuracy(timed: Run) -> float:
    """Read the last epoch's test accuracy."""
    return float(re.findall(ACCURACY, "\n".join(line for _, line in timed.lines))[-1])


def loading_seconds(timed: Run) -> float:
    """Take the time from the first look at the images to the first training step."""
    return timed.when("[INFO] training network") - timed.when("[INFO] loading images")


def repeated_files(source: Path, target: Path, count: int) -> None:
    """Copy a data set's files over and over, into label folders, until there are enough."""
    files = sorted(path for path in source.rglob("*") if path.is_file())
    for number in range(count):
        original = files[number % len(files)]
        folder = target / original.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, folder / f"{number:06}{original.suffix}")


def compare_loading(args: argparse.Namespace, folder: Path) -> list[list[str]]:
    """Time the way from files to the first training step, without and with the cache."""
    images = folder / "fullsize"
    repeated_files(Path(args.fullsize or args.dataset), images, args.files)
    shared = ["--dataset", images, "--epochs", 1]
    tutorial = loading_seconds(run("benchmarks/tutorial.py", "train", *shared, folder=folder))
    cache = {"XDG_CACHE_HOME": str(folder / "cache")}
    ours, again = (
        loading_seconds(run("train.py", *shared, folder=folder, **cache)) for _ in range(2)
    )
    name = f"from files to the first step, {args.files} files"
    return [
        [name, f"{tutorial:.1f} s", f"{ours:.1f} s", f"{tutorial / ours:.1f}"],
        [f"{name}, second run", f"{tutorial:.1f} s", f"{again:.2f} s", f"{tutorial / again:.1f}"],
    ]


def compare_epochs(args: argparse.Namespace, folder: Path) -> list[list[str]]:
    """Time an epoch, and the memory a run takes."""
    shared = ["--dataset", Path(args.dataset).resolve(), "--epochs", args.epochs]
    tutorial = run("benchmarks/tutorial.py", "train", *shared, folder=folder)
    ours = run("train.py", *shared, folder=folder)
    seconds = [epoch_seconds(timed) for timed in (tutorial, ours)]
    means = [sum(values) / len(values) for values in seconds]
    spread = [
        f"{m:.1f} s ({min(v):.1f} to {max(v):.1f})" for m, v in zip(means, seconds, strict=True)
    ]
    return [
        [f"mean epoch of {args.epochs}", *spread, f"{means[0] / means[1]:.2f}"],
        [
            "peak memory of a run",
            f"{tutorial.peak_mb:,.0f} MB",
            f"{ours.peak_mb:,.0f} MB",
            f"{tutorial.peak_mb / ours.peak_mb:.2f}",
        ],
    ]


def compare_whole_runs(args: argparse.Namespace, folder: Path) -> list[list[str]]:
    """Time whole runs, from start to files, and say how well each ends."""
    shared = ["--dataset", Path(args.dataset).resolve()]
    ours = run("train.py", *shared, "--epochs", args.whole_epochs, folder=folder)
    tutorial = run("benchmarks/tutorial.py", "train", *shared, folder=folder)
    figures = [
        f"{timed.seconds:,.0f} s, ends at {final_accuracy(timed):.2%}" for timed in (tutorial, ours)
    ]
    name = f"whole run, 75 epochs and {args.whole_epochs}"
    return [[name, *figures, f"{tutorial.seconds / ours.seconds:.1f}"]]


def compare_one_image(args: argparse.Namespace, folder: Path) -> list[list[str]]:
    """Time the classification of one image from a cold start."""
    image = next(path.resolve() for path in sorted(Path(args.dataset).rglob("*.jpg")))
    ours, tutorial = [], []
    for _ in range(args.repeats):
        tutorial.append(run("benchmarks/tutorial.py", "classify", "-i", image, folder=folder))
        ours.append(run("classify.py", "-i", image, "--no-display", folder=folder))
    rows = []
    for name, field, form in (
        ("classify.py, one image", "seconds", "{:.2f} s"),
        ("classify.py, one image, peak memory", "peak_mb", "{:,.0f} MB"),
    ):
        values = [median([getattr(timed, field) for timed in runs]) for runs in (tutorial, ours)]
        rows.append([name, *map(form.format, values), f"{values[0] / values[1]:.2f}"])
    return rows


def compare_many_images(args: argparse.Namespace, folder: Path) -> list[list[str]]:
    """Count the images classified a second, the model loaded once, and see that memory is flat."""
    few, many = folder / "few", folder / "many"
    repeated_files(Path(args.dataset), few, args.files // 4)
    repeated_files(Path(args.dataset), many, args.files)
    files = sorted(map(str, few.rglob("*.*")))
    tutorial = run("benchmarks/tutorial.py", "classify", "-i", *files, folder=folder)
    runs = [run("classify.py", "-i", images, folder=folder) for images in (few, many)]

    def rate(timed: Run, count: int, mark: str) -> float:
        return count / (timed.seconds - timed.when(mark))

    per_second = rate(tutorial, len(files), "classifying"), rate(runs[1], args.files, "classifying")
    return [
        [
            f"classify.py, images a second of {args.files}",
            *(f"{value:.0f}" for value in per_second),
            f"{per_second[1] / per_second[0]:.1f}",
        ],
        [
            f"classify.py, peak memory with {len(files)} and {args.files} images",
            "",
            " and ".join(f"{timed.peak_mb:,.0f} MB" for timed in runs),
            "",
        ],
    ]


def main() -> None:
    """Run everything and print the table."""
    args = parse_arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [["what", "the tutorial's recipe", "this project", "times better"]]
        parts = {
            "load": compare_loading,
            "epochs": compare_epochs,
            "one": compare_one_image,
            "many": compare_many_images,
            "whole": compare_whole_runs,
        }
        # The parts that classify need models of both; training a few epochs leaves them.
        for part, compare in parts.items():
            if part not in args.skip:
                rows += compare(args, folder)
                print_table(rows)


if __name__ == "__main__":
    main()
