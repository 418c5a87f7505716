"""Writes changed copies of Keras 3 archives."""

import json
import zipfile
from pathlib import Path


def with_entries(archive: Path, target: Path, **changed: bytes | None) -> Path:
    """Copy an archive with other contents for some entries; None leaves an entry out.

    Entries are named without their suffix: config, metadata, weights, pyimagesearch and known.
    """
    names = {
        "config": "config.json",
        "metadata": "metadata.json",
        "weights": "model.weights.h5",
        "pyimagesearch": "pyimagesearch.json",
        "known": "pyimagesearch.features.npz",
    }
    with zipfile.ZipFile(archive) as source:
        entries = {name: source.read(name) for name in source.namelist()}
    entries |= {names[name]: content for name, content in changed.items()}
    with zipfile.ZipFile(target, "w") as copy:
        for name, content in entries.items():
            if content is not None:
                copy.writestr(name, content)
    return target


def with_config(archive: Path, target: Path, change) -> Path:
    """Copy an archive; `change` gets the layers of its network's description to change them."""
    with zipfile.ZipFile(archive) as source:
        config = json.loads(source.read("config.json"))
    change(config["config"]["layers"])
    return with_entries(archive, target, config=json.dumps(config).encode())
