import pytest

from rushes.files.acl import Acl, Rule
from rushes.gateway.lifecycle import AclJson, Lifecycle, read_lifecycle

BOB = Acl("forbid", (Rule("bob", "allow"),))


@pytest.mark.parametrize("header", [None, "", "  "])
def test_without_a_header_nothing_is_asked_for(header: str | None) -> None:
    assert read_lifecycle(header) is None


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        ("{}", Lifecycle()),
        ('{"expiration_duration_seconds": 3600}', Lifecycle(3600.0)),
        ('{"expiration_duration_seconds": 0}', Lifecycle()),
        ('{"expiration_duration_seconds": null, "unheard_of": 1}', Lifecycle()),
        ('{"initial_acl": {"default": "allow"}}', Lifecycle(None, Acl())),
        (
            '{"expiration_duration_seconds": 60, "initial_acl": {"default": "hide", "x": 1}}',
            Lifecycle(60.0, Acl("hide")),
        ),
        (
            '{"initial_acl": {"default": "forbid", "rules": [{"user": "bob", "decision": "hide"}, '
            '{"user": "bob", "decision": "allow"}]}}',
            Lifecycle(None, BOB),
        ),
    ],
)
def test_a_lifecycle_says_how_long_a_file_is_kept_and_who_may_read_it(header: str, asked: Lifecycle) -> None:
    assert read_lifecycle(header) == asked


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("{", "Invalid JSON"),
        ("[]", "the JSON"),
        ('{"expiration_duration_seconds": "soon"}', "expiration_duration_seconds: .*got 'soon'"),
        ('{"expiration_duration_seconds": -1}', "greater than or equal to 0, got -1"),
        ('{"expiration_duration_seconds": 1e999}', "expiration_duration_seconds"),
        ('{"expiration_duration_seconds": 1e12}', "less than or equal"),
        ('{"initial_acl": {"default": "nobody"}}', "'allow', 'forbid' or 'hide', got 'nobody'"),
        ('{"initial_acl": {"rules": [{"user": "bob"}]}}', "initial_acl.rules.0.decision"),
        ('{"initial_acl": {"rules": [{"user": "", "decision": "hide"}]}}', "initial_acl.rules.0.user"),
        ('{"initial_acl": []}', "initial_acl"),
    ],
)
def test_a_wrong_one_says_why_and_a_private_file_is_never_taken_as_public(header: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_lifecycle(header)


def test_there_is_a_bound_on_the_rules() -> None:
    rules = ",".join(f'{{"user": "u{i}", "decision": "allow"}}' for i in range(51))
    with pytest.raises(ValueError, match="at most 50"):
        read_lifecycle(f'{{"initial_acl": {{"default": "hide", "rules": [{rules}]}}}}')


def test_a_file_without_a_list_is_shown_as_an_open_one() -> None:
    assert AclJson.of(None).model_dump() == {"default": "allow", "rules": []}
    assert AclJson.of(BOB).acl() == BOB


def test_the_end_is_counted_from_now() -> None:
    assert Lifecycle(60.0).ends_at(1000.0) == 1060.0
    assert Lifecycle().ends_at(1000.0) is None
