"""What MiniMax takes, by route: fields, types, ranges, and which go together. `minimax` checks files and voices.

Sources: the vendor's API reference on video, speech (T2A v2), voice cloning and image generation.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from rushes.fakes.bodies import Strict

VideoModel = Literal[
    "MiniMax-Hailuo-02", "I2V-01", "I2V-01-Director", "I2V-01-live", "T2V-01", "T2V-01-Director", "S2V-01"
]
SpeechModel = Literal["speech-02-hd", "speech-02-turbo", "speech-01-hd", "speech-01-turbo"]
VoiceId = Annotated[str, Field(min_length=8, max_length=256, pattern=r"^[A-Za-z][A-Za-z0-9_-]*[A-Za-z0-9]$")]
Ratio = Literal["1:1", "16:9", "4:3", "3:2", "2:3", "3:4", "9:16", "21:9"]


class Subject(Strict):
    """Who is to be seen in a film."""

    type: Literal["character"]
    image: Annotated[list[str], Field(min_length=1, max_length=1)]


class Video(Strict):
    """A film to be made."""

    model: VideoModel
    prompt: Annotated[str, Field(max_length=2000)] = ""
    prompt_optimizer: bool = True
    fast_pretreatment: bool = False
    first_frame_image: str | None = None
    last_frame_image: str | None = None
    duration: Literal[6, 10] = 6
    resolution: Literal["512P", "768P", "1080P"] | None = None
    subject_reference: Annotated[list[Subject], Field(min_length=1, max_length=1)] | None = None
    callback_url: Annotated[str, Field(pattern="^https?://")] | None = None

    @model_validator(mode="after")
    def _fits_the_model(self) -> Video:
        if self.resolution == "1080P" and self.duration != 6:
            raise ValueError("resolution 1080P only supports duration 6")
        if self.model.startswith("I2V") and self.first_frame_image is None:
            raise ValueError(f"first_frame_image is required by {self.model}")
        if (self.model == "S2V-01") != (self.subject_reference is not None):
            raise ValueError("subject_reference is required by S2V-01, and taken by no other model")
        if self.first_frame_image is None and not self.prompt:
            raise ValueError("prompt is required without first_frame_image")
        return self


class VoiceSetting(Strict):
    """Who speaks, and how."""

    voice_id: Annotated[str, Field(min_length=1)]
    speed: Annotated[float, Field(ge=0.5, le=2)] = 1.0
    vol: Annotated[float, Field(ge=0, le=10)] = 1.0
    pitch: Annotated[int, Field(ge=-12, le=12)] = 0
    emotion: Literal["happy", "sad", "angry", "fearful", "disgusted", "surprised", "neutral"] | None = None
    english_normalization: bool = False


class AudioSetting(Strict):
    """How the sound is written: whole numbers, where some send texts."""

    sample_rate: Literal[8000, 16000, 22050, 24000, 32000, 44100] = 32000
    bitrate: Literal[32000, 64000, 128000, 256000] = 128000
    format: Literal["mp3", "pcm", "flac", "wav"] = "mp3"
    channel: Literal[1, 2] = 1


class Pronunciation(Strict):
    """How words are said; the member is `tone`."""

    tone: list[str] = Field(default_factory=list)


class Speech(Strict):
    """A text to be spoken."""

    model: SpeechModel
    text: Annotated[str, Field(min_length=1, max_length=5000)]
    stream: Literal[False] = False
    voice_setting: VoiceSetting
    audio_setting: AudioSetting = AudioSetting()
    language_boost: str | None = None
    pronunciation_dict: Pronunciation | None = None
    output_format: Literal["url", "hex"] = "hex"


class Clone(Strict):
    """A voice to be learnt from an uploaded recording."""

    file_id: int
    voice_id: VoiceId
    text: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    model: SpeechModel | None = None
    need_noise_reduction: bool = False
    need_volume_normalization: bool = False
    accuracy: Annotated[float, Field(ge=0, le=1)] = 0.7

    @model_validator(mode="after")
    def _preview(self) -> Clone:
        if self.text is not None and self.model is None:
            raise ValueError("model is required with text")
        return self


class Deleted(Strict):
    """A voice to be forgotten."""

    voice_type: Literal["voice_cloning", "voice_generation"]
    voice_id: str


class Listed(Strict):
    """Which voices are to be told."""

    voice_type: Literal["system", "voice_cloning", "voice_generation", "all"]


class Portrayed(Strict):
    """Who is to be seen in pictures."""

    type: Literal["character"]
    image_file: str


class Images(Strict):
    """Pictures to be made."""

    model: Literal["image-01"]
    prompt: Annotated[str, Field(min_length=1, max_length=1500)]
    aspect_ratio: Ratio = "1:1"
    n: Annotated[int, Field(ge=1, le=9)] = 1
    seed: int | None = None
    prompt_optimizer: bool = False
    response_format: Literal["url", "base64"] = "url"
    subject_reference: Annotated[list[Portrayed], Field(min_length=1, max_length=1)] | None = None
