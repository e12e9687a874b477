"""Signing keys: what is signed, what is published, and how one key follows another (protocol 6.4, W-05, W-07)."""

import base64
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from rushes.webhooks.ed25519 import PrivateKey
from rushes.webhooks.signing import SigningKeys, message
from tests.webhooks.receiver import Posted, verified

DAY = 86_400.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.25

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def keys_in(folder: Path, clock: Clock) -> SigningKeys:
    return SigningKeys(folder / "webhook-keys", clock)


def signed(keys: SigningKeys, body: bytes = b"{}") -> Posted:
    return Posted("/", keys.headers("r-1", "me", body), body, 0)


def test_the_message_is_four_lines_without_an_end() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert message("r", "ü", "17", b"") == f"r\nü\n17\n{empty}".encode()


def test_a_receiver_can_verify_what_was_signed_and_notices_any_change(tmp_path: Path, clock: Clock) -> None:
    keys = keys_in(tmp_path, clock)
    posted = signed(keys, b'{"a": 1}')
    assert posted.headers["X-Fal-Webhook-Timestamp"] == "1700000000"
    assert len(posted.headers["X-Fal-Webhook-Signature"]) == 128
    assert verified(posted, keys.published(), clock())
    assert not verified(Posted("/", posted.headers, b'{"a": 2}', 0), keys.published(), clock())
    for name in ("Request-Id", "User-Id"):
        changed = {**posted.headers, f"X-Fal-Webhook-{name}": "other"}
        assert not verified(Posted("/", changed, posted.body, 0), keys.published(), clock())
    assert not verified(posted, keys.published(), clock() + 301)


def test_w_05_entries_are_minimal_and_the_padded_ones_come_last(tmp_path: Path, clock: Clock) -> None:
    keys = keys_in(tmp_path, clock)
    first, second = keys.published()["keys"]
    assert set(first) == set(second) == {"kty", "crv", "x", "kid"}
    assert (first["kty"], first["crv"]) == ("OKP", "Ed25519")
    assert (len(first["x"]), second["x"]) == (43, first["x"] + "=")
    assert first["kid"] != second["kid"]
    Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(second["x"]))
    assert verified(signed(keys), keys.published(), clock(), insists_on_padding=True)


def test_w_07_a_replaced_key_stays_published_for_a_day_and_is_then_deleted(tmp_path: Path, clock: Clock) -> None:
    keys = keys_in(tmp_path, clock)
    old = signed(keys)
    clock.now += 10 * DAY
    kid = keys.rotate()
    new = signed(keys)
    assert keys.published()["keys"][0]["kid"] == kid
    clock.now += DAY - 1
    assert verified(old, keys.published(), 1_700_000_000)
    assert verified(new, keys.published(), clock() - DAY + 1)
    clock.now += 2
    assert not verified(old, keys.published(), 1_700_000_000)
    assert [entry["kid"] for entry in keys.published()["keys"]] == [kid, kid + "="]
    assert len(list((tmp_path / "webhook-keys").iterdir())) == 1


def test_keys_outlive_the_server_and_are_nobody_elses_business(tmp_path: Path, clock: Clock) -> None:
    posted = signed(keys_in(tmp_path, clock))
    keys_in(tmp_path, clock).rotate()
    again = keys_in(tmp_path, clock)
    assert verified(posted, again.published(), clock())
    assert len(again.published()["keys"]) == 4
    folder = tmp_path / "webhook-keys"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_clock_that_was_put_back_does_not_bring_the_old_key_back(tmp_path: Path, clock: Clock) -> None:
    keys = keys_in(tmp_path, clock)
    keys.rotate()
    clock.now -= DAY
    kid = keys.rotate()
    assert keys_in(tmp_path, clock).published()["keys"][0]["kid"] == kid


def of_another_kind(pem: bytes) -> bytes:
    """Return a key file whose algorithm nobody knows."""
    first, *lines, last = pem.splitlines()
    der = base64.b64decode(b"".join(lines)).replace(b"\x2b\x65\x70", b"\x2b\x65\x63")
    return b"\n".join((first, base64.b64encode(der), last, b""))


@pytest.mark.parametrize("content", [b"nonsense", b"", of_another_kind(PrivateKey.generate().pem())])
def test_a_file_that_is_no_key_is_named(tmp_path: Path, clock: Clock, content: bytes) -> None:
    folder = tmp_path / "webhook-keys"
    folder.mkdir()
    (folder / "1.0_x.pem").write_bytes(content)
    with pytest.raises(ValueError, match=r"1\.0_x\.pem holds no webhook key: .*remove the file"):
        keys_in(tmp_path, clock).published()
