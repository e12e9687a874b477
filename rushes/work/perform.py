"""One job from input to output: the ordered list of its steps. Read this file first.

`perform` is the list; each step takes what it needs and gives what it found. Fetching inputs and encoding frames have
files of their own. A wrong input or a model's refusal leaves here as a CallerError, a cancel as engines' Cancelled;
leases, retries and what happens to the outcome are the runner's and the gateway's business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from pydantic import BaseModel

from rushes.calls import Call
from rushes.endpoint import Clip, Endpoint, Made, MediaMap, Plan, Roles, ServedBy, Stills
from rushes.engines.engine import Progress, Value
from rushes.jobs.job import Outcome
from rushes.jobs.protocol import ClaimAnswer
from rushes.work.deliver import Delivery, deliver
from rushes.work.fetch import fetch_inputs
from rushes.work.tools import Deployment, Report, Tools

PROGRESS_PARTS = 20  # many small steps are logged at every twentieth of the way


def perform(job: ClaimAnswer, tools: Tools) -> Outcome:
    """Do the job. Raises CallerError for what the caller must know, Cancelled when it is no longer wanted."""
    endpoint = tools.endpoints[job.endpoint]
    deployment = tools.deployments[job.endpoint]
    report = tools.report

    given = endpoint.input.model_validate_json(job.input)  # the door has validated it; it was stored as it came
    request, seed = choose_seed(given, endpoint.roles, job.job_id)
    media = fetch_inputs(request, job.own_files, tools.files, tools.settings, report)
    clip = make_plan(endpoint, request, media, report)
    call = endpoint.engines[deployment.kind](request, media, clip)
    served_by = announce(deployment, seed, report)

    started = tools.clock()
    delivery = generate(deployment, call, clip, tools)  # frames are encoded while they come, then stored
    inference_s = tools.clock() - started

    made = Made(files=delivery.files, seed=seed or 0, value=delivery.value)
    output = endpoint.reply(request, made)
    return Outcome(
        output=output.model_dump_json(exclude_none=True).encode(),  # absent members are left out, never null
        served_by=served_by.header(),
        units=endpoint.units(request, clip),
        inference_s=round(inference_s, 6),
        files=delivery.file_ids,
    )


def choose_seed(request: BaseModel, roles: Roles, job_id: str) -> tuple[BaseModel, int | None]:
    """Return the request with its seed filled in, and the seed; None where the endpoint knows no seed.

    A missing seed comes from the job's id, so that a job that is tried again makes the same video.
    """
    if roles.seed is None:
        return request, None
    seed = getattr(request, roles.seed)
    if seed is None or seed == -1:  # -1 is how some endpoints spell "any"
        seed = int.from_bytes(hashlib.sha256(job_id.encode()).digest()[:4], "big") >> 1  # 31 bits
        request = request.model_copy(update={roles.seed: seed})
    return request, seed


def make_plan(endpoint: Endpoint, request: BaseModel, media: MediaMap, report: Report) -> Plan | None:
    """Ask the family what is to be made; None where no media is."""
    if endpoint.clip is None:
        return None
    plan = endpoint.clip(request, media)
    report.say(describe(plan))
    return plan


def describe(plan: Plan) -> str:
    """Say in a line what is to be made."""
    if isinstance(plan, Clip):
        sound = " with sound" if plan.audio else ""
        size = f"{plan.width}x{plan.height}"
        return f"Making {size}, {plan.frames} frames at {plan.fps:g} fps ({plan.duration_s:.2f} s){sound}"
    if isinstance(plan, Stills):
        return f"Making {plan.count} pictures of {plan.width}x{plan.height}"
    return f"Making about {plan.duration_s:.1f} s of sound at {plan.sample_rate} Hz, channels: {plan.channels}"


def announce(deployment: Deployment, seed: int | None, report: Report) -> ServedBy:
    """Say who makes the result; a stand-in is a warning, so that nobody takes it for the real model."""
    maker = deployment.maker
    note = f"a stand-in: {maker.model}" if maker.stand_in else maker.model
    report.say(
        f"Served by the {maker.engine} engine ({note}, version {maker.version})", "WARN" if maker.stand_in else "INFO"
    )
    return ServedBy(maker.engine, deployment.name, maker.model, maker.version, maker.stand_in, seed)


def generate(deployment: Deployment, call: Call, clip: Plan | None, tools: Tools) -> Delivery:
    """Let the engine make it and store what comes out."""
    report = tools.report
    report.tick()
    output = deployment.engine.generate(call, progress_lines(report), report.cancelled)
    if isinstance(output, Value):
        return Delivery(value=output.value)
    return deliver(output, clip, tools.files, report)


def progress_lines(report: Report) -> Callable[[Progress], None]:
    """Return what an engine calls between steps: a sign of life each time, a log line at every part of the way.

    Sampling steps are few and slow, so each is logged; frames come by the hundred, so they are not.
    """
    told = 0

    def tell(progress: Progress) -> None:
        nonlocal told
        part = progress.done * PROGRESS_PARTS // max(progress.total, 1)
        if progress.noun != "steps" and part == told:
            report.tick()
            return
        told = part
        share = progress.done / max(progress.total, 1)
        report.say(f"{progress.done} of {progress.total} {progress.noun}", labels={"progress": f"{share:.4g}"})

    return tell
