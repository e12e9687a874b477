"""Finished sound: its length is counted in samples, and raw samples are told from files that only claim to be."""

from pathlib import Path

import pytest

from rushes.endpoint import AudioFormat
from rushes.media.sniff import looks_like
from rushes.work.heard import hear_raw, is_raw

STEREO = AudioFormat("pcm", sample_rate=8_000, channels=2)


@pytest.mark.parametrize(("size_bytes", "seconds"), [(0, 0.0), (3, 0.0), (32_000, 1.0), (32_003, 1.0)])
def test_raw_samples_are_counted_whole(tmp_path: Path, size_bytes: int, seconds: float) -> None:
    path = tmp_path / "raw.pcm"
    ticks: list[None] = []
    path.write_bytes(bytes(size_bytes))
    assert hear_raw(path, STEREO, lambda: ticks.append(None))[0] == seconds
    assert bool(ticks) == bool(seconds)


@pytest.mark.parametrize("head", [b"\x00\x01" * 20, b"\xff\xfb" + b"\x01\x02" * 20])
def test_any_first_bytes_may_be_samples(head: bytes) -> None:
    assert is_raw(head, looks_like(head))


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"ID3\x04",
        b"OggS\x00",
        b"fLaC",
        b"\x00\x00\x00\x20ftypM4A ",
        b'{"error": "no"}',
    ],
)
def test_containers_and_texts_are_no_samples(head: bytes) -> None:
    assert not is_raw(head, looks_like(head))
