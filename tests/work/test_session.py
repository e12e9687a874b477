"""A session's inputs with a tiny engine: what is kept, what is fetched again, what is refused."""

from __future__ import annotations

import base64
import io
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rushes.calls import Call, ViewCall
from rushes.endpoint import Endpoint
from rushes.engines.engine import Maker, Output, Pictures, Value
from rushes.errors import ModelError
from rushes.families.camera import ENDPOINTS
from rushes.settings import Settings
from rushes.work.given import checked
from rushes.work.session import SessionWork, with_addresses
from rushes.work.tools import Deployment, Files, Tools
from tests.work.parts import Told

(CAMERA,) = ENDPOINTS


@dataclass
class Painter:
    """An engine that remembers its calls and paints each picture in one colour."""

    calls: list[Call] = field(default_factory=list)
    output: Output | None = None

    def load(self) -> Maker:
        return Maker("painter", "painter", "1", stand_in=True)

    def generate(self, call: Call, progress: Any, cancelled: Any) -> Output:
        assert isinstance(call, ViewCall)
        self.calls.append(call)
        return self.output or Pictures(iter([np.full((call.height, call.width, 3), 99, np.uint8)]))

    def unload(self) -> None:
        pass


def picture(colour: int) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (32, 18), (colour, 0, 0)).save(made, "PNG")
    return made.getvalue()


def uri(colour: int) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture(colour)).decode()}"


@pytest.fixture
def engine() -> Painter:
    return Painter()


@pytest.fixture
def session(engine: Painter, tmp_path: Path) -> SessionWork:
    return session_of(CAMERA, engine, tmp_path)


def session_of(endpoint: Endpoint, engine: Painter, folder: Path) -> SessionWork:
    deployment = Deployment("animatic", "animatic", engine, engine.load())
    files = Files(get=lambda *_: "", put=lambda *_: None, folder=lambda: folder)  # type: ignore[arg-type, return-value]
    clock = iter(range(1000))
    tools = Tools({}, {}, files, Settings(), Told(), lambda: float(next(clock)))
    assert endpoint.realtime is not None
    return SessionWork(endpoint, endpoint.realtime, deployment, tools, threading.Lock())


def test_a_frame_is_an_encoded_picture_of_the_size_asked_for(session: SessionWork) -> None:
    (image,) = session.answer({"image_url": uri(1), "width": 64, "height": 66}, {})["images"]
    assert (image["content_type"], image["width"], image["height"]) == ("image/jpeg", 64, 66)
    assert Image.open(io.BytesIO(image["content"])).size == (64, 66)


def test_the_picture_is_kept_and_fetched_once_but_the_pose_is_not_kept(session: SessionWork, engine: Painter) -> None:
    session.answer({"image_url": uri(1), "x": 0.5}, {})
    session.answer({"y": 0.25}, {})
    session.answer({"image_url": uri(1)}, {})
    assert len({call.image for call in engine.calls}) == 1  # type: ignore[union-attr]
    assert [(call.x, call.y) for call in engine.calls] == [(0.5, 0), (0, 0.25), (0, 0)]  # type: ignore[union-attr]


def test_another_picture_has_another_path_and_the_one_before_is_removed(session: SessionWork, engine: Painter) -> None:
    session.answer({"image_url": uri(1)}, {})
    session.answer({"image_url": uri(2)}, {})
    first, second = (Path(call.image) for call in engine.calls)  # type: ignore[union-attr, arg-type]
    assert first != second
    assert (first.exists(), second.exists()) == (False, True)
    assert np.load(second)[0, 0, 0] == 2


def test_a_picture_is_checked_where_the_operator_wants_it_and_no_engine_runs(engine: Painter, tmp_path: Path) -> None:
    session = session_of(CAMERA, engine, tmp_path)
    session.tools = replace(session.tools, settings=Settings(safety="on", safety_threshold=1e-9))
    for _ in range(2):
        with pytest.raises(ModelError) as caught:
            session.answer({"image_url": uri(1)}, {})
        assert (caught.value.problems[0].type, caught.value.problems[0].loc) == (
            "content_policy_violation",
            ("body", "image_url"),
        )
    assert engine.calls == []


def test_bytes_are_taken_for_a_file(session: SessionWork, engine: Painter) -> None:
    session.answer({"image_url": picture(3)}, {})
    assert np.load(engine.calls[0].image)[0, 0, 0] == 3  # type: ignore[union-attr, arg-type]


def test_only_files_fields_take_bytes() -> None:
    given = with_addresses(CAMERA.input, {"image_url": b"x", "x": b"y", "other": b"z"})
    assert given == {"image_url": "data:application/octet-stream;base64,eA==", "x": b"y", "other": b"z"}


def test_a_picture_that_is_none_is_refused_and_the_next_input_starts_anew(session: SessionWork) -> None:
    with pytest.raises(ModelError) as caught:
        session.answer({"image_url": "data:image/png;base64,AAAA"}, {})
    assert caught.value.problems[0].loc == ("body", "image_url")
    with pytest.raises(ModelError, match="Field required"):
        session.answer({"x": 0.1}, {})
    assert session.answer({"image_url": uri(1)}, {})["images"]


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ModelError) as caught:
        checked(CAMERA.input, {"x": 5, "roll": "much"})
    assert [problem.loc[-1] for problem in caught.value.problems] == ["image_url", "x", "roll"]


def test_what_was_answered_is_counted_and_billed(session: SessionWork) -> None:
    session.answer({"image_url": uri(1)}, {})
    with pytest.raises(ModelError):
        session.answer({"x": 5}, {})
    session.answer({}, {})
    outcome = session.outcome()
    assert (outcome.units, outcome.output) == (2.0, b'{"outputs":2,"busy_seconds":2.0}')
    assert outcome.served_by == "painter/1; model=painter; deployment=animatic", "its name promises no other model"


def test_an_engine_that_shows_no_pictures_is_a_mistake_of_ours(engine: Painter, session: SessionWork) -> None:
    engine.output = Value({})
    with pytest.raises(TypeError, match="the engine made Value"):
        session.answer({"image_url": uri(1)}, {})
