"""What Kling takes, by kind of task: fields, types, ranges, and which go together. `kling` checks the files in them.

Sources: the vendor's API reference on image to video, text to video, multi-image, lip sync and effects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rushes.fakes.bodies import Strict

Text = Annotated[str, Field(max_length=2500)]
Mode = Literal["std", "pro"]
Duration = Literal["5", "10"]
Shape = Literal["16:9", "9:16", "1:1"]
Model = Literal[
    "kling-v1",
    "kling-v1-5",
    "kling-v1-6",
    "kling-v2-master",
    "kling-v2-1",
    "kling-v2-1-master",
    "kling-v2-5-turbo",
    "kling-v2-6",
]
Amount = Annotated[float, Field(ge=-10, le=10)]


class CameraConfig(Strict):
    """A simple move: exactly one of these is not 0."""

    horizontal: Amount = 0
    vertical: Amount = 0
    pan: Amount = 0
    tilt: Amount = 0
    roll: Amount = 0
    zoom: Amount = 0

    @model_validator(mode="after")
    def _one_move(self) -> CameraConfig:
        moves = [self.horizontal, self.vertical, self.pan, self.tilt, self.roll, self.zoom]
        if sum(move != 0 for move in moves) != 1:
            raise ValueError("exactly one value must not be 0")
        return self


class CameraControl(Strict):
    """How the camera moves."""

    type: Literal["simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward"]
    config: CameraConfig | None = None

    @model_validator(mode="after")
    def _config_with_simple(self) -> CameraControl:
        if (self.type == "simple") != (self.config is not None):
            raise ValueError("config must be given with type simple, and with no other")
        return self


class Point(Strict):
    """A place in the picture, in pixels from the bottom left."""

    x: float
    y: float


class DynamicMask(Strict):
    """A region, and the way that it goes."""

    mask: str
    trajectories: Annotated[list[Point], Field(min_length=2, max_length=77)]


class _Task(Strict):
    callback_url: Annotated[str, Field(pattern="^https?://")] | None = None
    external_task_id: Annotated[str, Field(min_length=1)] | None = None


class _Film(_Task):
    model_name: Model = "kling-v1"
    mode: Mode = "std"
    negative_prompt: Text = ""
    cfg_scale: Annotated[float, Field(ge=0, le=1)] | None = None
    duration: Duration = "5"
    camera_control: CameraControl | None = None

    @model_validator(mode="after")
    def _guidance(self) -> _Film:
        if self.cfg_scale is not None and self.model_name.startswith("kling-v2"):
            raise ValueError(f"cfg_scale is not supported by {self.model_name}")
        return self


class ImageToVideo(_Film):
    """A film of a picture."""

    prompt: Text = ""
    image: str | None = None
    image_tail: str | None = None
    static_mask: str | None = None
    dynamic_masks: Annotated[list[DynamicMask], Field(max_length=6)] | None = None

    @model_validator(mode="after")
    def _a_picture(self) -> ImageToVideo:
        if self.image is None and self.image_tail is None:
            raise ValueError("image and image_tail cannot both be empty")
        return self


class TextToVideo(_Film):
    """A film of a text."""

    prompt: Annotated[str, Field(min_length=1, max_length=2500)]
    aspect_ratio: Shape = "16:9"


class ImageItem(Strict):
    """A picture of something that is to be seen."""

    image: str


class MultiImageToVideo(_Task):
    """A film of up to four things."""

    model_name: Literal["kling-v1-6"] = "kling-v1-6"
    image_list: Annotated[list[ImageItem], Field(min_length=1, max_length=4)]
    prompt: Annotated[str, Field(min_length=1, max_length=2500)]
    negative_prompt: Text = ""
    mode: Mode = "std"
    duration: Duration = "5"
    aspect_ratio: Shape = "16:9"


class LipSyncInput(Strict):
    """A film, and what is to be said in it."""

    video_id: str | None = None
    video_url: str | None = None
    mode: Literal["text2video", "audio2video"]
    text: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    voice_id: str | None = None
    voice_language: Literal["zh", "en"] | None = None
    voice_speed: Annotated[float, Field(ge=0.8, le=2.0)] | None = None
    audio_type: Literal["file", "url"] | None = None
    audio_file: str | None = None
    audio_url: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> LipSyncInput:
        if (self.video_id is None) == (self.video_url is None):
            raise ValueError("exactly one of video_id and video_url is needed")
        spoken = [self.text, self.voice_id, self.voice_language]
        if self.mode == "text2video" and None in spoken:
            raise ValueError("text, voice_id and voice_language are needed with mode text2video")
        if self.mode == "audio2video" and self.audio_type is None:
            raise ValueError("audio_type is needed with mode audio2video")
        if self.audio_type == "file" and self.audio_file is None:
            raise ValueError("audio_file is needed with audio_type file")
        if self.audio_type == "url" and self.audio_url is None:
            raise ValueError("audio_url is needed with audio_type url")
        return self


class LipSync(_Task):
    """Lips to a sound."""

    input: LipSyncInput


class EffectInput(Strict):
    """Whom it happens to: one, or a pair."""

    model_name: Literal["kling-v1", "kling-v1-5", "kling-v1-6"] = "kling-v1"
    mode: Mode = "std"
    image: str | None = None
    images: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None
    duration: Duration = "5"


class Effects(_Task):
    """A film in which something set happens."""

    effect_scene: Literal[
        "hug", "kiss", "heart_gesture", "squish", "expansion", "fuzzyfuzzy", "bloombloom", "dizzydizzy"
    ]
    input: EffectInput

    @model_validator(mode="after")
    def _one_or_two(self) -> Effects:
        pair = self.effect_scene in {"hug", "kiss", "heart_gesture"}
        if pair and (self.input.images is None or self.input.image is not None):
            raise ValueError(f"input.images with two pictures is needed for {self.effect_scene}")
        if not pair and (self.input.image is None or self.input.images is not None):
            raise ValueError(f"input.image with one picture is needed for {self.effect_scene}")
        return self


Kind = ImageToVideo | TextToVideo | MultiImageToVideo | LipSync | Effects
KINDS: Mapping[str, type[Kind]] = {
    "image2video": ImageToVideo,
    "text2video": TextToVideo,
    "multi-image2video": MultiImageToVideo,
    "lip-sync": LipSync,
    "effects": Effects,
}
