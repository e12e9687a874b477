"""The signing step of a job: every delivery is signed, or says why it isn't; nothing is slipped through."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from rushes.endpoint import Delivery, Media, VideoFormat
from rushes.errors import ModelError
from rushes.files.credentials import claim_in
from rushes.jobs.protocol import SignerAnswer
from rushes.media.provenance import GENERATION, INPUTS, Found, NotSigned, read_manifest
from rushes.work.perform import perform
from rushes.work.sign import Work, facts_of, hashed
from rushes.work.tools import Tools
from tests.media.signing import SERVED_BY, Key
from tests.work.parts import ENDPOINT, Shelf, TinyEngine, Told, job, png, tools


@dataclass
class Pen:
    """Signs as the gateway would; `off` where results are not signed, `broken` where the key is no good."""

    key: Key
    off: bool = False
    broken: bool = False
    with_prompt: bool = False

    def signer(self) -> SignerAnswer | None:
        return None if self.off else SignerAnswer(chain=self.key.credentials.chain, with_prompt=self.with_prompt)

    def sign(self, claim: bytes) -> bytes:
        if self.broken:
            raise NotSigned("the key is gone")
        return self.key.credentials.sign(claim_in(claim))


@pytest.fixture
def key(tmp_path: Path) -> Key:
    return Key(tmp_path / "provenance")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    (tmp_path / "shelf").mkdir()
    return Shelf(tmp_path / "shelf")


def with_delivery(given: Tools, delivery: Delivery) -> Tools:
    return replace(given, endpoints={ENDPOINT.id: replace(ENDPOINT, delivery=lambda request: delivery)})


def found_in(path: Path, key: Key, manifest: Path | None = None) -> Found:
    found = read_manifest(path, manifest, key.anchors)
    assert found is not None
    assert found.trusted, found.problems
    return found


def test_what_is_stored_is_signed_and_names_inputs_by_hash(shelf: Shelf, key: Key) -> None:
    (shelf.root / "given").write_bytes(png())
    told = Told()
    address = "http://private.example/files/given?identity=secret"
    given = job(f'{{"image_url": "{address}", "seed": 5}}', own_files={address: "given"})
    perform(given, replace(tools(shelf, told), signing=Pen(key)))
    found = found_in(shelf.root / "output.mp4", key)
    assert found.assertion(GENERATION)["seed"] == 5
    assert found.assertion(GENERATION)["request_id"] == "job-1"
    assert found.assertion(INPUTS)["inputs"][0]["sha256"] == hashlib.sha256(png()).hexdigest()
    assert b"private.example" not in (shelf.root / "output.mp4").read_bytes()
    assert any(line.startswith("Signed output.mp4") for line in told.messages)


def test_a_format_without_a_place_gets_its_manifest_beside_it(shelf: Shelf, key: Key) -> None:
    delivery = Delivery(video=VideoFormat(container="webm"))
    outcome = perform(job(), with_delivery(replace(tools(shelf, Told()), signing=Pen(key)), delivery))
    assert "c2pa-manifest" in outcome.companions.values()
    found_in(shelf.root / "output.webm", key, shelf.root / "output.webm.c2pa")


def test_a_data_uri_is_signed_too(shelf: Shelf, key: Key, tmp_path: Path) -> None:
    outcome = perform(job(), with_delivery(replace(tools(shelf, Told()), signing=Pen(key)), Delivery(form="data_uri")))
    text = outcome.output.decode().partition("base64,")[2].partition('"')[0]
    (tmp_path / "film.mp4").write_bytes(base64.b64decode(text))
    found_in(tmp_path / "film.mp4", key)


def test_a_data_uri_without_a_place_says_so(shelf: Shelf, key: Key) -> None:
    told = Told()
    delivery = Delivery(video=VideoFormat(container="webm"), form="data_uri")
    perform(job(), with_delivery(replace(tools(shelf, told), signing=Pen(key)), delivery))
    assert [level for message, level, _ in told.lines if "carries no content credentials" in message] == ["WARN"]


def test_a_finished_file_is_signed_without_touching_it(shelf: Shelf, key: Key, tmp_path: Path) -> None:
    brought = tmp_path / "brought.webm"
    brought.write_bytes(b"as it came")
    perform(job(), replace(tools(shelf, Told(), TinyEngine(finished=brought)), signing=Pen(key)))
    assert brought.read_bytes() == (shelf.root / "output.webm").read_bytes() == b"as it came"
    found_in(brought, key, shelf.root / "output.webm.c2pa")


def test_a_key_that_fails_fails_the_job_and_nothing_is_stored(shelf: Shelf, key: Key) -> None:
    with pytest.raises(ModelError, match=r"could not be given its content credentials.*the key is gone"):
        perform(job(), replace(tools(shelf, Told()), signing=Pen(key, broken=True)))
    assert not (shelf.root / "output.mp4").exists()


def test_where_it_is_off_nothing_is_signed(shelf: Shelf, key: Key) -> None:
    told = Told()
    perform(job(), replace(tools(shelf, told), signing=Pen(key, off=True)))
    assert read_manifest(shelf.root / "output.mp4", None, "") is None
    assert not any("Signed" in line for line in told.messages)


@pytest.mark.parametrize(("with_prompt", "told"), [(False, None), (True, "a cat")])
def test_the_prompt_is_told_only_where_the_server_says_so(with_prompt: bool, told: str | None) -> None:
    work = Work("a/b", "job-1", SERVED_BY, False, {}, "a cat")
    assert facts_of(work, SignerAnswer(chain="", with_prompt=with_prompt), Told()).prompt == told


def test_each_input_is_read_once_and_what_is_no_file_has_no_hash(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"abc")
    ticks: list[Any] = []
    one = Media("image", "x.npy", "image/png", 3, source=str(path))
    found = hashed({"a": one, "b": one, "c": Media("image", "y.npy", "image/png", 3)}, lambda: ticks.append(1))
    assert [(each.field, each.sha256[:8]) for each in found] == [("a", "ba7816bf"), ("b", "ba7816bf")]
    assert len(ticks) == 1
