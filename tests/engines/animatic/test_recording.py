from pathlib import Path

import av
import pytest

from rushes.engines.animatic.recording import Recording
from tests.engines.animatic.asking import apart, counting, recorded
from tests.engines.animatic.pictures import textured


def test_it_knows_length_and_rate_and_gives_frames_in_order(tmp_path: Path) -> None:
    given = counting(12)
    with Recording(recorded(given, tmp_path, fps=24.0)) as recording:
        assert (recording.frames, recording.fps) == (12, 24.0)
        assert recording.last == -1
        assert all(apart(recording.at(number), given[number]) < 2.0 for number in (0, 0, 3, 11))
        assert recording.last == 11


def test_beyond_the_end_the_last_frame_stays(tmp_path: Path) -> None:
    with Recording(recorded(counting(5), tmp_path)) as recording:
        assert apart(recording.at(99), counting(5)[-1]) < 2.0
        assert recording.last == 4


def test_colours_come_back_as_they_were_written(tmp_path: Path) -> None:
    given = textured(160, 90)
    with Recording(recorded(given[None], tmp_path)) as recording:
        difference = recording.at(0).astype(float) - given
    assert abs(difference.mean(axis=(0, 1))).max() < 1.5


def test_a_closed_recording_keeps_what_was_read(tmp_path: Path) -> None:
    recording = Recording(recorded(counting(5), tmp_path))
    frame = recording.at(2)
    recording.close()
    assert apart(frame, counting(5)[2]) < 2.0


def test_a_file_that_is_no_video_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "no.mp4").write_bytes(b"no video")
    with pytest.raises(av.error.InvalidDataError):
        Recording(str(tmp_path / "no.mp4"))
