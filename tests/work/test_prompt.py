"""Prompt expansion: our own rewriter against what the animatic engine reads, and a service on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import Field, SecretStr

from rushes.endpoint import Roles
from rushes.engines.animatic.brief import read_brief
from rushes.engines.animatic.camera import read_camera
from rushes.fields import WireModel
from rushes.settings import Settings
from rushes.work.prompt import CAMERA, enrich, expand_prompt, is_english, most_characters
from tests.work.parts import ENDPOINT, Told

PROMPTS = (
    "A fox trots along a snowy ridge at dawn",
    "the waves roll onto the beach",
    "a woman in a red dress dancing in the rain",
    'a neon sign that says "OPEN" above a bar',
    "two dogs running through a field, no people",
    "a product shot of a watch on a pedestal",
    "The camera pans left over the city",
    "a portrait of an old man with a smile",
)
DIRECTED = (
    "The camera pans left over the city",
    "a static view of a lake",
    "[Truck left, Pan right] a cat on the sofa",
    "a fox, slow zoom out, orbiting it",
    "handheld shot of a market",
    "crane up over a forest",
    "fly through a canyon",
    "we glide through a hall",
    "move closer to the statue in the square",
    "approaching a castle on the hill",
    "the view swings to the right",
)


class Asked(WireModel):
    prompt: str = Field(max_length=400)
    expand: bool | None = None


EXPANDING = replace(ENDPOINT, input=Asked, roles=Roles(expansion="expand"))


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("seed", range(6))
def test_what_is_added_changes_nothing_that_the_prompt_shows(prompt: str, seed: int) -> None:
    longer = enrich(prompt, None, seed)
    assert longer.startswith(prompt)
    assert len(longer) > len(prompt) + 20
    assert replace(read_brief(longer), framing="") == replace(read_brief(prompt), framing="")
    assert longer == enrich(prompt, None, seed)


def test_seeds_vary_the_words() -> None:
    assert len({enrich(PROMPTS[0], None, seed) for seed in range(20)}) > 4


@pytest.mark.parametrize("prompt", DIRECTED)
def test_a_camera_that_the_prompt_directs_gets_no_second_instruction(prompt: str) -> None:
    for seed in range(10):
        longer = enrich(prompt, None, seed)
        assert read_camera(longer, seed) == read_camera(prompt, seed)
        assert "Camera:" not in longer


def test_the_camera_that_is_added_is_one_that_the_engine_understands() -> None:
    for seed in range(3):
        found = [read_camera(f"A fox. Camera: {words}.", seed)[0] for words in CAMERA]
        assert [(move.kind, move.sign) for move in found] == [("dolly", 1), ("truck", 1), ("truck", -1)]


@pytest.mark.parametrize(
    "prompt", ["Un zorro camina por la nieve", "ein Fuchs im Schnee", "雪の中の狐", "лиса в снегу", "word " * 80, "?!"]
)
def test_other_languages_and_long_prompts_stay_as_they_are(prompt: str) -> None:
    assert enrich(prompt, None, 1) == prompt


def test_english_is_told_by_its_small_words() -> None:
    assert is_english("a café in the rain")
    assert not is_english("perro rojo corriendo")


def test_the_fields_own_limit_is_kept() -> None:
    assert most_characters(Asked, "prompt") == 400
    for limit in range(40, 300, 20):
        assert len(enrich(PROMPTS[0], limit, 3)) <= limit


def test_it_happens_only_where_it_is_asked_for_and_is_told() -> None:
    told = Told()
    for switch in (None, False):
        given = Asked(prompt=PROMPTS[0], expand=switch)
        assert expand_prompt(EXPANDING, given, 1, Settings(), told) is given
    assert told.lines == []
    longer = expand_prompt(EXPANDING, Asked(prompt=PROMPTS[0], expand=True), 1, Settings(), told)
    assert isinstance(longer, Asked)
    assert told.messages == [f"Expanded the prompt: {longer.prompt}"]


@dataclass
class Service:
    """An OpenAI-compatible service that answers what it is told to, and keeps what it was asked."""

    status: int = 200
    answer: Any = None
    asked: list[tuple[str, str | None, Any]] = field(default_factory=list)

    def says(self, text: str, reason: str = "stop") -> None:
        self.answer = {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": reason}]}


@contextmanager
def listening(service: Service) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            service.asked.append((self.path, self.headers["authorization"], body))
            data = json.dumps(service.answer).encode()
            self.send_response(service.status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


def expanded(url: str, told: Told, prompt: str = "un zorro") -> str:
    settings = Settings(prompt_url=url, prompt_model="small", prompt_key=SecretStr("k-123"), prompt_timeout_s=2)
    result = expand_prompt(EXPANDING, Asked(prompt=prompt, expand=True), 7, settings, told)
    assert isinstance(result, Asked)
    assert "k-123" not in " ".join(told.messages)
    return result.prompt


def test_a_service_is_asked_in_openais_form() -> None:
    service, told = Service(), Told()
    service.says('<think>hm</think>\n"Un zorro rojo, plano medio"')
    with listening(service) as url:
        assert expanded(url, told) == "Un zorro rojo, plano medio"
    [(path, key, body)] = service.asked
    assert (path, key) == ("/v1/chat/completions", "Bearer k-123")
    assert (body["model"], body["seed"]) == ("small", 7)
    assert body["messages"][-1] == {"role": "user", "content": "un zorro"}
    assert told.messages == ["Expanded the prompt: Un zorro rojo, plano medio"]


@pytest.mark.parametrize(
    ("status", "text", "reason", "why"),
    [
        (500, "x", "stop", "the service answered 500"),
        (200, "", "stop", "its answer is empty"),
        (200, "x" * 401, "stop", "its answer has 401 characters where 400 are allowed"),
        (200, "a fox and", "length", "its answer was cut short"),
        (200, None, "stop", "its answer holds no text"),
    ],
)
def test_a_service_that_fails_leaves_the_prompt_as_it_was(status: int, text: str, reason: str, why: str) -> None:
    service, told = Service(status), Told()
    service.says(text, reason)
    with listening(service) as url:
        assert expanded(url, told) == "un zorro"
    assert told.lines[0][:2] == (f"The prompt could not be expanded ({why}), so it is used as given", "WARN")


def test_an_answer_that_is_no_completion_and_a_service_that_is_away_leave_it_too() -> None:
    service, told = Service(answer=[1]), Told()
    with listening(service) as url:
        assert expanded(url, told) == "un zorro"
    assert expanded(url, told) == "un zorro"
    assert "is no chat completion" in told.messages[0]
    assert "cannot be reached: ConnectError" in told.messages[1]
