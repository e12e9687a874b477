import base64
import json
from contextlib import suppress
from time import process_time
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.gateway import realtime_messages as messages
from rushes.gateway.realtime_messages import (
    BadMessage,
    check,
    declares_more,
    output,
    packed,
    problem,
    read_input,
    readable,
    unpacked,
)

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
MAPS = st.dictionaries(st.text().filter(lambda name: name != "request_id"), PLAIN | st.binary(), max_size=5)


@given(MAPS)
def test_a_map_survives_messagepack_both_ways_with_its_bytes(value: dict[str, Any]) -> None:
    taken = read_input(packed(value))
    assert (taken.value, taken.request_id, taken.form) == (value, None, "binary")
    answer = output(value, "r", "binary")
    assert isinstance(answer, bytes)
    assert unpacked(answer) == {
        **value,
        "request_id": "r",
    }


@given(st.dictionaries(st.text().filter(lambda name: name != "request_id"), PLAIN, max_size=5))
def test_a_map_survives_json_both_ways(value: dict[str, Any]) -> None:
    assert read_input(json.dumps(value)).value == value
    assert json.loads(output(value, 7, "text")) == {**value, "request_id": 7}


@given(st.binary(max_size=200))
def test_any_bytes_are_an_input_or_a_bad_message(frame: bytes) -> None:
    with suppress(BadMessage):
        assert isinstance(read_input(frame).value, dict)


@given(st.text(max_size=200))
def test_any_text_is_an_input_or_a_bad_message(frame: str) -> None:
    with suppress(BadMessage):
        assert isinstance(read_input(frame).value, dict)


@given(PLAIN | st.binary(max_size=70_000))
def test_what_a_frame_declares_is_what_it_holds(value: Any) -> None:
    count = held(value)
    frame = packed(value)
    assert not declares_more(frame, count)
    assert declares_more(frame, count - 1)


def test_every_form_of_messagepack_is_passed_over() -> None:
    long = [b"x" * n for n in (1, 300, 70_000)]
    value = [*long, *(part.decode() for part in long), [0] * 20, [0] * 70_000, {str(i): i for i in range(20)}]
    value += [2**n for n in range(64)] + [-(2**n) for n in range(64)] + [1.5, True, None]
    value += [msgpack.ExtType(5, b"x" * n) for n in (1, 2, 3, 4, 8, 16, 300, 70_000)] + [msgpack.Timestamp(5, 7)]
    frame = msgpack.packb([value, 1.5], use_single_float=True)
    assert not declares_more(frame, held([value, 1.5]))
    assert declares_more(frame, held([value, 1.5]) - 1)


def held(value: Any) -> int:
    """Count values as MessagePack does: names of a map are values too."""
    if isinstance(value, dict):
        return 1 + sum(1 + held(one) for one in value.values())
    return 1 + sum(map(held, value)) if isinstance(value, list) else 1


@pytest.mark.parametrize(
    "frame",
    [b"\x81\xa1a\xdd" + (2 * 10**6).to_bytes(4) + b"\x90" * 2 * 10**6, '{"a":[' + "[]," * 2 * 10**6 + "[]]}"],
    ids=["binary", "text"],
)
def test_a_frame_of_millions_of_values_is_refused_unread(frame: bytes | str) -> None:
    before = process_time()
    with pytest.raises(BadMessage, match="more than 100000 values"):
        read_input(frame)
    refused_s = process_time() - before
    msgpack.unpackb(frame) if isinstance(frame, bytes) else json.loads(frame)
    assert refused_s < (process_time() - before) / 2


def nested(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"", "no MessagePack"),
        (b"\xc1", "no MessagePack"),
        (b"\xdd\xff\xff\xff\xff", "more than 100000 values"),  # a list of four thousand million, in five bytes
        (b"\xdf\xff\xff\xff\xff", "more than 100000 values"),
        (b"\x91" * 300 + b"\xdd\x00\x10\x00\x00", "more than 100000 values"),
        (b"\xc6\xff\xff\xff\xff", "no MessagePack"),
        (b"\x81" * 5_000, "no MessagePack"),
        (b"\x81\xa1a" * 5_000 + b"\xc0", "no MessagePack"),
        (b"\x80\x80", "no MessagePack"),  # two values
        (b"\x81\xa1\xff\x01", "no MessagePack"),  # a name that is no UTF-8
        (b"\x81\x01\x02", "no MessagePack"),  # a name that is a number
        (packed("hello"), "got text"),
        (packed([1]), "got a list"),
        (packed(nested(40)), "nested more than 32 levels"),
        (msgpack.packb({"at": msgpack.Timestamp(0)}), "extension (Timestamp)"),
        (msgpack.packb({"at": msgpack.ExtType(5, b"x")}), "extension (ExtType)"),
        ("", "no JSON"),
        ("[]", "got a list"),
        ("NaN", "no JSON"),
        ('{"a": NaN}', "no JSON"),
        ("null", "got nothing"),
        ("[" * 100_000, "no JSON"),
        (json.dumps({"a": [2**64]}), "more than 64 bits"),  # JSON holds it, MessagePack does not
        (json.dumps({"a": -(2**63) - 1}), "more than 64 bits"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_input_is_refused_with_the_reason(frame: bytes | str, why: str) -> None:
    with pytest.raises(BadMessage) as caught:
        read_input(frame)
    assert why in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_bytes_name_is_refused() -> None:
    with pytest.raises(BadMessage, match="names in a map must be text"):
        read_input(msgpack.packb({b"a": 1}))


def test_too_many_values_are_refused() -> None:
    with pytest.raises(BadMessage, match="more than 100000 values"):
        check({"a": [0] * 100_001})


@pytest.mark.parametrize("request_id", ["r1", "", 7, 1.5])
def test_a_request_id_is_taken_out_of_the_input(request_id: Any) -> None:
    taken = read_input(packed({"x": 1, "request_id": request_id}))
    assert (taken.value, taken.request_id) == ({"x": 1}, request_id)


@pytest.mark.parametrize("request_id", [None, True, ["r"], {"r": 1}, b"r"])
def test_a_request_id_of_another_kind_counts_as_none(request_id: Any) -> None:
    assert read_input(packed({"request_id": request_id})).request_id is None


def test_in_text_bytes_are_data_uris_of_the_type_beside_them() -> None:
    value = {"images": [{"content": b"\xff\xd8", "content_type": "image/jpeg"}], "raw": b"x", "n": (1, b"y")}
    encoded = base64.b64encode
    assert readable(value) == {
        "images": [
            {"content": f"data:image/jpeg;base64,{encoded(bytes([255, 216])).decode()}", "content_type": "image/jpeg"}
        ],
        "raw": "data:application/octet-stream;base64,eA==",
        "n": [1, "data:application/octet-stream;base64,eQ=="],
    }


def test_control_messages_are_what_clients_look_for() -> None:
    assert json.loads(messages.UNAUTHORIZED) == {"status": "error", "error": "Unauthorized"}
    assert json.loads(messages.timings(0.1234567)) == {
        "type": "x-fal-message",
        "action": "timings",
        "timing": 0.123457,
    }
    assert json.loads(problem("TIMEOUT", "why", request_id=None, error_type="t")) == {
        "type": "x-fal-error",
        "error": "TIMEOUT",
        "reason": "why",
        "error_type": "t",
    }


@pytest.mark.parametrize(
    "frame", ['{"request_id": 1e999}', packed({"request_id": float("nan")}), packed({"request_id": float("-inf")})]
)
def test_a_request_id_that_json_could_not_repeat_is_none(frame: bytes | str) -> None:
    assert read_input(frame).request_id is None
