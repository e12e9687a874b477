from __future__ import annotations

import json
import re

import pytest

from rushes.endpoint import Endpoint
from rushes.families import ENDPOINTS
from tests.web.visiting import HOST, header, look, text_of

EVERY = pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=lambda one: one.id)
SECTIONS = ["Overview", "Pricing", "API Information", "Usage Examples", "Additional Resources"]


@EVERY
def test_every_text_has_the_layout_that_agents_know(endpoint: Endpoint) -> None:
    text = text_of(f"/models/{endpoint.id}/llms.txt")
    lines = text.splitlines()
    assert lines[0] == f"# {endpoint.title}"
    assert lines[2] == f"> {endpoint.about}"
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    for label in ("Endpoint", "Model ID", "Category", "Kind"):
        assert f"- **{label}**: " in text
    assert f"`http://{HOST}/run/{endpoint.id}`" in text
    for name, info in endpoint.input.model_fields.items():
        need = "_required_" if info.is_required() else "_optional_"
        assert re.search(rf"^- \*\*`{re.escape(info.alias or name)}`\*\* \(`.+`.*, {need}\)", text, re.MULTILINE)
    for block in re.findall(r"```json\n(.*?)\n```", text, re.DOTALL):
        assert isinstance(json.loads(block), dict)


@EVERY
def test_the_index_leads_to_every_text(endpoint: Endpoint) -> None:
    link = f"- [{endpoint.title}](http://{HOST}/models/{endpoint.id}/llms.txt): `{endpoint.id}`"
    assert link in text_of("/llms.txt")


def test_texts_are_plain_text() -> None:
    assert header(look("/llms.txt"), "content-type") == "text/plain; charset=utf-8"


def test_on_fals_host_the_texts_name_fals_hosts() -> None:
    text = text_of("/models/fal-ai/wan-i2v/llms.txt", host="fal.ai")
    assert "`http://fal.run/fal-ai/wan-i2v`" in text
    assert HOST not in text


def test_what_answers_live_says_where() -> None:
    words = text_of("/models/rushes/camera/llms.txt")
    assert "/run/rushes/camera/realtime`" in words
    assert "stand-in" not in words
    assert "**Realtime**" not in text_of("/models/fal-ai/wan-i2v/llms.txt")


def test_what_a_stand_in_serves_is_said() -> None:
    assert "**Served here by**: animatic (a stand-in" in text_of("/models/fal-ai/wan-i2v/llms.txt")
