"""Export a trained network for programs without Python, and check that it predicts the same."""

import contextlib
import itertools
import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pyimagesearch.arguments import ArgumentParser
from pyimagesearch.artifacts import label_file, model_file
from pyimagesearch.artifacts.export_check import (
    IMAGES,
    choosing,
    compared,
    drawn_images,
    tolerance_of,
)
from pyimagesearch.artifacts.export_formats import (
    FORMATS,
    LABELS_FILE,
    check_installed,
    encoded_labels,
    taking_bytes,
)
from pyimagesearch.console import info, printable, run, say_nothing
from pyimagesearch.data.decoding import decode_image, scale
from pyimagesearch.errors import WORK_FAILED, UnreadableFileError, UserError, first_line, reason_of
from pyimagesearch.files import (
    AnyPath,
    is_utf8,
    remove_litter,
    replace_folder,
    temporary_folder,
    written_whole,
)
from pyimagesearch.outputs import check_writable, reserved
from pyimagesearch.reading import did_you_mean, read_file
from pyimagesearch.streams import quiet_stderr

MODEL_SUFFIXES = (".model", ".keras", ".h5", ".hdf5")
EXAMPLES = """examples:
  python -m pyimagesearch.artifacts.export --model fashion.model --format litert --quantize
  python -m pyimagesearch.artifacts.export --format onnx openvino --images examples
"""


def export_paths(model: AnyPath, formats: Sequence[str]) -> dict[str, Path]:
    """Name the exported files, which lie beside the model, and make sure that they can be written.

    Parameters
    ----------
    model : path
        For example ``fashion.model``.
    formats : sequence of str
        Names in ``FORMATS``.

    Returns
    -------
    dict of str to pathlib.Path
        For each format, for example, ``fashion.tflite``.

    Raises
    ------
    UserError
        If a package that a format needs is not installed, a file cannot be written, or `model` is
        the name of a folder alone, such as ``.``.
    """
    path = Path(model)
    if not path.name:
        raise UserError(f"{model} is a folder: name a model file")
    stem = path.stem if path.suffix in MODEL_SUFFIXES else path.name
    paths = {name: path.with_name(stem + FORMATS[name].ending) for name in formats}
    _check_paths(paths)
    return paths


def _check_paths(paths: Mapping[str, Path]) -> None:
    check_installed(list(paths))
    for name, path in paths.items():
        chosen = FORMATS[name]
        if not is_utf8(path.absolute()):
            raise UserError(f"cannot write {path}: converters need a name in UTF-8")
        if not path.name or not (chosen.is_folder or path.name.endswith(chosen.ending)):
            raise UserError(f"{path} is not a name for {name}: end it in {chosen.ending}")
        check_writable(path.with_name(LABELS_FILE), *chosen.files(path))
        if chosen.is_folder and os.path.lexists(path) and not (path / chosen.holds).is_file():
            raise UserError(f"{path} is there and holds no {chosen.holds}: choose another name")


def check_outside(paths: Mapping[str, Path], files: Mapping[str, AnyPath | None]) -> None:
    """Refuse to replace a folder in which something else lies, with all that is in it.

    Parameters
    ----------
    paths : mapping of str to path
        From :func:`export_paths`.
    files : mapping of str to path
        Files and folders that must stay, by the names that the user knows them by.

    Raises
    ------
    UserError
        If one of them is in the folder of an export, or is that folder.
    """
    folders = [path for name, path in paths.items() if FORMATS[name].is_folder]
    given = {name: path for name, path in files.items() if path}
    for (name, path), folder in itertools.product(given.items(), folders):
        real = Path(os.path.realpath(path))
        if Path(os.path.realpath(folder)) in (real, *real.parents):
            raise UserError(
                f"the export would replace the folder {folder}, and {name} {path} with it: choose "
                "a place outside it"
            )


def exported_files(paths: Mapping[str, Path]) -> dict[str, Path]:
    """Name the files that an export writes besides folders, each with what it is.

    Parameters
    ----------
    paths : mapping of str to path
        From :func:`export_paths`.

    Returns
    -------
    dict of str to pathlib.Path
        For example, ``"the onnx export"`` is ``fashion.onnx``.
    """
    files = {}
    for name, path in paths.items():
        files["the labels of the export"] = path.with_name(LABELS_FILE)
        for file in FORMATS[name].files(path):
            part = "" if file == path else f"the {file.suffix} of "
            files[f"{part}the {name} export"] = file
    return files


def export_model(
    model: AnyPath,
    paths: Mapping[str, Path],
    images: np.ndarray | AnyPath | None = None,
    *,
    labelbin: AnyPath | None = None,
    quantize: bool = False,
    say: Callable[[str], None] = say_nothing,
) -> None:
    """Export the network of a model file, and compare what each runtime predicts with Keras.

    Nothing is moved into place before everything has been compared.

    Parameters
    ----------
    model : path
        As for :func:`pyimagesearch.artifacts.model_file.read_model_file`.
    paths : mapping of str to path
        From :func:`export_paths`.
    images : numpy.ndarray or path, optional
        What to compare on: uint8, shape (N, image_size, image_size, 3), BGR, or a folder of image
        files. By default images are drawn.
    labelbin : path, optional
        Names the labels if the model file does not, as for
        :func:`pyimagesearch.artifacts.label_file.load_labels`.
    quantize : bool
        Whether LiteRT's weights have 8 bits.
    say : callable
        Told how close each network is, and what is in place in the end.

    Raises
    ------
    UserError
        If a file cannot be read or written, a network cannot be converted, or an exported one
        predicts something else.
    """
    network, trained = _network(model)
    classes, _ = label_file.load_labels(trained, model, labelbin)
    # An odd label stays one line, and valid in every format.
    labels = [*map(printable, classes)]
    choose = choosing(classes, trained.metadata)
    shown = _images(images, trained)
    expected = trained.predict(scale(shown))
    tolerance = tolerance_of(layer.compute_dtype for layer in network.layers)
    folder = next(iter(paths.values())).parent
    beside = folder / Path(model).name
    remove_litter(beside, *paths.values())
    try:
        with temporary_folder(beside) as temporary:
            for name in (name for name in FORMATS if name in paths):
                is_quantized = quantize and name == "litert"
                made = temporary / paths[name].name
                found = _exported(
                    network, name, made, labels=labels, quantize=is_quantized, shown=shown
                )
                by_choice = choose if is_quantized else None
                result = compared(
                    paths[name], expected, found, choose=by_choice, tolerance=tolerance
                )
                say(printable(f"{paths[name]}: {result}"))
            replaced = _folders_of_other_labels(paths, labels)
            _move(temporary, paths, labels)
        for each in replaced:
            say(
                f"{printable(each / LABELS_FILE)} had other labels, which earlier exports in that "
                "folder may have been of"
            )
        written = printable(", ".join(map(str, paths.values())))
        say(f"exported to {written}, labels in {LABELS_FILE}")
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {reason_of(error)}", WORK_FAILED) from error


def _network(path: AnyPath) -> tuple[Any, model_file.TrainedModel]:
    file = model_file.read_model_file(path)
    with quiet_stderr():
        import tensorflow as tf

        # TensorFloat-32 of GPUs has 10 bits of mantissa: the exported network would seem wrong.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        network = model_file.build_model(file)
    return network, model_file.trained_model(
        file,
        lambda images: np.asarray(network(images, training=False)).astype(np.float32),
        input_shape=network.input_shape,
        output_shape=network.output_shape,
    )


def _exported(
    network: Any, name: str, path: Path, *, labels: Sequence[str], quantize: bool, shown: np.ndarray
) -> np.ndarray:
    """Export a network, and return what the format's runtime predicts."""
    chosen = FORMATS[name]
    settings = {"quantize": True} if quantize else {}
    try:
        # Converters log what they do, and warn of what they do not need.
        with quiet_stderr():
            taking = taking_bytes(network, chosen.batch_size, for_quantizing=quantize)
            chosen.write(taking, path, labels, **settings)
            rgb = np.ascontiguousarray(shown[..., ::-1])
            return chosen.load(path)(rgb)
    # Converters and runtimes raise all kinds of exceptions for layers that they do not know.
    except Exception as error:
        message = f"the network cannot be exported to {name}: {first_line(error)}"
        raise UserError(message, WORK_FAILED) from error


def _folders_of_other_labels(paths: Mapping[str, Path], labels: Sequence[str]) -> list[Path]:
    """Find the folders of exports in which a list of other labels is about to be replaced."""
    folders = sorted({path.parent for path in paths.values()})
    wanted = encoded_labels(labels)
    return [
        folder
        for folder in folders
        if (file := folder / LABELS_FILE).exists() and file.read_bytes() != wanted
    ]


def _move(source: Path, paths: Mapping[str, Path], labels: Sequence[str]) -> None:
    """Move what was exported into place: as a copy, because a link may lead to another disk."""
    for name, path in paths.items():
        if FORMATS[name].is_folder:
            replace_folder(path, source / path.name)
        for file in FORMATS[name].files(path):
            with written_whole(file) as temporary:
                shutil.copyfile(source / file.name, temporary)
    for folder in {path.parent for path in paths.values()}:
        with written_whole(folder / LABELS_FILE) as temporary:
            temporary.write_bytes(encoded_labels(labels))


def _images(given: np.ndarray | AnyPath | None, trained: model_file.TrainedModel) -> np.ndarray:
    """Return the images to compare on: those of a folder are decoded as for classification."""
    if given is None:
        return drawn_images(trained.image_size)
    if isinstance(given, np.ndarray):
        return given
    if not os.path.isdir(given):  # noqa: PTH112 (a string may hold what a Path refuses)
        raise UserError(
            f"{given} is not a folder: give a folder of images to compare on{did_you_mean(given)}"
        )
    images: list[np.ndarray] = []
    for path in sorted(path for path in Path(given).rglob("*") if path.is_file()):
        if len(images) < IMAGES:
            with contextlib.suppress(UnreadableFileError):
                images.append(decode_image(read_file(path), trained.image_size, fit=trained.fit))
    if not images:
        raise UserError(f"there are no images below {given}")
    return np.stack(images)


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(__doc__, EXAMPLES)
    parser.prog = "python -m pyimagesearch.artifacts.export"
    add = parser.add_argument
    add("-m", "--model", default="fashion.model", help="the trained network")
    add("-l", "--labelbin", help="its labels, if the model does not say; by default mlb.pickle")
    add(
        "--format",
        action="extend",
        nargs="+",
        choices=sorted(FORMATS),
        required=True,
        help="one or more",
    )
    add("--quantize", action="store_true", help="give LiteRT 8-bit weights: a quarter of the size")
    add("--output", metavar="FILE", help="where to write it; beside the model by default")
    add("--images", metavar="DIR", help="images to compare on; drawn by default")
    args = parser.parse_args()
    if args.quantize and "litert" not in args.format:
        parser.error("--quantize is for --format litert")
    if args.output and len(args.format) > 1:
        parser.error("--output is for one --format")
    return args


def main() -> None:
    """Export what the command line asks for."""
    args = parse_arguments()
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    if args.output is None:
        paths = export_paths(args.model, args.format)
    else:
        paths = {args.format[0]: Path(args.output)}
        _check_paths(paths)
    labelbin = args.labelbin or label_file.USUAL_PATH
    sources = {"--model": args.model, "--labelbin": labelbin, "--images": args.images}
    check_outside(paths, sources)
    with reserved(exported_files(paths), sources):
        export_model(
            args.model, paths, args.images, labelbin=args.labelbin, quantize=args.quantize, say=info
        )


if __name__ == "__main__":
    sys.exit(run(main))
