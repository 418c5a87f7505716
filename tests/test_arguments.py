import argparse

import pytest

from pyimagesearch import arguments, errors


@pytest.mark.parametrize("text", ["0", "11", "2.5", "many", ""])
def test_numbers_out_of_range_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="whole number from 1 to 10"):
        arguments.number(int, 1, 10)(text)


@pytest.mark.parametrize("text", ["nan", "inf", "-0.1"])
def test_a_share_that_is_negative_endless_or_no_number_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="not a number from 0 to 1"):
        arguments.number(float, 0, 1)(text)


def test_a_wrong_flag_is_one_line_and_bad_input(capsys):
    parser = arguments.ArgumentParser("does things", "examples: none")
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(["--wrong"])
    assert caught.value.code == errors.BAD_INPUT
    assert capsys.readouterr().err.count("\n") == 1


def test_a_word_is_taken_instead_of_a_number():
    parse = arguments.either("auto", arguments.number(float, 0, 1))
    assert (parse("auto"), parse("0.5")) == ("auto", 0.5)
    with pytest.raises(argparse.ArgumentTypeError, match="not a number from 0 to 1, nor auto"):
        parse("Auto")


def test_help_shows_the_defaults_worth_knowing():
    parser = arguments.ArgumentParser("what it does", "examples")
    parser.add_argument("--epochs", default=75, help="how often")
    parser.add_argument("--log", help="where to")
    one_of = {"dest": "form", "action": "store_const", "default": "text"}
    parser.add_argument("--json", const="json", help="one object a line", **one_of)
    assert "how often (default: 75)" in parser.format_help()
    assert "None" not in parser.format_help()
    assert "text" not in parser.format_help()


@pytest.mark.parametrize(
    ("text", "count"),
    [("1", 1), ("1GB", 2**30), ("512m", 2**29), ("1.5 GiB", 3 * 2**29), ("2T", 2**41)],
)
def test_amounts_of_memory_are_read(text, count):
    assert arguments.bytes_of(text) == count


@pytest.mark.parametrize("text", ["", "0", "-1GB", "1XB", "GB", "1e9", "nan", "9" * 400])
def test_what_is_no_amount_of_memory_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="8GB"):
        arguments.bytes_of(text)


@pytest.mark.parametrize(
    ("flag", "values"), [("--output-folder", [""]), ("--images", ["a.jpg", ""])]
)
def test_an_empty_text_is_refused(capsys, flag, values):
    parser = arguments.ArgumentParser("Do something.", "")
    parser.add_argument("--output-folder")
    parser.add_argument("--images", nargs="+")
    with pytest.raises(SystemExit) as ended:
        parser.parse_args([flag, *values])
    assert ended.value.code == errors.BAD_INPUT
    assert f"{flag} is empty" in capsys.readouterr().err


def test_a_flag_that_is_not_given_is_not_called_empty():
    parser = arguments.ArgumentParser("Do something.", "")
    parser.add_argument("--output-folder")
    assert parser.parse_args([]).output_folder is None
