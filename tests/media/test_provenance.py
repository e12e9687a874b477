"""Content credentials of real files: in every format, tampered with, from other films, and with hostile inputs."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from rushes.endpoint import AudioFormat, VideoFormat
from rushes.media.encode import encode_video
from rushes.media.provenance import (
    GENERATION,
    INPUTS,
    Facts,
    Found,
    NotSigned,
    Signature,
    Signed,
    ingredients_of,
    read_manifest,
    sign_file,
)
from rushes.media.sandbox import Sandbox, SandboxError
from rushes.media.sound import SoundSource, encode_sound
from tests.media.signing import Key, facts, given

TYPES = {
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "gif": "image/gif",
    "webm": "video/webm",
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "pcm": "audio/pcm",
}
BESIDE = {"webm", "pcm"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    running = Sandbox(("rushes.media.provenance_task",))
    yield running
    running.close()


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return Key(tmp_path_factory.mktemp("key") / "provenance")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of every kind that we make, not signed yet."""
    folder = tmp_path_factory.mktemp("plain")
    frames = np.random.default_rng(1).integers(0, 255, (6, 48, 64, 3), dtype=np.uint8)
    for container in ("mp4", "mov", "gif", "webm"):
        look = VideoFormat(container=container)
        encode_video(iter([frames]), folder / f"a.{container}", width=64, height=48, fps=12, look=look)
    for suffix in ("png", "jpg", "webp"):
        assert cv2.imwrite(str(folder / f"a.{suffix}"), frames[0])
    for suffix in ("mp3", "wav", "flac", "pcm"):
        sound = SoundSource(iter([np.full((16_000, 1), 0.1, np.float32)]), 32_000, 1)
        encode_sound(sound, folder / f"a.{suffix}", AudioFormat(container=suffix), lambda: None)
    return folder


def signed(  # noqa: PLR0917
    plain: Path, suffix: str, to: Path, key: Key, sandbox: Sandbox, says: Facts | None = None, finished: bool = False
) -> Signed:
    path = Path(shutil.copy(plain / f"a.{suffix}", to / f"output.{suffix}"))
    return sign_file(
        path,
        says or facts(),
        key.signature,
        title=path.name,
        content_type=TYPES[suffix],
        folder=to,
        sandbox=sandbox,
        finished=finished,
    )


def read(done: Signed, key: Key, sandbox: Sandbox) -> Found:
    path = done.path if done.embedded else done.path.with_suffix("")
    found = read_manifest(path, None if done.embedded else done.path, key.anchors, sandbox)
    assert found is not None
    return found


@pytest.mark.parametrize("suffix", TYPES)
def test_every_format_says_who_made_it_and_with_what(
    suffix: str, plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox
) -> None:
    done = signed(plain, suffix, tmp_path, key, sandbox)
    assert done.embedded is (suffix not in BESIDE)
    found = read(done, key, sandbox)
    assert found.trusted, found.problems
    assert found.assertion(GENERATION) == {
        "endpoint": "test/film",
        "request_id": "job-1",
        "engine": "animatic",
        "model": "animatic",
        "version": "0.1.0",
        "deployment": "first",
        "stand_in": True,
        "seed": 7,
    }
    assert found.active["title"] == f"output.{suffix}"
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(
        [f"output.{suffix}", *([done.path.name] if suffix in BESIDE else [])]
    )


@pytest.mark.parametrize("seed", [2**63 - 1, -(2**63), 2**63, 2**64 - 1])
def test_a_seed_of_64_bits_is_told(seed: int, plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox) -> None:
    told: int | str = seed if seed < 2**63 else str(seed)
    says = facts()
    says = replace(says, served_by=replace(says.served_by, seed=seed))
    assert read(signed(plain, "png", tmp_path, key, sandbox, says), key, sandbox).assertion(GENERATION)["seed"] == told


@pytest.mark.parametrize("suffix", TYPES)
def test_a_changed_byte_is_found(suffix: str, plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox) -> None:
    done = signed(plain, suffix, tmp_path, key, sandbox)
    path = tmp_path / f"output.{suffix}"
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    try:
        assert not read(done, key, sandbox).valid
    except SandboxError:
        assert suffix in {"png", "webp"}  # whose own structure broke


@pytest.mark.parametrize("suffix", ["mp4", "mov", "gif"])
def test_the_frames_and_their_colours_stay_as_they_were(
    suffix: str, plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox
) -> None:
    done = signed(plain, suffix, tmp_path, key, sandbox)
    before, after = decoded(plain / f"a.{suffix}"), decoded(done.path)
    assert before[1:] == after[1:]
    np.testing.assert_array_equal(before[0], after[0])


def decoded(path: Path) -> tuple[np.ndarray, object, object, object]:
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(stream)])
        context = stream.codec_context
        return frames, context.color_primaries, context.color_trc, (context.color_range, stream.average_rate)


def test_a_film_still_begins_with_its_index(plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox) -> None:
    content = signed(plain, "mp4", tmp_path, key, sandbox).path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_inputs_stand_in_it_by_hash_and_without_an_address(
    plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox
) -> None:
    picture = given("image_url", "image", plain / "a.png", "image/png")
    done = signed(plain, "mp4", tmp_path, key, sandbox, facts(picture, picture))
    found = read(done, key, sandbox)
    assert found.trusted
    assert found.assertion(INPUTS)["inputs"][0] == {
        "field": "image_url",
        "content_type": "image/png",
        "size_bytes": picture.size_bytes,
        "sha256": picture.sha256,
    }
    (ingredient,) = found.active["ingredients"]
    assert (ingredient["title"], ingredient["relationship"]) == ("image_url", "componentOf")
    assert str(plain) not in json.dumps(found.report)


@pytest.mark.parametrize(
    ("trained", "kinds", "source", "relations"),
    [
        (False, (), "algorithmicMedia", ()),
        (False, ("image",), "composite", ("componentOf",)),
        (False, ("video", "image"), "composite", ("parentOf", "componentOf")),
        (True, (), "trainedAlgorithmicMedia", ()),
        (True, ("image",), "trainedAlgorithmicMedia", ("inputTo",)),
        (True, ("video", "video"), "compositeWithTrainedAlgorithmicMedia", ("parentOf", "inputTo")),
    ],
)
def test_what_it_is_called_follows_from_engine_and_inputs(  # noqa: PLR0917
    trained: bool,
    kinds: tuple[str, ...],
    source: str,
    relations: tuple[str, ...],
    plain: Path,
    tmp_path: Path,
    key: Key,
    sandbox: Sandbox,
) -> None:
    files = {"image": ("a.jpg", "image/jpeg"), "video": ("a.mov", "video/quicktime")}
    inputs = []
    for number, kind in enumerate(kinds):
        name, content_type = files[kind]
        inputs.append(given(f"in{number}", kind, Path(shutil.copy(plain / name, tmp_path / f"{number}")), content_type))
    found = read(signed(plain, "mp4", tmp_path, key, sandbox, facts(*inputs, trained=trained)), key, sandbox)
    assert found.trusted
    told = [one.get("digitalSourceType", "") for one in found.assertion("c2pa.actions.v2")["actions"]]
    assert [one.rpartition("/")[2] for one in told if one] == [source]
    assert tuple(one["relationship"] for one in found.active.get("ingredients", ())) == relations


def test_a_sound_made_for_a_film_has_no_film_for_a_parent(plain: Path) -> None:
    says = facts(given("video_url", "video", plain / "a.mp4", "video/mp4"))
    assert [one.relation for one in ingredients_of(says, "audio/wav")] == ["componentOf"]
    assert [one.relation for one in ingredients_of(says, "video/webm")] == ["parentOf"]


def test_a_film_made_from_ours_keeps_its_manifest(plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox) -> None:
    first = signed(plain, "mov", tmp_path, key, sandbox)
    parent = given("video_url", "video", first.path, "video/quicktime")
    second = signed(plain, "mp4", tmp_path, key, sandbox, facts(parent))
    beyond = given("video_url", "video", second.path, "video/mp4")
    (tmp_path / "third").mkdir()
    third = read(signed(plain, "webm", tmp_path / "third", key, sandbox, facts(beyond)), key, sandbox)
    assert third.trusted
    assert len(third.report["manifests"]) == 3
    (ingredient,) = third.active["ingredients"]
    assert (ingredient["relationship"], "active_manifest" in ingredient) == ("parentOf", True)


def test_a_file_that_comes_finished_keeps_the_manifest_it_brings(
    plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox
) -> None:
    vendor = Key(tmp_path / "vendor")
    brought = signed(plain, "mp4", tmp_path, vendor, sandbox, facts(trained=True))
    other = tmp_path / "ours"
    other.mkdir()
    shutil.move(brought.path, other / "a.mp4")
    found = read(signed(other, "mp4", tmp_path, key, sandbox, facts(trained=True), finished=True), key, sandbox)
    assert found.trusted
    assert len(found.report["manifests"]) == 2
    assert [one["relationship"] for one in found.active["ingredients"]] == ["parentOf"]


def test_a_finished_file_without_one_is_said_to_be_created(
    plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox
) -> None:
    done = signed(plain, "png", tmp_path, key, sandbox, facts(trained=True), finished=True)
    actions = read(done, key, sandbox).assertion("c2pa.actions.v2")["actions"]
    assert [one["action"] for one in actions] == ["c2pa.created"]


def test_an_input_whose_manifest_was_tampered_with_is_told_of_and_does_no_harm(
    plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox
) -> None:
    path = signed(plain, "mov", tmp_path, key, sandbox).path
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    says = facts(given("video_url", "video", path, "video/quicktime"))
    found = read(signed(plain, "mp4", tmp_path, key, sandbox, says), key, sandbox)
    assert found.trusted
    failures = found.active["ingredients"][0]["validation_results"]["activeManifest"]["failure"]
    assert "assertion.bmffHash.mismatch" in {one["code"] for one in failures}


@pytest.mark.parametrize("seed", range(6))
def test_hostile_manifests_in_inputs_cost_no_result(
    seed: int, plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox
) -> None:
    path = signed(plain, "jpg", tmp_path, key, sandbox).path
    content = bytearray(path.read_bytes())
    begin = content.index(b"jumb")
    dice = np.random.default_rng(seed)
    for at in dice.integers(begin - 8, begin + 2_000, 40):  # in the manifest's boxes: sizes, types, CBOR
        content[at] = int(dice.integers(256))
    path.write_bytes(content)
    picture = given("image_url", "image", path, "image/jpeg")
    found = read(signed(plain, "mp4", tmp_path, key, sandbox, facts(picture)), key, sandbox)
    assert found.trusted
    assert found.assertion(INPUTS)["inputs"][0]["sha256"] == picture.sha256


def test_an_input_that_is_not_what_it_is_called_stays_as_a_hash(
    plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox
) -> None:
    odd = tmp_path / "odd"
    odd.write_bytes(b"\x00" * 64)
    done = signed(plain, "mp4", tmp_path, key, sandbox, facts(given("video_url", "video", odd, "video/mp4")))
    found = read(done, key, sandbox)
    assert found.trusted
    assert found.assertion(INPUTS)["inputs"][0]["size_bytes"] == 64


def test_a_file_nobody_signed_has_no_manifest(plain: Path, key: Key, sandbox: Sandbox) -> None:
    assert read_manifest(plain / "a.mp4", None, key.anchors, sandbox) is None


def test_another_servers_key_is_valid_and_not_trusted(plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox) -> None:
    done = signed(plain, "png", tmp_path, Key(tmp_path / "theirs"), sandbox)
    found = read(done, key, sandbox)
    assert (found.valid, found.trusted, found.problems) == (True, False, ())


def test_a_signature_by_another_key_than_the_certificates_is_found(
    plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox
) -> None:
    wrong = Key(tmp_path / "wrong")
    mixed = Key(tmp_path / "mixed")
    mixed.signature = Signature(key.signature.chain, wrong.sign)
    found = read(signed(plain, "png", tmp_path, mixed, sandbox), key, sandbox)
    assert not found.valid
    assert "claimSignature.mismatch" in {one["code"] for one in found.problems}


def test_any_number_of_authorities_can_be_trusted(plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox) -> None:
    done = signed(plain, "png", tmp_path, key, sandbox)
    found = read_manifest(done.path, None, key.anchors * 200, sandbox)  # 100 KB and more, as public lists have
    assert found is not None
    assert found.trusted


def test_a_key_that_refuses_fails_the_signing(plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox) -> None:
    def refuse(claim: bytes) -> bytes:
        raise NotSigned("the gateway answered 409")

    none = Key(tmp_path / "none")
    none.signature = Signature(key.signature.chain, refuse)
    with pytest.raises(NotSigned, match="409"):
        signed(plain, "mp4", tmp_path, none, sandbox)


def test_certificates_that_are_none_fail_the_signing(plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox) -> None:
    odd = Key(tmp_path / "odd")
    odd.signature = Signature("no certificate", key.sign)
    with pytest.raises(NotSigned):
        signed(plain, "mp4", tmp_path, odd, sandbox)


def test_one_signature_is_asked_for_each_file(plain: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    own = Key(tmp_path / "own")
    signed(plain, "mp4", tmp_path, own, sandbox)
    assert own.signed == 1


def test_memory_does_not_grow_with_the_file(plain: Path, tmp_path: Path, key: Key, sandbox: Sandbox) -> None:
    long = tmp_path / "long"
    long.mkdir()
    shutil.copy(plain / "a.mp4", long / "a.mp4")
    with (long / "a.mp4").open("ab") as file:  # as a film of 256 MB: one more box of zeros
        size = 256 * 1024 * 1024
        file.write(size.to_bytes(4, "big") + b"free")
        file.truncate(file.tell() + size - 8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = signed(long, "mp4", tmp_path, key, sandbox)
    assert done.path.stat().st_size > size
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KB, here
    assert read(done, key, sandbox).trusted
