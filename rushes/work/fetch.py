"""A request's media inputs as local files: fetched, checked for size, pictures decoded.

An input is a file of our own (the gateway says which), a data URI, or an http(s) URL. What may be reached and what a
decoder may do is decided in `media`; this file says which way each input goes, and tells the caller what came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel

from rushes.endpoint import Media, MediaMap
from rushes.errors import ModelError
from rushes.fields import MediaInput, media_inputs
from rushes.media.data_uri import is_data_uri, read_data_uri
from rushes.media.decode import PictureLimits, decode_picture
from rushes.media.download import DownloadLimits, Fetched, fetch
from rushes.media.probe import probe
from rushes.settings import Settings
from rushes.work.tools import Files, Report


def fetch_inputs(
    request: BaseModel, own_files: Mapping[str, str], files: Files, settings: Settings, report: Report
) -> MediaMap:
    """Fetch every media input, each address once; keys are `MediaInput.key`. Raises ModelError at the input's loc."""
    found: dict[str, Media] = {}
    seen: dict[str, Fetched] = {}
    for number, given in enumerate(media_inputs(request)):
        place = files.folder() / f"input-{number}"
        limits = limits_of(given, settings)
        fetched = seen.get(given.url) or bring(
            given, own_files.get(given.url), place, limits, files=files, report=report
        )
        check_size(fetched, limits, given)
        seen[given.url] = fetched
        found[given.key] = look(given, fetched, place.with_suffix(".npy"), settings, report)
    return found


def limits_of(given: MediaInput, settings: Settings) -> DownloadLimits:
    """The server's limits, with the endpoint's own size limit where that is lower."""
    limits = DownloadLimits.of(settings)
    return replace(limits, max_bytes=min(limits.max_bytes, given.field.max_bytes or limits.max_bytes))


def bring(
    given: MediaInput, own_id: str | None, to: Path, limits: DownloadLimits, *, files: Files, report: Report
) -> Fetched:
    """Bring the bytes to the file `to`, from wherever they are."""
    report.tick()
    if is_data_uri(given.url):
        carried = read_data_uri(given.url, limits.max_bytes, given.loc)
        to.write_bytes(carried.data)
        return Fetched(to, len(carried.data), carried.content_type)
    if own_id is None:
        return fetch(given.url, to, limits, given.loc, report.tick)
    try:
        content_type = files.get(own_id, to, report.tick)
    except FileNotFoundError:
        gone = f"the file {given.url} is no longer in this server's storage; upload it again"
        raise ModelError("file_download_error", gone, loc=given.loc) from None
    return Fetched(to, to.stat().st_size, content_type)


def check_size(fetched: Fetched, limits: DownloadLimits, given: MediaInput) -> None:
    """Refuse what is too large; needed for own files, and for a file that another field with a higher limit brought."""
    if fetched.size_bytes > limits.max_bytes:
        msg = f"the file has {fetched.size_bytes} bytes; at most {limits.max_bytes} are allowed"
        raise ModelError("file_too_large", msg, loc=given.loc, ctx={"max_size": limits.max_bytes})


def look(given: MediaInput, fetched: Fetched, decoded: Path, settings: Settings, report: Report) -> Media:
    """Find out what the file is; a picture is decoded to `decoded`, anything else stays as it came."""
    kind = given.field.kind
    if kind == "image":
        picture = decode_picture(fetched.path, decoded, PictureLimits.of(settings), given.loc, report.tick)
        size = (picture.width, picture.height)
        media = Media(kind, str(decoded), picture.content_type, fetched.size_bytes, *size)
    elif kind == "voice":
        media = Media(kind, str(fetched.path), fetched.content_type, fetched.size_bytes)
    else:
        media = probe(fetched.path, kind, given.loc, report.tick)
    report.say(f"Fetched {given.key}: {describe(media)}")
    return media


def describe(media: Media) -> str:
    """Say in a few words what an input is: size in pixels, length, type, bytes."""
    pixels = f"{media.width}x{media.height} " if media.width else ""
    length = f"{media.duration_s:.2f} s of " if media.duration_s else ""
    return f"{length}{pixels}{media.content_type}, {media.size_bytes:,} bytes"
