"""The command line of search_bing_api.py."""

from argparse import Namespace

from pyimagesearch.arguments import ArgumentParser, number

# The tutorial's settings: how many results to look at in all, and how many to ask for at once.
MAX_RESULTS = 400
GROUP_SIZE = 50
PROVIDERS = ("bing", "brave", "openverse", "wikimedia")

EXAMPLES = """examples:
  python search_bing_api.py --query "blue jeans" --output photos/blue_jeans
  python search_bing_api.py -q "red dress" -o photos/red_dress --license cc0,by
  python search_bing_api.py -q "red shirt" -o photos/red_shirt --provider wikimedia

openverse and wikimedia need no key. For the others, put it into a file (--key-file) or into the
environment variable BING_SEARCH_API_KEY or BRAVE_SEARCH_API_KEY. OPENVERSE_TOKEN may hold a token
that raises openverse's limits, and WIKIMEDIA_CONTACT your mail address or web page, which wikimedia
asks for.
Give the same command again to go on where it stopped.
"""


def parse_arguments(description: str | None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description, EXAMPLES)
    parser.add_argument("-q", "--query", required=True, help="what to search for")
    parser.add_argument(
        "-o", "--output", required=True, help="label folder to fill; it is made if there is none"
    )

    search = parser.add_argument_group("search").add_argument
    service = (
        "service to search (default: bing or brave if there is a key in the environment, "
        "otherwise openverse, and wikimedia for what openverse does not have)"
    )
    search("--provider", choices=PROVIDERS, default=None, help=service)
    search(
        "--endpoint", metavar="URL", help="of another service that speaks the provider's protocol"
    )
    key = "file with nothing but the key: for brave with --provider brave, otherwise for bing"
    search("--key-file", metavar="FILE", help=key)
    licence = "only images under these licences, such as cc0,by (bing: Public; not for brave)"
    search("--license", help=licence)
    count = number(int, 1, 10_000)
    search("--max-results", type=count, default=MAX_RESULTS, help="results to look at")
    group = "results to request at once, where requests are not scarce"
    search("--group-size", type=count, default=GROUP_SIZE, help=group)

    download = parser.add_argument_group("download").add_argument
    seconds, size = number(float, 0.1, 3600), number(int, 1, 2**28)
    download("--workers", type=number(int, 1, 64), default=8, help="downloads at the same time")
    download("--timeout", type=seconds, default=30, help="seconds that one try of a file may take")
    download("--max-bytes", type=size, default=2**25, help="bytes that one file may have")
    side = "pixels that the shorter side of an image must have"
    download("--min-size", type=number(int, 1, 10_000), default=64, help=side)
    loopback = "also download from 127.0.0.1 and ::1, for tests with a server on this machine"
    download("--allow-loopback", action="store_true", help=loopback)
    return parser.parse_args()
