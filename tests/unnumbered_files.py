"""A drive that numbers no files, as some network drives on Windows."""

import os
import stat


def number_no_files(monkeypatch):
    """Let every file have the number 0."""
    numbered = os.stat

    def unnumbered(path, **settings):
        status = list(numbered(path, **settings))
        status[stat.ST_INO] = 0
        return os.stat_result(status)

    monkeypatch.setattr(os, "stat", unnumbered)
