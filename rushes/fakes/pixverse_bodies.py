"""What PixVerse takes, by operation: fields, types, ranges, and which go together. `pixverse` checks what ids lead to.

Sources: the vendor's platform documentation, and the open server that it published for tools.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rushes.fakes.bodies import Strict

Text = Annotated[str, Field(max_length=2048)]
Prompt = Annotated[str, Field(min_length=1, max_length=2048)]
Quality = Literal["360p", "540p", "720p", "1080p"]
Model = Literal["v3.5", "v4", "v4.5", "v5"]
Ratio = Literal["16:9", "4:3", "1:1", "3:4", "9:16"]
Id = Annotated[int, Field(gt=0)]


class _Film(Strict):
    model: Model
    duration: Literal[5, 8]
    quality: Quality
    motion_mode: Literal["normal", "fast"] = "normal"
    negative_prompt: Text = ""
    seed: Annotated[int, Field(ge=0, le=2_147_483_647)] | None = None
    style: Literal["anime", "3d_animation", "clay", "comic", "cyberpunk"] | None = None
    template_id: int | None = None
    camera_movement: str | None = None
    water_mark: bool = False

    @model_validator(mode="after")
    def _go_together(self) -> _Film:
        if self.quality == "1080p" and self.duration != 5:
            raise ValueError("quality 1080p only supports duration 5")
        if self.motion_mode == "fast" and (self.duration != 5 or self.quality == "1080p"):
            raise ValueError("motion_mode fast only supports duration 5, and not quality 1080p")
        return self


class ImageToVideo(_Film):
    """A film of a picture; its shape is the picture's."""

    img_id: Id
    prompt: Text = ""


class TextToVideo(_Film):
    """A film of a text."""

    prompt: Prompt
    aspect_ratio: Ratio


class Transition(_Film):
    """A film from one picture to another."""

    first_frame_img: Id
    last_frame_img: Id
    prompt: Text = ""


class _OfVideo(Strict):
    source_video_id: Id | None = None
    video_media_id: Id | None = None

    @model_validator(mode="after")
    def _one_video(self) -> _OfVideo:
        if (self.source_video_id is None) == (self.video_media_id is None):
            raise ValueError("exactly one of source_video_id and video_media_id is required")
        return self


class Extend(_Film, _OfVideo):
    """What comes after a film."""

    prompt: Text = ""


class LipSync(_OfVideo):
    """Lips to a sound, or to a text that is spoken."""

    audio_media_id: Id | None = None
    lip_sync_tts_speaker_id: str | None = None
    lip_sync_tts_content: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _one_sound(self) -> LipSync:
        spoken = self.lip_sync_tts_speaker_id is not None and self.lip_sync_tts_content is not None
        half = (self.lip_sync_tts_speaker_id is None) != (self.lip_sync_tts_content is None)
        if half or spoken == (self.audio_media_id is not None):
            raise ValueError("audio_media_id, or lip_sync_tts_speaker_id with lip_sync_tts_content, is required")
        return self


class SoundEffect(_OfVideo):
    """Sounds to a film."""

    sound_effect_content: Text = ""
    original_sound_switch: bool = False


class Reference(Strict):
    """Something that is to be seen, and what the prompt calls it."""

    type: Literal["subject", "background"] = "subject"
    img_id: Id
    ref_name: Annotated[str, Field(pattern="^[A-Za-z0-9_]{1,30}$")]


class Fusion(_Film):
    """A film of up to three things, which the prompt names as @name."""

    image_references: Annotated[list[Reference], Field(min_length=1, max_length=3)]
    prompt: Prompt
    aspect_ratio: Ratio = "16:9"

    @model_validator(mode="after")
    def _named(self) -> Fusion:
        missing = [one.ref_name for one in self.image_references if f"@{one.ref_name}" not in self.prompt]
        if missing:
            raise ValueError(f"prompt must name each reference: @{missing[0]} is missing")
        return self


Operation = ImageToVideo | TextToVideo | Transition | Extend | LipSync | SoundEffect | Fusion
OPERATIONS: Mapping[str, type[Operation]] = {
    "img": ImageToVideo,
    "text": TextToVideo,
    "transition": Transition,
    "extend": Extend,
    "lip_sync": LipSync,
    "sound_effect": SoundEffect,
    "fusion": Fusion,
}
