"""One of the processes that make a film together: holds all weights on its device, and has its part of the tokens.

All of them get each film's call and make the same steps; the first also decodes, and tells what comes of it. Whether to
go on is decided by the first at the end of each step, and heard by all, since a process that left alone would leave the
others waiting. So whatever else goes wrong ends the whole group, from outside. Ends with the process that started it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from rushes.calls import DiffusersCall, Lora
from rushes.engines.diffusers.decoding import chunks_of, slices_of
from rushes.engines.diffusers.device import hold_to, probe, taken_bytes
from rushes.engines.diffusers.fewsteps import few_steps
from rushes.engines.diffusers.layouts import LAYOUTS
from rushes.engines.diffusers.loading import Adapters, Pipe, load_pipe
from rushes.engines.diffusers.plan import Plan
from rushes.engines.diffusers.preview import Look
from rushes.engines.diffusers.reading import nothing_missing
from rushes.engines.diffusers.sampling import Watch, Ways, latents_of
from rushes.engines.diffusers.sharing import Sharing
from rushes.engines.diffusers.skipping import read_ratios
from rushes.engines.diffusers.texts import Texts
from rushes.engines.diffusers.tuning import be_exact, networks
from rushes.engines.diffusers.weights import Weights, WeightsProblem
from rushes.engines.engine import Cancelled, Unable
from rushes.engines.torch_faults import ran_out
from rushes.engines.trouble import unfit, weights_problem
from rushes.routing import DiffusersDeployment

BEAT_S = 0.5  # between two signs of life
LOOK_S = 1.0  # between two looks at who started us
# All are on this machine, which need have no other network.
LOOPBACK: Mapping[str, str] = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}


@dataclass(frozen=True, slots=True)
class Place:
    """Who one of the processes is: its number and how many there are, its plan, and where they find each other."""

    rank: int
    size: int
    plan: Plan
    weights: Weights
    setting: DiffusersDeployment
    meeting: Path
    parent: int
    threads: int


def run(place: Place, link: Connection) -> None:
    """Be one of them, until the link or the parent is gone."""
    threading.Thread(target=_end_with, args=(place.parent,), daemon=True).start()
    torch.set_num_threads(place.threads)
    os.environ.update(LOOPBACK)
    try:
        one = _Rank(place, link)
        link.send(("ready", one.held_bytes))
        while True:
            word, call = link.recv()
            if word == "film":
                one.film(call)
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
    except Unable as unable:
        link.send(("unable", unable.blame, unable.error, unable.remedy))
    except Exception as error:  # noqa: BLE001 - told to the process that can do something about it
        link.send(("memory" if ran_out(error) else "failed", f"{type(error).__name__}: {error}"))


class _Rank:
    def __init__(self, place: Place, link: Connection) -> None:
        self._place, self._link, self._layout = place, link, LAYOUTS[place.weights.layout]
        on_gpu = place.plan.device.startswith("cuda")
        if on_gpu:
            torch.cuda.set_device(place.plan.device)
            hold_to(probe(place.plan.device), place.setting.memory_gb)
        # A file to meet at, since a free port may be taken before it is used.
        dist.init_process_group(
            "nccl" if on_gpu else "gloo", f"file://{place.meeting}", rank=place.rank, world_size=place.size
        )
        self._words = dist.new_group(backend="gloo")  # what is agreed on must not wait for a GPU
        self._pipe = self._read()
        sharing = Sharing(place.plan.device)
        for network in networks(self._pipe):
            heads = network.config.num_attention_heads
            if heads % place.size:
                told = f"devices: the network's {heads} attention heads can't be shared among {place.size} devices"
                raise unfit("This server's settings are wrong", told)
            sharing.share(network)
        self._adapters, self._ways = Adapters(self._pipe), self._ways_of(sharing)
        self._look: Look | None = None
        self._beaten = 0.0
        self._stop = False

    def _read(self) -> Pipe:
        try:
            with nothing_missing():
                return load_pipe(self._place.weights, self._place.plan)
        except WeightsProblem as problem:
            raise weights_problem(str(problem)) from None

    @property
    def held_bytes(self) -> int:
        """What the weights take."""
        return taken_bytes(self._pipe.components.values(), torch.device(self._place.plan.device).type)

    def film(self, call: DiffusersCall) -> None:
        """Make one; a cancel is told, all else is raised."""
        place, self._stop = self._place, False
        be_exact(place.plan)
        always = tuple(Lora(source, scale) for source, scale in place.setting.loras.items())
        self._adapters.use(always + call.loras)
        watch = Watch(self._beat, lambda step, latents: self._stepped(step, call.steps, latents))
        try:
            latents, generator = latents_of(self._pipe, place.weights.layout, call, watch, self._ways)
            if place.rank == 0:
                self._decode(call, latents, generator)
        except Cancelled:
            if place.rank == 0:
                self._link.send(("cancelled",))
            return
        if place.rank == 0:
            self._link.send(("done",))

    def _decode(self, call: DiffusersCall, latents: Tensor, generator: torch.Generator) -> None:
        layout, sliced = self._place.weights.layout, self._place.setting.sliced
        slices = slices_of(self._pipe, latents, call, layout, generator, self._beat, sliced=sliced)
        for chunk in chunks_of(slices, call):
            if self._cancelled():
                raise Cancelled
            self._link.send(("chunk", chunk))

    def _beat(self) -> None:
        if self._place.rank == 0 and time.monotonic() - self._beaten > BEAT_S:
            self._beaten = time.monotonic()
            self._link.send(("beat",))

    def _stepped(self, step: int, steps: int, latents: Tensor) -> None:
        if self._place.rank == 0:
            if self._look is None:
                self._look = Look(self._pipe.vae, self._pipe._execution_device)
            self._link.send(("step", step, steps, self._look.picture(latents)))
        stop = torch.tensor([int(self._place.rank == 0 and self._cancelled())])
        dist.broadcast(stop, 0, group=self._words)
        if stop.item():
            raise Cancelled

    def _cancelled(self) -> bool:
        while not self._stop and self._link.poll():
            self._stop = self._link.recv()[0] == "cancel"
        return self._stop

    def _ways_of(self, sharing: Sharing) -> Ways:
        setting, layout = self._place.setting, self._place.weights.layout
        return Ways(
            texts=Texts(self._pipe, setting.kept_texts, self._layout.text_tokens),
            ratios=read_ratios(setting.ratios) if setting.ratios is not None else None,
            few=few_steps(setting.distilled, layout) if setting.distilled is not None else None,
            batched=setting.batched_guidance,
            parts=sharing.size,
            local=sharing.local,
        )


def _end_with(parent: int) -> None:
    """End this process when its parent is gone; it may be waiting for another that will never answer."""
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os._exit(1)
