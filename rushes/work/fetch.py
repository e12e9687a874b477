"""A request's media inputs as local files: fetched, checked for size and length, decoded.

An input is a file of our own (the gateway says which), a data URI, or an http(s) URL; a voice is a built-in one's name,
which needs no file, or an id whose profile is a file of our own. What may be reached and what a decoder may do is
decided in `media`; this file says which way each input goes, and tells the caller what came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel

from rushes.endpoint import Media, MediaMap
from rushes.errors import ModelError
from rushes.fields import MediaInput, MediaKind, media_inputs
from rushes.media.data_uri import is_data_uri, read_data_uri
from rushes.media.decode import PictureLimits, decode_picture
from rushes.media.download import DownloadLimits, Fetched, fetch
from rushes.media.recording import Kind, RecordingLimits, decode_sound, decode_video, too_long, too_short
from rushes.settings import Settings
from rushes.work.tools import Files, Report

SLACK_S = 0.05  # encoders pad sound to whole packets: "10 s" of it are rarely exactly that
NAMES_SHOWN = 8  # of the built-in voices, in an error


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one input's files go: as it came, decoded, and the sound of a video."""

    raw: Path
    decoded: Path
    sound: Path


def fetch_inputs(  # noqa: PLR0917
    request: BaseModel,
    own_files: Mapping[str, str],
    files: Files,
    settings: Settings,
    report: Report,
    voices: Sequence[str] = (),
) -> MediaMap:
    """Fetch every media input, each address once; keys are `MediaInput.key`. Raises ModelError at the input's loc.

    A voice field that names one of the built-in `voices` is no input, nor is one that is empty.
    """
    found: dict[str, Media] = {}
    seen: dict[str, Fetched] = {}
    looked: dict[tuple[str, MediaKind, bool], Media] = {}
    for number, given in enumerate(media_inputs(request)):
        if given.field.kind == "voice" and (not given.url or given.url in voices):
            continue
        place = _place(files.folder(), number, given)
        limits = limits_of(given, settings)
        fetched = seen.get(given.url) or bring(
            given, own_files.get(given.url), place.raw, limits, files=files, report=report, voices=voices
        )
        check_size(fetched, limits, given)
        seen[given.url] = fetched
        # One picture may be given as itself and as a mask, which are decoded differently.
        read_as = (given.url, given.field.kind, given.field.mask)
        media = looked.get(read_as) or look(given, fetched, place, settings, report)
        looked[read_as] = media
        check_length(given, media)
        report.say(f"Fetched {given.key}: {describe(media)}")
        found[given.key] = media
    return found


def _place(folder: Path, number: int, given: MediaInput) -> _Place:
    # Never by the name in its address, which is a stranger's word.
    raw = folder / f"input-{number}"
    decoded = raw.with_suffix(".mp4" if given.field.kind == "video" else ".npy")
    return _Place(raw, decoded, raw.with_suffix(".sound.npy"))


def limits_of(given: MediaInput, settings: Settings) -> DownloadLimits:
    """The server's limits, with the endpoint's own size limit where that is lower."""
    limits = DownloadLimits.of(settings)
    return replace(limits, max_bytes=min(limits.max_bytes, given.field.max_bytes or limits.max_bytes))


def bring(
    given: MediaInput,
    own_id: str | None,
    to: Path,
    limits: DownloadLimits,
    *,
    files: Files,
    report: Report,
    voices: Sequence[str] = (),
) -> Fetched:
    """Bring the bytes to the file `to`, from wherever they are."""
    report.tick()
    # Before all else: a voice's id is no address that could be fetched.
    if own_id is None and given.field.kind == "voice":
        raise unknown_voice(given, voices)
    if is_data_uri(given.url):
        carried = read_data_uri(given.url, limits.max_bytes, given.loc)
        to.write_bytes(carried.data)
        return Fetched(to, len(carried.data), carried.content_type)
    if own_id is None:
        return fetch(given.url, to, limits, given.loc, report.tick)
    try:
        content_type = files.get(own_id, to, report.tick)
    except FileNotFoundError:
        if given.field.kind == "voice":
            raise unknown_voice(given, voices) from None
        why = "is no longer in this server's storage, or not this account's to read; upload it again"
        gone = f"the file {given.url} {why}"
        raise ModelError("file_download_error", gone, loc=given.loc) from None
    return Fetched(to, to.stat().st_size, content_type)


def unknown_voice(given: MediaInput, voices: Sequence[str]) -> ModelError:
    """The error for a voice that is neither built in nor one of the account's own."""
    shown = ", ".join(voices[:NAMES_SHOWN]) + (", …" if len(voices) > NAMES_SHOWN else "")
    allowed = f"use a built-in voice ({shown}) or clone one first" if voices else "clone one first"
    msg = f"the voice {given.url!r} is not known to this account; {allowed}"
    return ModelError("one_of", msg, loc=given.loc, ctx={"expected": list(voices[:NAMES_SHOWN])})


def check_size(fetched: Fetched, limits: DownloadLimits, given: MediaInput) -> None:
    """Refuse what is too large; needed for own files, and for a file that another field with a higher limit brought."""
    if fetched.size_bytes > limits.max_bytes:
        msg = f"the file has {fetched.size_bytes} bytes; at most {limits.max_bytes} are allowed"
        raise ModelError("file_too_large", msg, loc=given.loc, ctx={"max_size": limits.max_bytes})


def look(given: MediaInput, fetched: Fetched, place: _Place, settings: Settings, report: Report) -> Media:
    """Find out what the file is, and decode it to what the engines read."""
    kind = given.field.kind
    if kind == "image":
        limits, mask = PictureLimits.of(settings), given.field.mask
        picture = decode_picture(fetched.path, place.decoded, limits, given.loc, report.tick, mask=mask)
        size = (picture.width, picture.height)
        return Media(
            kind, str(place.decoded), picture.content_type, fetched.size_bytes, *size, source=str(fetched.path)
        )
    if kind == "voice":
        return Media(kind, str(fetched.path), fetched.content_type, fetched.size_bytes, source=str(fetched.path))
    lengths = RecordingLimits.of(settings)
    if kind == "audio":
        return decode_sound(fetched.path, place.decoded, lengths, given.loc, report.tick)
    return decode_video(fetched.path, place.decoded, place.sound, lengths, given.loc, report.tick)


def check_length(given: MediaInput, media: Media) -> None:
    """Hold a video or a sound to its field's own limits of length."""
    kind: Kind = "audio" if media.kind == "audio" else "video"
    limits, seconds = given.field, media.duration_s
    if seconds is None:
        return
    if limits.min_s is not None and seconds < limits.min_s - SLACK_S:
        raise too_short(kind, seconds, limits.min_s, given.loc)
    if limits.max_s is not None and seconds > limits.max_s + SLACK_S:
        raise too_long(kind, seconds, limits.max_s, given.loc)


def describe(media: Media) -> str:
    """Say in a few words what an input is: length, size in pixels, rate, sound, type, bytes."""
    if media.kind == "voice":
        return "a voice of the account's own"
    length = f"{media.duration_s:.2f} s of " if media.duration_s is not None else ""
    pixels = f"{media.width}x{media.height} " if media.width else ""
    rate = f"at {media.fps:g} fps with{'' if media.has_audio else 'out'} sound, " if media.fps else ""
    return f"{length}{pixels}{rate}{media.content_type}, {media.size_bytes:,} bytes"
