"""A search against the tests' misbehaving server: every good image once, in time, after kills too.

One in five of the results misbehaves. How long the run may take is what the server itself makes
it take: its delays, the waits it asks for in Retry-After, and the timeouts it provokes, divided by
the workers. Every connection that the script opens is listed by an audit hook of the interpreter.

    python benchmarks/search.py --results 400 --workers 8
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from measure import ROOT, print_table

sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests"))

from misbehaving_server import MisbehavingServer
from watched_search import addresses_reached, content, start_search, write_sibling


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--results", type=int, default=400)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--delay", type=float, default=0.2, help="seconds before each answer")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> int:
    """Search once without and once with kills; print what came of it."""
    args = parse_arguments()
    random.seed(args.seed)
    options = ["--workers", args.workers, "--max-results", args.results]
    with tempfile.TemporaryDirectory() as name, MisbehavingServer(args.results, args.delay) as web:
        whole, killed = Path(name, "whole", "blue_jeans"), Path(name, "killed", "blue_jeans")
        for folder in (whole, killed):
            write_sibling(folder.parent)
        seconds = finish(whole, web, options)
        allowed = web.seconds / args.workers
        kills = sum(
            kill(killed, web, options, random.uniform(0.1, 0.25) * seconds)
            for _ in range(args.kills)
        )
        finish(killed, web, options)
        good = sorted(item.sha256 for item in web.items if item.expected == "kept")
        kept = sorted(content(whole).values())
        is_same = content(killed) == content(whole)
        addresses = addresses_reached(whole) | addresses_reached(killed)
        misbehaving = sum(item.kind != "good" for item in web.items)

    print_table(
        [
            ["", ""],
            ["results, misbehaving", f"{len(web.items)}, {misbehaving}"],
            ["good images, kept exactly once", f"{len(good)}, {count_once(good, kept)}"],
            ["anything else kept", f"{len(kept) - count_once(good, kept)}"],
            ["seconds", f"{seconds:.1f}"],
            [f"the server's own, {args.workers} workers", f"{allowed:.1f}"],
            ["ratio", f"{seconds / allowed:.2f}"],
            ["kills, then the same folder", f"{kills}, {'yes' if is_same else 'NO'}"],
            ["addresses reached", ", ".join(sorted(addresses))],
        ]
    )
    is_well = kept == good and is_same and addresses == {"127.0.0.1"} and seconds <= 1.5 * allowed
    return 0 if is_well else 1


def finish(folder: Path, web: MisbehavingServer, options: list) -> float:
    """Run a search to its end and say how many seconds it took."""
    web.forget()
    start = time.perf_counter()
    process = start_search(folder, f"{web.base}/bing", *options)
    _, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the search failed: {errors}")
    return time.perf_counter() - start


def kill(folder: Path, web: MisbehavingServer, options: list, after: float) -> bool:
    """Start a search, kill it after some seconds, and say whether it was still running then."""
    web.forget()
    process = start_search(folder, f"{web.base}/bing", *options)
    time.sleep(after)
    was_running = process.poll() is None
    process.kill()
    process.communicate()
    return was_running


def count_once(good: list[str], kept: list[str]) -> int:
    """Count the good images that were kept exactly once."""
    return sum(kept.count(digest) == 1 for digest in good)


if __name__ == "__main__":
    sys.exit(main())
