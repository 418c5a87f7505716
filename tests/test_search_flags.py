"""What search_bing_api.py does with its flags: runs that find nothing, each flag with a value."""

import pytest
from recorder import record

import search_bing_api
from pyimagesearch.errors import UserError
from pyimagesearch.search.download import Limits
from pyimagesearch.search.paging import Found

SEARCH = "pyimagesearch.search"
# A flag, the function that it has to reach, and what arrives there as which argument.
ARRIVALS = [
    ("--query trousers", "Query", "text", "trousers"),
    ("--output trousers", "check_makeable", "path", "trousers"),
    ("--output trousers", "open_collection", "folder", "trousers"),
    ("--provider brave", "choose_services", "provider", "brave"),
    ("--endpoint http://127.0.0.1:1/", "choose_services", "endpoint", "http://127.0.0.1:1/"),
    ("--key-file key.txt", "choose_services", "key_file", "key.txt"),
    ("--license cc0,by", "Query", "licence", "cc0,by"),
    ("--max-results 70", "Query", "max_results", 70),
    ("--group-size 7", "Query", "group_size", 7),
    ("--workers 3", "fill", "workers", 3),
    ("--min-size 33", "open_collection", "min_size", 33),
    ("--timeout 7.5", "Limits", "seconds", 7.5),
    ("--timeout 7.5", "Limits", "connect_seconds", 7.5),
    ("--max-bytes 1234", "Limits", "max_bytes", 1234),
    ("--allow-loopback", "Limits", "allow_loopback", True),
]
STAND_INS = {
    f"{SEARCH}.paging.search_in_turn": Found(0, True, iter(())),
    f"{SEARCH}.service_choice.choose_services": ([], "there is none"),
}
CALLED = [
    "pyimagesearch.outputs.check_makeable",
    f"{SEARCH}.collection.Collection.fill",
    f"{SEARCH}.collection.open_collection",
    f"{SEARCH}.download.Downloader",
    f"{SEARCH}.download.Limits",
    f"{SEARCH}.paging.Query",
]


@pytest.fixture
def search(tmp_path, monkeypatch):
    """Return a function that searches with flags and returns what functions were given last."""

    def run(flags):
        monkeypatch.setattr("sys.argv", ["search_bing_api.py", *flags.split()])
        calls = record(monkeypatch, [*CALLED, *STAND_INS], STAND_INS)
        with pytest.raises(UserError, match="nothing was found"):
            search_bing_api.main()
        return calls

    monkeypatch.chdir(tmp_path)
    return run


def test_each_flag_reaches_what_it_is_about(search):
    calls = search(" ".join(dict.fromkeys(flag for flag, *_ in ARRIVALS)))
    for _, function, argument, value in ARRIVALS:
        assert calls[function].arguments[argument] == value, argument
    assert calls["search_in_turn"].arguments["query"] is calls["Query"].result
    assert calls["fill"].arguments["downloader"] is calls["Downloader"].result


@pytest.mark.parametrize(("seconds", "of_a_connection"), [(30, 10), (5, 5)])
def test_a_connection_may_take_ten_seconds_of_those_that_a_file_may_take(
    search, seconds, of_a_connection
):
    calls = search(f"--query a --output b --timeout {seconds} --max-bytes 99")
    limits = Limits(seconds, of_a_connection, 99, allow_loopback=False)
    assert calls["Downloader"].arguments["limits"] == limits
