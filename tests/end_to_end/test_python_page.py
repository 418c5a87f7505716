"""The programs in docs/python.md, as a reader would copy them."""

import json
import re
from ast import literal_eval

import cv2
import pytest
from running import ROOT, run_python

from pyimagesearch.garments.writing import write_dataset

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
CLASSIFYING, LABELLING, DRAWING, TRAINING = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
COMBINATIONS = [("black", "jeans"), ("blue", "jeans"), ("red", "dress"), ("blue", "dress")]


def run(*arguments, folder):
    """Run Python in a folder; what it printed."""
    result = run_python(*arguments, folder=folder, PYTHONPATH=str(ROOT))
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the model that the page's program has trained, and the examples."""
    folder = tmp_path_factory.mktemp("python")
    write_dataset(folder / "dataset", COMBINATIONS, per_combination=8, seed=1, size=64)
    run("-c", TRAINING.replace("96", "32"), folder=folder)  # small images train quickly
    (folder / "own.model").rename(folder / "fashion.model")
    (folder / "examples").symlink_to(ROOT / "examples")
    return folder


def labels_of(record):
    """The labels that classify.py printed, as the page's programs have them."""
    return [(each["label"], pytest.approx(each["probability"])) for each in record["labels"]]


def test_the_programs_that_classify_predict_what_classify_py_does(folder):
    *lines, in_memory = run("-c", CLASSIFYING + LABELLING, folder=folder).splitlines()
    answers = run(ROOT / "classify.py", "-i", "examples", "--json", folder=folder).splitlines()
    records = [json.loads(line) for line in answers]
    assert len(lines) == len(records) == 7
    for line, record in zip(lines, records, strict=True):
        path, _, labels = line.partition(" ")
        assert path == record["image"]
        assert literal_eval(labels) == labels_of(record)
    assert literal_eval(in_memory) == labels_of(records[0])


def test_the_program_that_draws_writes_two_pictures(folder):
    run("-c", CLASSIFYING + DRAWING, folder=folder)
    labelled, explained = (
        cv2.imread(str(folder / f"{name}ed.jpg")) for name in ("labell", "explain")
    )
    assert labelled.shape[1] == 400
    assert explained.shape[1] > 2 * explained.shape[0]  # the image, and a map of each label


def test_a_file_that_cannot_be_read_is_named_by_the_program(folder, tmp_path):
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "text.png").write_text("no image")
    (tmp_path / "fashion.model").symlink_to(folder / "fashion.model")
    assert "examples/text.png cannot be read: " in run("-c", CLASSIFYING, folder=tmp_path)
