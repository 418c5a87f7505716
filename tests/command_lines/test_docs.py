"""Help texts, docs/ and README.md: examples that parse, and the parsers' own flags and formats."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from pyimagesearch.arguments import ArgumentParser
from pyimagesearch.command_lines.train import EXPORT_FORMATS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TABLES = [
    ("train", "docs/flags.md", "## train.py"),
    ("classify", "docs/flags.md", "## classify.py"),
    ("search", "docs/searching.md", "## Flags"),
    ("train", "README.md", "### train.py"),
    ("classify", "README.md", "### classify.py"),
    ("search", "README.md", "### search_bing_api.py"),
]
# The parsers leave these open, and the tables say what follows then.
DECIDED_LATER = {
    ("train", "--dataset"),
    ("train", "--memory-limit"),
    ("train", "--recolor"),
    ("train", "--recolor-part"),
    ("classify", "--labelbin"),
    ("classify", "--top"),
    ("search", "--provider"),
    ("search", "--endpoint"),
    ("search", "--license"),
}
UNSET = (None, False, [])


class ParsedError(Exception):
    """Carries a parser as soon as it has all its flags."""


@pytest.mark.parametrize("script", ["train", "classify", "search"])
def test_the_help_ends_with_three_examples_that_work_as_they_stand(monkeypatch, script):
    module = import_module(f"pyimagesearch.command_lines.{script}")
    examples = re.findall(r"^  python (.*)", module.EXAMPLES, re.MULTILINE)
    assert len(examples) == 3
    for example in examples:
        monkeypatch.setattr("sys.argv", shlex.split(example))
        flags = vars(module.parse_arguments(None))
        assert flags.get("key_file") is None, "no reader has this file"
        for path in [flags["dataset"]] if script == "train" else flags.get("image", []):
            assert (ROOT / path).exists()


@pytest.fixture
def flags_of(monkeypatch):
    """Look up each flag of a script, all its spellings, in its parser."""

    def stop(parser):
        raise ParsedError(parser)

    def look_up(script):
        module = import_module(f"pyimagesearch.command_lines.{script}")
        with pytest.raises(ParsedError) as caught:
            module.parse_arguments(None)
        actions = caught.value.args[0]._actions
        return {tuple(a.option_strings): a for a in actions if a.dest != "help"}

    monkeypatch.setattr(ArgumentParser, "parse_args", stop)
    return look_up


def documented(document, heading):
    """The cells of the default column of a table, by the spellings of the flag."""
    section = (ROOT / document).read_text(encoding="utf-8").partition(f"\n{heading}\n")[2]
    rows = re.findall(r"^\| (`-.*?) \| (.*?)\|", section.partition("\n##")[0], re.MULTILINE)
    return {tuple(re.findall("`(.*?)`", flag)): default.strip() for flag, default in rows}


@pytest.mark.parametrize(("script", "document", "heading"), TABLES)
def test_documented_flags_and_their_defaults_are_those_of_the_parser(
    flags_of, script, document, heading
):
    flags, cells = flags_of(script), documented(document, heading)
    assert cells
    if document != "README.md":  # which has only the most important ones
        assert sorted(cells) == sorted(flags)
    spelled = {name: action for spellings, action in flags.items() for name in spellings}
    for names, action in ((names, spelled[names[-1]]) for names in cells):
        # A row may have two flags without a value.
        assert {name for each in names for name in spelled[each].option_strings} == set(names)
        if (script, names[-1]) in DECIDED_LATER:
            assert action.default in (None, "auto"), names
            assert cells[names], names
        elif action.default in UNSET or action.const is not None:
            assert cells[names] == "", names
        else:
            assert cells[names].strip("`") == str(action.default), names


@pytest.mark.parametrize("document", ["README.md", "docs/flags.md"])
def test_the_row_of_the_export_flag_lists_every_format(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| `--export` \|.*", text, re.MULTILINE)
    assert tuple(re.findall(r"`(\w+)`", row)) == EXPORT_FORMATS


def test_the_table_of_exports_has_a_row_for_every_format():
    text = (DOCS / "export.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == EXPORT_FORMATS
