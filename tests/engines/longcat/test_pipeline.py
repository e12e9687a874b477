"""The four modes one by one, beside what `film` makes of them: what is known stays known, caches change nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from rushes.engines.longcat.components import Components  # noqa: E402
from rushes.engines.longcat.pipeline import Manner, Pipeline, Take, cut, seeded  # noqa: E402
from rushes.engines.longcat.sampling import Watch  # noqa: E402

FULL = Manner(steps=2, negative_prompt="grey")


def take(frames: int, manner: Manner = FULL, prompt: str = "a fox") -> Take:
    return Take(prompt, frames, seeded(4), manner, Watch())


def noise(frames: int, height: int = 32, width: int = 48) -> np.ndarray:
    return np.random.default_rng(frames).integers(0, 256, (frames, height, width, 3)).astype(np.uint8)


def whole(chunks: object) -> np.ndarray:
    return np.concatenate(list(chunks))  # type: ignore[call-overload]


@pytest.fixture
def pipeline(components: Components) -> Pipeline:
    return Pipeline(components)


@pytest.mark.parametrize(
    "manner", [replace(FULL, guidance=1.0), Manner(steps=3, distilled=True)], ids=["full", "distilled"]
)
def test_going_on_with_a_cache_is_going_on_without(pipeline: Pipeline, manner: Manner) -> None:
    known = noise(13)
    cached, plain = (
        whole(pipeline.continue_video(known, take(29, manner), cached=one)).astype(int) for one in (True, False)
    )
    assert cached.shape == (29, 32, 48, 3)
    assert np.abs(cached - plain).max() <= 1


def test_what_is_known_decides_how_it_goes_on(pipeline: Pipeline) -> None:
    one, other = (whole(pipeline.continue_video(known, take(17))) for known in (noise(13), 255 - noise(13)))
    assert not np.array_equal(one[:13], other[:13])
    assert not np.array_equal(one[13:], other[13:])


def test_the_picture_is_where_the_film_begins(pipeline: Pipeline) -> None:
    autoencoder = pipeline.components.autoencoder
    image = noise(1)
    film = whole(pipeline.image_to_video(image, take(9)))
    with torch.no_grad():
        from rushes.engines.longcat.autoencoder import to_pixels

        alone = next(autoencoder.decode(autoencoder.encode(to_pixels(image))))
    assert np.array_equal(film[:1], alone), "the first frame is the picture, as far as the autoencoder keeps it"


@pytest.mark.parametrize("known", [None, 1, 26])
@pytest.mark.parametrize("doubled", [True, False])
def test_refining_keeps_what_is_known(pipeline: Pipeline, known: int | None, doubled: bool) -> None:
    film = noise(14)
    frames = 28 if doubled else 14
    clean = noise(min(known, frames - 1), 64, 64) if known else None
    looks: list[torch.Tensor] = []
    made = whole(
        pipeline.refine(
            film,
            "a fox",
            height=64,
            width=64,
            frames=frames,
            generator=seeded(1),
            watch=Watch(stepped=looks.append),
            steps=2,
            known=clean,
        )
    )
    assert made.shape == (frames, 64, 64, 3)
    assert [one.shape[2] % 4 for one in looks] == [0, 0], "whole chunks of latent frames"


def test_refining_a_size_of_broken_chunks_looks_at_everything(pipeline: Pipeline) -> None:
    films = [
        whole(
            pipeline.refine(
                noise(5), "x", height=48, width=80, frames=10, generator=seeded(1), watch=Watch(), sparse=sparse
            )
        )
        for sparse in (True, False)
    ]
    assert np.array_equal(*films)


def test_in_chunks_not_all_is_looked_at(pipeline: Pipeline) -> None:
    def refined(sparse: bool) -> np.ndarray:
        return whole(
            pipeline.refine(
                noise(20), "x", height=64, width=64, frames=40, generator=seeded(1), watch=Watch(), sparse=sparse
            )
        )

    assert not np.array_equal(refined(True), refined(False))


def test_the_distilled_model_and_the_full_one_differ(pipeline: Pipeline) -> None:
    full = replace(FULL, guidance=1.0, steps=2)
    made = [
        whole(pipeline.text_to_video(take(5, one), height=32, width=48))
        for one in (full, replace(full, distilled=True))
    ]
    assert not np.array_equal(*made)


@pytest.mark.parametrize(("frames", "height", "width"), [(6, 32, 48), (5, 40, 48), (5, 32, 0)])
def test_what_is_on_no_grid_is_refused(pipeline: Pipeline, frames: int, height: int, width: int) -> None:
    with pytest.raises(ValueError, match=f"{frames} frames of {width}x{height} can't be made"):
        list(pipeline.text_to_video(take(frames), height=height, width=width))


def test_frames_are_cut_across_chunks() -> None:
    chunks = [noise(1), noise(4), noise(4)]
    film = np.concatenate(chunks)
    for start, stop in ((0, 9), (3, 7), (1, 2), (5, 9), (8, 20)):
        assert np.array_equal(whole(cut(chunks, start, stop)), film[start:stop])
    assert list(cut(chunks, 9, 12)) == []
