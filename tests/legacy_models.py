"""The small models of Keras 2 that tests read; ``make_legacy.py`` beside them made them."""

import json
import shutil
from pathlib import Path

import numpy as np

LEGACY = Path(__file__).parent / "artifacts" / "legacy"


def recorded_prediction() -> tuple[np.ndarray, list[float]]:
    """Return an image, uint8, and the probabilities that Keras 2 predicted for it."""
    recorded = json.loads((LEGACY / "predictions.json").read_text())
    return np.array(recorded["image"], np.uint8), recorded["probabilities"]


def with_description_in_graph(saved_model: Path, target: Path) -> Path:
    """Copy a SavedModel folder in the form that TensorFlow before 2.5 gave it."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
    from tensorflow.python.keras.protobuf.saved_metadata_pb2 import SavedMetadata

    shutil.copytree(saved_model, target)
    beside = target / "keras_metadata.pb"
    graph = SavedModel.FromString((target / "saved_model.pb").read_bytes())
    nodes = graph.meta_graphs[0].object_graph_def.nodes
    for described in SavedMetadata.FromString(beside.read_bytes()).nodes:
        nodes[described.node_id].user_object.metadata = described.metadata
    (target / "saved_model.pb").write_bytes(graph.SerializeToString())
    beside.unlink()
    return target
