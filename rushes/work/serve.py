"""What one deployment makes of a job: it is asked in its own words, and what it gives is brought on its way.

Which deployment that is, and which comes next where it can't, is `route`'s to decide; the steps before and after stand
in `perform`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import BaseModel

from rushes.calls import Call, CloneCall, VendorCall
from rushes.endpoint import Delivery, Endpoint, MediaMap, Plan, ServedBy
from rushes.engines.engine import Chooses, FilmFile, FinishedFiles, Maker, Output, Progress, RemoteEngine
from rushes.jobs.job import Paid
from rushes.routing import ANY_ENDPOINT
from rushes.work.as_given import as_given, whole_output
from rushes.work.check import PictureCheck
from rushes.work.deliver import INLINE_MAX_BYTES, Delivered, deliver
from rushes.work.sign import Sign, Work, signing_step
from rushes.work.tools import Deployment, Report, Tools
from rushes.work.voices import check_voices

if TYPE_CHECKING:
    from rushes.work.finished import Looker

PROGRESS_PARTS = 20  # many small steps are logged at every twentieth of the way
TURN_S = 0.25  # between two signs of life while another thread's job has the engine


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made, whoever makes it."""

    job_id: str
    endpoint: Endpoint
    request: BaseModel
    media: MediaMap
    plan: Plan | None
    seed: int | None
    pictures: PictureCheck | None
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Served:
    """What came of it. `output` is there where the deployment gave the endpoint's whole output itself."""

    delivered: Delivered
    served_by: ServedBy
    voice_id: str | None = None
    prompt: str | None = None
    paid: Paid | None = None
    output: BaseModel | None = None


def serve(order: Order, tools: Tools, deployment: Deployment) -> Served:
    """Have it made by this deployment. Raises CallerError, Unable, Cancelled."""
    call, voice_id = with_voice_id(call_for(order, deployment.kind), order.job_id)
    if isinstance(deployment.engine, RemoteEngine):
        return _bought(order, tools, deployment, call, voice_id)
    check_voices(order.request, order.media)
    maker = deployment.engine.maker_of(call) if isinstance(deployment.engine, Chooses) else deployment.maker
    served_by = announce(order.endpoint, deployment.name, maker, order.seed, tools.report)
    with _turn(tools):
        delivered = generate(order, tools, deployment, call, _sign(order, tools, served_by, maker))
    return Served(delivered, served_by, voice_id)


def call_for(order: Order, kind: str) -> Call:
    """Ask the family how a kind of engine is asked; one that takes any endpoint gets the request as it came."""
    engines = order.endpoint.engines
    if kind in engines or kind != ANY_ENDPOINT:
        return engines[kind](order.request, order.media, order.plan)
    ours = next(iter(engines.values()))(order.request, order.media, order.plan)
    makes_voice = isinstance(ours, CloneCall)
    return as_given(order.endpoint, order.request, order.media, makes_voice=makes_voice)


def _bought(order: Order, tools: Tools, deployment: Deployment, call: Call, voice_id: str | None) -> Served:
    """Have it made elsewhere, and bring what came."""
    engine, errand = deployment.engine, tools.errand
    if not isinstance(engine, RemoteEngine) or errand is None:
        raise TypeError(f"{deployment.name} can't run errands here")
    receipt = engine.run_errand(call, errand)
    if receipt.prompt and receipt.prompt != order.prompt:
        tools.report.say(f"The prompt was made into: {receipt.prompt}")
    output = _unreeled(receipt.output, tools)
    seed = order.seed if receipt.seed is None else receipt.seed
    served_by = announce(order.endpoint, deployment.name, receipt.maker, seed, tools.report)
    delivered = _on_its_way(output, order, tools, _sign(order, tools, served_by, receipt.maker))
    if not isinstance(call, VendorCall):  # the operator's own machines: nobody sends a bill
        return Served(delivered, served_by, voice_id, receipt.prompt)
    paid = Paid(deployment.name, receipt.usage, receipt.cost_usd)
    whole = whole_output(order.endpoint, receipt, delivered) if call.voice is None else None
    return Served(delivered, served_by, voice_id, receipt.prompt, paid, whole)


def with_voice_id(call: Call, job_id: str) -> tuple[Call, str | None]:
    """Give a voice that is to be made its id, from the job's, so that a job tried again makes the same voice."""
    if not isinstance(call, CloneCall) and (not isinstance(call, VendorCall) or call.voice is None):
        return call, None
    voice_id = f"voice-{hashlib.sha256(job_id.encode()).hexdigest()[:12]}"
    return replace(call, voice=voice_id), voice_id


def announce(endpoint: Endpoint, deployment: str, maker: Maker, seed: int | None, report: Report) -> ServedBy:
    """Say who makes the result; a stand-in is a warning, so that nobody takes it for the real model."""
    stand_in = (maker.stand_in or endpoint.weights.get(maker.layout, False)) and not endpoint.own
    note = f"a stand-in: {maker.model}" if stand_in else maker.model
    report.say(f"Served by the {maker.engine} engine ({note}, version {maker.version})", "WARN" if stand_in else "INFO")
    return ServedBy(maker.engine, deployment, maker.model, maker.version, stand_in, seed)


def generate(order: Order, tools: Tools, deployment: Deployment, call: Call, sign: Sign | None) -> Delivered:
    """Let an engine of ours make it, and bring what comes out on its way."""
    report = tools.report
    report.tick()
    output = deployment.engine.generate(call, progress_lines(report), report.cancelled)
    return _on_its_way(_unreeled(output, tools), order, tools, sign)


def _unreeled(output: Output | FilmFile, tools: Tools) -> Output:
    """Have a film whose frames are wanted decoded."""
    if not isinstance(output, FilmFile):
        return output
    # Decoders, which a job that makes no media need not load.
    from rushes.work.unreeled import unreeled  # noqa: PLC0415

    return unreeled(output, tools.files.folder(), tools.settings, tools.report)


def _on_its_way(output: Output, order: Order, tools: Tools, sign: Sign | None) -> Delivered:
    """Encode, sign and store."""
    if order.pictures is not None:
        output = order.pictures.result(output, order.plan, tools.report)
    most = min(INLINE_MAX_BYTES, tools.settings.max_body_bytes)
    delivery = order.endpoint.delivery(order.request)
    look = _look(order, tools, delivery) if isinstance(output, FinishedFiles) and output.files else None
    return deliver(output, order.plan, delivery, tools.files, tools.report, inline_max_bytes=most, sign=sign, look=look)


def _look(order: Order, tools: Tools, delivery: Delivery) -> Looker:
    # Decoders, which a job that makes no media need not load.
    from rushes.work.finished import Looker  # noqa: PLC0415

    check = order.pictures.made if order.pictures is not None else None
    return Looker(order.plan, delivery, tools.files.folder(), tools.settings, tools.report, check)


def _sign(order: Order, tools: Tools, served_by: ServedBy, maker: Maker) -> Sign | None:
    work = Work(order.endpoint.id, order.job_id, served_by, maker.trained, order.media, order.prompt)
    return signing_step(work, order.endpoint.delivery(order.request), tools)


@contextmanager
def _turn(tools: Tools) -> Iterator[None]:
    """Have the engines of this process to oneself, where other threads use them too."""
    if tools.turn is None:
        yield
        return
    while not tools.turn.acquire(timeout=TURN_S):
        tools.report.tick()
    try:
        yield
    finally:
        tools.turn.release()


def progress_lines(report: Report) -> Callable[[Progress], None]:
    """Return what an engine calls between steps: a sign of life each time, a log line at every part of the way.

    Sampling steps are few and slow, so each is logged; frames come by the hundred, so they are not.
    """
    told = 0

    def tell(progress: Progress) -> None:
        nonlocal told
        if progress.note:
            report.say(progress.note)
        if progress.look is not None and report.wants_preview():
            # Pixel code, which a job that shows nothing need not load.
            from rushes.work.preview import show_newest  # noqa: PLC0415

            show_newest(report, progress.look())
        part = progress.done * PROGRESS_PARTS // max(progress.total, 1)
        if not progress.done or (progress.noun != "steps" and part == told):
            report.tick()
            return
        told = part
        share = progress.done / max(progress.total, 1)
        report.say(f"{progress.done} of {progress.total} {progress.noun}", labels={"progress": f"{share:.4g}"})

    return tell
