"""Compare this project with the tutorial's own recipe, side by side on one machine.

    python benchmarks/compare.py --dataset DIR --fullsize DIR
    python benchmarks/compare.py --dataset DIR --only one many
    ONEDNN_MAX_CPU_ISA=AVX2 python benchmarks/compare.py --dataset DIR

Print a table of times and memory, and of how many times better this project is. Short runs of both
take turns, and the table shows their median, smallest and largest value. Processor time is that of
all cores together; other programs hardly change it. --only runs these parts:

    load    from files to the first training step
    epochs  an epoch, and the memory of a training run
    step    a training step beside a large matrix product
    one     classify.py with one image
    many    classify.py with thousands of images
    whole   the tutorial's 75 epochs beside our fewer ones; takes most of the time

The last command imitates a processor without AVX-512 for training: oneDNN is limited to AVX2, and
off in the tutorial's recipe, as TensorFlow leaves it there.
"""

import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path
from statistics import median

import cv2
from first_step import DONE
from measure import ROOT, Run, print_table, processor, run_script, with_spread

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import run
from pyimagesearch.data.folders import list_images
from pyimagesearch.errors import UserError
from pyimagesearch.training.processor import CPU_AVX_512F

TUTORIAL, FIRST_STEP = "benchmarks/tutorial.py", "benchmarks/first_step.py"
# The tutorial composes no images and keeps no decoded ones.
SAME_WORK = ("--no-recolor", "--no-cache")
ACCURACY = r"val_binary_accuracy: ([\d.]+)"
STEP_ROUNDS = 5
PREPARE = (
    "from pyimagesearch.training.devices import prepare_training_device as prepare; "
    "prepare('cpu', say=print)"
)
ASK_ONEDNN = (
    "from tensorflow.python.util import _pywrap_util_port as port; print(port.IsMklEnabled())"
)


def parse_arguments() -> Namespace:
    """Read the command line."""
    example = "example: python benchmarks/compare.py --skip whole --epochs 3"
    parser = ArgumentParser(__doc__, example)
    count = number(int, 1, 10**8)
    parser.add_argument("--dataset", default="dataset", help="folder of label folders")
    parser.add_argument("--fullsize", help="another one, with large images to load")
    parser.add_argument(
        "--files", type=number(int, 40, 10**8), default=2000, help="files to load; some are copies"
    )
    parser.add_argument("--epochs", type=number(int, 2, 1000), default=10, help="epochs to time")
    parser.add_argument("--whole-epochs", type=count, default=12, help="epochs of our whole run")
    parser.add_argument("--repeats", type=count, default=5, help="how often to run what is short")
    parts = parser.add_mutually_exclusive_group()
    part = partial(parts.add_argument, nargs="+", choices=list(PARTS), metavar="PART")
    part("--only", default=list(PARTS), help="parts to run")
    part("--skip", default=[], help="parts to leave out")
    return parser.parse_args()


def main() -> None:
    """Name the processor, run all parts, and print the table again after each."""
    args = parse_arguments()
    imitated = ", imitated" if imitates_avx2() else ""
    print(f"processor: {processor()}{imitated}", flush=True)
    tutorial, ours = onednn_state("", recipe_environment()), onednn_state(PREPARE, {})
    print(f"oneDNN: {tutorial} in the tutorial's recipe, {ours} in ours\n", flush=True)
    with tempfile.TemporaryDirectory() as name:
        rows = [["what", "the tutorial's recipe", "this project", "times better"]]
        for part, compare in PARTS.items():
            if part in args.only and part not in args.skip:
                rows += compare(args, Path(name))
                print_table(rows)


def imitates_avx2() -> bool:
    """Tell whether oneDNN is limited to AVX2 on a processor that has more."""
    is_limited = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() == "AVX2"
    return is_limited and cv2.checkHardwareSupport(CPU_AVX_512F)


def recipe_environment() -> dict[str, str]:
    """Return what to set for the tutorial's recipe.

    TensorFlow decides by the processor whether it uses oneDNN, and does not look at the limit.
    """
    return {"TF_ENABLE_ONEDNN_OPTS": "0"} if imitates_avx2() else {}


def run_recipe(*arguments: object, folder: Path, script: str = TUTORIAL) -> Run:
    """Run the tutorial's recipe as TensorFlow comes."""
    return run_script(script, *arguments, folder=folder, environment=recipe_environment())


def onednn_state(prepare: str, environment: dict[str, str]) -> str:
    """Ask TensorFlow in a process of its own, which runs a line of Python first: on or off."""
    answer = subprocess.run(
        [sys.executable, "-c", f"{prepare}\n{ASK_ONEDNN}"],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return "on" if answer.stdout.split()[-1] == "True" else "off"


def compare_loading(args: Namespace, folder: Path) -> list[list[str]]:
    """Time the way to the first training step, without and with this project's cache."""
    images, cache = folder / "fullsize", folder / "cache"
    copy_files(Path(args.fullsize or args.dataset), images, args.files)
    shared = ["--dataset", images, "--epochs", 1]

    def ours(*, keep_cache: bool) -> Run:
        if not keep_cache:
            shutil.rmtree(cache, ignore_errors=True)
        environment = {"XDG_CACHE_HOME": str(cache)}
        script = ROOT / "train.py"
        return run_script(
            FIRST_STEP, script, *shared, "--no-recolor", folder=folder, environment=environment
        )

    tutorial, first, second = take_turns(
        args.repeats,
        partial(run_recipe, ROOT / TUTORIAL, "train", *shared, folder=folder, script=FIRST_STEP),
        partial(ours, keep_cache=False),
        partial(ours, keep_cache=True),
    )
    measures: dict[str, Callable[[Run], float]] = {
        # Ours imports TensorFlow in this time, too; the tutorial's recipe did so before.
        f"from files to the start of training, {args.files:,} files": loading_seconds,
        "from the start of the process to the end of the first step": partial(Run.when, text=DONE),
        "its processor time": attrgetter("cpu_seconds"),
    }
    rows = []
    for name, seconds in measures.items():
        times = [[seconds(timed) for timed in runs] for runs in (tutorial, first, second)]
        rows += [
            row(name, "s", times[0], ours=times[1], digits=1),
            row("the same, second run", "s", times[0], ours=times[2], digits=1),
        ]
    return rows


def compare_epochs(args: Namespace, folder: Path) -> list[list[str]]:
    """Time an epoch, and measure the processor time and the peak memory of a run."""
    tutorial, ours = train(args, args.epochs, folder=folder)
    name = f"an epoch, of {args.epochs} without the first"
    return [
        row(name, "s", epoch_seconds(tutorial), ours=epoch_seconds(ours), digits=1),
        row("processor time of the run", "s", [tutorial.cpu_seconds], ours=[ours.cpu_seconds]),
        row("its peak memory", "MB", [tutorial.peak_mb], ours=[ours.peak_mb]),
    ]


def compare_steps(args: Namespace, folder: Path) -> list[list[str]]:
    """Compare the rate of a training step with that of a large matrix product on the same side."""
    script, options = "benchmarks/training_step.py", ["--json", "--rounds", STEP_ROUNDS]
    recipe, project = (["--recipe", name, *options] for name in ("tutorial", "project"))
    tutorial, ours = (
        [json.loads(timed.lines[-1][1]) for timed in runs]
        for runs in take_turns(
            args.repeats,
            partial(run_recipe, *recipe, folder=folder, script=script),
            partial(run_script, script, *project, folder=folder),
        )
    )

    def rates_of(what: str, kind: int) -> list[list[float]]:
        return [[rates[what][kind] for rates in side] for side in (tutorial, ours)]

    # Each rate is a pair: by the clock, and by processor time.
    clock, core, products = rates_of("step", 0), rates_of("step", 1), rates_of("product", 1)
    shares = [
        [100 * rate / best for rate, best in zip(*side, strict=True)]
        for side in zip(core, products, strict=True)
    ]
    best_rates = " and ".join(f"{median(rates):.0f}" for rates in products)
    name = f"its share of a large product's {best_rates} GFLOP/s of a core"
    return [
        row("a training step", "GFLOP/s", clock[0], ours=clock[1], more=True),
        row("the same by processor time", "GFLOP/s of a core", core[0], ours=core[1], more=True),
        row(name, "%", shares[0], ours=shares[1], more=True),
    ]


def compare_one_image(args: Namespace, folder: Path) -> list[list[str]]:
    """Classify one image from a cold start."""
    train_models(args, folder)
    image = Path(list_images(args.dataset).paths[0]).resolve()
    runs = take_turns(
        args.repeats,
        partial(run_recipe, "classify", "-i", image, folder=folder),
        partial(run_script, "classify.py", "-i", image, "--no-display", folder=folder),
    )
    seconds, processor_seconds, peaks = (
        [[getattr(timed, field) for timed in side] for side in runs]
        for field in ("seconds", "cpu_seconds", "peak_mb")
    )
    return [
        row("classify.py, one image", "s", seconds[0], ours=seconds[1], digits=2),
        row("its processor time", "s", processor_seconds[0], ours=processor_seconds[1], digits=2),
        row("its peak memory", "MB", peaks[0], ours=peaks[1]),
    ]


def compare_many_images(args: Namespace, folder: Path) -> list[list[str]]:
    """Count the images classified per second, and compare the memory for few and many images."""
    train_models(args, folder)
    few, many = folder / "few", folder / "many"
    copy_files(Path(args.dataset), few, args.files // 4)
    copy_files(Path(args.dataset), many, args.files)
    files = sorted(map(str, few.rglob("*.*")))
    tutorial, ours_few, ours_many = take_turns(
        args.repeats,
        partial(run_recipe, "classify", "-i", *files, folder=folder),
        partial(run_script, "classify.py", "-i", few, folder=folder),
        partial(run_script, "classify.py", "-i", many, folder=folder),
    )
    rates = (
        [images_per_second(timed, len(files)) for timed in tutorial],
        [images_per_second(timed, args.files) for timed in ours_many],
    )
    name = f"classify.py, images a second of {args.files:,}"
    peaks = [with_spread([timed.peak_mb for timed in runs]) for runs in (ours_few, ours_many)]
    memory = f"its peak memory, {len(files):,} and {args.files:,} images"
    return [
        row(name, "", rates[0], ours=rates[1], more=True),
        [memory, "", f"{' and '.join(peaks)} MB", ""],
    ]


def compare_whole_runs(args: Namespace, folder: Path) -> list[list[str]]:
    """Time whole runs from start to files, and show the accuracy of their last epochs."""
    shared = ["--dataset", Path(args.dataset).resolve()]
    ours = run_script("train.py", *shared, *SAME_WORK, "--epochs", args.whole_epochs, folder=folder)
    tutorial = run_recipe("train", *shared, folder=folder)
    cells = (
        f"{each.seconds:,.0f} s, ends at {final_accuracy(each):.2%}" for each in (tutorial, ours)
    )
    name = f"whole run of 75 epochs, and of {args.whole_epochs}"
    return [[name, *cells, f"{tutorial.seconds / ours.seconds:.1f}"]]


PARTS: dict[str, Callable[[Namespace, Path], list[list[str]]]] = {
    "load": compare_loading,
    "epochs": compare_epochs,
    "step": compare_steps,
    "one": compare_one_image,
    "many": compare_many_images,
    "whole": compare_whole_runs,
}


def take_turns(repeats: int, *actions: Callable[[], Run]) -> list[list[Run]]:
    """Run all in turn several times, so that a busy moment of the machine slows all of them."""
    rounds = [[action() for action in actions] for _ in range(repeats)]
    return [list(runs) for runs in zip(*rounds, strict=True)]


def train(args: Namespace, epochs: int, *, folder: Path) -> tuple[Run, Run]:
    """Train the tutorial's network and ours, which leaves their models in the folder."""
    shared = ["--dataset", Path(args.dataset).resolve(), "--epochs", epochs]
    tutorial = run_recipe("train", *shared, folder=folder)
    return tutorial, run_script("train.py", *shared, *SAME_WORK, folder=folder)


def train_models(args: Namespace, folder: Path) -> None:
    """Train models to classify with for one epoch, if no part before has left any."""
    if not (folder / "fashion.model").exists():
        train(args, 1, folder=folder)


def copy_files(source: Path, target: Path, count: int) -> None:
    """Copy images of a dataset into label folders, each as often as needed to make `count`."""
    files = [Path(path) for path in list_images(source).paths]
    if not files:
        raise UserError(f"there are no images below {source}: give a folder of label folders")
    random.Random(42).shuffle(files)  # so that a few of them are of all folders
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
    """Return the test accuracy of the last epoch, as Keras prints it."""
    return float(re.findall(ACCURACY, "\n".join(line for _, line in timed.lines))[-1])


def images_per_second(timed: Run, count: int) -> float:
    """Return how many images per second were classified, not counting the start."""
    return count / (timed.seconds - timed.when("classifying"))


def row(
    name: str,
    unit: str,
    tutorial: Sequence[float],
    *,
    ours: Sequence[float],
    digits: int = 0,
    more: bool = False,
) -> list[str]:
    """Format the values of both sides and the ratio of their medians.

    `more` tells that more is better, such as images a second.
    """
    ratio = median(ours) / median(tutorial) if more else median(tutorial) / median(ours)
    cells = [with_spread(values, unit, digits=digits) for values in (tutorial, ours)]
    return [name, *cells, f"{ratio:.1f}"]


if __name__ == "__main__":
    sys.exit(run(main))
