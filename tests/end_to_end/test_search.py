"""search_bing_api.py as a user runs it, against a server that misbehaves in every way."""

import os
import signal
import time
from collections import Counter
from urllib.parse import urlsplit

import pytest
from misbehaving_results import AWKWARD, Item
from misbehaving_server import MisbehavingServer
from stand_in_services import KEY
from watched_search import addresses_reached, content, rows, start_search, write_sibling

pytestmark = pytest.mark.slow

# With so many results, each kind of misbehaviour comes up once.
ALL_KINDS = 5 * len(AWKWARD)


@pytest.fixture
def server():
    with MisbehavingServer(ALL_KINDS) as server:
        yield server


def new_folder(tmp_path, name="dataset"):
    write_sibling(tmp_path / name)
    return tmp_path / name / "blue_jeans"


def finish(process, status=0):
    output, errors = process.communicate(timeout=120)
    assert process.returncode == status, (output, errors)
    return output, errors


def wait_for_rows(folder, count, process):
    """Wait until sources.csv has so many rows; the process must not end before."""
    record = folder / "sources.csv"
    while not record.exists() or record.read_bytes().count(b"\n") <= count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def test_400_results_give_every_good_image_exactly_once_and_nothing_else(tmp_path):
    folder = new_folder(tmp_path)
    with MisbehavingServer(400) as server:
        output, errors = finish(start_search(folder, f"{server.base}/bing"))
        good = [item.sha256 for item in server.items if item.expected == "kept"]
        expected = Counter(item.expected for item in server.items)

        assert errors == ""
        kept = content(folder)
        assert sorted(kept.values()) == sorted(good)
        assert sorted(name[:8] for name in kept) == [f"{n:08d}" for n in range(len(good))]
        assert addresses_reached(folder) == {"127.0.0.1"}
        assert all(headers["Host"] == server.base[7:] for _, headers in server.requests)
        carried = [path for path, headers in server.requests if KEY in headers.values()]
        assert carried
        assert all(path.startswith("/bing?") for path in carried)

        lines = output.splitlines()
        assert lines[0] == "[INFO] searching with bing: BING_SEARCH_API_KEY holds a key"
        summary = [line.partition(" (")[0].removeprefix("[INFO] ") for line in lines[-6:]]
        assert summary == [
            f"kept: {expected['kept']}",
            f"duplicates: {expected['duplicate']}",
            f"left out as they are under other labels: {expected['in another folder']}",
            f"too small: {expected['too small']}",
            f"not an image: {expected['not an image']}",
            f"failed: {expected['failed']}",
        ]
        assert "red_dress/photo.jpg" in lines[-4]
        assert KEY not in output + (folder / "sources.csv").read_text()
        assert {row["file"]: row["sha256"] for row in rows(folder) if row["file"]} == kept


def test_a_second_run_downloads_only_what_failed_and_may_succeed_now(tmp_path, server):
    folder = new_folder(tmp_path)
    finish(start_search(folder, f"{server.base}/bing"))
    before, record = content(folder), (folder / "sources.csv").read_bytes()
    server.forget()
    output, _ = finish(start_search(folder, f"{server.base}/bing"))
    transient = {"trickle", "trickling-header", "silence", "truncated", "hangs-up"}
    assert {path.split("/")[2] for path in server.asked_for()} == transient
    assert content(folder) == before
    assert (folder / "sources.csv").read_bytes() == record
    assert f"kept: {len(before)}, {len(before)} of them by an earlier run" in output


def test_a_run_that_is_killed_and_repeated_ends_with_the_same_folder(tmp_path, server):
    whole, killed = new_folder(tmp_path, "whole"), new_folder(tmp_path, "killed")
    finish(start_search(whole, f"{server.base}/bing"))
    server.delay = 0.02
    for rows_before_the_kill in (1, 40, 90):
        process = start_search(killed, f"{server.base}/bing")
        wait_for_rows(killed, rows_before_the_kill, process)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        text = (killed / "sources.csv").read_text()
        with (killed / "sources.csv").open("a") as record:
            record.write("00000999.jpg,http://torn")
        known = {urlsplit(line.split(",")[1]).path for line in text.splitlines()[1:]}
        images_before = content(killed, "0*")
        server.forget()
    finish(start_search(killed, f"{server.base}/bing"))
    assert content(killed) == content(whole)
    assert images_before.items() <= content(killed).items()
    assert known.isdisjoint(server.asked_for())
    assert addresses_reached(killed) == {"127.0.0.1"}
    assert {(row["file"], row["url"], row["reason"]) for row in rows(killed)} == {
        (row["file"], row["url"], row["reason"]) for row in rows(whole)
    }


@pytest.mark.parametrize("kind", ["to-no-url", "to-a-scope", "in-negative-chunks"])
def test_a_hostile_first_result_costs_itself_and_not_the_others(tmp_path, kind):
    folder = new_folder(tmp_path)
    with MisbehavingServer(20, kinds=["good"]) as server:
        first = Item(f"{server.base}/images/{kind}/first.jpg", kind, b"hello", "failed")
        server.offer([first, *server.items])
        output, errors = finish(start_search(folder, f"{server.base}/bing"))
    assert "[INFO] kept: 20" in output
    assert "[INFO] failed: 1" in output
    assert errors == ""
    assert len(content(folder)) == 20


def test_ctrl_c_leaves_what_was_kept_and_nothing_half_done(tmp_path, server):
    folder = new_folder(tmp_path)
    server.delay = 0.05
    process = start_search(folder, f"{server.base}/bing", "--workers", 4, "--timeout", 60)
    wait_for_rows(folder, 30, process)
    process.send_signal(signal.SIGINT)
    output, errors = finish(process, 130)
    assert errors == "search_bing_api.py: interrupted\n"
    assert "[INFO] kept: " in output
    assert {row["file"]: row["sha256"] for row in rows(folder) if row["file"]} == content(folder)
    good = {item.sha256 for item in server.items if item.expected == "kept"}
    assert 0 < len(content(folder)) < len(good)
    assert set(content(folder).values()) <= good


def test_openverse_fills_a_folder_and_its_token_stays_secret(tmp_path, server):
    folder = new_folder(tmp_path)
    options = ["--max-results", 30, "--group-size", 15]
    output, _ = finish(
        start_search(folder, f"{server.base}/openverse", *options, provider="openverse")
    )
    good = {item.sha256 for item in server.items[:30] if item.expected == "kept"}
    assert set(content(folder).values()) == good
    assert rows(folder)[0]["licence"] == "by 4.0 (https://creativecommons.org/licenses/by/4.0/)"
    assert output.startswith("[INFO] searching with openverse: there is no key for bing")
    assert KEY not in output
    carried = [path for path, headers in server.requests if KEY in str(headers)]
    assert [path.partition("?")[0] for path in carried] == ["/openverse"] * 2


def test_brave_fills_a_folder_and_its_key_stays_secret(tmp_path, server):
    folder = new_folder(tmp_path)
    output, _ = finish(start_search(folder, f"{server.base}/brave", provider="brave"))
    good = {item.sha256 for item in server.items[:200] if item.expected == "kept"}
    assert set(content(folder).values()) == good
    assert output.startswith("[INFO] searching with brave: BRAVE_SEARCH_API_KEY holds a key")
    assert KEY not in output + (folder / "sources.csv").read_text()
    carried = [path for path, headers in server.requests if KEY in headers.values()]
    assert [path.partition("?")[0] for path in carried] == ["/brave"]


def test_wikimedia_fills_a_folder_and_records_whom_to_credit(tmp_path, server):
    folder = new_folder(tmp_path)
    options = ["--provider", "wikimedia", "--max-results", 30, "--license", "by"]
    output, errors = finish(
        start_search(folder, f"{server.base}/wikimedia", *options, provider="wikimedia")
    )
    good = {item.sha256 for item in server.items[:30] if item.expected == "kept"}
    assert set(content(folder).values()) == good
    first = rows(folder)[0]
    assert first["page"] == f"{server.items[0].url}.html"
    assert first["licence"] == "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)"
    assert first["creator"] == "Ann & Bob"
    assert "[INFO] at most 30 results to look at" in output
    assert errors == ""


def test_nothing_on_this_machine_is_downloaded_without_the_switch(tmp_path, server):
    folder = new_folder(tmp_path)
    process = start_search(folder, f"{server.base}/bing", allow_loopback=False)
    output, errors = finish(process, 1)
    assert "kept: 0" in output
    assert "127.0.0.1 is not a public address" in output
    assert server.asked_for() == []
    assert content(folder) == {}
    assert errors.startswith("search_bing_api.py: no image was kept, and the summary says why: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("endpoint", "key", "status", "complaint"),
    [
        ("{base}/bing", "another-key", 1, "does not accept the key (401)"),
        ("{base}/images/none", KEY, 1, "answered 404"),
        ("http://nowhere.invalid/search", KEY, 1, "nowhere.invalid does not resolve"),
        ("nowhere", KEY, 2, "it must be a URL such as https://host/search"),
        ("http://[", KEY, 2, "it must be a URL such as https://host/search"),
        ("{base}/bing", "two words", 2, "BING_SEARCH_API_KEY does not hold a key"),
    ],
    ids=["wrong key", "wrong path", "no such host", "no url", "half a url", "no key"],
)
def test_what_a_user_can_put_right_is_one_line(tmp_path, endpoint, key, status, complaint):
    folder = new_folder(tmp_path)
    with MisbehavingServer() as server:
        process = start_search(folder, endpoint.format(base=server.base), key=key)
        output, errors = finish(process, status)
    assert complaint in errors
    assert errors.startswith("search_bing_api.py: ")
    assert errors.count("\n") == 1
    assert key not in output + errors
    assert not folder.exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_a_key_file_that_is_no_file_is_one_line(tmp_path, make):
    make(tmp_path / "key")
    process = start_search(
        new_folder(tmp_path), "http://127.0.0.1:9/", "--key-file", tmp_path / "key"
    )
    _, errors = finish(process, 2)
    assert errors == (
        f"search_bing_api.py: cannot read the key from {tmp_path}/key: not a regular file\n"
    )


def test_a_search_without_results_says_so_and_fails(tmp_path):
    with MisbehavingServer() as server:
        folder = new_folder(tmp_path)
        output, errors = finish(start_search(folder, f"{server.base}/bing"), 1)
    assert "[INFO] 0 results to look at" in output
    assert errors == (
        "search_bing_api.py: nothing was found: search with other words or licences\n"
    )


def test_no_service_is_asked_for_images_that_no_folder_can_take(tmp_path, server):
    folder = new_folder(tmp_path)
    folder.write_text("a file")
    _, errors = finish(start_search(folder, f"{server.base}/bing"), 2)
    assert errors == f"search_bing_api.py: cannot write {folder}: Not a directory\n"
    assert server.requests == []
