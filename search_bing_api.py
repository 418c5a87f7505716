"""Fill a label folder with the images that a search on the web finds."""

import sys
from argparse import Namespace

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import info, printable, run
from pyimagesearch.errors import WORK_FAILED

# The tutorial's settings: how many results to look at in all, and how many to ask for at once.
MAX_RESULTS = 400
GROUP_SIZE = 50

EXAMPLES = """examples:
  python search_bing_api.py --query "blue jeans" --output dataset/blue_jeans
  python search_bing_api.py -q "red dress" -o dataset/red_dress --license cc0,by
  python search_bing_api.py -q "red shirt" -o dataset/red_shirt --provider bing --key-file key.txt

The environment variable BING_SEARCH_API_KEY may hold the key for bing, too, and OPENVERSE_TOKEN a
token that lifts openverse's limits. Give the same command again to go on where it stopped.
"""


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__, epilog=EXAMPLES)
    parser.add_argument("-q", "--query", required=True, help="what to search for")
    parser.add_argument("-o", "--output", required=True, help="label folder to put images into")

    search = parser.add_argument_group("search").add_argument
    service = "service to search (default: bing if there is a key for it, otherwise openverse)"
    search("--provider", choices=("bing", "openverse"), default=None, help=service)
    search("--endpoint", metavar="URL", help="of a service that speaks the provider's protocol")
    search("--key-file", metavar="FILE", help="holds the key for bing, and nothing else")
    search("--license", help="only images under these licences, as the provider spells them")
    count = number(int, 1, 10_000)
    search("--max-results", type=count, default=MAX_RESULTS, help="results to look at")
    search("--group-size", type=count, default=GROUP_SIZE, help="results to ask for at once")

    download = parser.add_argument_group("download").add_argument
    seconds, size = number(float, 0.1, 3600), number(int, 1, 2**28)
    download("--workers", type=number(int, 1, 64), default=8, help="downloads at the same time")
    download("--timeout", type=seconds, default=30, help="seconds that one file may take")
    download("--max-bytes", type=size, default=2**25, help="bytes that one file may have")
    side = "pixels that the shorter side of an image must have"
    download("--min-size", type=number(int, 1, 10_000), default=64, help=side)
    loopback = "also download from 127.0.0.1 and ::1, for tests with a server on this machine"
    download("--allow-loopback", action="store_true", help=loopback)
    return parser.parse_args()


def main() -> int:
    """Search, download, and keep what is worth keeping."""
    args = parse_arguments()
    # OpenCV and NumPy take their time to import, and a mistyped flag should be reported at once.
    from contextlib import closing
    from functools import partial

    from pyimagesearch.console import progress, quiet_stderr
    from pyimagesearch.search.collection import open_collection
    from pyimagesearch.search.download import Downloader, Limits
    from pyimagesearch.search.outcomes import KEPT, summary
    from pyimagesearch.search.paging import search
    from pyimagesearch.search.service_choice import choose_service

    # Ask the service for a first page of results; the others follow when they are needed.
    service, reason = choose_service(args.provider, args.endpoint, args.key_file)
    info(f"searching with {service.name}: {printable(reason)}")
    found = search(
        service,
        args.query,
        Downloader(Limits(allow_loopback=args.allow_loopback)),
        max_results=args.max_results,
        group_size=args.group_size,
        licence=args.license,
    )
    info(f"{found.total} results to look at")

    # Download the results and keep the images among them.
    downloader = Downloader(
        Limits(
            seconds=args.timeout,
            connect_seconds=min(args.timeout, 10),
            max_bytes=args.max_bytes,
            allow_loopback=args.allow_loopback,
        )
    )
    decoding = partial(progress, title="decoding")
    with open_collection(args.output, min_size=args.min_size, progress=decoding) as collection:
        outcomes = collection.fill(found.results, downloader, args.workers)
        try:
            # What image libraries print about damaged files names no file; sources.csv does.
            with quiet_stderr(), closing(outcomes):
                for done, _ in enumerate(progress(outcomes, found.total), start=1):
                    if done % args.group_size == 0 and not sys.stdout.isatty():
                        info(f"{done} of {found.total} results looked at")
        finally:
            info(*summary(collection.outcomes))

    is_any_kept = any(outcome.category == KEPT for outcome in collection.outcomes)
    return 0 if is_any_kept else WORK_FAILED


if __name__ == "__main__":
    sys.exit(run(main))
