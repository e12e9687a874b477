import pytest

from rushes.gateway.lifecycle import lifetime_s


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("{}", None),
        ('{"expiration_duration_seconds": 3600}', 3600.0),
        ('{"expiration_duration_seconds": 0}', None),
        ('{"expiration_duration_seconds": null, "unheard_of": 1}', None),
        ('{"initial_acl": {"default": "allow"}}', None),
        ('{"expiration_duration_seconds": 60, "initial_acl": {"default": "allow", "rules": []}}', 60.0),
    ],
)
def test_a_lifecycle_says_how_long_a_file_is_kept(header: str | None, seconds: float | None) -> None:
    assert lifetime_s(header) == seconds


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("{", "Invalid JSON"),
        ("[]", "the JSON"),
        ('{"expiration_duration_seconds": "soon"}', "expiration_duration_seconds: "),
        ('{"expiration_duration_seconds": -1}', "not a number of seconds"),
        ('{"expiration_duration_seconds": 1e999}', "not a number of seconds"),
        ('{"initial_acl": {"default": "forbid"}}', "public files only"),
        ('{"initial_acl": {"rules": [{"user": "bob", "decision": "hide"}]}}', "public files only"),
    ],
)
def test_a_wrong_one_says_why_and_a_private_file_is_never_taken_as_public(header: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        lifetime_s(header)
