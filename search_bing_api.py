"""Fill one folder of a data set with the images that a search on the web finds."""

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

The key for bing may also be in the environment variable BING_SEARCH_API_KEY, a token that lifts
openverse's limits in OPENVERSE_TOKEN. The same command, given again, goes on where it stopped.
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
    """Search once, and keep what is worth it."""
    args = parse_arguments()
    # OpenCV and NumPy take their time to import; a mistyped flag has been answered by now.
    from contextlib import closing

    from tqdm import tqdm

    from pyimagesearch.console import quiet_stderr
    from pyimagesearch.search import services
    from pyimagesearch.search.collection import KEPT, Collection, summary
    from pyimagesearch.search.download import Downloader, Limits

    service, reason = services.choose_service(args.provider, args.endpoint, args.key_file)
    info(f"searching with {service.name}: {printable(reason)}")
    asking = Downloader(Limits(allow_loopback=args.allow_loopback))
    found = services.search(
        service, args.query, args.max_results, args.group_size, asking, args.license
    )
    info(f"{found.total} results to look at")

    limits = Limits(args.timeout, min(args.timeout, 10), args.max_bytes, args.allow_loopback)
    with Collection(args.output, args.min_size) as collection:
        outcomes = collection.fill(found.results, Downloader(limits), args.workers)
        shown = {"unit": "image", "file": sys.stdout, "disable": not sys.stdout.isatty()}
        try:
            # The image libraries' complaints about damaged files name no file; sources.csv does.
            with quiet_stderr(), closing(outcomes), tqdm(total=found.total, **shown) as bar:
                for done, _ in enumerate(outcomes, start=1):
                    bar.update()
                    if bar.disable and done % args.group_size == 0:
                        info(f"{done} of {found.total} results looked at")
        finally:
            info(*summary(collection.outcomes))
    return 0 if any(outcome.category == KEPT for outcome in collection.outcomes) else WORK_FAILED


if __name__ == "__main__":
    sys.exit(run(main))
