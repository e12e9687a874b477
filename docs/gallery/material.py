"""What the gallery's requests are fed with: one photograph, drawings, and what endpoints made of words before.

In the order in which it is made, since a film may show a picture that comes before it. How a thing came to be is told
on the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from docs.gallery.drawn import DRAWINGS, PHOTOGRAPH

STILL = "fal-ai/minimax/image-01"
SPEECH = "fal-ai/minimax/speech-02-hd"
FROM_TEXT = "fal-ai/pixverse/v4.5/text-to-video"
FROM_PICTURE = "fal-ai/pixverse/v4.5/image-to-video"


@dataclass(frozen=True, slots=True)
class Asked:
    """A file that an endpoint makes from this request."""

    name: str
    endpoint: str
    body: Mapping[str, Any]


def _still(name: str, prompt: str, ratio: str = "16:9") -> Asked:
    return Asked(name, STILL, {"prompt": prompt, "aspect_ratio": ratio})


def _said(name: str, voice: str, text: str) -> Asked:
    return Asked(name, SPEECH, {"text": text, "voice_setting": {"voice_id": voice}, "output_format": "url"})


def _filmed(name: str, prompt: str, **more: Any) -> Asked:
    endpoint = FROM_PICTURE if "image_url" in more else FROM_TEXT
    return Asked(name, endpoint, {"prompt": prompt, "resolution": "540p", "seed": 5, **more})


ASKED: tuple[Asked, ...] = (
    _still("portrait.png", "Portrait of a woman with red hair, close-up, in a studio, looking at the camera", "4:3"),
    _still("harbour.png", "A rowing boat in a harbour in the evening"),
    _still("city.png", "A city street at night, neon signs, rain"),
    _still("fox.png", "A fox in a snowy forest"),
    _still("dog.png", "A dog on a beach at noon"),
    _still("train.png", "A train in the mountains, autumn, afternoon"),
    _still("car.png", "A red car on a coast road at sunset"),
    _said("welcome.mp3", "Wise_Woman", "Good evening, and welcome. The film begins in a minute; please be seated."),
    _said(
        "sample.mp3",
        "Deep_Voice_Man",
        "This is my voice, read for the microphone. The harbour is quiet tonight. The boats are in, the nets are dry, "
        "and the light on the hill turns as it always has. Tomorrow we sail at six, whatever the weather says.",
    ),
    _filmed("speaker.mp4", "She looks at the camera, locked-off shot", image_url="@portrait.png", aspect_ratio="4:3"),
    _filmed("dog.mp4", "A dog runs along a beach at noon, waves, tracking shot"),
    _filmed("train.mp4", "A train passes through the mountains, autumn afternoon, the camera pans right"),
    _filmed("boat.mp4", "A rowing boat on a lake in the evening, slow push in"),
)

PHOTO = PHOTOGRAPH.name
NAMES = (PHOTO, *DRAWINGS, *(one.name for one in ASKED))
