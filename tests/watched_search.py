"""Run search_bing_api.py so that it can reach nothing but this machine."""

import csv
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from misbehaving_results import MAX_BYTES, SIBLING_SEED, encoded, pattern
from misbehaving_server import TIMEOUT
from stand_in_services import KEY

ROOT = Path(__file__).resolve().parents[1]
MIN_SIZE = 64
KEY_VARIABLES = {
    "bing": "BING_SEARCH_API_KEY",
    "brave": "BRAVE_SEARCH_API_KEY",
    "openverse": "OPENVERSE_TOKEN",
}

# An audit hook sees every connection and every look-up in Python, whichever library makes it, and
# forbids those that would leave this machine. So a broken check shows, and does no harm.
WATCHED = """
import os, runpy, socket, sys

log = os.open(os.environ["ADDRESS_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def watch(event, arguments):
    if event == "socket.connect":
        address = arguments[1]
        os.write(log, f"{address[0]}\\n".encode() if isinstance(address, tuple) else b"other\\n")
        if not isinstance(address, tuple) or address[0] != "127.0.0.1":
            raise ConnectionRefusedError("tests stay on this machine")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        # Only addresses, in whatever notation, resolve without asking anybody.
        try:
            socket.inet_aton(arguments[0])
        except OSError:
            try:
                socket.inet_pton(socket.AF_INET6, arguments[0])
            except OSError:
                raise socket.gaierror(socket.EAI_NONAME, "tests look nothing up") from None
    elif event in ("socket.sendto", "socket.sendmsg"):
        raise ConnectionRefusedError("tests send no datagrams")

sys.addaudithook(watch)
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def start_search(
    output: Path,
    endpoint: str,
    *arguments: object,
    provider: str = "bing",
    key: str = KEY,
    allow_loopback: bool = True,
) -> subprocess.Popen:
    """Start search_bing_api.py with a key, if the provider takes one, in the environment."""
    # Nothing must be sent to this proxy.
    names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    variables = dict.fromkeys(names, "http://10.0.0.2:3128")
    variables |= dict.fromkeys([*KEY_VARIABLES.values(), "WIKIMEDIA_CONTACT"], "")
    if provider in KEY_VARIABLES:
        variables[KEY_VARIABLES[provider]] = key
    variables["ADDRESS_LOG"] = str(address_log(output))
    options = ["-q", "blue jeans", "-o", output, "--endpoint", endpoint]
    options += ["--timeout", TIMEOUT, "--max-bytes", MAX_BYTES, "--min-size", MIN_SIZE]
    options += ["--allow-loopback"] * allow_loopback
    return subprocess.Popen(
        [sys.executable, "-c", WATCHED, str(ROOT / "search_bing_api.py")]
        + [str(option) for option in (*options, *arguments)],
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def address_log(output: Path) -> Path:
    """Return the file that lists the addresses that searches into a folder connected to."""
    return output.parents[1] / f"{output.parent.name}-{output.name}-addresses.txt"


def addresses_reached(output: Path) -> set[str]:
    """Return all addresses that searches into a folder connected to, or tried to."""
    log = address_log(output)
    return set(log.read_text().split()) if log.exists() else set()


def content(folder: Path, names: str = "*") -> dict[str, str]:
    """Return the SHA-256 of each file in a folder, by name, without sources.csv."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.glob(names)
        if path.name != "sources.csv"
    }


def rows(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a folder's sources.csv, each with the names of its columns."""
    with (folder / "sources.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_sibling(dataset: Path) -> None:
    """Put an image that the results of kind "sibling" are copies of under another label."""
    (dataset / "red_dress").mkdir(parents=True)
    (dataset / "red_dress" / "photo.jpg").write_bytes(encoded(pattern(SIBLING_SEED)))
