"""How Kling's own API is asked for what the family's endpoints promise (`kling`, `kling_effects`).

Bodies are those of the vendor's reference: pictures in base64, the length as text, the model apart as "NAME/MODE".
Guidance is always told here and left out by the vendor's file for models that take none, since the operator may have
a request served by another version than the one that it names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from rushes.calls import Attachment, Course, VendorCall
from rushes.errors import ModelError

if TYPE_CHECKING:
    from rushes.endpoint import Clip, Media, MediaMap
    from rushes.families.kling import (
        ImageToVideoRequest,
        ProImageToVideoRequest,
        TextToVideoRequest,
        V1ImageToVideoRequest,
        V1TextToVideoRequest,
    )
    from rushes.families.kling_effects import (
        LipsyncA2VRequest,
        LipsyncT2VRequest,
        MultiImageToVideoRequest,
        VideoEffectsRequest,
    )

VENDOR = "kling"
MODELS = {
    "v1/standard": "kling-v1/std",
    "v1.5/pro": "kling-v1-5/pro",
    "v1.6/standard": "kling-v1-6/std",
    "v1.6/pro": "kling-v1-6/pro",
    "v2/master": "kling-v2-master",
    "v2.1/standard": "kling-v2-1/std",
    "v2.1/pro": "kling-v2-1/pro",
    "v2.1/master": "kling-v2-1-master",
}
MOST_EXTREME = 2.5  # Kling takes pictures from 1:2.5 to 2.5:1; a longer one is cropped to that
MASKED_SIDE = 2_048  # a picture with masks is sent no larger: paths are told in its pixels
VOICES = {"zh": "genshin_vindi2", "en": "oversea_male1"}
"""Who speaks where the request names nobody; the vendor takes no request without a voice."""

Loc = tuple[str | int, ...]


def from_text(grade: str, request: TextToVideoRequest, _media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for a film of a prompt."""
    return VendorCall(VENDOR, "text2video", MODELS[grade], _text_body(request))


def from_text_with_camera(grade: str, request: V1TextToVideoRequest, _media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for a film of a prompt, with a camera that is led; a single move counts before a named one."""
    body, place = _text_body(request), "camera_control"
    if single := request.advanced_camera_control:
        place = "advanced_camera_control"
        if single.movement_value:  # 0 is no move, which the vendor has no word for
            config = {single.movement_type: single.movement_value}
            body["camera_control"] = {"type": "simple", "config": config}
    elif request.camera_control:
        body["camera_control"] = {"type": request.camera_control}
    fields: dict[str, Loc] = {"camera_control": ("body", place)}
    fields |= {name: ("body", place) for name in ("camera_control.type", "camera_control.config")}
    return VendorCall(VENDOR, "text2video", MODELS[grade], body, fields)


def from_picture(grade: str, request: ImageToVideoRequest, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for a film of a picture, in its shape."""
    body = {"image": _still(media["image_url"], ("body", "image_url")), **_words(request)}
    return VendorCall(VENDOR, "image2video", MODELS[grade], body, {"image": ("body", "image_url")})


def from_picture_shaped(grade: str, request: ProImageToVideoRequest, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for a film of a picture in a shape of its own; the vendor knows no such wish, so the pictures are cropped."""
    across, _, down = request.aspect_ratio.partition(":")
    shape = int(across) / int(down)
    body = {"image": _still(media["image_url"], ("body", "image_url"), shape=shape), **_words(request)}
    fields: dict[str, Loc] = {"image": ("body", "image_url")}
    _end_on(body, fields, media, shape)
    return VendorCall(VENDOR, "image2video", MODELS[grade], body, fields)


def from_picture_with_masks(grade: str, request: V1ImageToVideoRequest, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for a film of a picture in which regions stay still or are led along paths."""
    width, height = media["image_url"].size
    shape = min(max(width / height, 1 / MOST_EXTREME), MOST_EXTREME)
    fields: dict[str, Loc] = {"image": ("body", "image_url")}
    masks = _masks(request, media, fields)
    size = sent_size(width, height) if masks else None
    body = {"image": _still(media["image_url"], ("body", "image_url"), shape=shape, size=size), **_words(request)}
    _end_on(body, fields, media, shape)
    return VendorCall(VENDOR, "image2video", MODELS[grade], body | masks, fields)


def elements(grade: str, request: MultiImageToVideoRequest, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for a film in which several subjects meet."""
    pictures = _pictures(len(request.input_image_urls), media)
    body = {
        "image_list": [{"image": picture} for picture in pictures],
        **_words(request),
        "aspect_ratio": request.aspect_ratio,
    }
    fields: dict[str, Loc] = {"image_list": ("body", "input_image_urls")}
    for number in range(len(pictures)):
        fields |= {
            f"image_list{spelled}": ("body", "input_image_urls", number) for spelled in _spellings(number, "image")
        }
    return VendorCall(VENDOR, "multi-image2video", MODELS[grade], body, fields)


def effects(grade: str, request: VideoEffectsRequest, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for a ready-made scene with one picture or a pair."""
    pictures = _pictures(len(request.input_image_urls), media)
    shown: dict[str, Any] = {"image": pictures[0]} if len(pictures) == 1 else {"images": pictures}
    if len(pictures) == 1 and request.duration != "5":
        msg = f"the scene {request.effect_scene} is made in 5 seconds only, not {request.duration}"
        raise ModelError("value_error", msg, loc=("body", "duration"))
    body = {"effect_scene": request.effect_scene, "input": {**shown, "duration": request.duration}}
    fields: dict[str, Loc] = {"input": ("body",), "input.duration": ("body", "duration")}
    for stem in ("input.image", "input.images", "image", "images"):
        fields[stem] = ("body", "input_image_urls")
    for number in range(len(pictures)):
        fields |= {f"input.images{spelled}": ("body", "input_image_urls", number) for spelled in _spellings(number)}
    return VendorCall(VENDOR, "effects", MODELS[grade], body, fields)


def lipsync_to_sound(request: LipsyncA2VRequest, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for a film whose lips follow a sound."""
    said = {"mode": "audio2video", "audio_type": "file", "audio_file": _sound(media["audio_url"])}
    return _lipsync(media, said, {"audio_file": ("body", "audio_url"), "audio_type": ("body", "audio_url")})


def lipsync_to_text(request: LipsyncT2VRequest, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for a film whose lips say a text."""
    said = {
        "mode": "text2video",
        "text": request.text,
        "voice_id": request.voice_id or VOICES[request.voice_language],
        "voice_language": request.voice_language,
        "voice_speed": request.voice_speed,
    }
    return _lipsync(media, said, {name: ("body", name) for name in said if name != "mode"})


def sent_size(width: int, height: int) -> tuple[int, int]:
    """Return (width, height) in pixels of a picture as it is sent with masks: cropped to what is taken, scaled down."""
    wide, high = min(width, round(height * MOST_EXTREME)), min(height, round(width * MOST_EXTREME))
    factor = min(1.0, MASKED_SIDE / max(wide, high))
    return max(round(wide * factor), 1), max(round(high * factor), 1)


def window_of(width: int, height: int) -> tuple[float, float, float, float]:
    """Return which part of a picture is sent, as left, top, right, bottom in shares of it: its middle."""
    across, down = min(height * MOST_EXTREME / width, 1.0), min(width * MOST_EXTREME / height, 1.0)
    return (1 - across) / 2, (1 - down) / 2, (1 + across) / 2, (1 + down) / 2


def _text_body(request: TextToVideoRequest) -> dict[str, Any]:
    return {**_words(request), "aspect_ratio": request.aspect_ratio}


def _words(request: Any) -> dict[str, Any]:
    """Return the members that most requests share, and guidance where the request has it."""
    said = {"prompt": request.prompt, "negative_prompt": request.negative_prompt, "duration": request.duration}
    return said | ({"cfg_scale": request.cfg_scale} if hasattr(request, "cfg_scale") else {})


def _end_on(body: dict[str, Any], fields: dict[str, Loc], media: MediaMap, shape: float) -> None:
    """Add the picture to end on, if there is one, in the shape of the opening one."""
    if "tail_image_url" in media:
        fields["image_tail"] = ("body", "tail_image_url")
        body["image_tail"] = _still(media["tail_image_url"], fields["image_tail"], shape=shape)


def _masks(request: V1ImageToVideoRequest, media: MediaMap, fields: dict[str, Loc]) -> dict[str, Any]:
    """Return the members for regions; a region without a path is free to move as it likes, and hence not told."""
    picture, masks = media["image_url"], dict[str, Any]()
    if "static_mask_url" in media:
        fields["static_mask"] = ("body", "static_mask_url")
        masks["static_mask"] = _mask(media["static_mask_url"], fields["static_mask"], picture)
    led: list[dict[str, Any]] = []
    for number, region in enumerate(request.dynamic_masks or ()):
        if region.trajectories:
            place: Loc = ("body", "dynamic_masks", number)
            mask = media[f"dynamic_masks.{number}.mask_url"]
            for spelled in _spellings(len(led)):
                fields[f"dynamic_masks{spelled}.mask"] = (*place, "mask_url")
                fields[f"dynamic_masks{spelled}.trajectories"] = (*place, "trajectories")
            course = _course(region.trajectories, mask, picture)
            led.append({"mask": _mask(mask, (*place, "mask_url"), picture), "trajectories": course})
    return masks | ({"dynamic_masks": led} if led else {})


def _course(points: list[Any], mask: Media, picture: Media) -> Course:
    width, height = picture.size
    shares = tuple((point.x / width, point.y / height) for point in points)
    return Course(shares, mask.path, window_of(width, height), sent_size(width, height))


def _mask(mask: Media, loc: Loc, picture: Media) -> Attachment:
    """Lay a mask over the picture: the same part of it, of the same size, or else the vendor's task fails."""
    left, top, right, bottom = window_of(*picture.size)
    width, height = mask.size
    shape = width * (right - left) / (height * (bottom - top))
    return _still(mask, loc, shape=shape, size=sent_size(*picture.size), lossless=True)


def _pictures(count: int, media: MediaMap) -> list[Attachment]:
    names = [("input_image_urls", number) for number in range(count)]
    return [_still(media[f"{name}.{number}"], ("body", name, number)) for name, number in names]


def _still(
    picture: Media,
    loc: Loc,
    *,
    shape: float | None = None,
    size: tuple[int, int] | None = None,
    lossless: bool = False,
) -> Attachment:
    width, height = picture.size
    return Attachment(
        kind="image",
        path=picture.source or picture.path,
        content_type=picture.content_type,
        form="base64",
        loc=loc,
        pixels=picture.path,
        width=width,
        height=height,
        shape=shape,
        size=size,
        lossless=lossless,
    )


def _sound(sound: Media) -> Attachment:
    return _recording("audio", sound, "base64", ("body", "audio_url"))


def _recording(kind: Literal["audio", "video"], media: Media, form: Literal["base64", "url"], loc: Loc) -> Attachment:
    return Attachment(
        kind=kind,
        path=media.source or media.path,
        content_type=media.content_type,
        form=form,
        loc=loc,
        width=media.width,
        height=media.height,
        duration_s=media.duration_s,
    )


def _lipsync(media: MediaMap, said: dict[str, Any], places: dict[str, Loc]) -> VendorCall:
    """Ask for lips; the vendor fetches the film from an address of ours."""
    video = _recording("video", media["video_url"], "url", ("body", "video_url"))
    fields = {"input": ("body",), "video_url": ("body", "video_url"), **places}
    fields |= {f"input.{name}": place for name, place in fields.items() if name != "input"}
    return VendorCall(VENDOR, "lip-sync", "lip-sync", {"input": {"video_url": video, **said}}, fields)


def _spellings(number: int, member: str = "") -> tuple[str, ...]:
    """Return how a refusal may spell the place of an item."""
    tail = f".{member}" if member else ""
    return (f".{number}{tail}", f"[{number}]{tail}")
