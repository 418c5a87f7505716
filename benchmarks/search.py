"""Search against the misbehaving server of the tests: find every good image once, and in time.

    python benchmarks/search.py --results 400 --workers 8

One result in five misbehaves. The time that a search may take is the time that the server itself
takes (delays, timeouts) divided by the number of workers, plus the time for which it asks to be
left alone (Retry-After), and half as much again. This holds on an idle machine and for hundreds of
results: of fewer, the work of the search itself is a larger part. A search that is killed and
started again must end with the same images. An audit hook in the interpreter lists every address
that the script connects to: only this machine is allowed.
"""

import random
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from pathlib import Path

from measure import ROOT, print_table

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import run

sys.path.insert(0, str(ROOT / "tests"))

from misbehaving_server import MisbehavingServer
from watched_search import addresses_reached, content, start_search, write_sibling

LONGEST_RATIO = 1.5
PAGE_DELAY = 0.05  # seconds before each page of results


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition("\n")[0], "example: python benchmarks/search.py --results 400 --kills 2"
    )
    count = number(int, 1, 100_000)
    parser.add_argument("--results", type=count, default=400, help="results that the server offers")
    parser.add_argument("--workers", type=count, default=8, help="downloads at once")
    parser.add_argument(
        "--delay", type=number(float, 0.001, 60), default=0.2, help="seconds before each response"
    )
    parser.add_argument("--kills", type=number(int, 0, 1000), default=5, help="how often to kill")
    parser.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=1, help="random seed")
    return parser.parse_args()


def main() -> int:
    """Search once without and once with kills; return 1 if anything is wrong."""
    args = parse_arguments()
    rng = random.Random(args.seed)
    options = ["--workers", args.workers, "--max-results", args.results]
    with (
        tempfile.TemporaryDirectory() as name,
        MisbehavingServer(args.results, delay=args.delay, page_delay=PAGE_DELAY) as web,
    ):
        whole, killed = Path(name, "whole", "blue_jeans"), Path(name, "killed", "blue_jeans")
        for folder in (whole, killed):
            write_sibling(folder.parent)
        seconds = finish(whole, web, options)
        allowed = web.seconds / args.workers + web.rest_seconds
        delays = [rng.uniform(0.1, 0.25) * seconds for _ in range(args.kills)]
        kills = sum(kill(killed, web, options, after=delay) for delay in delays)
        finish(killed, web, options)
        kept = sorted(content(whole).values())
        is_same = content(killed) == content(whole)
        addresses = addresses_reached(whole) | addresses_reached(killed)

    good = sorted(item.sha256 for item in web.items if item.expected == "kept")
    misbehaving = sum(item.kind != "good" for item in web.items)
    kept_once = sum(kept.count(digest) == 1 for digest in good)
    print_table(
        [
            ["", ""],
            ["results, misbehaving", f"{len(web.items)}, {misbehaving}"],
            ["good images, kept exactly once", f"{len(good)}, {kept_once}"],
            ["other files kept", f"{len(kept) - kept_once}"],
            ["seconds", f"{seconds:.1f}"],
            [f"the server's own, {args.workers} workers", f"{allowed:.1f}"],
            ["ratio", f"{seconds / allowed:.2f}"],
            ["kills, same images afterwards", f"{kills}, {'yes' if is_same else 'NO'}"],
            ["addresses reached", ", ".join(sorted(addresses))],
        ]
    )
    claims = {
        "every good image is kept exactly once, and nothing else": kept == good,
        "kills change nothing": is_same,
        f"it takes at most {LONGEST_RATIO} times the server's own time": (
            seconds <= LONGEST_RATIO * allowed
        ),
        "only 127.0.0.1 is reached": addresses == {"127.0.0.1"},
    }
    failed = [claim for claim, holds in claims.items() if not holds]
    for claim in failed:
        print(f"NOT TRUE: {claim}")
    return 1 if failed else 0


def finish(folder: Path, web: MisbehavingServer, options: list[object]) -> float:
    """Run a search to its end, and return how many seconds it took."""
    start = time.perf_counter()
    process = begin(folder, web, options)
    _, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the search failed: {errors}")
    return time.perf_counter() - start


def kill(folder: Path, web: MisbehavingServer, options: list[object], *, after: float) -> bool:
    """Start a search, kill it after some seconds, and return whether it was still running."""
    process = begin(folder, web, options)
    time.sleep(after)
    was_running = process.poll() is None
    process.kill()
    process.communicate()
    return was_running


def begin(folder: Path, web: MisbehavingServer, options: list[object]) -> subprocess.Popen[str]:
    """Start a search against a server that behaves as if it was never asked before."""
    web.forget()
    return start_search(folder, f"{web.base}/bing", *options)


if __name__ == "__main__":
    sys.exit(run(main))
