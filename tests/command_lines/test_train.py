import pytest

from pyimagesearch.command_lines.train import parse_arguments


@pytest.fixture
def parsed(monkeypatch):
    def parse(*flags):
        monkeypatch.setattr("sys.argv", ["train.py", *flags])
        return parse_arguments("Train.")

    return parse


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        ([], "auto"),
        (["--recolor"], None),
        (["--recolor", "7"], 7),
        (["--no-recolor"], 0),
    ],
)
def test_images_are_composed_unless_the_user_wants_none(parsed, flags, wanted):
    assert parsed(*flags).recolor == wanted


def test_the_defaults_are_the_tutorials(parsed):
    args = parsed()
    assert (args.epochs, args.learning_rate, args.batch_size) == (75, 1e-3, 32)
    assert (args.image_size, args.test_size) == (96, 0.2)
    assert (args.model, args.labelbin, args.plot) == ("fashion.model", "mlb.pickle", "plot.png")


def test_the_tutorials_short_flags_are_known(parsed):
    args = parsed("-d", "photos", "-m", "a.model", "-l", "a.pickle", "-p", "a.png")
    assert (args.dataset, args.model, args.labelbin, args.plot) == (
        *("photos", "a.model"),
        *("a.pickle", "a.png"),
    )


@pytest.mark.parametrize("flags", [["--recolor", "0"], ["--recolor-part", "0"], ["--fit", "crop"]])
def test_a_wrong_value_is_one_line(parsed, capsys, flags):
    with pytest.raises(SystemExit) as ended:
        parsed(*flags)
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
