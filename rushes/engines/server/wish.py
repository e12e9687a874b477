"""What any inference server is asked, whichever call it came as: size, length and sampling, on the weights' grid.

Here is also what of a call no server can do at all, and what one was started with, so that no request can change it: a
call that wants it otherwise is refused before anything is sent, since the film would not be the one that was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rushes.calls import Call, DiffusersCall, Finish, LongCatCall
from rushes.engines.engine import Unable
from rushes.errors import ModelError
from rushes.routing import ServerDeployment

MOST_SEED = 2**31 - 1  # more than some samplers take
NATIVE: Mapping[str, int] = {
    "WanPipeline": 16,
    "WanPipeline+boundary_ratio": 16,
    "WanPipeline+expand_timesteps": 32,
    "WanImageToVideoPipeline": 16,
    "WanImageToVideoPipeline+boundary_ratio": 16,
    "WanImageToVideoPipeline+expand_timesteps": 32,
}
"""Kinds of weights that all servers run, each with what both sides of its films are multiples of (patch times VAE)."""

ADAPTED: Mapping[str, int] = {"LTXImageToVideoPipeline": 32, "LTXConditionPipeline": 32}
"""Those that only servers run which can use diffusers' own pipelines."""

SIDES: Mapping[str, int] = {**NATIVE, **ADAPTED}

_NETWORK_SIDE, _NETWORK_STEP, _NETWORK_FPS = 16, 4, 15.0
"""Of the model that has a network of its own here: sides, frames (a multiple and one), the rate of its training."""

FIXED_SHIFT, FIXED_GUIDANCE = "5", "5"  # as the weights' authors publish for films of 720p


@dataclass(frozen=True, slots=True)
class Wish:
    """A film of `made` frames at `width` x `height`, all on the weights' grid, from the decoded picture or from text.

    Of it the middle `cut` (width, height) and the first `frames` are kept, then `finish` does the rest. `shift` None
    leaves the noise levels as they are. `accelerated` allows steps that change little to be skipped. `decoding` is
    what an autoencoder that is told a noise level is told. `steps` and `guidance` are those of few-step weights where
    the server runs such.
    """

    prompt: str
    negative_prompt: str
    width: int
    height: int
    cut: tuple[int, int]
    made: int
    frames: int
    fps: float
    steps: int
    guidance: float
    seed: int
    image: str | None = None
    shift: float | None = None
    accelerated: bool = False
    decoding: Mapping[str, float] | None = None
    finish: Finish | None = None
    ignored: tuple[str, ...] = ()

    @property
    def size(self) -> str:
        """The size as most servers write it."""
        return f"{self.width}x{self.height}"


def wish_of(call: Call, setting: ServerDeployment, fixed: frozenset[str]) -> Wish:
    """Return what is wished; `fixed` are the names of options that no request can change.

    Raises Unable for what this server can't do.
    """
    match call:
        case DiffusersCall():
            wish = _of_weights(call, setting)
        case LongCatCall():
            wish = _of_network(call, setting)
        case _:
            raise TypeError(f"an inference server takes calls of open weights, not {type(call).__name__}")
    return _as_started(_few_steps(wish, setting), setting, fixed)


def _of_weights(call: DiffusersCall, setting: ServerDeployment) -> Wish:
    if call.last_image is not None:
        raise unable("a last frame")
    if call.loras:  # SGLang's switch for them, for one, holds for all of its jobs
        raise unable("LoRAs of a request; it has those that it was started with")
    side = SIDES[setting.weights or ""]  # `deployed` takes no deployment with other weights
    decoding = {"decode_timestep": call.decode_timestep} if call.decode_timestep else {}
    if call.decode_noise is not None:
        decoding["decode_noise_scale"] = call.decode_noise
    return Wish(
        prompt=call.prompt,
        negative_prompt=call.negative_prompt,
        width=_up(call.width, side),
        height=_up(call.height, side),
        cut=(call.width, call.height),
        made=call.made,
        frames=call.frames,
        fps=call.fps,
        steps=call.steps,
        guidance=float(call.guidance),
        seed=call.seed % (MOST_SEED + 1),  # the one that is used is told in the receipt, if it is another
        image=call.image,
        shift=None if call.shift is None else float(call.shift),
        accelerated=call.acceleration == "regular",
        decoding=decoding or None,
        finish=call.finish,
    )


def _of_network(call: LongCatCall, setting: ServerDeployment) -> Wish:
    """Ask for the whole film in one pass: a server has no request for continuing one."""
    if call.refine is not None:
        raise unable("the second pass that this size of film needs")
    if call.distilled != (setting.options.get("distilled", "no") == "yes"):
        other = "the distilled weights" if call.distilled else "the full weights: it was started with distilled ones"
        raise unable(other)
    return Wish(
        prompt=call.prompt,
        negative_prompt=call.negative_prompt,
        width=_up(call.width, _NETWORK_SIDE),
        height=_up(call.height, _NETWORK_SIDE),
        cut=(call.width, call.height),
        made=-(-(call.frames - 1) // _NETWORK_STEP) * _NETWORK_STEP + 1,
        frames=call.frames,
        fps=_NETWORK_FPS,
        steps=call.steps,
        guidance=float(call.guidance),
        seed=call.seed % (MOST_SEED + 1),
        image=call.image,
        accelerated=call.accelerated,
    )


def _few_steps(wish: Wish, setting: ServerDeployment) -> Wish:
    """Take the step count of few-step weights, which know no other and no guidance."""
    given = setting.options.get("steps")
    if given is None:
        return wish
    ignored = f"steps and guidance (the server's weights take {given} steps, without guidance)"
    return replace(wish, steps=int(given), guidance=1.0, ignored=(*wish.ignored, ignored))


def _as_started(wish: Wish, setting: ServerDeployment, fixed: frozenset[str]) -> Wish:
    """Hold what can't be asked for against what the server was started with."""
    ignored = wish.ignored
    if "shift" in fixed and wish.shift is not None:
        _held("noise shift", wish.shift, float(setting.options.get("shift", FIXED_SHIFT)))
        wish = replace(wish, shift=None)
    if "guidance" in fixed and "steps" not in setting.options:
        _held("guidance", wish.guidance, float(setting.options.get("guidance", FIXED_GUIDANCE)))
    caches = setting.options.get("caching", "no") == "yes"
    # Skipped steps change the film: who didn't allow them gets it from another deployment.
    if caches and not wish.accelerated:
        raise unable("films without skipped steps: it was started with caching on")
    by_request = "caching" not in fixed and setting.network is None and not caches
    if wish.accelerated and not caches and not by_request:
        ignored = (*ignored, "acceleration (the server was started without it)")
    return replace(wish, accelerated=wish.accelerated and by_request, ignored=ignored)


def _held(what: str, asked: float, started: float) -> None:
    if asked != started:
        raise unable(f"a {what} of {asked:g}: it was started with {started:g}, which no request changes")


def unable(what: str) -> Unable:
    """Something that this server can't do, though another deployment may."""
    msg = f"The server behind this endpoint can't do {what}"
    remedy = f"{msg}; set options to what it was started with, or route such requests to another deployment"
    return Unable("here", ModelError("feature_not_supported", msg), remedy)


def _up(value: int, step: int) -> int:
    return -(-value // step) * step
