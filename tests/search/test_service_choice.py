import os
from contextlib import suppress

import pytest
from hostile import URL_PIECES
from hypothesis import given
from hypothesis import strategies as st

from pyimagesearch.command_lines.search import PROVIDERS
from pyimagesearch.errors import BAD_INPUT, UserError
from pyimagesearch.search.service_choice import choose_services, contact


@pytest.fixture(scope="module", autouse=True)
def no_keys():
    with pytest.MonkeyPatch.context() as monkeypatch:
        for key in ("BING_SEARCH_API_KEY", "BRAVE_SEARCH_API_KEY", "OPENVERSE_TOKEN"):
            monkeypatch.delenv(key, raising=False)
        yield


def choose(provider=None, endpoint=None, key_file=None):
    """Return the only service that is chosen, and the reason."""
    (service,), reason = choose_services(provider, endpoint, key_file)
    return service, reason


def test_openverse_is_chosen_without_a_key_and_wikimedia_for_the_rest():
    services, reason = choose_services(None, None, None)
    assert [service.name for service in services] == ["openverse", "wikimedia"]
    assert "no key for bing or brave" in reason


def test_an_endpoint_is_searched_alone():
    assert choose(endpoint="http://here/")[0].endpoint == "http://here/"


@pytest.mark.parametrize(
    ("variable", "headers"),
    [
        ("BING_SEARCH_API_KEY", {"Ocp-Apim-Subscription-Key": "from-environment"}),
        ("BRAVE_SEARCH_API_KEY", {"X-Subscription-Token": "from-environment"}),
    ],
)
def test_the_service_is_chosen_that_the_environment_holds_a_key_for(monkeypatch, variable, headers):
    monkeypatch.setenv(variable, "from-environment")
    service, reason = choose()
    assert service.headers == headers
    assert reason == f"{variable} holds a key"


@pytest.mark.parametrize(
    ("provider", "header"),
    [
        (None, "Ocp-Apim-Subscription-Key"),
        ("bing", "Ocp-Apim-Subscription-Key"),
        ("brave", "X-Subscription-Token"),
    ],
)
def test_the_key_in_a_file_wins_over_the_environment(monkeypatch, tmp_path, provider, header):
    monkeypatch.setenv("BING_SEARCH_API_KEY", "from-environment")
    monkeypatch.setenv("BRAVE_SEARCH_API_KEY", "from-environment")
    file = tmp_path / "key.txt"
    file.write_text("from-file\n")
    service, reason = choose(provider, key_file=str(file))
    assert service.headers == {header: "from-file"}
    assert reason == ("you asked for it" if provider else f"{file} holds a key")


def test_a_provider_that_the_user_asks_for_is_chosen(monkeypatch):
    for variable in ("BING_SEARCH_API_KEY", "BRAVE_SEARCH_API_KEY"):
        monkeypatch.setenv(variable, "key")
    monkeypatch.setenv("OPENVERSE_TOKEN", "token")
    service, reason = choose("openverse", "http://here/")
    assert (service.name, service.endpoint) == ("openverse", "http://here/")
    assert service.headers == {"Authorization": "Bearer token"}
    assert reason == "you asked for it"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_service_that_the_scripts_flag_names_can_be_chosen(monkeypatch, provider):
    for variable in ("BING_SEARCH_API_KEY", "BRAVE_SEARCH_API_KEY"):
        monkeypatch.setenv(variable, "key")
    service, reason = choose(provider)
    assert (service.name, reason) == (provider, "you asked for it")


@pytest.mark.parametrize("provider", ["openverse", "wikimedia"])
def test_a_key_file_for_a_service_that_takes_none_is_refused(tmp_path, provider):
    (tmp_path / "key.txt").write_text("key\n")
    with pytest.raises(UserError, match=f"{provider} takes no key file: leave it out") as caught:
        choose(provider, key_file=str(tmp_path / "key.txt"))
    assert caught.value.exit_code == BAD_INPUT


@pytest.mark.parametrize("provider", ["bing", "brave"])
def test_a_service_without_its_key_says_what_to_do(provider):
    variable = f"{provider.upper()}_SEARCH_API_KEY"
    with pytest.raises(UserError, match=rf"{provider} needs a key: .*{variable}.* openverse"):
        choose(provider)


def test_the_contact_is_an_address_or_none(monkeypatch):
    monkeypatch.delenv("WIKIMEDIA_CONTACT", raising=False)
    assert contact() is None
    monkeypatch.setenv("WIKIMEDIA_CONTACT", "ann@example.org")
    assert contact() == "ann@example.org"
    monkeypatch.setenv("WIKIMEDIA_CONTACT", "Ann Example")
    with pytest.raises(UserError, match="WIKIMEDIA_CONTACT does not hold an address"):
        contact()


@pytest.mark.parametrize("content", ["", " \n", "two words", "lïne", "a\nb", "a\x00b"])
def test_what_is_not_a_key_is_refused_and_not_repeated(tmp_path, content):
    (tmp_path / "key.txt").write_text(content)
    with pytest.raises(UserError) as caught:
        choose(key_file=str(tmp_path / "key.txt"))
    assert "key.txt" in str(caught.value)
    assert not content.strip() or content.strip() not in str(caught.value)


def test_a_key_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.txt: No such file"):
        choose(key_file=str(tmp_path / "nowhere.txt"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="it is not text"):
        choose(key_file=str(tmp_path / "binary"))


def test_a_key_file_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "key.txt").write_bytes(b"\xef\xbb\xbfkey\r\n")
    service, _ = choose(key_file=str(tmp_path / "key.txt"))
    assert service.headers == {"Ocp-Apim-Subscription-Key": "key"}


def make_pipe(path):
    os.mkfifo(path)


def make_sparse(path):
    with path.open("wb") as file:
        file.truncate(2**40)


def make_large(path):
    path.write_bytes(b"x" * 4097)


def make_device(path):
    path.symlink_to("/dev/zero")


def make_loop(path):
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_pipe, "not a regular file"),
        (make_device, "not a regular file"),
        (os.mkdir, "not a regular file"),
        (make_sparse, "larger than 4 KiB"),
        (make_large, "larger than 4 KiB"),
        (make_loop, "symbolic links"),
    ],
    ids=["pipe", "device", "folder", "sparse", "large", "loop"],
)
def test_a_key_file_that_is_no_small_file_is_reported_at_once(tmp_path, make, reason):
    make(tmp_path / "key.txt")
    with pytest.raises(UserError, match=rf"cannot read the key from .*key\.txt: .*{reason}"):
        choose(key_file=str(tmp_path / "key.txt"))


@given(content=st.binary(max_size=50) | st.text(max_size=20).map(str.encode))
def test_whatever_a_key_file_holds_it_is_one_word_or_one_line(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("keys") / "key.txt"
    path.write_bytes(content)
    try:
        service, _ = choose(key_file=str(path))
    except UserError as error:
        assert str(error).isprintable()
        return
    (key,) = service.headers.values()
    assert key.isascii()
    assert key.isprintable()
    assert " " not in key


@pytest.mark.parametrize(
    "endpoint",
    [
        *("api.openverse.org", "", "https://", "http://[", "//[x", "ftp://host/"),
        *("http://[fe80::1%25a]/", "http://host:99999/", "javascript:1", "http:///search"),
    ],
)
def test_an_endpoint_that_is_not_a_url_is_refused(endpoint):
    with pytest.raises(UserError, match="must be a URL such as https://"):
        choose("openverse", endpoint)


@pytest.mark.parametrize("endpoint", ["htp://ann:s3cret@host/", "http://ann:s3cret@[", "s3cret"])
def test_an_endpoint_that_is_refused_is_not_repeated_because_it_may_hold_a_password(endpoint):
    with pytest.raises(UserError) as caught:
        choose("openverse", endpoint)
    assert "s3cret" not in str(caught.value)


@given(endpoint=st.lists(st.sampled_from(URL_PIECES), max_size=8).map("".join) | st.text())
def test_whatever_the_endpoint_is_it_is_a_url_or_refused(endpoint):
    with suppress(UserError):
        choose("openverse", endpoint)
