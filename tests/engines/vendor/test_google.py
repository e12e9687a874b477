"""Google: what Veo is asked by either platform, what operations and errors mean, and that none is paid twice."""

import base64
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rushes.calls import VendorCall
from rushes.engines.engine import Cancelled, FinishedFiles, Unable
from rushes.engines.vendor.contract import Account, Content, Done, Link, Response, Trouble, Waiting
from rushes.engines.vendor.vendors import google
from rushes.errors import ModelError
from tests.engines.vendor.rehearsal import Rehearsal, Trip, call_for, picture, rehearsing, run

VEO_2, VEO_3 = "veo-2.0-generate-001", "veo-3.1-generate-preview"
STILL_THERE = {VEO_2: VEO_2}
SUCCESSOR = {VEO_2: VEO_3}
PROJECT = {"project": "my-project", "location": "europe-west4"}
KEY = "rehearsal-key"
WIDE = {"sampleCount": 1, "durationSeconds": 5, "aspectRatio": "16:9", "personGeneration": "allow_adult"}
GEMINI = Account(KEY, google.URL)
TICKET = json.dumps({"name": f"models/{VEO_2}/operations/ab12", "seconds": 6})


@pytest.fixture(scope="module")
def shared() -> Iterator[Rehearsal]:
    with rehearsing("google", models=STILL_THERE) as one:
        yield one


@pytest.fixture
def rehearsal(shared: Rehearsal) -> Rehearsal:
    shared.fake.plan = type(shared.fake.plan)()
    shared.fake.seen.clear()
    shared.fake.tasks.clear()
    shared.engine._setup.keys.revive(KEY)
    return shared


def call(folder: Path, prompt: str = "a boat", size: tuple[int, int] = (640, 480), **more: Any) -> VendorCall:
    media = {"image_url": picture(folder, *size)}
    body = {"prompt": prompt, "image_url": "https://example.com/a.png", **more}
    return call_for("fal-ai/veo2/image-to-video", "google", body, media)


def shown(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body with the picture as its stated type, form and size."""
    (instance,) = body["instances"]
    image = dict(instance["image"])
    with Image.open(io.BytesIO(base64.b64decode(image.pop("bytesBase64Encoded"), validate=True))) as found:
        image |= {"form": found.format, "size": found.size}
    return {**body, "instances": [{**instance, "image": image}]}


def submitted(rehearsal: Rehearsal) -> list[Any]:
    return [one for one in rehearsal.fake.seen if one.path.endswith(":predictLongRunning")]


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, headers or {}, json.dumps(body).encode())


def refusal(code: str, message: str = "why", status: int = 400, **detail: Any) -> Response:
    return answer({"error": {"code": status, "message": message, "status": code, "details": [detail]}}, status)


# What is sent


def test_a_picture_is_sent_as_the_reference_says(rehearsal: Rehearsal, tmp_path: Path) -> None:
    found = run(rehearsal, call(tmp_path), Trip(tmp_path))
    (post,) = submitted(rehearsal)
    assert post.path == f"/v1beta/models/{VEO_2}:predictLongRunning"
    assert post.headers["x-goog-api-key"] == KEY
    image = {"mimeType": "image/jpeg", "form": "JPEG", "size": (640, 360)}
    assert shown(post.body) == {"instances": [{"prompt": "a boat", "image": image}], "parameters": WIDE}
    assert isinstance(found.output, FinishedFiles)
    assert Path(found.output.files[0].path).read_bytes()[4:8] == b"ftyp"
    assert (found.usage, found.seed) == ({"seconds": 5.0, "videos": 1.0}, None)
    assert (found.maker.model, found.maker.stand_in) == (VEO_2, False)


@pytest.mark.parametrize(
    ("size", "aspect", "sent"),
    [
        ((640, 480), "auto", ("16:9", (640, 360))),
        ((480, 640), "auto", ("9:16", (360, 640))),
        ((500, 500), "auto", ("16:9", (500, 281))),
        ((600, 500), "auto_prefer_portrait", ("9:16", (281, 500))),
        ((640, 480), "auto_prefer_portrait", ("16:9", (640, 360))),
        ((640, 480), "9:16", ("9:16", (270, 480))),
        ((64, 1280), "auto", ("9:16", (64, 114))),
        ((5000, 100), "16:9", ("16:9", (178, 100))),
        ((4800, 2700), "16:9", ("16:9", (3840, 2160))),
    ],
)
def test_the_picture_is_cropped_to_the_shape(
    rehearsal: Rehearsal, tmp_path: Path, size: tuple[int, int], aspect: str, sent: tuple[str, tuple[int, int]]
) -> None:
    run(rehearsal, call(tmp_path, size=size, aspect_ratio=aspect), Trip(tmp_path))
    body = shown(submitted(rehearsal)[0].body)
    assert (body["parameters"]["aspectRatio"], body["instances"][0]["image"]["size"]) == sent


@pytest.mark.parametrize("seconds", [5, 6, 7, 8])
def test_the_length_is_a_whole_number(rehearsal: Rehearsal, tmp_path: Path, seconds: int) -> None:
    found = run(rehearsal, call(tmp_path, duration=f"{seconds}s"), Trip(tmp_path))
    assert submitted(rehearsal)[0].body["parameters"] == {**WIDE, "durationSeconds": seconds}
    assert found.usage["seconds"] == seconds


@pytest.mark.parametrize(("seconds", "asked"), [(5, 6), (6, 6), (7, 8), (8, 8)])
def test_a_successor_makes_the_next_longer_film_and_is_told_of(tmp_path: Path, seconds: int, asked: int) -> None:
    prices = {f"{VEO_3}:seconds": 0.4}
    with rehearsing("google", models=SUCCESSOR, prices=prices) as rehearsal:
        found = run(rehearsal, call(tmp_path, duration=f"{seconds}s"), Trip(tmp_path))
        (post,) = submitted(rehearsal)
    assert post.path == f"/v1beta/models/{VEO_3}:predictLongRunning"
    assert post.body["parameters"] == {**WIDE, "durationSeconds": asked}
    assert (found.maker.model, found.maker.stand_in) == (VEO_3, True)
    assert found.usage["seconds"] == asked
    assert found.cost_usd == pytest.approx(0.4 * asked)


def test_a_retired_model_is_asked_for_only_where_settings_name_it(tmp_path: Path) -> None:
    with rehearsing("google") as rehearsal:
        with pytest.raises(Unable) as unable:
            run(rehearsal, call(tmp_path), Trip(tmp_path))
        assert not rehearsal.fake.seen
    assert unable.value.blame == "retired"
    assert "models" in unable.value.remedy


def test_vertex_takes_a_token_and_answers_with_the_film(tmp_path: Path) -> None:
    with rehearsing("google", models=STILL_THERE, options=PROJECT) as rehearsal:
        found = run(rehearsal, call(tmp_path), Trip(tmp_path))
        post, look = submitted(rehearsal)[0], rehearsal.fake.seen[-1]
    place = f"/v1/projects/my-project/locations/europe-west4/publishers/google/models/{VEO_2}"
    assert post.path == f"{place}:predictLongRunning"
    assert shown(post.body)["parameters"] == WIDE
    assert post.headers["authorization"] == f"Bearer {KEY}"
    assert "x-goog-api-key" not in post.headers
    assert (look.method, look.path, list(look.body)) == ("POST", f"{place}:fetchPredictOperation", ["operationName"])
    assert look.body["operationName"].startswith(f"{place.removeprefix('/v1/')}/operations/")
    assert isinstance(found.output, FinishedFiles)
    assert found.output.files[0].content_type == "video/mp4"


def test_vertex_without_a_project_takes_an_api_key(tmp_path: Path) -> None:
    with rehearsing("google", models=STILL_THERE, options={"platform": "vertex"}) as rehearsal:
        run(rehearsal, call(tmp_path), Trip(tmp_path))
        (post,) = submitted(rehearsal)
    assert post.path == f"/v1/publishers/google/models/{VEO_2}:predictLongRunning"
    assert (post.headers["x-goog-api-key"], "authorization" in post.headers) == (KEY, False)


@pytest.mark.parametrize(("word", "sound"), [(None, False), ("off", False), ("on", True)])
def test_vertex_is_told_whether_a_successor_sounds(tmp_path: Path, word: str | None, sound: bool) -> None:
    options = {**PROJECT, "person_generation": "dont_allow", **({"sound": word} if word else {})}
    with rehearsing("google", models=SUCCESSOR, options=options) as rehearsal:
        run(rehearsal, call(tmp_path, duration="8s"), Trip(tmp_path))
        parameters = submitted(rehearsal)[0].body["parameters"]
    wanted = {"durationSeconds": 8, "personGeneration": "dont_allow", "generateAudio": sound}
    assert parameters == {**WIDE, **wanted}


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({}, "https://generativelanguage.googleapis.com/v1beta"),
        ({"platform": "vertex"}, "https://aiplatform.googleapis.com/v1/publishers/google"),
        (
            {"project": "p"},
            "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1/publishers/google",
        ),
        (
            {"project": "p", "location": "global", "platform": "vertex"},
            "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google",
        ),
    ],
)
def test_each_platform_has_its_address(options: Mapping[str, str], place: str) -> None:
    name = f"projects/p/locations/l/publishers/google/models/{VEO_2}/operations/7"
    url = google.poll(Account("k", google.URL, options), json.dumps({"name": name, "seconds": 5})).url
    assert url.startswith(f"{place}/")


@pytest.mark.parametrize(
    "options",
    [
        {"platform": "vortex"},
        {"platform": "gemini", "project": "p"},
        {"project": "../p"},
        {"project": "p", "location": "a/b"},
        {"person_generation": "all"},
    ],
)
def test_a_wrong_option_is_the_operators_to_mend(tmp_path: Path, options: dict[str, str]) -> None:
    with rehearsing("google", models=STILL_THERE, options=options) as rehearsal:
        with pytest.raises(Unable) as unable:
            run(rehearsal, call(tmp_path), Trip(tmp_path))
        assert not rehearsal.fake.seen
    assert unable.value.blame == "here"
    assert "option" in unable.value.remedy or "platform" in unable.value.remedy


def test_a_picture_needs_no_words(rehearsal: Rehearsal, tmp_path: Path) -> None:
    run(rehearsal, call(tmp_path, ""), Trip(tmp_path))
    assert submitted(rehearsal)[0].body["instances"][0]["prompt"] == ""


def test_a_tiny_picture_is_sent_as_it_is(rehearsal: Rehearsal, tmp_path: Path) -> None:
    run(rehearsal, call(tmp_path, size=(2, 1)), Trip(tmp_path))
    assert shown(submitted(rehearsal)[0].body)["instances"][0]["image"]["size"] == (2, 1)


# What comes back


def test_an_operation_is_waited_for_and_its_film_read() -> None:
    name = f"models/{VEO_2}/operations/ab12"
    assert google.read(GEMINI, TICKET, answer({"name": name})) == Waiting("not done")
    assert google.read(GEMINI, TICKET, answer({"name": name, "done": False})) == Waiting("not done")
    uri = "https://generativelanguage.googleapis.com/v1beta/files/x1:download?alt=media"
    made = {"generateVideoResponse": {"generatedSamples": [{"video": {"uri": uri}}]}}
    found = google.read(GEMINI, TICKET, answer({"name": name, "done": True, "response": made}))
    assert found == Done((Link(uri, {"x-goog-api-key": KEY}),), {"seconds": 6.0, "videos": 1.0})
    proxied = google.read(Account(KEY, "https://p.example"), TICKET, answer({"done": True, "response": made}))
    assert isinstance(proxied, Done)
    assert proxied.results == (Link("https://p.example/v1beta/files/x1:download?alt=media", {"x-goog-api-key": KEY}),)
    raw = {"videos": [{"bytesBase64Encoded": "AAEC", "mimeType": "video/mp4"}]}
    told = google.read(GEMINI, TICKET, answer({"done": True, "response": raw}))
    assert isinstance(told, Done)
    assert told.results == (Content(b"\0\1\2", "video/mp4"),)


@pytest.mark.parametrize(
    ("end", "kind", "code", "words"),
    [
        ({"error": {"code": 13, "message": "why"}}, "server", "INTERNAL", "why"),
        ({"error": {"code": 14, "message": "why"}}, "server", "UNAVAILABLE", "why"),
        ({"error": {"code": 8, "message": "why"}}, "server", "RESOURCE_EXHAUSTED", "why"),
        ({"error": {"code": 1, "message": "why"}}, "server", "CANCELLED", "why"),
        ({"error": {"code": 3, "message": "why"}}, "invalid", "INVALID_ARGUMENT", "why"),
        ({"error": {"code": 3, "message": "Support codes: 1"}}, "moderated", "INVALID_ARGUMENT", "Support"),
        ({"error": {"code": 7, "message": "why"}}, "access", "PERMISSION_DENIED", "why"),
        ({"error": {"code": 99, "message": "why"}}, "unknown", "99", "why"),
        ({"response": {"raiMediaFilteredCount": 1}}, "moderated", None, "no reason"),
        ({"response": {"raiMediaFilteredReasons": ["a", "b"]}}, "moderated", None, "a b"),
        ({"response": {"generateVideoResponse": {"raiMediaFilteredCount": 1}}}, "moderated", None, "no reason"),
        ({"response": {"videos": [{"gcsUri": "gs://b/o.mp4"}]}}, "here", "gcsUri", "gs://b/o.mp4"),
        ({"response": {"whatever": []}}, "unknown", "done", "whatever"),
        ({}, "unknown", "done", "no film"),
    ],
)
def test_every_other_end_is_trouble(end: dict[str, Any], kind: str, code: str | None, words: str) -> None:
    with pytest.raises(Trouble) as trouble:
        google.read(GEMINI, TICKET, answer({"name": "n", "done": True, **end}))
    assert (trouble.value.kind, trouble.value.code) == (kind, code)
    assert words in trouble.value.text


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (refusal("INVALID_ARGUMENT", reason="API_KEY_INVALID"), "key"),
        (refusal("INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), "key"),
        (refusal("INVALID_ARGUMENT", "API key expired"), "key"),
        (refusal("UNAUTHENTICATED", status=401), "key"),
        (refusal("PERMISSION_DENIED", "Method doesn't allow unregistered callers", 403), "key"),
        (refusal("PERMISSION_DENIED", status=403), "access"),
        (refusal("PERMISSION_DENIED", status=403, reason="SERVICE_DISABLED"), "access"),
        (refusal("PERMISSION_DENIED", status=403, reason="BILLING_DISABLED"), "balance"),
        (refusal("FAILED_PRECONDITION", "Please enable billing on your project"), "balance"),
        (refusal("FAILED_PRECONDITION", "User location is not supported for the API use."), "access"),
        (refusal("NOT_FOUND", status=404), "retired"),
        (refusal("RESOURCE_EXHAUSTED", status=429), "busy"),
        (refusal("RESOURCE_EXHAUSTED", status=429, violations=[{"quotaId": "VeoPerDayPerProject"}]), "balance"),
        (refusal("RESOURCE_EXHAUSTED", status=429, violations=[{"quotaId": "VeoPerMinute"}]), "busy"),
        (refusal("INTERNAL", status=500), "server"),
        (refusal("UNAVAILABLE", status=503), "server"),
        (refusal("SOMETHING_NEW", status=400), "unknown"),
        (refusal("INVALID_ARGUMENT", "violates Google's Responsible AI practices"), "moderated"),
        (refusal("INVALID_ARGUMENT", "allow_all for personGeneration is not supported"), "access"),
        (Response(404, {}, b"<title>Error 404"), "access"),
        (Response(502, {}, b"<html>"), "server"),
        (Response(418, {}, b""), "unknown"),
        (answer({"nothingKnown": 1}), "unknown"),
        (answer({"name": "../../v1/x/operations/y"}), "unknown"),
    ],
)
def test_every_refusal_has_its_meaning_at_a_submit(tmp_path: Path, response: Response, kind: str) -> None:
    with pytest.raises(Trouble) as trouble:
        google.accepted(call(tmp_path), response)
    assert trouble.value.kind == kind


@pytest.mark.parametrize(
    ("words", "loc"),
    [
        ("`durationSeconds` is out of bound.", ("body", "duration")),
        ("Unable to process input image at 'instances[0].image': broken", ("body", "image_url")),
        ("Invalid value at 'instances[0].prompt': too long", ("body", "prompt")),
        ("`aspectRatio` does not support `1:1`", ("body", "aspect_ratio")),
        ("something is wrong", ("body",)),
    ],
)
def test_a_refusal_is_told_at_our_own_field(tmp_path: Path, words: str, loc: tuple[str, ...]) -> None:
    wanted = call(tmp_path)
    with pytest.raises(Trouble) as trouble:
        google.accepted(wanted, refusal("INVALID_ARGUMENT", words))
    member = trouble.value.member
    assert (wanted.fields.get(member, ("body", member)) if member else ("body",)) == loc


@pytest.mark.parametrize(
    ("headers", "detail", "seconds"),
    [({"retry-after": "7"}, {}, 7.0), ({}, {"retryDelay": "34.5s"}, 34.5), ({"retry-after": "tomorrow"}, {}, None)],
)
def test_the_wait_that_is_asked_for_is_read_from_either_place(
    tmp_path: Path, headers: dict[str, str], detail: dict[str, str], seconds: float | None
) -> None:
    response = refusal("RESOURCE_EXHAUSTED", status=429, **detail)
    with pytest.raises(Trouble) as trouble:
        google.accepted(call(tmp_path), Response(429, headers, response.body))
    assert trouble.value.retry_after_s == seconds


# The whole way


@pytest.mark.parametrize("platform", ["gemini", "vertex"])
@pytest.mark.parametrize(
    ("fault", "type_", "loc"),
    [
        ("invalid", "value_error", ("body", "duration")),
        ("moderated", "content_policy_violation", ("body",)),
        ("end_moderated", "content_policy_violation", ("body",)),
    ],
)
def test_what_the_caller_can_mend_is_a_refusal(
    tmp_path: Path, platform: str, fault: str, type_: str, loc: tuple[str, ...]
) -> None:
    with (
        rehearsing("google", models=STILL_THERE, options={"platform": platform}) as rehearsal,
        pytest.raises(ModelError) as error,
    ):
        run(rehearsal, call(tmp_path, f"a boat fake:{fault}"), Trip(tmp_path))
    problem = error.value.problems[0]
    assert (problem.type, problem.loc) == (type_, loc)
    assert "Support codes" in problem.msg or type_ == "value_error"


@pytest.mark.parametrize("options", [{}, {"platform": "vertex"}, PROJECT])
@pytest.mark.parametrize(
    ("fault", "blame"),
    [
        ("key", "key"),
        ("balance", "balance"),
        ("unknown", "lost"),
        ("hang_up", "lost"),
        ("end_failed", "server"),
        ("end_cancelled", "server"),
        ("end_unknown", "unknown"),
        ("end_lost", "gone"),
        ("poll_key", "key"),
        ("poll_unknown", "unknown"),
    ],
)
def test_what_is_no_fault_of_the_request_is_told_without_secrets(
    tmp_path: Path, options: dict[str, str], fault: str, blame: str
) -> None:
    trip = Trip(tmp_path)
    with rehearsing("google", models=STILL_THERE, options=options) as rehearsal:
        with pytest.raises(Unable) as unable:
            run(rehearsal, call(tmp_path, f"a boat fake:{fault}"), trip)
        assert len(submitted(rehearsal)) == 1
    assert unable.value.blame == blame
    assert KEY not in str(unable.value.error.failure().body) + unable.value.remedy + str(trip.lines + trip.notes)


@pytest.mark.parametrize("fault", ["rate", "server_error"])
def test_a_vendor_that_takes_nothing_now_is_waited_for(rehearsal: Rehearsal, tmp_path: Path, fault: Any) -> None:
    rehearsal.fake.plan.submits.extend([fault, fault])
    rehearsal.fake.plan.polls.extend([fault])
    run(rehearsal, call(tmp_path), Trip(tmp_path))
    assert (len(submitted(rehearsal)), len(rehearsal.fake.tasks)) == (3, 1)


@pytest.mark.parametrize("end", ["end_link_expired", "end_link_broken"])
def test_a_film_that_can_no_longer_be_fetched_is_gone(rehearsal: Rehearsal, tmp_path: Path, end: str) -> None:
    with pytest.raises(Unable) as unable:
        run(rehearsal, call(tmp_path, f"a boat fake:{end}"), Trip(tmp_path))
    assert unable.value.blame == "gone"
    assert unable.value.taken
    assert len(rehearsal.fake.tasks) == 1


def test_a_note_with_a_ticket_goes_on_with_the_operation(rehearsal: Rehearsal, tmp_path: Path) -> None:
    first = Trip(tmp_path)
    run(rehearsal, call(tmp_path, duration="7s"), first)
    found = run(rehearsal, call(tmp_path, duration="7s"), Trip(tmp_path, saved=first.notes[-1]))
    assert (len(submitted(rehearsal)), found.usage["seconds"]) == (1, 7.0)


def test_a_note_without_a_ticket_is_never_sent_again(rehearsal: Rehearsal, tmp_path: Path) -> None:
    first = Trip(tmp_path)
    run(rehearsal, call(tmp_path), first)
    before = next(note for note in first.notes if json.loads(note)["ticket"] is None)
    with pytest.raises(Unable) as unable:
        run(rehearsal, call(tmp_path), Trip(tmp_path, saved=before))
    assert (unable.value.blame, len(rehearsal.fake.tasks)) == ("lost", 1)


def test_a_cancel_ends_the_waiting_without_a_word_to_the_vendor(rehearsal: Rehearsal, tmp_path: Path) -> None:
    trip = Trip(tmp_path, cancel_when=lambda: any(one.looks for one in rehearsal.fake.tasks.values()))
    with pytest.raises(Cancelled):
        run(rehearsal, call(tmp_path), trip)
    assert {one.path.partition("?")[0].rpartition("/")[0] for one in rehearsal.fake.seen} == {
        "/v1beta/models",
        f"/v1beta/models/{VEO_2}/operations",
    }


def test_a_dead_key_gives_way_to_another(tmp_path: Path) -> None:
    with rehearsing("google", models=STILL_THERE, key=None, keys=["dead-key", KEY]) as rehearsal:
        run(rehearsal, call(tmp_path), Trip(tmp_path))
        run(rehearsal, call(tmp_path), Trip(tmp_path))
        keys = [one.headers["x-goog-api-key"] for one in submitted(rehearsal)]
    assert keys == ["dead-key", KEY, KEY]


def test_the_key_goes_to_googles_own_address_only(rehearsal: Rehearsal, tmp_path: Path) -> None:
    run(rehearsal, call(tmp_path), Trip(tmp_path))
    fetched = [one for one in rehearsal.fake.seen if "/files/" in one.path]
    assert [one.headers["x-goog-api-key"] for one in fetched] == [KEY]
