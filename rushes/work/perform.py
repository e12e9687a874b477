"""One job from input to output: the ordered list of its steps. Read this file first.

`perform` is the list; each step takes what it needs and gives what it found. Fetching inputs and encoding frames have
files of their own. A wrong input or a model's refusal leaves here as a CallerError, a cancel as engines' Cancelled;
leases, retries and what happens to the outcome are the runner's and the gateway's business.
"""

from __future__ import annotations

import hashlib
from functools import partial

from pydantic import BaseModel

from rushes.endpoint import Clip, Endpoint, Made, MediaMap, Plan, Roles, Stills
from rushes.errors import ModelError
from rushes.jobs.job import Outcome, VoiceMade
from rushes.jobs.protocol import ClaimAnswer
from rushes.work.check import PictureCheck, check_prompt, is_checked
from rushes.work.fetch import fetch_inputs
from rushes.work.given import read_request
from rushes.work.prompt import expand_prompt
from rushes.work.route import by_route
from rushes.work.serve import Order, serve
from rushes.work.tools import Report, Tools


def perform(job: ClaimAnswer, tools: Tools) -> Outcome:
    """Do the job. Raises CallerError for what the caller must know, Cancelled when it is no longer wanted."""
    endpoint = tools.endpoints[job.endpoint]
    report = tools.report

    given = read_request(endpoint.input, job.input)  # stored as it came; the door let it in
    asked, seed = choose_seed(given, endpoint.roles, job.job_id)
    checked = is_checked(endpoint, asked, tools.settings)
    if checked:
        check_prompt(endpoint, prompt_of(endpoint.roles, asked))  # nothing is fetched, or told to a service, before
    media = fetch_inputs(asked, job.own_files, tools.files, tools.settings, report, endpoint.voices)
    request = expand_prompt(endpoint, asked, seed, tools.settings, report)
    forgotten = voice_to_forget(endpoint, request)
    plan = make_plan(endpoint, request, media, report)
    pictures = check_inputs(endpoint, request, media, plan, tools) if checked else None
    prompt = prompt_of(endpoint.roles, request)
    order = Order(job.job_id, endpoint, request, media, plan, seed, pictures, prompt)

    started = tools.clock()
    # Asked for, encoded or downloaded, signed, then stored, by the first deployment of the route that can.
    done = by_route(job, endpoint, tools.routes[job.endpoint], tools.breakers, report, partial(serve, order, tools))
    inference_s = tools.clock() - started

    made = Made(
        files=done.delivered.files,
        seed=done.served_by.seed or 0,
        prompt=done.prompt or prompt,
        value=done.delivered.value,
        plan=plan,
        duration_s=done.delivered.duration_s,
        voice_id=done.voice_id,
    )
    output = done.output or endpoint.reply(request, made)
    profile_id = done.delivered.profile_id
    return Outcome(
        output=output.model_dump_json(exclude_none=True).encode(),  # absent members are left out, never null
        served_by=done.served_by.header(),
        units=endpoint.units(asked, plan),
        inference_s=round(inference_s, 6),
        files=done.delivered.file_ids,
        voice=VoiceMade(done.voice_id, profile_id) if done.voice_id and profile_id else None,
        forget_voice=forgotten,
        private=not endpoint.delivery(request).stored,
        companions=done.delivered.companions,
        paid=done.paid,
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
