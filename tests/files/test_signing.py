import base64
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.files.signing import Signer, load_secret
from rushes.files.store import is_id

signer = Signer(b"k" * 32)
NOW = 1_000.0


def test_a_token_gives_its_payload_back_until_it_expires() -> None:
    payload = {"id": "ab", "name": "ü.png", "until": None, "size": 3}
    token = signer.sign("upload", payload, NOW + 10)
    assert signer.read("upload", token, NOW + 9.99) == payload
    assert signer.read("upload", token, NOW + 10) is None


def test_a_token_is_for_one_purpose_and_one_server() -> None:
    token = signer.sign("upload", {"id": "ab"}, NOW + 10)
    assert signer.read("cdn", token, NOW) is None
    assert Signer(b"x" * 32).read("upload", token, NOW) is None


def test_purpose_and_body_cannot_be_shifted_into_each_other() -> None:
    token = signer.sign("a", {}, NOW + 10)
    body, _, mac = token.partition(".")
    raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    shifted = base64.urlsafe_b64encode(raw[1:]).rstrip(b"=").decode()
    assert signer.read("a" + raw[:1].decode(), f"{shifted}.{mac}", NOW) is None


@given(st.integers(0, 10_000), st.characters(codec="ascii"))
def test_one_changed_character_spoils_a_token(place: int, other: str) -> None:
    token = signer.sign("upload", {"account": "ann"}, NOW + 10)
    place %= token.index(".")
    changed = token[:place] + other + token[place + 1 :]
    assert changed == token or signer.read("upload", changed, NOW) is None


@given(st.text(max_size=100))
def test_no_text_breaks_reading(text: str) -> None:
    assert signer.read("upload", text, NOW) is None


def test_a_token_can_stand_in_a_url() -> None:
    token = signer.sign("upload", {"name": "a b/ü?.png"}, NOW)
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_a_derived_id_is_an_id_and_depends_on_secret_purpose_and_text() -> None:
    ids = {
        signer.derived_id("a", "bc"),
        signer.derived_id("ab", "c"),
        signer.derived_id("a", "x"),
        Signer(b"x" * 32).derived_id("a", "bc"),
    }
    assert len(ids) == 4
    assert all(is_id(file_id) for file_id in ids)
    assert signer.derived_id("a", "bc") in ids


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="has 3 bytes"):
        Signer(b"abc")


def test_the_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    secret = load_secret(folder)
    assert len(secret) == 32
    assert load_secret(folder) == secret
    assert stat.S_IMODE((folder / "secret").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["secret"]


def test_two_folders_have_two_secrets(tmp_path: Path) -> None:
    assert load_secret(tmp_path / "a") != load_secret(tmp_path / "b")


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from rushes.files.signing import load_secret; "
    code += "print(load_secret(Path(sys.argv[1])).hex())"
    command = [sys.executable, "-c", code, str(tmp_path / "data")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    assert len({process.communicate()[0] for process in started}) == 1


def test_a_damaged_secret_is_named_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"oops")
    with pytest.raises(ValueError, match=r"secret holds 4 bytes.*Delete it"):
        load_secret(tmp_path)
