import errno
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import cv2
import numpy as np
import pytest
from full_disk import full_disk
from hostile import hostile_answers, read_answer
from misbehaving_results import encoded, pattern
from watched_search import content, rows

from pyimagesearch.errors import WORK_FAILED, UserError
from pyimagesearch.search.collection import WAITING, open_collection
from pyimagesearch.search.errors import FetchError
from pyimagesearch.search.judging import judge
from pyimagesearch.search.outcomes import Outcome, summary
from pyimagesearch.search.provenance import Sources
from pyimagesearch.search.services import SearchResult


class Web:
    """Stands in for the downloader: what there is by URL, and which URLs were requested."""

    def __init__(self, pages):
        self.pages, self.asked, self.is_stopped = pages, [], False

    def fetch(self, url):
        self.asked.append(url)
        answer = self.pages[url]
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer

    def stop(self):
        self.is_stopped = True


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "dataset" / "blue_jeans"


def fill(folder, web, urls=None, workers=4):
    results = [SearchResult(url, page=f"{url}#page", creator="Ann") for url in urls or web.pages]
    with open_collection(folder, min_size=64) as collection:
        return list(collection.fill(results, web, workers))


def images(count, start=1):
    return {f"http://a/{n}": encoded(pattern(n)) for n in range(start, start + count)}


# --- what is kept ---


def test_images_are_named_in_the_order_of_the_search_even_if_a_later_one_arrives_first(folder):
    later = threading.Event()
    web = Web(images(4))
    slow, fast = web.pages["http://a/1"], web.pages["http://a/4"]

    def wait_for_the_last():
        assert later.wait(20)
        return slow

    def let_go():
        later.set()
        return fast

    web.pages |= {"http://a/1": wait_for_the_last, "http://a/4": let_go}
    outcomes = fill(folder, web)
    assert [outcome.detail for outcome in outcomes] == [f"{n:08d}.jpg" for n in range(4)]
    assert (folder / "00000000.jpg").read_bytes() == slow
    assert (folder / "00000003.jpg").read_bytes() == fast


def test_each_file_has_a_row_that_says_where_it_is_from(folder):
    web = Web(images(2) | {"http://a/bad": b"no image"})
    fill(folder, web)
    first, second, bad = rows(folder)
    assert first == {
        "file": "00000000.jpg",
        "url": "http://a/1",
        "page": "http://a/1#page",
        "licence": "",
        "creator": "Ann",
        "title": "",
        "sha256": hashlib.sha256(web.pages["http://a/1"]).hexdigest(),
        "reason": "",
    }
    assert second["file"] == "00000001.jpg"
    assert (bad["file"], bad["sha256"]) == ("", "")
    assert bad["reason"].startswith("not an image: ")
    assert content(folder).keys() == {"00000000.jpg", "00000001.jpg"}


def test_copies_are_kept_once(folder):
    web = Web(images(1))
    body = web.pages["http://a/1"]
    recompressed = encoded(cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR), ".png")
    web.pages |= {"http://a/same": body, "http://a/near": recompressed}
    outcomes = fill(folder, web)
    assert [outcome.category for outcome in outcomes] == ["kept", "duplicate", "duplicate"]
    assert outcomes[2].detail == "of 00000000.jpg"
    assert list(content(folder)) == ["00000000.jpg"]


def test_small_products_on_white_in_two_colours_are_both_kept(folder):
    red, blue = (np.full((200, 200, 3), 255, np.uint8) for _ in range(2))
    for image, color in ((red, (20, 20, 200)), (blue, (200, 60, 20))):
        image[70:90, 80:88] = image[90:110, 80:110] = color
    web = Web({"http://a/red": encoded(red), "http://a/blue": encoded(blue)})
    web.pages["http://a/again"] = encoded(cv2.resize(blue, (150, 150)), quality=50)
    outcomes = fill(folder, web)
    assert [outcome.category for outcome in outcomes] == ["kept", "kept", "duplicate"]
    assert outcomes[2].detail == "of 00000001.jpg"


def test_images_that_the_user_put_into_the_folder_count_as_well(folder):
    folder.mkdir(parents=True)
    (folder / "00000041.png").write_bytes(encoded(pattern(1), ".png"))
    (folder / "mine.jpg").write_bytes(encoded(pattern(2), quality=60))
    outcomes = fill(folder, Web(images(3)))
    assert [outcome.category for outcome in outcomes] == ["duplicate", "duplicate", "kept"]
    assert outcomes[2].detail == "00000042.jpg"


def test_an_image_under_other_labels_is_named_and_left_out(folder):
    (folder.parent / "red_dress").mkdir(parents=True)
    (folder.parent / "red_dress" / "photo.png").write_bytes(encoded(pattern(2), ".png"))
    (folder.parent / ".hidden").mkdir()
    (folder.parent / ".hidden" / "photo.png").write_bytes(encoded(pattern(1), ".png"))
    outcomes = fill(folder, Web(images(2)))
    assert [outcome.category for outcome in outcomes] == ["kept", "in another folder"]
    assert "http://a/2 is red_dress/photo.png" in summary(outcomes)[2]
    assert rows(folder)[1]["reason"] == "in another folder: red_dress/photo.png"


def test_a_copy_that_vanishes_meanwhile_ends_no_run(folder):
    folder.mkdir(parents=True)
    mine = folder / "mine.jpg"
    mine.write_bytes(encoded(pattern(1)))

    def vanish():
        mine.unlink()
        return encoded(pattern(1))

    outcomes = fill(
        folder, Web({"http://a/1": vanish, "http://a/2": encoded(pattern(2))}), workers=1
    )
    assert [outcome.category for outcome in outcomes] == ["duplicate", "kept"]


def test_a_url_that_is_found_twice_is_downloaded_once(folder):
    web = Web(images(1))
    outcomes = fill(folder, web, ["http://a/1", "http://a/1"])
    assert [outcome.category for outcome in outcomes] == ["kept", "duplicate"]
    assert web.asked == ["http://a/1"]


def test_results_without_a_url_count_alike_and_leave_no_row(folder):
    outcomes = fill(folder, Web(images(1)), ["", "http://a/1", ""])
    assert [outcome.category for outcome in outcomes] == ["failed", "kept", "failed"]
    assert outcomes[0].detail == "the result has no URL"
    assert [row["url"] for row in rows(folder)] == ["http://a/1"]


def link_impossible(error):
    def hardlink_to(path, target):
        raise error

    return hardlink_to


@pytest.mark.parametrize("has_links", [True, False])
def test_a_photograph_that_the_user_puts_there_meanwhile_is_not_replaced(
    folder, monkeypatch, has_links
):
    def put_there():
        for number in (0, 1, 3):
            (folder / f"{number:08d}.jpg").write_bytes(b"mine")
        return encoded(pattern(1))

    if not has_links:
        error = OSError(errno.EPERM, "Operation not permitted")
        monkeypatch.setattr(Path, "hardlink_to", link_impossible(error))
    outcomes = fill(folder, Web({"http://a/1": put_there, "http://a/2": encoded(pattern(2))}))
    assert [outcome.detail for outcome in outcomes] == ["00000002.jpg", "00000004.jpg"]
    assert [row["file"] for row in rows(folder)] == ["00000002.jpg", "00000004.jpg"]
    assert [(folder / f"{n:08d}.jpg").read_bytes() for n in (0, 1, 3)] == [b"mine"] * 3
    assert content(folder).keys() == {f"{n:08d}.jpg" for n in range(5)}


@pytest.mark.parametrize(
    "error", [OSError(errno.EPERM, "Operation not permitted"), NotImplementedError("os.link()")]
)
def test_images_are_kept_where_there_are_no_hard_links(folder, monkeypatch, error):
    monkeypatch.setattr(Path, "hardlink_to", link_impossible(error))
    web = Web(images(3))
    assert [outcome.category for outcome in fill(folder, web)] == ["kept"] * 3
    assert [row["file"] for row in rows(folder)] == list(content(folder))


# --- a second run ---


def test_a_second_run_downloads_nothing_again(folder):
    web = Web(images(2) | {"http://a/bad": b"no image", "http://a/gone": FetchError("gone")})
    first = fill(folder, web)
    before = content(folder)
    web.asked.clear()
    second = fill(folder, web)
    assert web.asked == []
    assert [outcome[:3] for outcome in second] == [outcome[:3] for outcome in first]
    assert all(outcome.is_earlier for outcome in second)
    assert content(folder) == before
    assert len(rows(folder)) == 4


def test_a_failure_that_may_pass_is_tried_again(folder):
    web = Web({"http://a/1": FetchError("busy", is_transient=True)})
    assert fill(folder, web)[0].category == "failed"
    assert rows(folder) == []
    web.pages = images(1)
    assert fill(folder, web)[0] == Outcome("http://a/1", "kept", "00000000.jpg")


@pytest.mark.parametrize("cut", [1, 20, 60, 150])
def test_a_torn_last_line_is_repaired(folder, cut):
    web = Web(images(3))
    fill(folder, web)
    expected = content(folder)
    record = folder / "sources.csv"
    record.write_bytes(record.read_bytes()[:-cut])
    assert [outcome.category for outcome in fill(folder, web)] == ["kept"] * 3
    assert content(folder) == expected
    assert [row["file"] for row in rows(folder)] == ["00000000.jpg", "00000001.jpg", "00000002.jpg"]


def test_a_file_that_has_gone_is_downloaded_again(folder):
    web = Web(images(3))
    fill(folder, web)
    (folder / "00000002.jpg").unlink()
    web.asked.clear()
    fill(folder, web)
    assert web.asked == ["http://a/3"]
    assert content(folder).keys() == {f"{n:08d}.jpg" for n in range(3)}
    assert [row["url"] for row in rows(folder)] == list(web.pages)


def test_a_download_that_a_killed_run_left_is_not_downloaded_again(folder):
    web = Web(images(1))
    waiting = folder / WAITING
    waiting.mkdir(parents=True)
    name = hashlib.sha256(b"http://a/1").hexdigest()
    (waiting / name).write_bytes(web.pages["http://a/1"])
    (waiting / ".torn.partial").write_bytes(b"half")
    assert fill(folder, web)[0].category == "kept"
    assert web.asked == []
    assert not waiting.exists()
    assert (folder / "00000000.jpg").read_bytes() == web.pages["http://a/1"]


def test_a_file_whose_row_a_killed_run_could_not_write_gets_one(folder, monkeypatch):
    class Killed(BaseException):
        pass

    def be_killed(*arguments, **named):
        raise Killed

    web = Web(images(1))
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Sources, "add", be_killed)
        fill(folder, web)
    assert content(folder).keys() == {"00000000.jpg"}
    assert fill(folder, web) == [("http://a/1", "kept", "00000000.jpg", False)]
    assert [row["file"] for row in rows(folder)] == ["00000000.jpg"]


def test_two_runs_cannot_fill_one_folder(folder):
    with (
        open_collection(folder, min_size=64),
        pytest.raises(UserError, match="another run is filling"),
        open_collection(folder, min_size=64),
    ):
        pass
    with open_collection(folder, min_size=64):
        pass


def test_an_output_that_is_a_file_is_refused(folder):
    folder.parent.mkdir()
    folder.write_text("")
    with (
        pytest.raises(UserError, match="cannot use the folder"),
        open_collection(folder, min_size=64),
    ):
        pass


# --- results that go wrong ---

ERRORS = [ValueError("x"), KeyError("x"), RecursionError(), MemoryError(), OSError(5, "I/O error")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_result_that_raises_costs_itself_and_not_the_run(folder, error):
    outcomes = fill(folder, Web({"http://a/bad": error} | images(3)))
    assert [outcome.category for outcome in outcomes] == ["failed", "kept", "kept", "kept"]
    assert type(error).__name__ in outcomes[0].detail
    assert len(content(folder)) == 3


def test_a_judgement_that_raises_costs_itself_and_not_the_run(folder, monkeypatch):
    def judge_or_fail(data, min_size):
        if data == b"bad":
            raise IndexError("list index out of range")
        return judge(data, min_size)

    monkeypatch.setattr("pyimagesearch.search.collection.judge", judge_or_fail)
    outcomes = fill(folder, Web({"http://a/bad": b"bad"} | images(2)))
    assert [outcome.category for outcome in outcomes] == ["failed", "kept", "kept"]


def test_hostile_answers_cost_themselves_and_not_the_run(folder):
    def answered(answer):
        return lambda: read_answer(answer)

    hostile = {f"http://bad/{n}": answered(a) for n, a in enumerate(hostile_answers(2, 100))}
    outcomes = fill(folder, Web(hostile | images(10)), workers=1)
    assert [outcome.category for outcome in outcomes[100:]] == ["kept"] * 10
    assert len(content(folder)) == 10


def test_a_full_disk_ends_the_run_in_one_line(folder):
    web = Web(images(3))
    with (
        pytest.raises(UserError, match=r"cannot write .*: File too large") as caught,
        full_disk(500),
    ):
        fill(folder, web, workers=1)
    assert caught.value.exit_code == WORK_FAILED


def test_results_that_cannot_be_stored_do_not_cost_those_that_have_arrived(folder, wait_until):
    large = encoded(np.random.default_rng(1).integers(0, 256, (300, 300, 3), np.uint8), ".png")
    others = images(6)

    def fetched_last():
        wait_until(lambda: len(list((folder / WAITING).glob("[0-9a-f]*"))) == len(others))
        return large

    web = Web({"http://a/large": fetched_last, "http://a/larger": large + b" "} | others)
    with (
        pytest.raises(UserError, match=r"cannot write .*: File too large") as caught,
        full_disk(100_000),
    ):
        fill(folder, web, workers=8)
    assert caught.value.exit_code == WORK_FAILED
    assert sorted(row["url"] for row in rows(folder)) == list(others)
    assert content(folder).keys() == {row["file"] for row in rows(folder)}


def test_an_image_whose_row_cannot_be_written_is_not_kept(folder):
    web = Web(images(3))
    with (
        open_collection(folder, min_size=64) as collection,
        pytest.raises(UserError, match="another program has changed"),
    ):
        filling = collection.fill([SearchResult(url) for url in web.pages], web, workers=1)
        next(filling)
        record = (folder / "sources.csv").read_bytes()
        (folder / "sources.csv").unlink()
        (folder / "sources.csv").write_bytes(record)
        list(filling)
    assert content(folder).keys() == {"00000000.jpg"}
    assert [row["file"] for row in rows(folder)] == ["00000000.jpg"]


# --- runs that end early ---


def test_an_interruption_keeps_what_has_arrived(folder, wait_until):
    web = Web(images(3))
    never = threading.Event()
    # Downloads start only while somebody asks for outcomes, so the first waits for all to start.
    begun, arrived = threading.Barrier(3), threading.Barrier(2)

    def fetched_first():
        begun.wait(20)
        return encoded(pattern(1))

    def fetched_last():
        begun.wait(20)
        arrived.wait(20)
        return encoded(pattern(3))

    def hang():
        begun.wait(20)
        never.wait(20)
        raise FetchError("stopped", is_transient=True)

    web.pages |= {"http://a/1": fetched_first, "http://a/2": hang, "http://a/3": fetched_last}
    web.stop = never.set
    with open_collection(folder, min_size=64) as collection:
        results = [SearchResult(url) for url in web.pages]
        filling = collection.fill(results, web, workers=3)
        assert next(filling).category == "kept"
        arrived.wait(20)
        wait_until(lambda: list((folder / WAITING).glob("[0-9a-f]*")))
        filling.close()
        assert never.is_set()
        assert [outcome.url for outcome in collection.outcomes] == ["http://a/1", "http://a/3"]
    assert content(folder).keys() == {"00000000.jpg", "00000001.jpg"}
    assert [row["url"] for row in rows(folder)] == ["http://a/1", "http://a/3"]


class Impatient(ThreadPoolExecutor):
    """Whoever waits for its threads is interrupted."""

    jobs = ()

    def submit(self, *arguments):
        self.jobs = (*self.jobs, super().submit(*arguments))
        return self.jobs[-1]

    def shutdown(self, *, wait=True, **named):
        super().shutdown(wait=False, **named)
        if wait:
            raise KeyboardInterrupt


@pytest.fixture
def interrupted(folder, monkeypatch):
    """Return a function that interrupts a search twice, and returns what was said.

    The first time, two results have arrived, and one before them hangs, whether stopped or not, as
    if the system were looking its name up. The second time, the search waits for that one.
    """
    pool, let_go = Impatient(3), threading.Event()
    web, said = Web(images(2)), []
    monkeypatch.setattr("pyimagesearch.search.collection.ThreadPoolExecutor", lambda workers: pool)

    def hang():
        let_go.wait(20)
        raise FetchError("stopped", is_transient=True)

    def results():
        yield from [SearchResult(url) for url in ("http://a/0", *images(2))]
        wait(pool.jobs[1:], timeout=20)
        raise KeyboardInterrupt

    def interrupt():
        with (
            open_collection(folder, min_size=64) as collection,
            pytest.raises(KeyboardInterrupt),
        ):
            list(collection.fill(results(), web, workers=3, say=said.append))
        assert web.is_stopped
        return said

    web.pages["http://a/0"] = hang
    yield interrupt
    let_go.set()


def test_a_second_interruption_keeps_what_has_arrived(folder, interrupted):
    assert interrupted() == ["stopping; keeping what has arrived"]
    assert content(folder).keys() == {"00000000.jpg", "00000001.jpg"}
    assert [row["url"] for row in rows(folder)] == ["http://a/1", "http://a/2"]


@pytest.fixture
def ctrl_c_before_each_row(monkeypatch, press_ctrl_c):
    """Press Ctrl-C when a file is there and its row is not."""

    def add(*arguments, add=Sources.add, **named):
        press_ctrl_c()
        add(*arguments, **named)

    monkeypatch.setattr(Sources, "add", add)


@pytest.mark.usefixtures("ctrl_c_before_each_row")
def test_ctrl_c_while_a_result_is_being_kept_loses_neither_it_nor_the_next(folder, interrupted):
    interrupted()
    assert content(folder).keys() == {"00000000.jpg", "00000001.jpg"}
    assert [row["url"] for row in rows(folder)] == ["http://a/1", "http://a/2"]


@pytest.mark.usefixtures("ctrl_c_before_each_row")
def test_ctrl_c_between_a_file_and_its_row_takes_effect_when_both_are_there(folder):
    web = Web(images(1))
    with open_collection(folder, min_size=64) as collection:
        with pytest.raises(KeyboardInterrupt):
            list(collection.fill([SearchResult("http://a/1")], web, workers=1))
        assert collection.outcomes == [("http://a/1", "kept", "00000000.jpg", False)]
    assert [row["file"] for row in rows(folder)] == list(content(folder)) == ["00000000.jpg"]


def test_a_search_that_fails_half_way_keeps_what_it_found_before(folder):
    web = Web(images(2))

    def results():
        yield from [SearchResult(url) for url in web.pages]
        raise UserError("the service has gone")

    with (
        open_collection(folder, min_size=64) as collection,
        pytest.raises(UserError, match="has gone"),
    ):
        list(collection.fill(results(), web, workers=1))
    assert len(content(folder)) == 2
