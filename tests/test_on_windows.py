from pathlib import Path

import pytest


def test_on_windows_pytest_says_in_one_line_where_the_tests_run(pytestconfig, monkeypatch):
    path = Path(__file__).with_name("conftest.py")
    conftest = pytestconfig.pluginmanager.get_plugin(str(path))
    conftest.pytest_configure()
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(pytest.UsageError, match="WSL"):
        conftest.pytest_configure()
