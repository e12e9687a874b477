"""One job from input to output: the ordered list of its steps. Read this file first.

`perform` is the list; each step takes what it needs and gives what it found. Fetching inputs and encoding frames have
files of their own. A wrong input or a model's refusal leaves here as a CallerError, a cancel as engines' Cancelled;
leases, retries and what happens to the outcome are the runner's and the gateway's business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

from pydantic import BaseModel

from rushes.calls import Call, CloneCall
from rushes.endpoint import Clip, Delivery, Endpoint, Made, MediaMap, Plan, Roles, ServedBy, Stills
from rushes.engines.engine import Progress
from rushes.errors import ModelError
from rushes.jobs.job import Outcome, VoiceMade
from rushes.jobs.protocol import ClaimAnswer
from rushes.work.check import PictureCheck, check_prompt, is_checked
from rushes.work.deliver import INLINE_MAX_BYTES, Delivered, deliver
from rushes.work.fetch import fetch_inputs
from rushes.work.prompt import expand_prompt
from rushes.work.sign import Sign, Work, signing_step
from rushes.work.tools import Deployment, Report, Tools

PROGRESS_PARTS = 20  # many small steps are logged at every twentieth of the way


def perform(job: ClaimAnswer, tools: Tools) -> Outcome:
    """Do the job. Raises CallerError for what the caller must know, Cancelled when it is no longer wanted."""
    endpoint = tools.endpoints[job.endpoint]
    deployment = tools.deployments[job.endpoint]
    report = tools.report

    given = endpoint.input.model_validate_json(job.input)  # the door has validated it; it was stored as it came
    asked, seed = choose_seed(given, endpoint.roles, job.job_id)
    checked = is_checked(endpoint, asked, tools.settings)
    if checked:
        check_prompt(endpoint, prompt_of(endpoint.roles, asked))  # nothing is fetched, or told to a service, before
    media = fetch_inputs(asked, job.own_files, tools.files, tools.settings, report, endpoint.voices)
    request = expand_prompt(endpoint, asked, seed, tools.settings, report)
    forgotten = voice_to_forget(endpoint, request)
    plan = make_plan(endpoint, request, media, report)
    pictures = check_inputs(endpoint, request, media, plan, tools) if checked else None
    call, voice_id = with_voice_id(endpoint.engines[deployment.kind](request, media, plan), job.job_id)
    served_by = announce(endpoint, deployment, seed, report)

    started = tools.clock()
    delivery = endpoint.delivery(request)
    work = Work(endpoint.id, job.job_id, served_by, deployment.maker.trained, media, prompt_of(endpoint.roles, request))
    sign = signing_step(work, delivery, tools)
    delivered = generate(deployment, call, plan, delivery, tools, pictures, sign)  # encoded, signed, then stored
    inference_s = tools.clock() - started

    made = Made(
        files=delivered.files,
        seed=seed or 0,
        prompt=prompt_of(endpoint.roles, request),
        value=delivered.value,
        plan=plan,
        duration_s=delivered.duration_s,
        voice_id=voice_id,
    )
    output = endpoint.reply(request, made)
    return Outcome(
        output=output.model_dump_json(exclude_none=True).encode(),  # absent members are left out, never null
        served_by=served_by.header(),
        units=endpoint.units(asked, plan),
        inference_s=round(inference_s, 6),
        files=delivered.file_ids,
        voice=VoiceMade(voice_id, delivered.profile_id) if voice_id and delivered.profile_id else None,
        forget_voice=forgotten,
        private=not delivery.stored,
        companions=delivered.companions,
    )


def prompt_of(roles: Roles, request: BaseModel) -> str:
    """Return the prompt in use, "" where the endpoint has none or none was given."""
    return (getattr(request, roles.prompt, None) or "") if roles.prompt else ""


def voice_to_forget(endpoint: Endpoint, request: BaseModel) -> str | None:
    """Return the id of the voice that is to be deleted, None where none is; built-in ones are everybody's."""
    field = endpoint.roles.forgets_voice
    voice: str | None = getattr(request, field) if field else None
    if field and voice in endpoint.voices:
        msg = f"{voice!r} is a built-in voice and stays; only voices that were cloned can be deleted"
        raise ModelError("feature_not_supported", msg, loc=("body", field))
    return voice or None


def with_voice_id(call: Call, job_id: str) -> tuple[Call, str | None]:
    """Give a voice that is to be made its id, from the job's, so that a job tried again makes the same voice."""
    if not isinstance(call, CloneCall):
        return call, None
    voice_id = f"voice-{hashlib.sha256(job_id.encode()).hexdigest()[:12]}"
    return replace(call, voice=voice_id), voice_id


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


def announce(endpoint: Endpoint, deployment: Deployment, seed: int | None, report: Report) -> ServedBy:
    """Say who makes the result; a stand-in is a warning, so that nobody takes it for the real model."""
    maker, stand_in = deployment.maker, deployment.maker.stand_in and not endpoint.own
    note = f"a stand-in: {maker.model}" if stand_in else maker.model
    report.say(f"Served by the {maker.engine} engine ({note}, version {maker.version})", "WARN" if stand_in else "INFO")
    return ServedBy(maker.engine, deployment.name, maker.model, maker.version, stand_in, seed)


def check_inputs(
    endpoint: Endpoint, request: BaseModel, media: MediaMap, plan: Plan | None, tools: Tools
) -> PictureCheck | None:
    """Check the prompt in use and the pictures; return what looks at the result, None where nothing is to be seen."""
    check_prompt(endpoint, prompt_of(endpoint.roles, request))
    seen = any(one.kind in ("image", "video") for one in media.values())
    pictures = PictureCheck.installed(tools.settings, tools.report) if seen or isinstance(plan, Clip | Stills) else None
    if pictures is not None:
        pictures.inputs(request, media, tools.report)
    return pictures


def generate(  # noqa: PLR0917
    deployment: Deployment,
    call: Call,
    plan: Plan | None,
    delivery: Delivery,
    tools: Tools,
    pictures: PictureCheck | None = None,
    sign: Sign | None = None,
) -> Delivered:
    """Let the engine make it, and bring what comes out on its way, past the check of `pictures` if there is one."""
    report = tools.report
    report.tick()
    output = deployment.engine.generate(call, progress_lines(report), report.cancelled)
    if pictures is not None:
        output = pictures.result(output, plan, report)
    most = min(INLINE_MAX_BYTES, tools.settings.max_body_bytes)
    return deliver(output, plan, delivery, tools.files, report, inline_max_bytes=most, sign=sign)


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
