import itertools
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from rushes.calls import AnimaticCall, Move, SpeechCall
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.effect import EFFECTS
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.engines.animatic.shot import cropped
from rushes.engines.animatic.style import STYLES
from rushes.engines.engine import Cancelled
from rushes.errors import ModelError
from tests.engines.animatic.asking import apart, call, counting, recorded, sounding
from tests.engines.animatic.pictures import film, saved, textured


@pytest.fixture
def one(tmp_path: Path) -> str:
    return saved(textured(300, 200), tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> str:
    return saved(textured(220, 240, seed=2), tmp_path)


def steps(frames: Picture) -> list[float]:
    return [apart(a, b) for a, b in itertools.pairwise(frames)]


@pytest.mark.parametrize("prompt", ["push in", "truck left, handheld", "static shot", "zoom out", ""])
def test_a_film_ends_exactly_on_its_end_picture(prompt: str, one: str, other: str) -> None:
    frames = film(call(prompt, one, end_image=other))
    assert np.array_equal(frames[0], cropped(np.load(one), 160, 90))
    assert np.array_equal(frames[-1], cropped(np.load(other), 160, 90))


@pytest.mark.parametrize("changes", [{"image": None}, {"effect": "squish"}, {"frames": 2}])
def test_the_end_picture_is_reached_whatever_came_before(changes: dict[str, object], one: str, other: str) -> None:
    frames = film(call(**{"image": one, "end_image": other, **changes}))  # type: ignore[arg-type]
    assert np.array_equal(frames[-1], cropped(np.load(other), 160, 90))


def test_the_end_picture_has_the_film_s_style(one: str, other: str) -> None:
    plain, comic = (film(call("", one, end_image=other, style=style))[-1] for style in (None, "comic"))
    assert apart(plain, comic) > 3.0


def test_one_picture_gives_way_to_the_other_without_a_pop(one: str, other: str) -> None:
    frames = film(call("push in", one, end_image=other, frames=60))
    changes = steps(frames)
    assert max(changes) < 4 * float(np.mean(changes))
    assert apart(frames[20], cropped(np.load(one), 160, 90)) < apart(frames[20], cropped(np.load(other), 160, 90))


@pytest.mark.parametrize("prompt", ["truck right", "push in, handheld", "pan left, then tilt up", ""])
@pytest.mark.parametrize("photo", [True, False])
def test_a_loop_closes(prompt: str, photo: bool, one: str) -> None:
    frames = film(call(prompt, one if photo else None, loop=True, frames=48))
    assert apart(frames[-1], frames[0]) <= 1.05 * max(steps(frames))
    assert apart(frames[24], frames[0]) > apart(frames[-1], frames[0])


@pytest.mark.parametrize("prompt", ["push in", "orbit left, rain falls"])
def test_a_loop_with_a_picture_to_end_on_goes_there_and_comes_home(prompt: str, one: str, other: str) -> None:
    frames = film(call(prompt, one, end_image=other, loop=True, frames=48))
    assert apart(frames[24], cropped(np.load(other), 160, 90)) < 0.5
    assert apart(frames[-1], frames[0]) <= 1.05 * max(steps(frames))
    assert max(steps(frames)) < 5 * float(np.mean(steps(frames)))


def test_a_loop_with_an_effect_closes_too(one: str) -> None:
    frames = film(call("", one, loop=True, effect="expansion", frames=48))
    assert apart(frames[-1], frames[0]) <= 1.05 * max(steps(frames))


@pytest.mark.parametrize("effect", list(EFFECTS))
def test_each_effect_begins_on_the_picture_and_differs_from_none_and_from_the_others(effect: str, one: str) -> None:
    plain, with_effect = film(call("", one)), film(call("", one, effect=effect))
    assert np.array_equal(with_effect[0], plain[0])
    assert max(apart(a, b) for a, b in zip(plain, with_effect, strict=True)) > 2.0
    for another in set(EFFECTS) - {effect}:
        assert not np.array_equal(with_effect, film(call("", one, effect=another)))


@pytest.mark.parametrize("style", list(STYLES))
def test_each_style_differs_from_none(style: str, one: str) -> None:
    assert apart(film(call("", one, style=style))[0], film(call("", one))[0]) > 1.0


def test_an_unknown_effect_or_style_is_refused_by_name(one: str) -> None:
    with pytest.raises(ModelError, match="wobble"):
        film(call("", one, effect="wobble"))
    with pytest.raises(ModelError, match="baroque"):
        film(call("", one, style="baroque"))


@pytest.mark.parametrize("effect", [None, "hug", "kiss"])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
@pytest.mark.parametrize(("width", "height"), [(160, 90), (90, 160)])
def test_pictures_are_composed_in_a_frame_of_any_shape(
    effect: str | None, count: int, width: int, height: int, tmp_path: Path
) -> None:
    one, other = saved(textured(300, 200), tmp_path), saved(textured(220, 240, seed=2), tmp_path)
    paths = tuple(itertools.islice(itertools.cycle((one, other)), count))
    frames = film(call("", pictures=paths, effect=effect, width=width, height=height, frames=5))
    assert frames.shape == (5, height, width, 3)
    assert not np.array_equal(frames[0], frames[-1])


def test_pictures_beside_a_background_lie_on_it(one: str, other: str) -> None:
    plain, carded = film(call("", one)), film(call("", one, pictures=(other,)))
    assert np.array_equal(plain[:, :20, :60], carded[:, :20, :60])
    assert apart(plain[0], carded[0]) > 1.0


def test_a_fixed_camera_stands_still_whatever_the_prompt_says(one: str) -> None:
    frames = film(call("fast zoom in", one, camera_fixed=True))
    assert (frames == frames[0]).all()


def test_a_camera_parameter_counts_instead_of_the_prompt(one: str) -> None:
    left, right = (film(call("zoom in", one, camera=(Move("pan", amount),))) for amount in (-1.0, 1.0))
    assert apart(left[-1], right[-1]) > 5.0
    assert np.array_equal(
        film(call("pan left", one, camera=(Move("zoom", 0.4),))), film(call("", one, camera=(Move("zoom", 0.4),)))
    )


def test_a_camera_parameter_at_nought_is_a_still_camera(one: str) -> None:
    frames = film(call("zoom in", one, camera=(Move("zoom", 0.0),)))
    assert (frames == frames[0]).all()


@pytest.mark.parametrize("frames", [1, 2])
def test_the_shortest_films_work_with_every_input(frames: int, one: str, other: str, tmp_path: Path) -> None:
    video = recorded(counting(6), tmp_path)
    for changes in (
        {"image": one, "end_image": other},
        {"image": one, "loop": True},
        {"pictures": (one, other)},
        {"video": video},
        {"video": video, "keep": 3},
        {"image": one, "effect": "kiss", "foley": "rain"},
        {"image": one, "speech": SpeechCall("Hello."), "lipsync": True},
    ):
        assert len(film(call(**changes, frames=frames))) == frames  # type: ignore[arg-type]


def every_kind(one: str, other: str, video: str, sound: str) -> list[AnimaticCall]:
    return [
        call("", one, end_image=other),
        call("", one, loop=True, effect="fuzzyfuzzy"),
        call("", pictures=(one, other), effect="bloombloom"),
        call("cyberpunk city", video=video, strength=0.5),
        call("", video=video, keep=9),
        call("", one, sound=sound, lipsync=True, foley="wind"),
    ]


def test_the_same_call_gives_the_same_film(one: str, other: str, tmp_path: Path) -> None:
    for asked in every_kind(one, other, recorded(counting(24), tmp_path), sounding(2.0, tmp_path)):
        assert np.array_equal(film(asked), film(asked))


def test_every_kind_of_film_can_be_cancelled_after_each_chunk(one: str, other: str, tmp_path: Path) -> None:
    for asked in every_kind(one, other, recorded(counting(24), tmp_path), sounding(2.0, tmp_path)):
        looks = itertools.chain([False, False], itertools.repeat(True))
        made = AnimaticEngine().generate(asked, lambda progress: None, lambda looks=looks: next(looks))  # type: ignore[misc]
        next(made.chunks)
        with pytest.raises(Cancelled):
            next(made.chunks)


def test_a_job_that_is_cancelled_already_is_not_begun(one: str) -> None:
    with pytest.raises(Cancelled):
        AnimaticEngine().generate(call("", one), lambda progress: None, lambda: True)


def peak(asked: AnimaticCall) -> int:
    tracemalloc.start()
    try:
        made = AnimaticEngine().generate(asked, lambda progress: None, lambda: False)
        for _ in made.chunks:
            pass
        for _ in made.sound.chunks if made.sound else ():
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_a_video_s_length_nor_with_its_sound(tmp_path: Path) -> None:
    video, sound = recorded(counting(120), tmp_path), sounding(10.0, tmp_path)
    short, long = (
        call("", video=video, strength=0.5, frames=frames, sound=sound, foley="sea", lipsync=True)
        for frames in (30, 120)
    )
    peak(short)  # what is loaded once does not count
    assert peak(long) < 1.2 * peak(short)
