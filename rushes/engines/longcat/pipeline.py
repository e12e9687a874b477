"""LongCat-Video's four modes, from prompts and frames to frames: text, picture, continuation, refining.

Frames are (T, H, W, 3) uint8 RGB throughout, and come in chunks while they are decoded. Noise is drawn on the CPU, so
that a seed gives the same film on every device. How a request is cut into stretches is `plan`'s business, progress and
cancel are those of the `Watch` that is handed in; what it raises leaves the pipeline ready for the next film.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rushes.engines.longcat.attention import Attend
from rushes.engines.longcat.autoencoder import SPATIAL, TEMPORAL, Frames, latent_frames, to_pixels
from rushes.engines.longcat.block_sparse import CHUNK
from rushes.engines.longcat.components import Components
from rushes.engines.longcat.kernels import sparse_on
from rushes.engines.longcat.network import Text
from rushes.engines.longcat.official import DISTILLED, REFINING
from rushes.engines.longcat.plan import on_grid
from rushes.engines.longcat.refining import enlarged, padded, padding
from rushes.engines.longcat.sampling import Sampling, Watch, sample
from rushes.engines.longcat.schedule import distilled_sigmas, full_sigmas, refine_sigmas

REFINE_FROM = 0.5  # noise level at which refining starts
SIDE = 16  # pixels per token, on each side
SEEDS = 2**63  # as many as a generator takes


@dataclass(frozen=True, slots=True)
class Manner:
    """How a film is sampled: the full model with guidance, or `distilled`, in a few steps without.

    `accelerated` lets steps be skipped that change little; it counts for the full model only.
    """

    steps: int = 50
    guidance: float = 4.0
    negative_prompt: str = ""
    distilled: bool = False
    accelerated: bool = False

    @property
    def sigmas(self) -> tuple[float, ...]:
        """The noise levels."""
        return distilled_sigmas(self.steps) if self.distilled else full_sigmas(self.steps)

    @property
    def guided(self) -> bool:
        """Whether the negative prompt has a say."""
        # Below 1 it would be the negative prompt's film; callers mean "none" by 0, as with the makers' own sampling.
        return not self.distilled and self.guidance > 1


@dataclass(frozen=True, slots=True)
class Take:
    """One stretch of film to be made: `frames` (4n + 1) of them, from noise that `generator` (on the CPU) draws."""

    prompt: str
    frames: int
    generator: torch.Generator
    manner: Manner
    watch: Watch


def seeded(seed: int) -> torch.Generator:
    """Return a generator on the CPU; any integer is a seed."""
    return torch.Generator().manual_seed(seed % SEEDS)


class Pipeline:
    """The four modes over one set of components; not for several threads at once."""

    def __init__(self, components: Components) -> None:
        self.components = components

    @torch.no_grad()
    def text_to_video(self, take: Take, *, height: int, width: int) -> Iterator[Frames]:
        """Make frames of `height` x `width` (multiples of 16) from the prompt alone."""
        latents = self._noise(take, height, width)
        yield from self._decoded(self._sampled(latents, 0, take), take.watch)

    @torch.no_grad()
    def image_to_video(self, image: Frames, take: Take) -> Iterator[Frames]:
        """Make frames that begin with `image`, (1, H, W, 3), whose size they have (multiples of 16)."""
        yield from self._continued(image, take, cached=False)

    @torch.no_grad()
    def continue_video(self, known: Frames, take: Take, *, cached: bool = True) -> Iterator[Frames]:
        """Make frames that begin with the `known` ones (4m + 1; the model was trained on 13), which come again.

        `cached` runs the known frames once instead of at each step, as the makers do it.
        """
        yield from self._continued(known, take, cached=cached)

    @torch.no_grad()
    def refine(
        self,
        film: Frames,
        prompt: str,
        *,
        height: int,
        width: int,
        frames: int,
        generator: torch.Generator,
        watch: Watch,
        steps: int = 50,
        start: float = REFINE_FROM,
        known: Frames | None = None,
        sparse: bool = True,
    ) -> Iterator[Frames]:
        """Bring a film to `height` x `width` and `frames`: twice its own, or as many (then only its size changes).

        `known` are frames of the new film, from its first on, that are there already, (k, height, width, 3). With
        `sparse` attention is in chunks, where the size allows it (multiples of 64).
        """
        pads = padding(frames, 0 if known is None else len(known))
        device = self.components.device
        pixels = padded(enlarged(film, height, width, frames, device), pads)
        latents = self.components.autoencoder.encode(pixels, watch.between).to(device)
        del pixels  # gigabytes at full size
        latents = (1 - start) * latents + start * self._drawn(latents.shape, generator)
        if known is not None:
            # Padding in front counts as clean too: it is the first frame, standing still.
            front = np.repeat(known[:1], pads.front, axis=0)
            clean = self.components.autoencoder.encode(to_pixels(np.concatenate((front, known)), device), watch.between)
            latents[:, :, : pads.condition] = clean
        self.components.adapters.use(REFINING, watch.between)
        asked = Sampling(
            latents,
            refine_sigmas(steps, start),
            self._text(prompt),
            condition=pads.condition,
            attend=self._attend(latents) if sparse else None,
        )
        # No frame depends on latents behind it, so the padding behind need not be decoded; what is in front must be.
        covered = latent_frames(on_grid(pads.front + frames))
        refined = sample(self.components.network, asked, watch)[:, :, :covered]
        yield from cut(self._decoded(refined, watch), pads.front, pads.front + frames)

    def _continued(self, known: Frames, take: Take, *, cached: bool) -> Iterator[Frames]:
        clean = self.components.autoencoder.encode(to_pixels(known, self.components.device), take.watch.between)
        latents = self._noise(take, known.shape[1], known.shape[2])
        latents[:, :, : clean.shape[2]] = clean
        yield from self._decoded(self._sampled(latents, clean.shape[2], take, cached=cached), take.watch)

    def _sampled(self, latents: Tensor, condition: int, take: Take, *, cached: bool = False) -> Tensor:
        manner = take.manner
        self.components.adapters.use(DISTILLED if manner.distilled else None, take.watch.between)
        asked = Sampling(
            latents,
            manner.sigmas,
            self._text(manner.negative_prompt, take.prompt) if manner.guided else self._text(take.prompt),
            guidance=manner.guidance,
            condition=condition,
            cached=cached,
            accelerated=manner.accelerated and not manner.distilled,
            batched=self.components.batched,
        )
        return sample(self.components.network, asked, take.watch)

    def _text(self, *prompts: str) -> Text:
        return self.components.prompts.encode(*prompts)

    def _noise(self, take: Take, height: int, width: int) -> Tensor:
        if take.frames % TEMPORAL != 1 or height % SIDE or width % SIDE or min(height, width) < SIDE:
            raise ValueError(
                f"{take.frames} frames of {width}x{height} can't be made: frames must be {TEMPORAL}n + 1, "
                f"sides multiples of {SIDE}"
            )
        channels = self.components.autoencoder.channels
        shape = torch.Size((1, channels, latent_frames(take.frames), height // SPATIAL, width // SPATIAL))
        return self._drawn(shape, take.generator)

    def _drawn(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float32).to(self.components.device)

    def _attend(self, latents: Tensor) -> Attend | None:
        """Attend in chunks where the token grid is made of whole ones."""
        grid = self.components.network.grid_of(latents)
        if any(side % CHUNK for side in grid):
            return None
        return sparse_on(self.components.device, self.components.network.config.sparsity)

    def _decoded(self, latents: Tensor, watch: Watch) -> Iterator[Frames]:
        return self.components.autoencoder.decode(latents, watch.between)


def cut(chunks: Iterable[Frames], start: int, stop: int) -> Iterator[Frames]:
    """Yield the frames from `start` to before `stop`; all chunks are run through, so that nothing is left half-way."""
    at = 0
    for chunk in chunks:
        part = chunk[max(0, start - at) : max(0, stop - at)]
        at += len(chunk)
        if len(part):
            yield part
