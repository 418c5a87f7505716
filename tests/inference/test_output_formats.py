import csv
import io
import json

import pytest
from counting import count_events
from hypothesis import given
from hypothesis import strategies as st

from pyimagesearch.data.label_table import read_label_table
from pyimagesearch.inference import output_formats
from pyimagesearch.inference.classification import Choice, Prediction

PREDICTION = Prediction("in/a, b.png", {"blue": 0.98765, "jeans": 0.4, "red": 0.01}, None)
CHOSEN = [("blue", 0.98765), ("jeans", 0.4)]
CHOICE, NOTED, NOTHING = Choice(CHOSEN), Choice(CHOSEN, "a note"), Choice([])
UNREADABLE = Prediction("in/bad.png", {}, "not an image")


def test_a_single_image_gets_the_chosen_labels_first_and_then_all():
    assert output_formats.as_text(PREDICTION, CHOICE).splitlines() == [
        "blue: 98.77%",
        "jeans: 40.00%",
        "",
        "blue: 98.77%",
        "jeans: 40.00%",
        "red: 1.00%",
    ]
    assert output_formats.as_text(PREDICTION, NOTHING).startswith("no label is that likely")


def test_rows_are_aligned():
    other = Prediction("in/longer name.png", {"red": 0.5, "jeans": 1.0}, None)
    widths = output_formats.column_widths([PREDICTION.path, other.path], ["blue", "jeans", "red"])
    one = output_formats.as_row(PREDICTION, CHOICE, widths=widths)
    two = output_formats.as_row(
        other, Choice([("jeans", 1.0), ("red", 0.5)], "a note"), widths=widths
    )
    assert one.index("blue") == two.index("jeans")
    assert one.index("jeans") == two.index("red")
    assert one.index("%") == two.index("%")
    assert two.endswith("(a note)")


def test_a_very_long_name_does_not_widen_the_table():
    assert output_formats.column_widths(["x" * 500], ["a"])[0] == output_formats.WIDEST_NAME


def test_escape_sequences_in_names_never_reach_the_terminal():
    hostile = Prediction("\x1b[2J.png", {"\x1b]0;x\x07": 1.0}, None)
    row = output_formats.as_row(hostile, Choice([("\x1b]0;x\x07", 1.0)]), widths=(5, 5))
    assert "\x1b" not in row + output_formats.as_text(hostile, NOTHING)


@pytest.mark.parametrize("prediction", [PREDICTION, UNREADABLE])
def test_json_is_one_object_a_line(prediction):
    line = output_formats.as_json(prediction, NOTED)
    assert "\n" not in line
    read = json.loads(line)
    assert read["image"] == prediction.path
    if prediction.error:
        assert read["error"] == prediction.error
    else:
        assert read["labels"][0] == {"label": "blue", "probability": 0.98765}
        assert read["probabilities"] == prediction.probabilities
        assert read["note"] == "a note"


def test_csv_has_a_column_for_each_label_and_quotes_commas():
    classes = list(PREDICTION.probabilities)
    lines = [
        output_formats.csv_header(classes),
        output_formats.as_csv(PREDICTION, CHOICE, classes=classes),
        output_formats.as_csv(UNREADABLE, NOTHING, classes=classes),
    ]
    good, bad = csv.DictReader(io.StringIO("\n".join(lines)))
    assert good["image"] == PREDICTION.path
    assert good["labels"] == "blue jeans"
    assert float(good["jeans"]) == pytest.approx(0.4)
    assert (good["error"], bad["error"], bad["red"]) == ("", "not an image", "")


def test_a_row_of_csv_takes_as_many_calls_for_many_labels_as_for_few():
    def calls(count):
        likely = {f"label{number}": 0.5 for number in range(count)}
        prediction = Prediction("a.png", likely, None)
        return count_events("call", output_formats.as_csv, prediction, NOTED, classes=list(likely))

    assert calls(1000) == calls(10)


@pytest.mark.parametrize(
    "classes",
    [
        ["blau", "jeans", "rot"],
        ["blau", "Abendkleid mit langen Ärmeln", "rot"],
        ["blau", "shirt, short", "rot"],
        ["blau", "a;b", "rot"],
        ["jeans - blue", "label", "note"],
    ],
)
def test_labels_in_csv_can_be_read_back_as_a_table_of_labels(tmp_path, classes):
    (tmp_path / "photos").mkdir()
    chosen = [classes[:2], classes[1:], classes, classes[:1], []]
    lines = [output_formats.csv_header(classes)]
    for number, labels in enumerate(chosen):
        path = tmp_path / "photos" / f"{number}.png"
        path.write_bytes(b"")
        prediction = Prediction(str(path), dict.fromkeys(classes, 0.5), None)
        pairs = [(label, 0.5) for label in labels]
        lines.append(output_formats.as_csv(prediction, Choice(pairs), classes=classes))
    (tmp_path / "labels.csv").write_text("\n".join(lines), "utf-8")
    read = read_label_table(tmp_path / "labels.csv", tmp_path / "photos")
    assert read.labels == [tuple(sorted(labels)) for labels in chosen]


OTHER_COLUMNS = ["image", "labels", "note", "error", "unknown", "nearness"]


@pytest.mark.parametrize("is_timed", [False, True])
def test_a_label_with_the_name_of_another_column_has_a_column_of_its_own(is_timed):
    classes = [*OTHER_COLUMNS, "seconds", "jeans"]
    likely = {label: number / 10 for number, label in enumerate(classes)}
    form = {"classes": classes, "is_timed": is_timed}
    lines = [
        output_formats.csv_header(**form),
        output_formats.as_csv(Prediction("a.png", likely, None), NOTED, **form),
    ]
    (row,) = csv.DictReader(lines)
    assert (row["image"], row["labels"], row["note"]) == ("a.png", "blue jeans", "a note")
    assert [float(row[f"label {label}"]) for label in classes[:-1]] == list(likely.values())[:-1]
    assert float(row["jeans"]) == likely["jeans"]


@given(
    st.lists(st.sampled_from(["image", "label image", "label label image", "=a", "'=a", "note"]))
)
def test_no_two_columns_have_one_name_whatever_the_labels_are(labels):
    classes = list(dict.fromkeys(labels))
    names = next(csv.reader([output_formats.csv_header(classes, is_timed=True)]))
    assert len(set(names)) == len(names) == len(classes) + 7
    assert "label image" not in classes or names[3 + classes.index("label image")] == "label image"


@pytest.fixture
def on_terminal(monkeypatch):
    """Let stdout be a terminal with colours."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.usefixtures("on_terminal")
def test_labels_are_green_from_a_half_on_and_yellow_below():
    choice = Choice([("a", 0.5), ("b", 0.49)])
    first, second = output_formats.as_text(PREDICTION, choice).splitlines()[:2]
    assert first == "\x1b[32ma: 50.00%\x1b[0m"
    assert second == "\x1b[33mb: 49.00%\x1b[0m"


@pytest.mark.usefixtures("on_terminal")
@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_that_wants_no_colours_gets_none(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    assert "\x1b" not in output_formats.as_text(PREDICTION, CHOICE)


@pytest.mark.usefixtures("on_terminal")
def test_a_file_gets_no_colours(monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: False)
    assert "\x1b" not in output_formats.as_text(PREDICTION, CHOICE)


def test_of_many_labels_a_single_image_gets_the_likeliest():
    probabilities = {f"label{n}": n / 4000 for n in range(4000)}
    prediction = Prediction("image.png", probabilities, None)
    lines = output_formats.as_text(prediction, NOTHING).splitlines()
    assert len(lines) < 100
    assert "label3999: 99.98%" in lines
    assert lines[-1] == f"and {4000 - output_formats.MOST_LABELS:,} less likely labels"


def test_a_single_label_that_is_not_shown_is_no_plural():
    likely = {f"label{n}": 0.1 for n in range(output_formats.MOST_LABELS + 1)}
    lines = output_formats.as_text(Prediction("image.png", likely, None), NOTHING).splitlines()
    assert lines[-1] == "and 1 less likely label"


SEPARATORS = st.sampled_from(list(",;\t|^:\"' \n\r"))
STARTS = st.sampled_from([*"=+-@\x1b\0\x9b", "\u2028", "\uff1d", "\udcff"])
HOSTILE = st.lists(st.one_of(SEPARATORS, STARTS, st.text(max_size=3))).map("".join)


@given(path=HOSTILE, label=HOSTILE, error=HOSTILE)
def test_a_hostile_name_forges_no_csv_row_and_no_formula(path, label, error):
    classes = [label, f"{label}2"]
    header = output_formats.csv_header(classes)
    readable = Prediction(path, dict.fromkeys(classes, 0.5), None)
    unreadable = Prediction(path, {}, error)
    lines = [
        output_formats.as_csv(readable, Choice([(label, 0.5)]), classes=classes),
        output_formats.as_csv(unreadable, NOTHING, classes=classes),
    ]
    for line in [header, *lines]:
        assert all(character.isprintable() for character in line)
        line.encode()
        (cells,) = csv.reader([line])
        assert len(cells) == 2 + 2 + 4
        assert not any(cell.startswith(("=", "+", "-", "@", "\uff1d")) for cell in cells)


def test_an_ordinary_name_is_written_to_csv_as_it_is():
    prediction = Prediction("dataset/синие 图/ü-1.jpg", {"light-blue": 0.5}, None)
    line = output_formats.as_csv(prediction, Choice([("light-blue", 0.5)]), classes=["light-blue"])
    assert line == "dataset/синие 图/ü-1.jpg,light-blue,0.500000,,,no,"


@given(path=HOSTILE, label=HOSTILE)
def test_json_is_printable_whatever_the_names_are(path, label):
    line = output_formats.as_json(Prediction(path, {label: 0.5}, None), Choice([(label, 0.5)]))
    assert all(character.isprintable() for character in line)
    assert json.loads(line)["image"] == path


def test_a_moment_of_a_video_has_its_time():
    moment = {"seconds": 83.45678}
    read = json.loads(output_formats.as_json(PREDICTION, CHOICE, **moment))
    assert list(read) == [
        "image",
        "seconds",
        "labels",
        "probabilities",
        "note",
        "unknown",
        "nearness",
    ]
    assert read["seconds"] == 83.457
    row = output_formats.as_timed_row(PREDICTION, NOTED, **moment, label_width=5)
    assert row.split() == ["1:23.4", "blue", "98.77%", "jeans", "40.00%", "(a", "note)"]


def test_the_time_of_a_moment_has_a_column_in_csv():
    classes = ["blue", "jeans", "red"]
    rows = [
        output_formats.csv_header(classes, is_timed=True),
        output_formats.as_csv(PREDICTION, CHOICE, classes=classes, is_timed=True, seconds=1.5),
        output_formats.as_csv(UNREADABLE, NOTHING, classes=classes, is_timed=True),
    ]
    first, second = csv.DictReader(rows)
    assert (first["seconds"], first["labels"], first["red"]) == ("1.500", "blue jeans", "0.010000")
    assert (second["seconds"], second["error"]) == ("", "not an image")


def test_an_unknown_image_is_called_so_everywhere_and_keeps_its_labels():
    unknown = PREDICTION._replace(nearness=0.123, is_unknown=True)
    assert output_formats.unknown_lines(unknown) == ["unknown (nearness 12%)"]
    lines = output_formats.as_text(unknown, CHOICE).splitlines()
    assert lines[:2] == ["unknown (nearness 12%)", "blue: 98.77%"]
    row = output_formats.as_row(unknown, CHOICE, widths=(5, 5))
    assert row.index("unknown") < row.index("blue")
    read = json.loads(output_formats.as_json(unknown, CHOICE))
    assert (read["unknown"], read["nearness"]) == (True, 0.123)
    assert read["labels"][0]["label"] == "blue"


def test_json_and_csv_say_of_every_image_whether_it_is_unknown():
    near, old = PREDICTION._replace(nearness=0.9), PREDICTION
    classes = list(PREDICTION.probabilities)
    predictions = [near._replace(is_unknown=True), near, old, UNREADABLE]
    lines = [output_formats.csv_header(classes)]
    lines += [output_formats.as_csv(each, NOTHING, classes=classes) for each in predictions]
    rows = csv.DictReader(io.StringIO("\n".join(lines)))
    expected = [("yes", "0.900000"), ("no", "0.900000"), ("no", ""), ("", "")]
    assert [(row["unknown"], row["nearness"]) for row in rows] == expected
    read = json.loads(output_formats.as_json(old, CHOICE))
    assert (read["unknown"], read["nearness"]) == (False, None)
    assert output_formats.unknown_lines(old) == []
