import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.gateway.grants import Grant, all_plain, names, plain, read


@pytest.mark.parametrize(
    "app",
    [
        "camera",
        "rushes/camera",
        "rushes/camera/realtime",
        "/rushes/camera/",
        "rushes//camera/stream",
        " rushes/camera ",
    ],
)
def test_an_app_may_be_named_in_every_way_clients_have(app: str) -> None:
    assert Grant("me", "k", all_plain([app])).allows("rushes/camera")


@pytest.mark.parametrize(
    ("app", "endpoint", "allowed"),
    [
        ("wan", "fal-ai/wan/v2/turbo", True),  # an alias means all of its app
        ("fal-ai/wan", "fal-ai/wan/v2/turbo", True),
        ("fal-ai/wan/v2/turbo", "fal-ai/wan/v2/turbo", True),
        ("fal-ai/wan/v2/turbo", "fal-ai/wan", False),
        ("fal-ai/wan/v2", "fal-ai/wan/v2/turbo", False),
        ("fal-ai", "fal-ai/wan", False),
        ("turbo", "fal-ai/wan/v2/turbo", False),
        ("other/wan", "fal-ai/wan", False),
        ("Wan", "fal-ai/wan", False),
        ("", "fal-ai/wan", False),
        ("deep", "workflows/u/deep", True),
        ("workflows/u", "workflows/u/deep", False),
        ("110602490-lora", "110602490/lora", True),
        ("realtime", "rushes/camera", False),
    ],
)
def test_an_app_names_itself_and_what_is_in_it(app: str, endpoint: str, allowed: bool) -> None:
    assert names(plain(app), endpoint) is allowed


def test_a_path_that_names_only_the_app_is_enough_where_that_is_all_there_is() -> None:
    assert not names("fal-ai/wan/v2", "fal-ai/wan")
    assert names("fal-ai/wan/v2", "fal-ai/wan", by_app=True)
    assert not names("fal-ai/kling/v2", "fal-ai/wan", by_app=True)


@given(st.text(max_size=40))
def test_plain_is_stable_and_never_fails(app: str) -> None:
    once = plain(app)
    assert "//" not in once
    assert not once.startswith("/")


@given(st.text(), st.text(), st.lists(st.text(), max_size=4))
def test_a_grant_survives_being_signed(account: str, key_id: str, apps: list[str]) -> None:
    grant = Grant(account, key_id, tuple(apps))
    assert read(grant.payload()) == grant
