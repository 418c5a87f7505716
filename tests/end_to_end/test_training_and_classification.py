"""The scripts as a user runs them, each in a process of its own."""

import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from running import ROOT, run_python

from pyimagesearch.garments.writing import write_dataset

pytestmark = pytest.mark.slow

COMBINATIONS = [("black", "jeans"), ("blue", "jeans"), ("red", "dress"), ("blue", "dress")]
# Runs the script that the command line names.
LIST_IMPORTS = (
    "import runpy, sys\n"
    "sys.argv = sys.argv[1:]\n"
    "try:\n"
    "    runpy.run_path(sys.argv[0], run_name='__main__')\n"
    "finally:\n"
    "    imported = {name.partition('.')[0] for name in sys.modules}\n"
    "    print('imported:', sorted(imported & set('%s'.split())))\n"
)


def write_labels_of_another_model(path, own):
    """Write a label file with the labels of another one in the opposite order."""
    mlb = pickle.loads(own.read_bytes())
    mlb.classes_ = mlb.classes_[::-1]
    path.write_bytes(pickle.dumps(mlb))


def run(script, *arguments, folder, **environment):
    """Run a script of the repository in some folder, without a display."""
    # macOS has a display whatever the environment says.
    hidden = ["--no-display"] if script == "classify.py" and sys.platform == "darwin" else []
    return run_python(ROOT / script, *arguments, *hidden, folder=folder, **environment)


def run_listing_imports(packages, script, *arguments, folder):
    """Run a script likewise; then a last line lists which of these packages are imported."""
    program = LIST_IMPORTS % packages
    python_path = {"PYTHONPATH": str(ROOT)}
    return run_python("-c", program, ROOT / script, *arguments, folder=folder, **python_path)


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    """What train.py did in a folder with a dataset and bad files in it: the folder, the output."""
    folder = tmp_path_factory.mktemp("trained")
    write_dataset(folder / "dataset", COMBINATIONS, per_combination=24, seed=1, size=64)
    (folder / "dataset" / "blue_jeans" / "empty.jpg").touch()
    (folder / "dataset" / "blue_jeans" / "text.png").write_text("no image")
    (folder / "dataset" / ".hidden").mkdir()
    settings = ["--epochs", 8, "--image-size", 32, "--seed", 3]
    recoloring = ["--recolor", 6, "--recolor-preview", "composed.png"]
    reports = ["--errors", "errors.png", "--report", "report.json", "--log", "log.csv"]
    result = run("train.py", *settings, *recoloring, *reports, folder=folder)
    assert (result.returncode, result.stderr) == (0, "")
    return folder, result.stdout


@pytest.fixture(scope="module")
def output(training):
    """What train.py printed."""
    return training[1]


@pytest.fixture(scope="module")
def folder(training):
    """The folder with the dataset and what train.py made of it."""
    return training[0]


def test_training_tells_its_story_in_order(output):
    told = [line for line in output.splitlines() if line.startswith("[INFO]")]
    story = ["loading images", "96 images", "2 files skipped", "class labels", "combination"]
    story += ["no folder holds black dress, red jeans", "copies", "to train on"]
    story += ["composed 36 images of black dress, red jeans: 12 for each epoch"]
    story += ["part 1 of the folders' names is taken for the colour", "compiling"]
    story += ["training network on", "training accuracy", "test accuracy", "serializing network"]
    story += ["serializing label binarizer", "drawing"]
    remaining = iter(told)
    for part in story:
        assert any(part in line for line in remaining), f"{part!r} is missing, or too late"


def test_training_without_a_terminal_prints_a_line_an_epoch(output):
    assert sum("val_binary_accuracy" in line for line in output.splitlines()) == 8
    assert "\r" not in output
    assert "\x08" not in output


def test_training_leaves_what_the_tutorial_leaves_and_nothing_else(folder):
    usual = {"dataset", "fashion.model", "mlb.pickle", "plot.png"}
    asked_for = {"composed.png", "errors.png", "report.json", "log.csv"}
    assert {path.name for path in folder.iterdir()} == usual | asked_for
    assert all(
        cv2.imread(str(folder / name)) is not None for name in ("composed.png", "errors.png")
    )
    assert len((folder / "log.csv").read_text().splitlines()) == 1 + 8
    report = json.loads((folder / "report.json").read_text())
    assert len(report["history"]["loss"]) == 8
    assert report["ended_by"] is None
    assert (report["settings"]["recolor"], report["settings"]["recolor_part"]) == (6, 1)
    assert len(report["skipped"]) == 2
    mlb = pickle.loads((folder / "mlb.pickle").read_bytes())
    assert mlb.classes_.tolist() == ["black", "blue", "dress", "jeans", "red"]


def test_the_model_says_which_combinations_it_was_trained_on(folder):
    with zipfile.ZipFile(folder / "fashion.model") as archive:
        metadata = json.loads(archive.read("pyimagesearch.json"))
    assert metadata["combinations"] == sorted(map(list, COMBINATIONS))
    assert metadata["composed"] == [["black", "dress"], ["red", "jeans"]]
    assert metadata["images"] == {"training": 76, "composed": 36, "test": 20}


def test_one_image_gets_the_likeliest_label_of_each_part_first_and_is_drawn(folder, tmp_path):
    image = folder / "dataset" / "red_dress" / "00000000.jpg"
    result = run("classify.py", "-i", image, "--output", tmp_path / "out.png", folder=folder)
    assert result.returncode == 0, result.stderr
    told = result.stdout.splitlines()
    lines = [line for line in told if not line.startswith(("[INFO]", "unknown"))]
    top, every = lines[:2], lines[3:]
    assert [line.split(":")[0] for line in every] == ["black", "blue", "dress", "jeans", "red"]
    percent = {line.split(":")[0]: float(line.split()[-1].rstrip("%")) for line in every}
    parts = ["black", "blue", "red"], ["dress", "jeans"]
    likeliest = [max(part, key=percent.__getitem__) for part in parts]
    assert [line.split(":")[0] for line in top] == likeliest
    assert cv2.imread(str(tmp_path / "out.png")).shape[1] == 400


def test_noise_is_unknown_unless_nothing_may_be(folder, tmp_path):
    noise = np.random.default_rng(5).integers(0, 256, (64, 64, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "noise.png"), noise)
    command = ["classify.py", "-i", tmp_path / "noise.png", "--json"]
    rejecting, accepting = (run(*command, "--reject", share, folder=folder) for share in (0.02, 0))
    assert (rejecting.returncode, accepting.returncode) == (0, 0)
    assert json.loads(rejecting.stdout)["unknown"] is True
    assert len(json.loads(rejecting.stdout)["labels"]) == 2
    assert json.loads(accepting.stdout)["unknown"] is False


def test_openvino_and_tensorflow_agree(folder):
    image = folder / "dataset" / "blue_jeans" / "00000000.jpg"
    runs = [
        run("classify.py", "-i", image, "--json", folder=folder, KERAS_BACKEND=name)
        for name in ("openvino", "tensorflow")
    ]
    one, other = (list(json.loads(each.stdout)["probabilities"].values()) for each in runs)
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_an_audit_lists_images_and_writes_no_model(tmp_path):
    write_dataset(tmp_path / "dataset", COMBINATIONS, per_combination=6, seed=1, size=64)
    dark = np.zeros((64, 64, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "dataset" / "blue_jeans" / "dark.png"), dark)
    settings = ["--epochs", 1, "--image-size", 32, "--batch-size", 8, "--no-cache"]
    result = run("train.py", *settings, "--audit", "audit.csv", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "auditing labels with 3 networks" in result.stdout
    assert "to test on" not in result.stdout
    assert "very dark: 1" in result.stdout
    assert "audit written to audit.csv; no model is written" in result.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"dataset", "audit.csv", "audit.png"}
    table = (tmp_path / "audit.csv").read_text("utf-8-sig")
    assert table.startswith("path,why,labels,suggested labels")


def test_heat_maps_show_where_each_label_of_each_image_is_seen(folder, tmp_path):
    command = ["classify.py", "-i", "dataset/red_dress", "--explain", tmp_path / "maps", "--json"]
    result = run(*command, folder=folder)
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 24
    maps = sorted((tmp_path / "maps").iterdir())
    assert [path.name for path in maps] == [f"{number:08}.jpg" for number in range(24)]
    for path in maps:
        _, *labels = np.hsplit(cv2.imread(str(path)), 3)
        assert all(np.ptp(label, axis=2).max() > 100 for label in labels)


def test_the_image_with_its_labels_and_its_heat_maps_are_two_files(folder):
    same = ["--output", "same.jpg", "--explain", "./same.jpg"]
    result = run("classify.py", "-i", "dataset/red_dress/00000000.jpg", *same, folder=folder)
    assert result.returncode == 2
    assert "both a labelled image and heat maps" in result.stderr
    assert not (folder / "same.jpg").exists()


@pytest.mark.parametrize("flag", ["--output", "--explain"])
@pytest.mark.parametrize(
    ("images", "drawn"),
    [("dataset/red_dress", "drawn"), ("dataset/red_dress/00000000.jpg", "drawn.jpg")],
)
def test_classifying_imports_neither_keras_nor_what_only_training_needs(
    folder, tmp_path, images, drawn, flag
):
    heavy = "tensorflow keras sklearn scipy matplotlib h5py imutils google urllib3 tqdm"
    command = ["classify.py", "-i", images, flag, tmp_path / drawn]
    result = run_listing_imports(heavy, *command, folder=folder)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "imported: []"


def test_an_image_comes_from_stdin_and_thresholds_from_the_model(folder):
    image = folder / "dataset" / "blue_jeans" / "00000000.jpg"
    command = [sys.executable, str(ROOT / "classify.py"), "-i", "-", "--csv", "--threshold", "auto"]
    result = subprocess.run(
        command, cwd=folder, input=image.read_bytes(), capture_output=True, check=False
    )
    assert result.returncode == 0, result.stderr
    header, row = result.stdout.decode().splitlines()
    assert header == "image,labels,black,blue,dress,jeans,red,note,error,unknown,nearness"
    assert row.startswith("'-,")


def test_a_folder_is_classified_file_by_file_and_one_bad_file_does_not_stop_the_others(folder):
    result = run("classify.py", "-i", "dataset/blue_jeans", "--json", folder=folder)
    assert result.returncode == 1
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(records) == 26
    assert {Path(record["image"]).name for record in records if "error" in record} == {
        "empty.jpg",
        "text.png",
    }
    assert all(
        len(record["labels"]) == 2 and len(record["probabilities"]) == 5
        for record in records
        if "error" not in record
    )
    assert result.stderr.count("\n") == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["-i", "nowhere.jpg"], "no image nowhere.jpg"),
        (["-i", "dataset/blue_jeans/text.png"], "not an image"),
        (["-i", "dataset", "-m", "nowhere.model"], "no model nowhere.model"),
        (["-i", "dataset", "-l", "other.pickle"], "do not belong together"),
        (["-i", "train.jpg", "-m", "nowhere.model", "--explain", "a.xyz"], "ends in .jpg or .png"),
    ],
    ids=["no image", "bad image", "no model", "other run's labels", "no format of pictures"],
)
def test_what_a_user_can_put_right_is_one_line(folder, arguments, complaint):
    write_labels_of_another_model(folder / "other.pickle", folder / "mlb.pickle")
    (folder / "train.jpg").touch()
    result = run("classify.py", *arguments, folder=folder)
    (folder / "other.pickle").unlink()
    (folder / "train.jpg").unlink()
    assert result.returncode == 2
    assert complaint in result.stderr
    assert result.stderr.count("\n") == 1


def test_before_a_dataset_is_refused_for_its_copies_they_are_counted(tmp_path):
    write_dataset(tmp_path / "dataset", COMBINATIONS[:2], per_combination=3, seed=1, size=64)
    (tmp_path / "dataset" / "red_dress").mkdir()
    first, *_ = (tmp_path / "dataset" / "black_jeans").iterdir()
    for name in ("1", "2"):
        (tmp_path / "dataset" / "red_dress" / f"{name}.jpg").write_bytes(first.read_bytes())
    result = run("train.py", "--image-size", 32, folder=tmp_path)
    assert result.returncode == 2
    assert "2 copies of other images" in result.stdout
    assert "dataset/red_dress (2 images, with copies in other folders)" in result.stderr


def test_a_label_file_of_another_model_stops_only_those_who_named_it(folder, tmp_path):
    write_labels_of_another_model(tmp_path / "mlb.pickle", folder / "mlb.pickle")
    image = folder / "dataset" / "blue_jeans" / "00000000.jpg"
    command = ["classify.py", "-i", image, "-m", folder / "fashion.model"]
    result = run(*command, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "[INFO] mlb.pickle belongs to another model" in result.stdout
    every = [line.split(":")[0] for line in result.stdout.splitlines() if "%" in line][-5:]
    assert every == ["black", "blue", "dress", "jeans", "red"]
    result = run(*command, "-l", "mlb.pickle", folder=tmp_path)
    assert result.returncode == 2
    assert "do not belong together" in result.stderr


def test_a_wrong_entry_about_the_run_costs_what_it_says_and_not_the_prediction(folder, tmp_path):
    image = folder / "dataset" / "blue_jeans" / "00000000.jpg"
    with (
        zipfile.ZipFile(folder / "fashion.model") as whole,
        zipfile.ZipFile(tmp_path / "wrong.model", "w") as wrong,
    ):
        for entry in whole.infolist():
            is_metadata = entry.filename == "pyimagesearch.json"
            wrong.writestr(entry, b"[1, 2]" if is_metadata else whole.read(entry))
    command = ["classify.py", "-i", image, "-m", tmp_path / "wrong.model", "--reject", 0]
    result = run(*command, folder=folder)
    assert result.returncode == 0, result.stderr
    before, _, after = result.stdout.partition("[INFO] classifying image...")
    assert len(before.splitlines()) == 2
    assert "wrong.model" in before
    assert len([line for line in after.splitlines() if "%" in line]) == 2 + 5


def test_training_goes_on_to_its_files_when_nobody_reads_what_it_prints(folder, tmp_path):
    command = f"{sys.executable} {ROOT / 'train.py'} -d {folder / 'dataset'}"
    settings = "--epochs 1 --image-size 24 --no-cache --errors errors.png"
    result = subprocess.run(
        ["bash", "-c", f"{command} {settings} | head -2 > head.txt; exit ${{PIPESTATUS[0]}}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (141, "")
    files = {"head.txt", "fashion.model", "mlb.pickle", "plot.png", "errors.png"}
    assert {path.name for path in tmp_path.iterdir()} == files


@pytest.mark.parametrize(
    ("flag", "path"), [("-m", "missing/fashion.model"), ("--errors", "errors.pdf")]
)
def test_training_refuses_what_it_could_not_write_before_it_reads_an_image(tmp_path, flag, path):
    result = run("train.py", "-d", ROOT / "dataset", flag, path, folder=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith(f"train.py: cannot write {path}: ")
    assert "loading images" not in result.stdout


@pytest.mark.parametrize("script", ["train.py", "classify.py", "search_bing_api.py"])
def test_help_and_a_wrong_flag_import_nothing_heavy(script, tmp_path):
    heavy = "tensorflow keras sklearn cv2 numpy matplotlib urllib3"
    for flag, code in (("--help", 0), ("--wrong", 2)):
        result = run_listing_imports(heavy, script, flag, folder=tmp_path)
        assert result.returncode == code
        assert "imported: []" in result.stdout


def test_where_a_folder_does_not_name_a_pair_recolouring_says_why_it_does_nothing(tmp_path):
    write_dataset(tmp_path / "dataset", [("red", "dress"), ("blue", "jeans")], 4, size=32)
    (tmp_path / "dataset" / "blue_jeans").rename(tmp_path / "dataset" / "jeans")
    settings = ["--epochs", 1, "--image-size", 32, "--recolor", "--no-cache", "--report", "r.json"]
    result = run("train.py", *settings, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "[INFO] no images composed: recolouring needs folder names of two" in result.stdout
    reported = json.loads((tmp_path / "r.json").read_text())["settings"]
    assert (reported["recolor"], reported["recolor_part"]) == (0, None)


@pytest.mark.parametrize("parts", [1, 3])
def test_images_get_as_many_labels_as_the_names_of_the_folders_have_parts(tmp_path, parts):
    folders = tmp_path / "dataset"
    write_dataset(folders, [("red", "dress"), ("blue", "jeans")], 6, seed=1, size=32)
    for folder, names in (
        ("red_dress", {1: "dress", 3: "new_red_dress"}),
        ("blue_jeans", {1: "jeans", 3: "old_blue_jeans"}),
    ):
        (folders / folder).rename(folders / names[parts])
    settings = ["--epochs", 1, "--image-size", 32, "--no-recolor", "--no-cache"]
    training = run("train.py", *settings, folder=tmp_path)
    assert training.returncode == 0, training.stderr
    assert ("likeliest label right" if parts == 1 else "likeliest of each part") in training.stdout
    result = run("classify.py", "-i", "dataset", "--json", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    for record in map(json.loads, result.stdout.splitlines()):
        chosen = {each["label"] for each in record["labels"]}
        pairs = [{"dress", "jeans"}, {"red", "blue"}, {"new", "old"}][:parts]
        assert [len(chosen & pair) for pair in pairs] == [1] * parts == [1] * len(chosen)


def test_labels_of_a_table_are_learnt_in_place_of_folders_and_predicted(tmp_path):
    write_dataset(tmp_path / "photos", [("red", "dress"), ("blue", "jeans")], 12, seed=1, size=32)
    rows = [f"red_dress/{number:08}.jpg,long warm" for number in range(12)]
    rows += [f"blue_jeans/{number:08}.jpg,{'warm' * (number % 2)}" for number in range(12)]
    (tmp_path / "photos" / "table.csv").write_text("\n".join(["image,labels", *rows]))
    settings = ["--epochs", 1, "--image-size", 24, "--no-cache"]
    training = run("train.py", "--labels", "photos/table.csv", *settings, folder=tmp_path)
    assert (training.returncode, training.stderr) == (0, "")
    assert "mean average precision" in training.stdout
    mlb = pickle.loads((tmp_path / "mlb.pickle").read_bytes())
    assert mlb.classes_.tolist() == ["long", "warm"]
    result = run("classify.py", "-i", "photos", "--json", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [list(record["probabilities"]) for record in records] == [["long", "warm"]] * 24
    assert {each["label"] for record in records for each in record["labels"]} <= {"long", "warm"}
