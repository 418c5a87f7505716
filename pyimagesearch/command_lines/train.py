"""The command line of train.py."""

import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyimagesearch.arguments import ArgumentParser, bytes_of, either, number
from pyimagesearch.files import AnyPath
from pyimagesearch.outputs import check_resumable, checkpoint_path, make_folder, reserved
from pyimagesearch.streams import silence_stdout

# The tutorial's settings: epochs, first learning rate, batch size, image size, share to test on.
EPOCHS, INIT_LR, BS, IMAGE_DIMS, TEST_SIZE = 75, 1e-3, 32, (96, 96, 3), 0.2
# The outputs of a training run, by their names on the command line.
OUTPUTS = ("model", "labelbin", "plot", "errors", "report", "log", "recolor_preview")
EXPORT_FORMATS = ("litert", "onnx", "openvino", "saved_model")
COUNT = number(int, 1, 1_000_000)
EXAMPLES = """examples:
  python train.py --dataset dataset --model fashion.model
  python train.py --dataset dataset --epochs 12 --recolor-preview composed.png
  python train.py --dataset dataset --errors errors.png --report report.json
"""


def parse_arguments(description: str | None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description, EXAMPLES)
    _add_files(parser)
    _add_export(parser)
    _add_training(parser)
    _add_composing(parser)
    args = parser.parse_args()
    _complete(parser, args)
    return args


def _add_files(parser: ArgumentParser) -> None:
    files = parser.add_argument_group("files").add_argument
    where = "folder of label folders, or of a table's images (default: dataset, or the table's own)"
    files("-d", "--dataset", help=where)
    files("--labels", metavar="CSV", help="table of images and their labels, instead of folders")
    files("-m", "--model", default="fashion.model", help="where to write the network")
    files("-l", "--labelbin", default="mlb.pickle", help="where to write the labels")
    files("-p", "--plot", default="plot.png", help="where to draw the training curves")
    errors = "where to draw the 24 worst predictions of test images"
    files("--errors", metavar="FILE", help=errors)
    files("--report", metavar="FILE", help="where to write all results, as JSON")
    audit = "list images whose labels are probably wrong, as CSV beside a picture; write no model"
    files("--audit", metavar="FILE", help=audit)
    files("--log", metavar="FILE", help="where to write the metrics of each epoch, as CSV")
    files("--tensorboard", metavar="DIR", help="folder for the same metrics, for TensorBoard")
    files("--no-cache", action="store_true", help="decode all images again")
    limit = "such as 8GB; images that need over a quarter of it stay on disk (default: all memory)"
    files("--memory-limit", metavar="SIZE", type=bytes_of, help=limit)
    files("--resume", action="store_true", help="continue a run that ended early")


def _add_export(parser: ArgumentParser) -> None:
    export = parser.add_argument_group("for programs without Python").add_argument
    formats = "also write the network in these formats"
    export("--export", action="extend", nargs="+", choices=EXPORT_FORMATS, default=[], help=formats)
    export(
        "--quantize",
        action="store_true",
        help="give LiteRT 8-bit weights: a quarter of the size",
    )


def _add_training(parser: ArgumentParser) -> None:
    training = parser.add_argument_group("training").add_argument
    size, seed = number(int, 12, 512), number(int, 0, 2**31 - 1)
    training("--epochs", type=COUNT, default=EPOCHS, help="passes over the training images")
    training("--batch-size", type=COUNT, default=BS, help="images per training step")
    rate = "at the start; it doubles over a quarter of the run, then falls to 0"
    training("--learning-rate", type=number(float, 1e-9, 10), default=INIT_LR, help=rate)
    training("--image-size", type=size, default=IMAGE_DIMS[0], help="width and height in pixels")
    fit = "how images become squares: padded, or squeezed as in the tutorial"
    training("--fit", choices=("pad", "squeeze"), default="pad", help=fit)
    share = "share of the images to test on"
    training("--test-size", type=number(float, 0.01, 0.99), default=TEST_SIZE, help=share)
    balance = "let rare labels count more"
    training("--balance", action="store_true", help=balance)
    gpus = "auto: GPUs, if there are any"
    training("--device", choices=("auto", "cpu", "gpu"), default="auto", help=gpus)
    training("--seed", type=seed, default=42, help="random seed")


def _add_composing(parser: ArgumentParser) -> None:
    unseen = parser.add_argument_group("combinations that no folder holds").add_argument
    compose = (
        "compose this many images of each for an epoch; auto: as many as an average folder has"
    )
    per_epoch = either("auto", COUNT)
    unseen("--recolor", metavar="N", type=per_epoch, nargs="?", default="auto", help=compose)
    unseen("--no-recolor", dest="recolor", action="store_const", const=0, help="compose none")
    part = "which part of the folders' names is the colour (default: found out from the images)"
    unseen("--recolor-part", metavar="N", type=number(int, 1, 9), help=part)
    preview = "where to draw composed images beside their sources"
    unseen("--recolor-preview", metavar="FILE", help=preview)


def _complete(parser: ArgumentParser, args: Namespace) -> None:
    """Refuse flags that contradict each other, and set what follows from others."""
    if args.labels is not None:
        if args.recolor not in (0, "auto") or args.recolor_part:
            flag = "--recolor-part" if args.recolor_part else "--recolor"
            parser.error(f"{flag} is for labels from folders' names: leave it out, or --labels")
        if args.audit:
            parser.error("--audit judges the labels of folders: leave out --labels")
        args.recolor = 0
    if args.recolor_preview is not None and args.recolor == 0:
        parser.error("--recolor-preview shows composed images, and none are to be composed")
    if args.audit is not None and not Path(args.audit).name:
        parser.error(f"--audit needs the name of a file, and {args.audit} is a folder")
    if args.quantize and "litert" not in args.export:
        parser.error("--quantize is for --export litert")
    if args.dataset is None:
        args.dataset = "dataset" if args.labels is None else str(Path(args.labels).parent)
    if args.audit:
        write_nothing(args)
    if args.errors or args.recolor_preview:
        from pyimagesearch.image_files import check_image_names  # imports OpenCV

        # Every worker refuses them alike, so that none waits for a chief that has ended.
        check_image_names(args.errors, args.recolor_preview)


def write_nothing(args: Namespace) -> None:
    """Leave out all outputs of a run. An audit has files of its own instead."""
    vars(args).update(dict.fromkeys(OUTPUTS), export=[], tensorboard=None)


def work_silently(args: Namespace) -> None:
    """Print nothing from now on, and leave out all outputs of a run."""
    silence_stdout()
    write_nothing(args)


@contextmanager
def outputs_reserved(args: Namespace) -> Iterator[None]:
    """Check, before hours of work, that all outputs can be written, and keep other runs off them.

    Parameters
    ----------
    args : Namespace
        From :func:`parse_arguments`.

    Raises
    ------
    UserError
        If one of them cannot be written, or replaces another or the table of labels, if an export
        replaces the folder of one, or if there is no checkpoint of a run that is to be resumed.
    """
    from pyimagesearch.artifacts.export import check_outside, export_paths, exported_files

    files = output_files(args)
    kept = {"--labels": args.labels, "--tensorboard": args.tensorboard}
    if args.export:
        exports = export_paths(args.model, args.export)
        files |= exported_files(exports)
        check_outside(exports, files | kept | {"--dataset": args.dataset})
    with reserved(files, kept):
        if args.tensorboard is not None:
            make_folder(args.tensorboard)
        # Of several workers, the chief finds out later, when the others hear of it.
        if args.resume and not args.audit and not os.environ.get("TF_CONFIG"):
            check_resumable(checkpoint_path(args.model))
        yield


def output_files(args: Namespace) -> dict[str, AnyPath | None]:
    """Name the files that a run writes, except exports. An audit writes its own."""
    if args.audit:
        from pyimagesearch.reports.label_audit import picture_path

        return {"--audit": args.audit, "the picture beside it": picture_path(args.audit)}
    files = {f"--{name.replace('_', '-')}": getattr(args, name) for name in OUTPUTS}
    return files | {"the checkpoint of --model": checkpoint_path(args.model)}
