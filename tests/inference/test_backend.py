import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pyimagesearch.inference import backend

ROOT = Path(__file__).parents[2]


def run(program, **environment):
    """Run a Python program in a process that has imported nothing; the JSON that it prints."""
    inherited = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(result.stdout)


def test_the_users_choice_of_backend_is_kept(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert backend.choose_inference_backend() == "tensorflow"


def test_without_openvino_tensorflow_predicts(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert backend.choose_inference_backend() == "tensorflow"


IMPORT_ALL_THAT_CLASSIFIES = """
import json, sys
from pyimagesearch.inference.backend import choose_inference_backend, import_keras_lightly

chosen = choose_inference_backend()
import_keras_lightly()
from pyimagesearch.artifacts import label_file, model_file
from pyimagesearch.inference import classification, output_formats, window
from pyimagesearch.reports import pictures

imported = {name.partition(".")[0] for name in sys.modules}
"""


def test_classification_imports_no_heavy_library():
    program = IMPORT_ALL_THAT_CLASSIFIES + (
        "heavy = {'tensorflow', 'sklearn', 'matplotlib'}\n"
        "print(json.dumps([chosen, sorted(imported & heavy)]))"
    )
    assert run(program) == ["openvino", []]


@pytest.mark.slow
def test_libraries_left_out_at_first_can_be_imported_later():
    program = IMPORT_ALL_THAT_CLASSIFIES + (
        "import matplotlib, scipy.signal, sklearn\n"
        "print(json.dumps([matplotlib.__name__, scipy.signal.stft.__name__, sklearn.__name__]))"
    )
    assert run(program) == ["matplotlib", "stft", "sklearn"]


SPY_ON_COMPILATION = """
import json
import numpy as np
import openvino

compile_model, seen = openvino.compile_model, []

def spy(*arguments, **settings):
    seen.append(settings)
    return compile_model(*arguments, **settings)

openvino.compile_model = spy
from pyimagesearch.inference.backend import choose_inference_backend

choose_inference_backend()
import keras

model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
model.predict_on_batch(np.ones((1, 4), np.float32))
print(json.dumps(seen))
"""


@pytest.mark.slow
def test_keras_compiles_models_for_openvino_in_float32():
    assert run(SPY_ON_COMPILATION) == [{"config": {"INFERENCE_PRECISION_HINT": "f32"}}]
