"""The model file: the network, and what is known about its training."""

import os
import reprlib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pyimagesearch.artifacts import hdf5, keras2, keras3, known_images, model_metadata
from pyimagesearch.artifacts.keras_settings import overrule_configuration
from pyimagesearch.artifacts.known_images import KnownImages, KnownImagesError
from pyimagesearch.artifacts.model_metadata import MetadataError
from pyimagesearch.artifacts.network_description import DescriptionError, NetworkDescription
from pyimagesearch.console import first_few, shell_command
from pyimagesearch.data.decoding import Fit
from pyimagesearch.errors import UnreadableFileError, UserError, first_line
from pyimagesearch.files import AnyPath, resolved, temporary_folder, written_whole
from pyimagesearch.reading import did_you_mean, read_file, read_start

if TYPE_CHECKING:
    import keras

# Keras ignores these entries of its archive.
METADATA_ENTRY = "pyimagesearch.json"
KNOWN_ENTRY = "pyimagesearch.features.npz"
# Somebody's own network may be as large as VGG16, which has half of that.
MAX_MODEL_BYTES = 2**30
ZIP_SIGNATURE = b"PK\3\4"

Predict = Callable[[np.ndarray], np.ndarray]
# Returns the features of the images, too.
PredictBoth = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class ModelFile(NamedTuple):
    """What a model file holds, read without Keras.

    Attributes
    ----------
    path : path
        The file.
    network : NetworkDescription or OwnNetwork
        The latter is a network of other layers than SmallerVGGNet's, which only Keras can build.
    metadata : bytes or None
        JSON as :func:`save_model` stored it; None for a model that someone else saved.
    known : bytes or None
        The known images as :func:`save_model` stored them.
    """

    path: AnyPath
    network: NetworkDescription | keras3.OwnNetwork
    metadata: bytes | None
    known: bytes | None = None


class TrainedModel(NamedTuple):
    """A network that predicts, and what is known about its training.

    Attributes
    ----------
    predict : callable
        Takes float32 images in [0, 1], shape (N, image_size, image_size, 3), and returns a
        probability for each label, float32 of shape (N, outputs). Several threads may call it at
        the same time.
    image_size : int
        Height and width of the images in pixels.
    outputs : int
        How many labels there are.
    metadata : dict
        What :func:`save_model` stored with it; empty for a model that someone else saved.
    note : str or None
        What is wrong with the file's metadata or known images, which are ignored then.
    known : KnownImages or None
        The images that it was trained on, to tell others from them.
    predict_both : callable or None
        Like `predict`, but returns the features of the images, too: float32, shape (N, F). There if
        `known` is.
    """

    predict: Predict
    image_size: int
    outputs: int
    metadata: dict[str, Any]
    note: str | None = None
    known: KnownImages | None = None
    predict_both: PredictBoth | None = None

    @property
    def fit(self) -> Fit:
        """How images become squares: the tutorial's way if the file does not say."""
        return self.metadata.get("fit", "squeeze")


def save_model(
    path: AnyPath,
    model: "keras.Model",
    metadata: Mapping[str, Any],
    *,
    known: KnownImages | None = None,
) -> None:
    """Save a network as a Keras 3 archive, whatever its name, with its metadata inside.

    Parameters
    ----------
    path : path
        For example ``fashion.model``.
    model : keras.Model
        Made of Keras's own layers, so that it loads without this project's code; not compiled, so
        that no optimizer state, twice as large as the weights, goes with it.
    metadata : mapping
        JSON values as ``FIELDS`` of :mod:`pyimagesearch.artifacts.model_metadata` describes them:
        ``labels``, in the order of the outputs, and ``fit`` unless images are squeezed, which is
        the tutorial's way. Without any metadata, a label file has to name the outputs.
    known : KnownImages, optional
        The images that it was trained on.

    Raises
    ------
    UserError
        If the file cannot be written, or has no room for the metadata.
    ValueError
        If the metadata are not what ``FIELDS`` describes, have fields that it does not have, or are
        not those of this network.
    """
    stored_metadata = model_metadata.to_bytes(metadata)
    if metadata:
        _check_readable(metadata, stored_metadata, model)
    with written_whole(path) as partial, temporary_folder(resolved(path)) as folder:
        _save_unpacked(model, folder)
        with zipfile.ZipFile(partial, "w") as archive:
            for file in sorted(filter(Path.is_file, folder.rglob("*"))):
                archive.write(file, file.relative_to(folder))
            archive.writestr(METADATA_ENTRY, stored_metadata)
            if known is not None:
                archive.writestr(KNOWN_ENTRY, known_images.to_bytes(known))


def _check_readable(
    metadata: Mapping[str, Any], stored_metadata: bytes, model: "keras.Model"
) -> None:
    """Refuse metadata of which anything would be ignored when the file is read."""
    image_size, outputs = model.input_shape[1], model.output_shape[-1]
    try:
        read = model_metadata.from_bytes(stored_metadata, image_size=image_size, outputs=outputs)
        if ignored := metadata.keys() - read:
            raise MetadataError(f"FIELDS does not have {first_few(sorted(ignored))}")
    except MetadataError as error:
        raise ValueError(f"these metadata are of no use in a model file: {error}") from error


def _save_unpacked(model: "keras.Model", folder: Path) -> None:
    """Save what a Keras 3 archive holds as files, with a single array copied in memory at a time.

    An archive that Keras packs itself is in memory as a whole until it is written. Of a variable,
    NumPy makes two copies, but of a tensor one.
    """
    import keras

    tensors = [(variable, keras.ops.stop_gradient(variable)) for variable in model.variables]
    with keras.StatelessScope(state_mapping=tensors):
        model.save(folder, zipped=False)


def read_model_file(path: AnyPath) -> ModelFile:
    """Read a model file without Keras.

    Parameters
    ----------
    path : path
        A Keras 3 archive under any name, the HDF5 file that Keras 2 wrote for the tutorial, or the
        folder that TensorFlow 2 wrote (SavedModel).

    Returns
    -------
    ModelFile
        The network and its metadata.

    Raises
    ------
    UserError
        If there is no such file, it is none of these, or it is damaged.
    """
    # The functions of os.path return False where those of Path raise errors for odd names.
    if os.path.exists(os.path.join(path, "saved_model.pb")):  # noqa: PTH110, PTH118
        return _read_saved_model(Path(path))
    if not os.path.lexists(path):
        command = shell_command("python", "train.py", "--model", os.fspath(path))
        raise UserError(f"there is no model {path}{did_you_mean(path)}: train one with {command}")
    try:
        # Nothing large is read before it is clear what it is.
        signature = read_start(path, len(hdf5.SIGNATURE))
        if signature.startswith(ZIP_SIGNATURE):
            archive = keras3.open_archive(read_file(path, most_bytes=MAX_MODEL_BYTES))
            return ModelFile(
                path,
                keras3.read_archive(archive),
                _entry(archive, METADATA_ENTRY, most_bytes=model_metadata.MOST_BYTES),
                _entry(archive, KNOWN_ENTRY, most_bytes=known_images.MOST_BYTES),
            )
        if signature == hdf5.SIGNATURE:
            data = read_file(path, most_bytes=MAX_MODEL_BYTES)
            return ModelFile(path, keras2.read_hdf5(data), None)
    except UnreadableFileError as error:
        raise UserError(f"cannot read the model {path}: {error}") from error
    except DescriptionError as error:
        raise UserError(f"the model {path} cannot be used: {error}") from error
    raise UserError(f"{path} is not a model that Keras saved, or is damaged: train it again")


def build_model(file: ModelFile) -> "keras.Model":
    """Build the network of a model file with Keras.

    Parameters
    ----------
    file : ModelFile
        From :func:`read_model_file`.

    Returns
    -------
    keras.Model
        Ready to predict.

    Raises
    ------
    UserError
        If it is somebody's own network and Keras cannot build it.
    """
    overrule_configuration()
    if isinstance(file.network, NetworkDescription):
        return _build_described(file.network)
    try:
        return keras3.build_own_network(file.network)
    except DescriptionError as error:
        raise UserError(f"the model {file.path} cannot be used: {error}") from error
    # Keras raises all kinds of exceptions for a description that it cannot make sense of.
    except Exception as error:
        message = f"Keras cannot load the model {file.path}: {first_line(error)}"
        raise UserError(message) from error


def trained_model(
    file: ModelFile,
    predict: Predict,
    *,
    input_shape: Any,
    output_shape: Any,
    predict_both: PredictBoth | None = None,
    features: int = 0,
) -> TrainedModel:
    """Put a network that predicts together with what its file says about its training.

    Parameters
    ----------
    file : ModelFile
        From :func:`read_model_file`.
    predict : callable
        As in :class:`TrainedModel`.
    input_shape, output_shape : object
        The shapes of the network's input and output as Keras has them: for somebody's own network
        they may be anything.
    predict_both : callable, optional
        As in :class:`TrainedModel`.
    features : int
        How many features it returns.

    Returns
    -------
    TrainedModel
        The two together.

    Raises
    ------
    UserError
        If it is not a network that labels square colour images.
    """
    match input_shape, output_shape:
        case (_, int(height), int(width), 3), (_, int(outputs)) if height == width:
            metadata, note = _metadata(file, image_size=height, outputs=outputs)
            known, known_note = _known(file, features) if predict_both else (None, None)
            note = note or known_note
            return TrainedModel(predict, height, outputs, metadata, note, known, predict_both)
    raise UserError(
        f"the network in {file.path} does not label square colour images: "
        f"it takes {reprlib.repr(input_shape)} and returns {reprlib.repr(output_shape)}"
    )


def _metadata(
    file: ModelFile, *, image_size: int, outputs: int
) -> tuple[dict[str, Any], str | None]:
    """Return the metadata, and why there are none if they are wrong."""
    if file.metadata is None:
        return {}, None
    try:
        metadata = model_metadata.from_bytes(file.metadata, image_size=image_size, outputs=outputs)
    except MetadataError as error:
        return {}, f"what {file.path} says about its training is ignored: {error}"
    return metadata, None


def _known(file: ModelFile, features: int) -> tuple[KnownImages | None, str | None]:
    """Return the known images, and why there are none if they are wrong."""
    if file.known is None:
        return None, None
    try:
        return known_images.from_bytes(file.known, features=features), None
    except KnownImagesError as error:
        return None, f"what {file.path} keeps of the images that it knows is ignored: {error}"


def _build_described(network: NetworkDescription) -> "keras.Sequential":
    import keras

    model = keras.Sequential([keras.layers.Input(network.input_shape)])
    for description in network.layers:
        layer = getattr(keras.layers, description.kind)(**description.settings)
        model.add(layer)
        layer.set_weights(list(description.weights.values()))
    return model


def _read_saved_model(folder: Path) -> ModelFile:
    try:
        return ModelFile(folder, keras2.read_saved_model(folder), None)
    except DescriptionError as error:
        raise UserError(f"the model {folder} cannot be used: {error}") from error


def _entry(archive: zipfile.ZipFile, name: str, *, most_bytes: int) -> bytes | None:
    if name not in archive.namelist():
        return None
    try:
        return bytes(keras3.read_entry(archive, name, most_bytes=most_bytes))
    except DescriptionError:
        return b""  # is reported as damaged, like an entry of other content
