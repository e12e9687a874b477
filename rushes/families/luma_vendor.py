"""How Luma's own API is asked for what the family's endpoints promise (`luma`).

Luma fetches pictures and videos itself. Pictures are cropped to the film's shape before, as the fields promise. The
first model is no longer offered; a successor that the operator names for it is asked for what the first one made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushes.calls import VendorCall

if TYPE_CHECKING:
    from rushes.endpoint import Clip, MediaMap
    from rushes.families.luma import First, ModifyVideoRequest, Ray, ReframeVideoRequest

VENDOR = "luma"
FLASH, RAY_2, RAY_1 = "ray-flash-2", "ray-2", "ray-1-6"
SIZE, LENGTH = "720p", "5s"  # what the first model made, which named neither
EDGES = ("grid_position_x", "grid_position_y", "x_start", "x_end", "y_start", "y_end")


def model_of(path: str) -> str:
    """Return the vendor's name of the model in an endpoint's path."""
    return FLASH if "/ray-2-flash" in path else RAY_2 if "/ray-2" in path else RAY_1


def film(model: str, request: Ray | First, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for a new film."""
    body = _prompt(request.prompt)
    keyframes = {
        frame: {"type": "image", "url": media[name].attached("url", ("body", name), shape(request.aspect_ratio))}
        for frame, name in (("frame0", "image_url"), ("frame1", "end_image_url"))
        if name in media
    }
    if keyframes:
        body["keyframes"] = keyframes
    body["aspect_ratio"] = request.aspect_ratio
    if request.loop is not None:
        body["loop"] = request.loop
    body |= {"resolution": getattr(request, "resolution", SIZE), "duration": getattr(request, "duration", LENGTH)}
    only = "image_url" if "image_url" in media else "end_image_url"
    fields = {
        "keyframes": ("body", only),
        "keyframes.frame0": ("body", "image_url"),
        "keyframes.frame1": ("body", "end_image_url"),
    }
    return VendorCall(VENDOR, "video", model, body, fields)


def reframe(model: str, request: ReframeVideoRequest, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for the same film in another frame."""
    body = {"generation_type": "reframe_video", "media": _video(media), "aspect_ratio": request.aspect_ratio}
    body |= _first_frame(media, shape(request.aspect_ratio)) | _prompt(request.prompt)
    body |= {name: value for name in EDGES if (value := getattr(request, name)) is not None}
    return VendorCall(VENDOR, "reframe", model, body, _FROM_VIDEO)


def modify(model: str, request: ModifyVideoRequest, media: MediaMap, _clip: Clip) -> VendorCall:
    """Ask for the film made over; how its first frame is to look is cropped to its shape."""
    width, height = media["video_url"].size
    body = {"generation_type": "modify_video", "media": _video(media), "mode": request.mode}
    body |= _first_frame(media, width / height) | _prompt(request.prompt)
    return VendorCall(VENDOR, "modify", model, body, _FROM_VIDEO)


_FROM_VIDEO = {
    "media": ("body", "video_url"),
    "first_frame": ("body", "image_url"),
    "keyframes": ("body", "image_url"),  # what refusals of any picture are found as
    "generation_type": ("body",),
}


def shape(aspect_ratio: str) -> float:
    """Return width / height of "16:9"."""
    across, _, down = aspect_ratio.partition(":")
    return int(across) / int(down)


def _prompt(text: str | None) -> dict[str, Any]:
    """A prompt without a word is none, which the vendor takes where there are pictures to go by."""
    return {"prompt": text} if text and text.strip() else {}


def _video(media: MediaMap) -> dict[str, Any]:
    return {"url": media["video_url"].attached("url", ("body", "video_url"))}


def _first_frame(media: MediaMap, ratio: float) -> dict[str, Any]:
    if "image_url" not in media:
        return {}
    return {"first_frame": {"url": media["image_url"].attached("url", ("body", "image_url"), ratio)}}
