"""Fill a label folder with the images that a search on the web finds."""

import sys

from pyimagesearch.command_lines.search import parse_arguments
from pyimagesearch.console import info, printable, run


def main() -> None:
    """Search, download, and keep what is worth keeping."""
    args = parse_arguments(__doc__)
    # OpenCV and NumPy take their time to import, and a mistyped flag should be reported at once.
    from contextlib import closing
    from functools import partial

    from pyimagesearch.console import counted, progress
    from pyimagesearch.outputs import check_makeable
    from pyimagesearch.search.collection import open_collection
    from pyimagesearch.search.download import Downloader, Limits
    from pyimagesearch.search.outcomes import check_any_kept, summary
    from pyimagesearch.search.paging import Query, pace, search_in_turn
    from pyimagesearch.search.service_choice import choose_services, contact
    from pyimagesearch.streams import quiet_stderr

    # A search may cost a request of a monthly quota, so look at the folder before it.
    check_makeable(args.output)

    # Choose where to search, and say beforehand how long that takes where requests are limited.
    services, reason = choose_services(args.provider, args.endpoint, args.key_file)
    names = ", then ".join(service.name for service in services)
    info(f"searching with {names}: {printable(reason)}")
    query = Query(args.query, args.max_results, args.group_size, args.license)
    info(*(line for service in services if (line := pace(service, query))))

    # Ask for a first page of results; the others follow when they are needed.
    searcher = Downloader(Limits(allow_loopback=args.allow_loopback), contact(), say=info)
    found = search_in_turn(services, query, searcher, say=info)
    most = "" if found.is_total_known else "at most "
    info(f"{most}{counted(found.total, 'result')} to look at")

    # Download the results and keep the images among them.
    downloader = Downloader(
        Limits(
            seconds=args.timeout,
            connect_seconds=min(args.timeout, 10),
            max_bytes=args.max_bytes,
            allow_loopback=args.allow_loopback,
        ),
        contact(),
    )
    decoding = partial(progress, title="decoding")
    with open_collection(args.output, min_size=args.min_size, progress=decoding) as collection:
        outcomes = collection.fill(found.results, downloader, args.workers, say=info)
        try:
            # What image libraries print about damaged files names no file; sources.csv does.
            with quiet_stderr(), closing(outcomes):
                for done, _ in enumerate(progress(outcomes, found.total), start=1):
                    if done % args.group_size == 0 and not sys.stdout.isatty():
                        info(f"{done:,} of {counted(found.total, 'result')} looked at")
        finally:
            info(*summary(collection.outcomes))
    check_any_kept(collection.outcomes)


if __name__ == "__main__":
    sys.exit(run(main))
