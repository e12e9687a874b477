"""One call's film: its stretches made one after the other, joined and trimmed, and refined where that is asked.

Which stretches is `plan`'s to say, how each is made `pipeline`'s.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import torch

from rushes.calls import LongCatCall
from rushes.engines.longcat.autoencoder import Frames
from rushes.engines.longcat.pipeline import REFINE_FROM, Manner, Pipeline, Take, cut, seeded
from rushes.engines.longcat.plan import KNOWN, first_frames, refine_stretches, stretches
from rushes.engines.longcat.sampling import Watch
from rushes.engines.longcat.schedule import refine_sigmas


def manner_of(call: LongCatCall) -> Manner:
    """Return how the call's first film is sampled."""
    return Manner(call.steps, call.guidance, call.negative_prompt, call.distilled, call.accelerated)


def steps_of(call: LongCatCall) -> int:
    """Return how many sampling steps the call takes over all."""
    refined = call.refine is not None
    parts = stretches(first_frames(call.frames) if refined else call.frames)
    steps = len(parts) * len(manner_of(call).sigmas)
    if call.refine is not None:
        steps += len(refine_stretches(call.frames)) * len(refine_sigmas(call.refine.steps, REFINE_FROM))
    return steps


def film(pipeline: Pipeline, call: LongCatCall, watch: Watch) -> Iterator[Frames]:
    """Yield the call's frames in chunks, exactly as many as it asks for."""
    generator = seeded(call.seed)  # one for all stretches, so that each has noise of its own
    if call.refine is None:
        yield from _first(pipeline, call, call.frames, generator, watch)
        return
    first = np.concatenate(list(_first(pipeline, call, first_frames(call.frames), generator, watch)))
    yield from _refined(pipeline, call, first, generator, watch)


def _first(
    pipeline: Pipeline, call: LongCatCall, frames: int, generator: torch.Generator, watch: Watch
) -> Iterator[Frames]:
    """Make the film of the first pass, each stretch from the last frames of the one before."""
    tail = np.empty((0, call.height, call.width, 3), np.uint8)
    for part in stretches(frames):
        take = Take(call.prompt, part.frames, generator, manner_of(call), watch)
        if part.known:
            chunks = pipeline.continue_video(tail, take)
        elif call.image is not None:
            chunks = pipeline.image_to_video(opening(call.image, call.height, call.width), take)
        else:
            chunks = pipeline.text_to_video(take, height=call.height, width=call.width)
        for chunk in cut(chunks, part.known, part.known + part.used):
            # Frames, not the latents that they came from: encoded anew, the first of them is a latent frame by itself,
            # as the model was trained to go on.
            tail = np.concatenate((tail, chunk))[-KNOWN:]
            yield chunk


def _refined(
    pipeline: Pipeline, call: LongCatCall, first: Frames, generator: torch.Generator, watch: Watch
) -> Iterator[Frames]:
    """Double and enlarge the first film, each stretch from the last frames of the one before, or from the picture."""
    assert call.refine is not None
    size = call.refine.height, call.refine.width
    known = opening(call.image, *size) if call.image is not None else None
    for part in refine_stretches(call.frames):
        chunks = pipeline.refine(
            first[part.start : part.stop],
            call.prompt,
            height=size[0],
            width=size[1],
            frames=2 * (part.stop - part.start),
            generator=generator,
            watch=watch,
            steps=call.refine.steps,
            known=known,
        )
        tail = np.empty((0, *size, 3), np.uint8)
        for chunk in cut(chunks, part.known, part.known + part.used):
            tail = np.concatenate((tail, chunk))[-2 * KNOWN :]
            yield chunk
        known = tail


def opening(path: str, height: int, width: int) -> Frames:
    """Return a decoded picture, scaled to cover the size and cropped at its centre, (1, height, width, 3)."""
    picture = np.load(path)
    scale = max(height / picture.shape[0], width / picture.shape[1])
    inner = max(height, round(picture.shape[0] * scale)), max(width, round(picture.shape[1] * scale))
    # Cubic weights would leave moire where a large picture becomes small.
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(picture, inner[::-1], interpolation=how)
    top, left = (inner[0] - height) // 2, (inner[1] - width) // 2
    cropped: Frames = np.ascontiguousarray(resized[top : top + height, left : left + width])[None]
    return cropped
