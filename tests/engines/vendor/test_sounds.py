"""Sounds written anew for a vendor: nothing is lost below the new limit, nothing folds down from above it."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rushes.engines.vendor.sounds import HZ, as_wav


def heard(folder: Path, hertz: float, seconds: float = 2.0, channels: int = 2) -> npt.NDArray[np.float64]:
    path = folder / "sound.npy"
    time = np.arange(round(seconds * 48_000)) / 48_000
    tone = np.round(np.sin(2 * np.pi * hertz * time) * 10_000).astype(np.int16)
    np.save(path, np.repeat(tone[:, None], channels, axis=1))
    with wave.open(io.BytesIO(as_wav(path))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, HZ)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)


@pytest.mark.parametrize("hertz", [100.0, 1_000.0, 8_000.0])
def test_what_is_below_the_limit_stays_as_loud_and_where_it_is(tmp_path: Path, hertz: float) -> None:
    found = heard(tmp_path, hertz)
    time = np.arange(len(found)) / HZ
    assert np.corrcoef(found, np.sin(2 * np.pi * hertz * time))[0, 1] > 0.9999
    assert found.std() == pytest.approx(10_000 / 2**0.5, rel=0.01)


def test_what_is_above_the_limit_does_not_fold_down(tmp_path: Path) -> None:
    assert heard(tmp_path, 15_000.0)[100:-100].std() < 15, "a thousandth and a half of what came"


def test_blocks_join_without_a_seam_and_the_length_is_kept(tmp_path: Path) -> None:
    found = heard(tmp_path, 50.0, seconds=12.001, channels=1)  # more than two blocks, an odd number of samples at last
    assert len(found) == 288_024
    assert np.abs(np.diff(found[100:-100])).max() < 10_000 * 2 * np.pi * 50 / HZ * 1.05
