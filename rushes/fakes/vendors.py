"""All pretended vendors behind one address, each at its own mount, and what has to be said to whoever uses them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from rushes.fakes import ark, dashscope, decart, fal, google, kling, luma, minimax, pixverse, servers
from rushes.fakes.control import controlled
from rushes.fakes.fake import Fake


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor: what it is called at length, what makes its application, and the key that it lets in."""

    title: str
    app: Callable[[Fake], Starlette]
    key: str = field(default="rehearsal-key", repr=False)


VENDORS: Mapping[str, Vendor] = {
    "google": Vendor("Google (Veo)", google.app),
    "dashscope": Vendor("Alibaba Model Studio (Wan)", dashscope.app),
    "kling": Vendor("Kling", kling.app, key="rehearsal-access:rehearsal-secret"),
    "ark": Vendor("BytePlus and Volcengine Ark (Seedance)", ark.app),
    "minimax": Vendor("MiniMax (Hailuo, Speech, Image)", minimax.app),
    "pixverse": Vendor("PixVerse", pixverse.app),
    "luma": Vendor("Luma", luma.app),
    "decart": Vendor("Decart (Lucy)", decart.app),
    "fal": Vendor("fal, for any endpoint", fal.app, key="rehearsal-id:rehearsal-secret"),
}
"""By the name that a deployment's `vendor` says."""

SERVERS: Mapping[str, Vendor] = {
    "fastvideo": Vendor("FastVideo", servers.fastvideo, key=""),
    "sglang": Vendor("SGLang Diffusion", servers.sglang, key=""),
    "vllm-omni": Vendor("vLLM-Omni", servers.vllm_omni, key=""),
    "lightx2v": Vendor("LightX2V", servers.lightx2v, key=""),
}
"""Inference servers, by the name that a deployment's `dialect` says; they need no key."""

EVERY: Mapping[str, Vendor] = {**VENDORS, **SERVERS}

WORDS: Mapping[str, str] = {
    "fake:key": "the key is refused",
    "fake:balance": "the account is empty",
    "fake:rate": "too many requests",
    "fake:concurrency": "too many tasks at once",
    "fake:invalid": "a parameter is refused",
    "fake:moderated": "the prompt or picture is refused by moderation",
    "fake:server_error": "an error of the vendor's own",
    "fake:hang_up": "the connection ends without an answer",
    "fake:unknown": "an answer of words that no documentation has",
    "fake:poll_NAME": "one of these at the next look at the task instead; several go in order",
    "fake:looks=N": "the task ends after N looks at it, not after 2",
    "fake:end_failed": "the task ends by an error",
    "fake:end_moderated": "what came out is refused by moderation",
    "fake:end_unknown": "the task ends with a status word that nobody knows",
    "fake:end_link_expired": "the result's link has expired",
    "fake:end_link_broken": "the result breaks off halfway",
    "fake:end_cancelled": "the task is cancelled at the vendor",
    "fake:end_expired": "the task waited too long, where the vendor has a word for it",
    "fake:end_lost": "the vendor has forgotten the task",
    "fake:end_oom": "the task ends out of memory, at an inference server",
}
"""What a prompt may hold, and what it makes happen."""


def together(names: Sequence[str] = ()) -> tuple[Starlette, dict[str, Fake]]:
    """Return one application with each named vendor (all by default) at `/NAME`, and their memories.

    Each has `/NAME/_fake/...`, see `control`. An unknown name is a ValueError that lists the known ones.
    """
    chosen = list(names) or list(EVERY)
    if unknown := [name for name in chosen if name not in EVERY]:
        raise ValueError(f"no pretended vendor is called {', '.join(unknown)}; there are {', '.join(EVERY)}")
    fakes = {name: Fake(key=EVERY[name].key) for name in chosen}

    async def index(request: Request) -> Response:
        return JSONResponse({"vendors": {name: f"/{name}" for name in fakes}, "words": dict(WORDS)})

    routes: list[BaseRoute] = [Route("/", index)]
    routes += [Mount(f"/{name}", controlled(EVERY[name].app(fake), fake)) for name, fake in fakes.items()]
    return Starlette(routes=routes), fakes


def settings_for(url: str, names: Sequence[str]) -> str:
    """Return the lines of `rushes.toml` that point a deployment at each of the vendors at `url`."""
    return "\n".join(_table(url, name) for name in names)


def _table(url: str, name: str) -> str:
    where = f'url = "{url}/{name}"\n'
    if name in SERVERS:
        what = f'model = "{servers.MODEL}"\nweights = "WanImageToVideoPipeline"\n'
        return f'[deployments.{name}]\nengine = "server"\ndialect = "{name}"\n{where}{what}'
    return f'[deployments.{name}]\nengine = "vendor"\nvendor = "{name}"\nkey = "{VENDORS[name].key}"\n{where}'
