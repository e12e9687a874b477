"""How PixVerse's own API is asked for what the family's endpoints promise (`pixverse`).

A film of pictures has the first one's shape there, so pictures are cropped to the shape that is asked for. What is
fast here is the motion mode `fast` there; the normal one and no style are what the vendor takes for granted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushes.calls import Named, VendorCall

if TYPE_CHECKING:
    from rushes.calls import Attachment
    from rushes.endpoint import Clip, MediaMap
    from rushes.families.pixverse import (
        Drawn,
        Extended,
        FastImageToVideoRequest,
        ImageToVideoRequest,
        LipsyncRequest,
        SoundEffectRequest,
        TransitionRequest,
    )

VENDOR = "pixverse"
FAST_S = 5
VIDEO = {"video_media_id": ("body", "video_url")}


def from_text(model: str, request: Drawn, _media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for a film of a prompt."""
    body = {**_words(request), "aspect_ratio": request.aspect_ratio}
    return VendorCall(VENDOR, "text", model, body, _SAID)


def from_picture(
    model: str, request: ImageToVideoRequest | FastImageToVideoRequest, media: MediaMap, _clip: Clip
) -> VendorCall:
    """Ask for a film of a picture, cropped to the shape."""
    body = {"img_id": _still(request, media, "image_url"), **_words(request)}
    return VendorCall(VENDOR, "img", model, body, {**_SAID, "img_id": ("body", "image_url")})


def transition(model: str, request: TransitionRequest, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for the way from one picture to another, both cropped to the shape."""
    ends = {"first_frame_img": "first_image_url", "last_frame_img": "last_image_url"}
    pictures = {member: _still(request, media, name) for member, name in ends.items()}
    fields = {**_SAID, **{member: ("body", name) for member, name in ends.items()}}
    return VendorCall(VENDOR, "transition", model, {**pictures, **_words(request)}, fields)


def extend(request: Extended, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for more of a video. Its version of the model is the caller's choice."""
    body = {"video_media_id": _upload(media, "video_url"), **_words(request)}
    if body.get("style") == "day":  # as only our pages print it
        body["style"] = "clay"
    return VendorCall(VENDOR, "extend", request.model, body, {**_SAID, **VIDEO})


def sound_effects(request: SoundEffectRequest, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for sounds to a video."""
    body = {
        "video_media_id": _upload(media, "video_url"),
        "sound_effect_content": request.prompt,
        "original_sound_switch": bool(request.original_sound_switch),
    }
    return VendorCall(VENDOR, "sound_effect", "", body, {**VIDEO, "sound_effect_content": ("body", "prompt")})


def lipsync(request: LipsyncRequest, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for lips to a recording, or to a text that one of the vendor's voices reads."""
    body: dict[str, Any] = {"video_media_id": _upload(media, "video_url")}
    if "audio_url" in media:
        body["audio_media_id"] = _upload(media, "audio_url")
    else:
        body["lip_sync_tts_speaker_id"] = Named("voice", request.voice_id, ("body", "voice_id"))
        body["lip_sync_tts_content"] = request.text or ""
    fields = {
        **VIDEO,
        "audio_media_id": ("body", "audio_url"),
        "lip_sync_tts_speaker_id": ("body", "voice_id"),
        "lip_sync_tts_content": ("body", "text"),
    }
    return VendorCall(VENDOR, "lip_sync", "", body, fields)


_SAID = {"quality": ("body", "resolution"), "model": ("body",), "motion_mode": ("body",)}


def _words(request: Drawn | Extended) -> dict[str, Any]:
    """What all films are told in the same words; what isn't given is left to the vendor."""
    slow = "duration" in type(request).model_fields
    body: dict[str, Any] = {
        "prompt": request.prompt,
        "duration": int(getattr(request, "duration", FAST_S)),
        "quality": request.resolution,
    }
    if not slow:
        body["motion_mode"] = "fast"
    if request.negative_prompt.strip():
        body["negative_prompt"] = request.negative_prompt
    if request.style is not None:
        body["style"] = request.style
    if request.seed is not None:
        body["seed"] = request.seed
    return body


def _still(
    request: ImageToVideoRequest | FastImageToVideoRequest | TransitionRequest, media: MediaMap, name: str
) -> Attachment:
    across, _, down = request.aspect_ratio.partition(":")
    return media[name].attached("upload", ("body", name), int(across) / int(down))


def _upload(media: MediaMap, name: str) -> Attachment:
    return media[name].attached("upload", ("body", name))
