import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Found by their text: importing all modules would import TensorFlow.
WITH_EXAMPLES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted(ROOT.glob("pyimagesearch/**/*.py"))
    if ">>> " in path.read_text("utf-8")
]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_docstrings_return_what_they_show(module):
    failed, tried = doctest.testmod(import_module(module))
    assert failed == 0
    assert tried > 0
