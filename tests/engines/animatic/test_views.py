import itertools
from pathlib import Path

import numpy as np
import pytest

from rushes.engines.animatic.shot import cropped
from tests.engines.animatic.asking import apart, call, counting, recorded
from tests.engines.animatic.pictures import film, saved, textured


def levels(frames: np.ndarray) -> list[float]:
    return [float(frame.mean()) for frame in frames]


@pytest.mark.parametrize("keep", [1, 5, 12])
def test_the_kept_frames_of_a_video_come_untouched(keep: int, tmp_path: Path) -> None:
    given = counting(12)
    frames = film(call("push in", video=recorded(given, tmp_path), keep=keep))
    assert len(frames) == 24
    assert all(apart(a, b) < 2.0 for a, b in zip(frames[:keep], given[:keep], strict=True))


def test_the_film_goes_on_from_the_last_kept_frame(tmp_path: Path) -> None:
    given = counting(12)
    given[:, :, ::2] //= 2
    frames = film(call("push in", video=recorded(given, tmp_path), keep=6))
    assert apart(frames[6], frames[5]) < 2.0
    assert abs(frames[-1].mean() - frames[5].mean()) < 12.0
    assert not np.array_equal(frames[-1], frames[5])


def test_a_style_comes_over_the_kept_picture_without_a_cut(tmp_path: Path) -> None:
    video = recorded(np.stack([textured(160, 90)] * 6), tmp_path)
    plain, comic = (film(call("static", video=video, keep=6, style=style)) for style in (None, "comic"))
    assert apart(comic[5], plain[5]) == 0.0
    assert apart(comic[6], comic[5]) < 0.2 * apart(comic[-1], plain[-1])
    assert apart(comic[-1], plain[-1]) > 3.0


def test_a_video_that_is_shorter_than_what_is_kept_goes_on_earlier(tmp_path: Path) -> None:
    frames = film(call("push in", video=recorded(counting(4), tmp_path), keep=10))
    assert len(frames) == 24
    assert apart(frames[4], frames[3]) < 3.0


def test_kept_frames_lead_to_an_end_picture(tmp_path: Path) -> None:
    other = saved(textured(160, 90), tmp_path)
    frames = film(call("", video=recorded(counting(12), tmp_path), keep=6, end_image=other))
    assert np.array_equal(frames[-1], textured(160, 90))


def test_keeping_more_than_the_film_gives_the_film_s_own_length(tmp_path: Path) -> None:
    assert len(film(call(video=recorded(counting(30), tmp_path), keep=30))) == 24


def test_a_kept_video_of_another_shape_is_scaled_to_cover_and_cropped_at_the_centre(tmp_path: Path) -> None:
    given = np.stack([textured(320, 90)] * 3)
    frames = film(call(video=recorded(given, tmp_path), keep=3))
    assert apart(frames[0], cropped(given[0], 160, 90)) < 7.0  # 4:2:0 on a picture of many colours


@pytest.mark.parametrize(("frames", "fps"), [(24, 12.0), (48, 24.0), (12, 6.0), (60, 12.0), (25, 12.0)])
def test_a_remade_video_is_spread_over_the_whole_film(frames: int, fps: float, tmp_path: Path) -> None:
    seen = levels(film(call(video=recorded(counting(24), tmp_path), frames=frames, fps=fps)))
    given = levels(counting(24))
    assert seen == sorted(seen)
    assert seen[0] == pytest.approx(given[0], abs=4.0)
    assert seen[-1] == pytest.approx(given[-1], abs=9.0)  # at half the rate the last frame is left out


def test_a_video_longer_than_the_film_is_cut_and_not_hurried(tmp_path: Path) -> None:
    seen = levels(film(call(video=recorded(counting(48), tmp_path), frames=24)))
    assert seen[-1] == pytest.approx(levels(counting(48))[23], abs=4.0)


def test_strength_says_how_far_a_remade_video_leaves_the_original(tmp_path: Path) -> None:
    video = recorded(np.stack([textured(160, 90)] * 4), tmp_path)
    none, some, much = (film(call("at night", video=video, frames=4, strength=share)) for share in (0.0, 0.4, 1.0))
    assert apart(none[0], textured(160, 90)) < 7.0
    assert 1.0 < apart(none[0], some[0]) < apart(none[0], much[0])


def test_the_prompt_s_words_choose_the_light_of_a_remade_video(tmp_path: Path) -> None:
    video = recorded(np.stack([textured(160, 90)] * 4), tmp_path)
    night, snow = (film(call(words, video=video, frames=4, strength=1.0)) for words in ("at night", "in the snow"))
    assert night[0].mean() < snow[0].mean()


def test_a_style_counts_in_full_for_a_remade_video(tmp_path: Path) -> None:
    video = recorded(np.stack([textured(160, 90)] * 4), tmp_path)
    plain, comic = film(call(video=video, frames=4)), film(call(video=video, frames=4, style="comic"))
    assert apart(plain[0], comic[0]) > 3.0


def test_a_window_shows_only_that_part(tmp_path: Path) -> None:
    given = np.zeros((3, 90, 160, 3), np.uint8)
    given[:, :, 80:] = 200
    video = recorded(given, tmp_path)
    left = film(call(video=video, frames=3, window=(0.0, 0.0, 0.4, 1.0)))
    right = film(call(video=video, frames=3, window=(0.6, 0.0, 1.0, 1.0)))
    assert left.max() < 20
    assert right.min() > 180


@pytest.mark.parametrize("window", [(0.5, 0.5, 0.5, 0.5), (1.0, 1.0, 1.0, 1.0), (-1.0, -1.0, 2.0, 2.0)])
def test_an_impossible_window_still_gives_frames(window: tuple[float, float, float, float], tmp_path: Path) -> None:
    assert len(film(call(video=recorded(counting(4), tmp_path), frames=4, window=window))) == 4


def test_a_remade_video_can_loop(tmp_path: Path) -> None:
    frames = film(call(video=recorded(counting(24), tmp_path), loop=True))
    steps = [apart(a, b) for a, b in itertools.pairwise(frames)]
    assert apart(frames[-1], frames[0]) <= max(steps)


def test_without_a_voice_lips_stay_closed(tmp_path: Path) -> None:
    image = saved(textured(160, 90), tmp_path)
    assert np.array_equal(film(call("", image, lipsync=True)), film(call("", image)))
