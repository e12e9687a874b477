from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc

from rushes.media.dynamic_range import Standard, is_high
from rushes.media.recording import RecordingLimits, decode_video
from tests.media.films import frames_of

PQ, HLG = ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67
BLACK, WHITE = 64, 940  # of ten bits, limited range
_CODES = {  # shares of the signal's range for a light in cd/m², after ST 2084 and BT.2100
    PQ: {0.0: 0.0, 26.0: 0.3800, 100.0: 0.5081, 203.0: 0.5807, 1000.0: 0.7518, 4000.0: 0.9026},
    HLG: {0.0: 0.0, 203.0: 0.75, 1000.0: 1.0},
}


def bands(curve: ColorTrc, lights: list[float]) -> av.VideoFrame:
    """Return a grey frame of 64 rows, one band for each light."""
    frame = av.VideoFrame(96, 16 * len(lights), "yuv420p10le")
    for plane, neutral in zip(frame.planes, (None, 512, 512), strict=True):
        rows = np.full((plane.height, plane.line_size // 2), neutral or 0, np.uint16)
        if neutral is None:
            codes = [round(BLACK + (WHITE - BLACK) * _CODES[curve][light]) for light in lights]
            rows[:] = np.repeat(codes, 16)[:, None]
        plane.update(rows.tobytes())
    frame.colorspace, frame.color_range = 9, ColorRange.MPEG
    frame.color_trc, frame.color_primaries = curve, ColorPrimaries.BT2020
    return frame


def levels(curve: ColorTrc, lights: list[float]) -> list[float]:
    pixels = Standard()(bands(curve, lights)).to_ndarray(format="rgb24")
    assert float(np.ptp(pixels.astype(int), axis=-1).max()) <= 2, "grey stays grey"
    return [float(pixels[16 * band + 8].mean()) for band in range(len(lights))]


@pytest.mark.parametrize("curve", [PQ, HLG])
def test_diffuse_white_is_nearly_white_and_what_is_brighter_is_brighter_still(curve: ColorTrc) -> None:
    black, white, peak = levels(curve, [0.0, 203.0, 1000.0])
    assert black < 2
    assert 210 < white < 232
    assert peak > 252


def test_mid_tones_are_as_on_an_ordinary_screen() -> None:
    (dark, grey) = levels(PQ, [26.0, 100.0])
    assert dark == pytest.approx(255 * (26 / 203) ** (1 / 2.4), abs=3)
    assert grey == pytest.approx(255 * (100 / 203) ** (1 / 2.4), abs=3)
    assert levels(PQ, [4000.0])[0] == pytest.approx(255, abs=1)


def test_ordinary_frames_are_not_of_high_range() -> None:
    frame = av.VideoFrame(96, 64, "yuv420p")
    assert not is_high(frame)
    frame.color_trc = ColorTrc.BT709
    assert not is_high(frame)
    assert is_high(bands(HLG, [0.0]))


@pytest.mark.parametrize("curve", [PQ, HLG])
def test_a_film_of_high_range_is_decoded_to_ordinary_range(curve: ColorTrc, tmp_path: Path) -> None:
    path = tmp_path / "phone.mkv"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p10le"
        context = stream.codec_context
        context.colorspace, context.color_range, context.color_trc = 9, ColorRange.MPEG, curve
        context.color_primaries = ColorPrimaries.BT2020
        for number in range(3):
            frame = bands(curve, [0.0, 203.0, 1000.0, 203.0])
            frame.pts = number
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    media = decode_video(path, tmp_path / "film.mp4", tmp_path / "film.npy", RecordingLimits(), ("body", "video_url"))
    shown = frames_of(tmp_path / "film.mp4")
    assert media.frames == len(shown) == 3
    assert shown[1, 4].mean() < 6
    assert 205 < shown[1, 24].mean() < 235
    assert shown[1, 40].mean() > 248
