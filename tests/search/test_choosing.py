import pytest

from pyimagesearch.errors import UserError
from pyimagesearch.search.choosing import choose_service


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    monkeypatch.delenv("BING_SEARCH_API_KEY", raising=False)
    monkeypatch.delenv("OPENVERSE_TOKEN", raising=False)


def test_openverse_is_chosen_without_a_key():
    service, reason = choose_service(None, None, None)
    assert service.name == "openverse"
    assert "no key for bing" in reason


def test_bing_is_chosen_if_the_environment_holds_a_key(monkeypatch):
    monkeypatch.setenv("BING_SEARCH_API_KEY", "from-environment")
    service, reason = choose_service(None, None, None)
    assert service.headers == {"Ocp-Apim-Subscription-Key": "from-environment"}
    assert reason == "BING_SEARCH_API_KEY holds a key"


def test_the_key_in_a_file_wins_over_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("BING_SEARCH_API_KEY", "from-environment")
    (tmp_path / "key.txt").write_text("from-file\n")
    service, reason = choose_service(None, None, str(tmp_path / "key.txt"))
    assert service.headers == {"Ocp-Apim-Subscription-Key": "from-file"}
    assert reason.endswith("key.txt holds a key")


def test_a_provider_that_the_user_asks_for_is_chosen(monkeypatch):
    monkeypatch.setenv("BING_SEARCH_API_KEY", "key")
    monkeypatch.setenv("OPENVERSE_TOKEN", "token")
    service, reason = choose_service("openverse", "http://here/", None)
    assert (service.name, service.endpoint) == ("openverse", "http://here/")
    assert service.headers == {"Authorization": "Bearer token"}
    assert reason == "you asked for it"
    assert choose_service("bing", None, None)[0].name == "bing"


def test_bing_without_a_key_says_what_to_do():
    with pytest.raises(UserError, match=r"bing needs a key: .* provider openverse"):
        choose_service("bing", None, None)


@pytest.mark.parametrize("content", ["", " \n", "two words", "lïne", "a\nb", "a\x00b"])
def test_what_is_not_a_key_is_refused_and_not_repeated(tmp_path, content):
    (tmp_path / "key.txt").write_text(content)
    with pytest.raises(UserError) as caught:
        choose_service(None, None, str(tmp_path / "key.txt"))
    assert "key.txt" in str(caught.value)
    assert not content.strip() or content.strip() not in str(caught.value)


def test_a_key_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.txt: No such file"):
        choose_service(None, None, str(tmp_path / "nowhere.txt"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="it is not text"):
        choose_service(None, None, str(tmp_path / "binary"))


def test_an_endpoint_that_is_not_a_url_is_refused():
    with pytest.raises(UserError, match="must begin with https://"):
        choose_service("openverse", "api.openverse.org", None)
