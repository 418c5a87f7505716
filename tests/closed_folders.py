"""Folders that nobody may list, also where the tests run as root, who may list all."""

import errno
import os


def close_folder(monkeypatch, name):
    """Let every listing of folders with this name fail for want of permission."""
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith(name):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
