"""How MiniMax's own API is asked for each of its endpoints: one body for each, in the vendor's words.

Sources: MiniMax's API reference on video generation, T2A v2, voice cloning and image generation. What its limits refuse
of an otherwise good request is refused here, naming our field. The model stands apart from the body; a new voice's id,
which we choose, is filled in when the body is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rushes.calls import Attachment, VendorCall
from rushes.endpoint import Clip, Media, MediaMap, Stills
from rushes.errors import Loc, ModelError

if TYPE_CHECKING:  # those files take these functions into their endpoints
    from rushes.families.minimax import Pictured
    from rushes.families.minimax_speech import (
        AudioSetting,
        SpeechRequest,
        VoiceCloneRequest,
        VoiceDeleteRequest,
        VoiceSetting,
    )

VENDOR = "minimax"
HAILUO_02 = "MiniMax-Hailuo-02"
LONGEST_PROMPT = 2_000  # characters, of a film
LONGEST_SAMPLE_TEXT = 2_000  # characters that a new voice's sample may say
ASIDE: Loc = ("body",)  # for members that no field of ours stands for


def film(model: str, fixed: Mapping[str, Any], request: Any, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for a film; `fixed` is what the endpoint promises (length, resolution) where the model has a choice."""
    first, subject = media.get("image_url"), media.get("subject_reference_image_url")
    _check_prompt(request.prompt, LONGEST_PROMPT, needed=first is None)
    body: dict[str, Any] = {"prompt": request.prompt, "prompt_optimizer": request.prompt_optimizer, **fixed}
    if first is not None:
        body["first_frame_image"] = _picture(first, "image_url")
    if subject is not None:
        image = _picture(subject, "subject_reference_image_url")
        body["subject_reference"] = [{"type": "character", "image": [image]}]
    fields: dict[str, Loc] = {
        "first_frame_image": ("body", "image_url"),
        "subject_reference": ("body", "subject_reference_image_url"),
        **dict.fromkeys(("model", *fixed), ASIDE),
    }
    return VendorCall(VENDOR, "film", model, body, fields)


def pictures(request: Pictured, media: MediaMap, _stills: Stills) -> VendorCall:
    """Ask for pictures, as many and in the shape that was asked for."""
    _check_prompt(request.prompt, None, needed=True)
    body: dict[str, Any] = {
        "prompt": request.prompt,
        "aspect_ratio": request.aspect_ratio,
        "n": request.num_images,
        "response_format": "url",
    }
    if request.prompt_optimizer is not None:
        body["prompt_optimizer"] = request.prompt_optimizer
    if (subject := media.get("image_url")) is not None:
        body["subject_reference"] = [{"type": "character", "image_file": _picture(subject, "image_url")}]
    fields: dict[str, Loc] = {
        "n": ("body", "num_images"),
        "subject_reference": ("body", "image_url"),
        "response_format": ASIDE,
        "model": ASIDE,
    }
    return VendorCall(VENDOR, "pictures", "image-01", body, fields)


def speech(
    model: str, request: SpeechRequest, voice: VoiceSetting, audio: AudioSetting, cloned: Media | None
) -> VendorCall:
    """Ask for speech, which comes in the answer; a setting that was left out is left to the vendor.

    `cloned` is the profile of the voice that is to speak, None where that is a built-in one.
    """
    who = _voice(cloned, ("body", "voice_setting", "voice_id")) if cloned else voice.voice_id
    optional = {
        "pitch": voice.pitch,
        "emotion": voice.emotion,
        "english_normalization": voice.english_normalization,
    }
    body: dict[str, Any] = {
        "text": request.text,
        "stream": False,
        "voice_setting": {"voice_id": who, "speed": voice.speed, "vol": voice.vol, **_given(optional)},
        "audio_setting": {
            "sample_rate": int(audio.sample_rate),
            "bitrate": int(audio.bitrate),
            "format": audio.format,
            "channel": int(audio.channel),
        },
        "output_format": "hex",  # the bytes at once: no address that could expire before they are here
        **_given({"language_boost": request.language_boost}),
    }
    tones = (request.pronunciation_dict and request.pronunciation_dict.tone_list) or []
    if tones:
        body["pronunciation_dict"] = {"tone": list(tones)}
    return VendorCall(VENDOR, "speech", model, body, _SPEECH_FIELDS)


_SPEECH_FIELDS: Mapping[str, Loc] = {
    **{
        f"{group}.{name}": ("body", group, name)
        for group, names in {
            "voice_setting": ("voice_id", "speed", "vol", "pitch", "emotion", "english_normalization"),
            "audio_setting": ("sample_rate", "bitrate", "format", "channel"),
        }.items()
        for name in names
    },
    "voice_id": ("body", "voice_setting", "voice_id"),
    "pronunciation_dict": ("body", "pronunciation_dict", "tone_list"),
    "tone": ("body", "pronunciation_dict", "tone_list"),
    "output_format": ASIDE,
    "stream": ASIDE,
    "model": ASIDE,
}


def clone(request: VoiceCloneRequest, text: str, sample: Media) -> VendorCall:
    """Ask for a voice that says `text`: its recording is uploaded first, and its id is ours to choose."""
    if len(text) > LONGEST_SAMPLE_TEXT:
        raise _too_long(len(text), LONGEST_SAMPLE_TEXT, ("body", "text"))
    body: dict[str, Any] = {
        "file_id": Attachment(
            kind="audio",
            path=sample.source or sample.path,
            content_type=sample.content_type,
            form="upload",
            loc=("body", "audio_url"),
            pixels=sample.path if sample.source else None,
            duration_s=sample.duration_s,
        ),
        "text": text,
        **_given(
            {
                "need_noise_reduction": request.noise_reduction,
                "need_volume_normalization": request.need_volume_normalization,
                "accuracy": request.accuracy,
            }
        ),
    }
    fields: dict[str, Loc] = {
        "file_id": ("body", "audio_url"),
        "file": ("body", "audio_url"),
        "need_noise_reduction": ("body", "noise_reduction"),
        "voice_id": ASIDE,
    }
    return VendorCall(VENDOR, "clone", request.model, body, fields, voice="")


def forget(_request: VoiceDeleteRequest, media: MediaMap, _wanted: None) -> VendorCall:
    """Ask for a voice's end at the vendor; with us it ends when the job has ended well."""
    body = {"voice_type": "voice_cloning", "voice_id": _voice(media["voice_id"], ("body", "voice_id"))}
    return VendorCall(VENDOR, "delete", "", body, {"voice_type": ASIDE})


def _given(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that were given; for the others the vendor has a usual value."""
    return {name: value for name, value in members.items() if value is not None}


def _picture(media: Media, field: str) -> Attachment:
    width, height = media.size
    return Attachment(
        kind="image",
        path=media.source or media.path,
        content_type=media.content_type,
        form="data_uri",
        loc=("body", field),
        pixels=media.path,
        width=width,
        height=height,
    )


def _voice(media: Media, loc: Loc) -> Attachment:
    return Attachment("voice", media.path, media.content_type, "voice", loc)


def _check_prompt(prompt: str, longest: int | None, *, needed: bool) -> None:
    if needed and not prompt.strip():
        msg = "the prompt is blank; without a first picture it must say what is to be seen"
        raise ModelError("string_too_short", msg, loc=("body", "prompt"), ctx={"min_length": 1})
    if longest is not None and len(prompt) > longest:
        raise _too_long(len(prompt), longest, ("body", "prompt"))


def _too_long(length: int, longest: int, loc: Loc) -> ModelError:
    msg = f"it has {length} characters; at most {longest} are taken here"
    return ModelError("string_too_long", msg, loc=loc, ctx={"max_length": longest})
