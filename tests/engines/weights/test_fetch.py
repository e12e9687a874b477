"""Weights fetched from a pretended Hub: what is chosen, what survives, what is refused and in which words."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rushes.engines.deployed import CannotPrepare
from rushes.engines.weights.cache import Shelf
from rushes.engines.weights.choosing import part
from rushes.engines.weights.fetch import Fetching, Wanted, fetch
from rushes.engines.weights.listing import HubFile, read_listing
from tests.engines.weights.pretended import COMMIT, PretendedHub, pretended_hub

SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def weights(folder: Path) -> Path:
    """A part in shards, with everything beside it that is not to be fetched."""
    inner = folder / "part"
    inner.mkdir(parents=True)
    (inner / "config.json").write_text("{}")
    for number, name in enumerate(SHARDS):
        (inner / name).write_bytes(bytes([number]) * 400_000)
    names = ", ".join(f'"{number}": "{name}"' for number, name in enumerate(SHARDS))
    (inner / "model.safetensors.index.json").write_text(f'{{"weight_map": {{{names}}}}}')
    for other in ("pytorch_model.bin", "model.fp16.safetensors", "flax_model.msgpack", "openvino.onnx"):
        (inner / other).write_bytes(b"x" * 3000)
    (folder / "README.md").write_text("A model.")
    (folder / "whole-model.safetensors").write_bytes(b"y" * 3000)
    return folder


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[PretendedHub]:
    with pretended_hub(film=weights(tmp_path / "film")) as running:
        yield running


WANTED = Wanted("acme/film", None, lambda listing, read: part(listing, "part", read))


class Heard:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str, *, passing: bool = False) -> None:
        self.lines.append(line)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def around(hub: PretendedHub, home: Path, say: Heard | None = None, **more: str) -> Fetching:
    return Fetching(hub.environment(home, **more), say or Heard(), pauses=lambda _: 0.0)


def refusal(hub: PretendedHub, home: Path, wanted: Wanted = WANTED, **more: str) -> str:
    with pytest.raises(CannotPrepare) as caught:
        fetch(wanted, around(hub, home, **more))
    return str(caught.value)


def names(folder: Path) -> set[str]:
    return {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}


def test_only_what_is_needed_comes_and_its_commit_is_told(hub: PretendedHub, tmp_path: Path) -> None:
    heard = Heard()
    folder = fetch(WANTED, around(hub, tmp_path / "home", heard))
    index = "model.safetensors.index.json"
    assert names(folder) == {f"part/{one}" for one in ("config.json", index, *SHARDS)}
    assert (folder / "part" / SHARDS[1]).read_bytes() == b"\1" * 400_000
    assert "  needed     800 kB in 4 files (800,100 bytes)" in heard.text
    assert f'pin it by  revision = "{COMMIT}"' in heard.text


def test_the_hub_s_own_library_finds_what_was_fetched(hub: PretendedHub, tmp_path: Path) -> None:
    hub_library = pytest.importorskip("huggingface_hub")
    fetch(WANTED, around(hub, tmp_path / "home"))
    cache = tmp_path / "home" / "hub"
    found = hub_library.try_to_load_from_cache("acme/film", f"part/{SHARDS[0]}", cache_dir=cache)
    assert Path(found).read_bytes() == b"\0" * 400_000


def test_a_second_time_looks_through_what_is_here_and_fetches_nothing(hub: PretendedHub, tmp_path: Path) -> None:
    fetch(WANTED, around(hub, tmp_path))
    before = len([one for one in hub.behaviour.asked if one.startswith("/apart")])
    heard = Heard()
    fetch(WANTED, around(hub, tmp_path, heard))
    assert len([one for one in hub.behaviour.asked if one.startswith("/apart")]) == before
    assert "  here       800 kB, which are looked through" in heard.text


def test_a_broken_connection_is_gone_on_with(hub: PretendedHub, tmp_path: Path) -> None:
    hub.behaviour.cut_after = 150_000
    folder = fetch(WANTED, around(hub, tmp_path))
    assert (folder / "part" / SHARDS[0]).read_bytes() == b"\0" * 400_000
    assert sorted(hub.behaviour.ranged) == ["bytes=150000-"] * 2 + ["bytes=300000-"] * 2


def test_what_an_earlier_try_left_is_gone_on_with(hub: PretendedHub, tmp_path: Path) -> None:
    folder = fetch(WANTED, around(hub, tmp_path))
    blob = (folder / "part" / SHARDS[0]).resolve()
    blob.with_name(f"{blob.name}.incomplete").write_bytes(blob.read_bytes()[:123_456])
    blob.unlink()
    fetch(WANTED, around(hub, tmp_path))
    assert hub.behaviour.ranged == ["bytes=123456-"]
    assert blob.read_bytes() == b"\0" * 400_000
    assert not list(blob.parent.glob("*.incomplete"))


def test_a_server_without_ranges_is_asked_for_the_whole(hub: PretendedHub, tmp_path: Path) -> None:
    hub.behaviour.ranges = False
    shelf = Shelf.of("acme/film", hub.environment(tmp_path))
    fetch(WANTED, around(hub, tmp_path))
    for blob in [one for one in (shelf.folder / "blobs").iterdir() if one.stat().st_size == 400_000]:
        blob.with_name(f"{blob.name}.incomplete").write_bytes(blob.read_bytes()[:1000])
        blob.unlink()
    folder = fetch(WANTED, around(hub, tmp_path))
    assert (folder / "part" / SHARDS[1]).read_bytes() == b"\1" * 400_000


def test_a_file_that_went_bad_is_fetched_again(hub: PretendedHub, tmp_path: Path) -> None:
    folder = fetch(WANTED, around(hub, tmp_path))
    shard = folder / "part" / SHARDS[0]
    shard.resolve().write_bytes(b"\7" * 400_000)
    fetch(WANTED, around(hub, tmp_path))
    assert shard.read_bytes() == b"\0" * 400_000


def test_a_wrong_hash_is_tried_once_more_and_then_told(hub: PretendedHub, tmp_path: Path) -> None:
    hub.behaviour.lies = 2  # one for each shard
    folder = fetch(WANTED, around(hub, tmp_path))
    assert (folder / "part" / SHARDS[0]).read_bytes() == b"\0" * 400_000
    hub.behaviour.lies = 99
    assert "came twice with another content than the Hub promises" in refusal(hub, tmp_path / "other")


def test_a_busy_hub_is_waited_for_and_a_dead_one_told(hub: PretendedHub, tmp_path: Path) -> None:
    hub.behaviour.failures = 3
    fetch(WANTED, around(hub, tmp_path))
    hub.behaviour.failures = 1000
    told = refusal(hub, tmp_path / "other")
    assert "answers 503" in told
    assert told.endswith("fetch it with: rushes runner prepare NAME")


def test_nothing_is_fetched_where_the_operator_is_offline(hub: PretendedHub, tmp_path: Path) -> None:
    assert refusal(hub, tmp_path, HF_HUB_OFFLINE="1").startswith("HF_HUB_OFFLINE is set, so nothing is fetched; unset")
    away = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    with pytest.raises(CannotPrepare, match=r"127\.0\.0\.1:9 can't be reached .*check the network"):
        fetch(WANTED, Fetching(away, Heard(), pauses=lambda _: 0.0))
    assert hub.behaviour.asked == []


def test_a_gated_repository_names_the_step(hub: PretendedHub, tmp_path: Path) -> None:
    hub.behaviour.gated = True
    assert f"gated; accept its terms at {hub.url}/acme/film, then set HF_TOKEN" in refusal(hub, tmp_path)
    told = refusal(hub, tmp_path, HF_TOKEN="outsider")
    assert "your token's account may not fetch it" in told
    assert "outsider" not in told
    fetch(WANTED, around(hub, tmp_path, HF_TOKEN="insider"))
    assert not hub.behaviour.apart_authorized


def test_unknown_private_and_mistyped_are_told_apart(hub: PretendedHub, tmp_path: Path) -> None:
    assert f"there is no acme/flim at {hub.url}, or it is private" in refusal(
        hub, tmp_path, replace(WANTED, repository="acme/flim")
    )
    assert "has no revision 'v9'" in refusal(hub, tmp_path, replace(WANTED, revision="v9"))
    assert "does not accept your token" in refusal(hub, tmp_path, HF_TOKEN="wrong")
    hub.behaviour.token = "stored"
    assert "or it is private" in refusal(hub, tmp_path)
    (tmp_path / "token").write_text("stored\n")
    fetch(WANTED, around(hub, tmp_path))


def test_a_dry_run_leaves_nothing_behind(hub: PretendedHub, tmp_path: Path) -> None:
    heard = Heard()
    fetch(WANTED, around(hub, tmp_path / "home", heard), dry_run=True)
    assert "800 kB in 4 files" in heard.text
    assert not (tmp_path / "home").exists()


def test_a_commit_can_be_pinned(hub: PretendedHub, tmp_path: Path) -> None:
    heard = Heard()
    folder = fetch(replace(WANTED, revision=COMMIT), around(hub, tmp_path, heard))
    assert folder.name == COMMIT
    assert not (folder.parent.parent / "refs").exists()
    assert "pin it by" not in heard.text


def test_pickles_alone_are_refused(hub: PretendedHub, tmp_path: Path) -> None:
    inner = hub.repositories["acme/film"] / "part"
    for one in inner.glob("*safetensors*"):
        one.unlink()
    assert "holds pickles and no safetensors" in refusal(hub, tmp_path)


def test_a_listing_that_leads_out_of_the_cache_is_refused() -> None:
    told = {"sha": COMMIT, "siblings": [{"rfilename": "../../x", "size": 1, "blobId": COMMIT}]}
    with pytest.raises(ValueError, match="is called"):
        read_listing("acme/film", told)


def test_a_plain_file_is_taken_before_a_variant() -> None:
    files = tuple(HubFile(f"vae/{one}", 1, "", False) for one in ("a.fp16.safetensors", "model.safetensors", "x.json"))
    listing = replace(read_listing("a/b", {"sha": COMMIT, "siblings": []}), files=files)
    assert [one.path for one in part(listing, "vae", lambda _: b"")] == ["vae/model.safetensors", "vae/x.json"]


def test_too_small_a_disk_is_told_before(hub: PretendedHub, tmp_path: Path) -> None:
    huge = HubFile("part/huge.safetensors", 10**18, "0" * 64, True)
    told = refusal(hub, tmp_path, replace(WANTED, choose=lambda *_: [huge]))
    assert "1000000 TB are to come" in told
    assert "set HF_HOME to a folder on another disk" in told


def test_two_at_once_do_not_write_the_same_file(hub: PretendedHub, tmp_path: Path) -> None:
    folder = fetch(WANTED, around(hub, tmp_path))
    blob = (folder / "part" / SHARDS[0]).resolve()
    blob.unlink()
    with blob.with_name(f"{blob.name}.incomplete").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert f"another process fetches part/{SHARDS[0]} just now" in refusal(hub, tmp_path)


@pytest.mark.parametrize("address", ["huggingface.example", "ftp://hub.example", "http://:"])
def test_an_address_that_is_none_is_told(tmp_path: Path, address: str) -> None:
    with pytest.raises(CannotPrepare, match=r"HF_ENDPOINT is .*, which is no address"):
        fetch(WANTED, Fetching({"HF_ENDPOINT": address, "HF_HOME": str(tmp_path)}, Heard(), pauses=lambda _: 0.0))


def test_a_server_that_is_no_hub_is_told(tmp_path: Path) -> None:
    with pretended_hub() as other:
        other.repositories["acme/film"] = tmp_path  # an empty listing is one, and lacks the part
        assert "it has no folder part" in refusal(other, tmp_path / "home")


def test_a_broken_token_is_told_without_showing_it(hub: PretendedHub, tmp_path: Path) -> None:
    told = refusal(hub, tmp_path, HF_TOKEN="hf_ab cd")
    assert told.startswith("the Hub's token holds a character that no token has")
    assert "hf_ab" not in told
    (tmp_path / "token").write_bytes(b"hf_\xff\xfe")
    assert refusal(hub, tmp_path).startswith("the Hub's token holds a character that no token has")


def test_a_cache_that_can_not_be_written_is_told(hub: PretendedHub, tmp_path: Path) -> None:
    (tmp_path / "hub").touch()
    assert "Not a directory" in refusal(hub, tmp_path)
