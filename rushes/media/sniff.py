"""What a file is, by its first bytes; never by its name or by the type somebody claims for it.

Only compares prefixes, so it is safe on untrusted bytes. Whether the rest of the file keeps the promise is for the
decoders to find out.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Literal

HEAD_BYTES = 4096

Sort = Literal["picture", "video", "audio", "text", "other", "unknown", "empty"]


@dataclass(frozen=True, slots=True)
class Looks:
    """What a file looks like: its sort, a name for messages ("a PDF document"), and its type."""

    sort: Sort
    name: str
    content_type: str = "application/octet-stream"


_PNG = Looks("picture", "a PNG picture", "image/png")
_JPEG = Looks("picture", "a JPEG picture", "image/jpeg")
_GIF = Looks("picture", "a GIF picture", "image/gif")
_TIFF = Looks("picture", "a TIFF picture", "image/tiff")
_ICON = Looks("picture", "an icon", "image/x-icon")
_MPEG_AUDIO = Looks("audio", "an MP3 file", "audio/mpeg")
_ADTS = Looks("audio", "an AAC file", "audio/aac")
_TS_PACKET, _TS_SYNC = 188, b"\x47"

_PREFIXES: tuple[tuple[bytes, Looks], ...] = (
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"\xff\xd8\xff", _JPEG),
    (b"GIF87a", _GIF),
    (b"GIF89a", _GIF),
    (b"II*\x00", _TIFF),
    (b"MM\x00*", _TIFF),
    (b"II+\x00", _TIFF),
    (b"MM\x00+", _TIFF),
    (b"8BPS", Looks("picture", "a Photoshop picture", "image/vnd.adobe.photoshop")),
    (b"\x00\x00\x01\x00", _ICON),
    (b"\xff\x0a", Looks("picture", "a JPEG XL picture", "image/jxl")),
    (b"\x00\x00\x00\x0cJXL ", Looks("picture", "a JPEG XL picture", "image/jxl")),
    (b"\x00\x00\x00\x0cjP  ", Looks("picture", "a JPEG 2000 picture", "image/jp2")),
    (b"\x1aE\xdf\xa3", Looks("video", "a Matroska or WebM video", "video/webm")),
    (b"FLV\x01", Looks("video", "a Flash video", "video/x-flv")),
    (b"\x00\x00\x01\xba", Looks("video", "an MPEG video", "video/mpeg")),
    (b"OggS", Looks("audio", "an Ogg file", "audio/ogg")),
    (b"fLaC", Looks("audio", "a FLAC file", "audio/flac")),
    (b"ID3", _MPEG_AUDIO),
    (b"\xff\xfb", _MPEG_AUDIO),
    (b"\xff\xfa", _MPEG_AUDIO),
    (b"\xff\xf3", _MPEG_AUDIO),
    (b"\xff\xf2", _MPEG_AUDIO),
    (b"\xff\xe3", _MPEG_AUDIO),  # of at most 12 kHz
    (b"\xff\xe2", _MPEG_AUDIO),
    (b"\xff\xf1", _ADTS),
    (b"\xff\xf9", _ADTS),
    (b"%PDF-", Looks("other", "a PDF document", "application/pdf")),
    (b"PK\x03\x04", Looks("other", "a ZIP archive or an office document", "application/zip")),
    (b"\x1f\x8b", Looks("other", "gzip-compressed bytes", "application/gzip")),
    (b"\x7fELF", Looks("other", "a program")),
)
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_RIFF = {
    b"WEBP": Looks("picture", "a WebP picture", "image/webp"),
    b"AVI ": Looks("video", "an AVI video", "video/x-msvideo"),
    b"WAVE": Looks("audio", "a WAV file", "audio/wav"),
}


def looks_like(head: bytes) -> Looks:
    """Judge a file by its first HEAD_BYTES bytes (or all it has)."""
    if not head:
        return Looks("empty", "an empty file")
    for prefix, looks in _PREFIXES:
        if head.startswith(prefix):
            return looks
    if head[:4] == b"RIFF" and head[8:12] in _RIFF:
        return _RIFF[head[8:12]]
    if head[4:8] == b"ftyp":
        return _boxed(head)
    if len(head) > 2 * _TS_PACKET and {head[at : at + 1] for at in range(0, 3 * _TS_PACKET, _TS_PACKET)} == {_TS_SYNC}:
        return Looks("video", "an MPEG transport stream", "video/mp2t")
    # "BM" alone begins many words; a bitmap's reserved bytes are zero and its header size is small.
    if head[:2] == b"BM" and head[6:10] == bytes(4) and head[15:18] == bytes(3):
        return Looks("picture", "a BMP picture", "image/bmp")
    return _text(head) or Looks("unknown", "of no known format")


def _boxed(head: bytes) -> Looks:
    """Tell the files that start with an ftyp box apart by their brands."""
    size = min(max(int.from_bytes(head[:4], "big"), 16), 256)
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, size, 4))}
    # Before HEIC: AVIF files often have mif1 as their first brand, and avif among the others.
    if brands & _AVIF_BRANDS:
        return Looks("picture", "an AVIF picture", "image/avif")
    if head[8:12] in _HEIF_BRANDS:
        return Looks("picture", "a HEIC picture", "image/heic")
    if head[8:11] == b"M4A":
        return Looks("audio", "an M4A file", "audio/mp4")
    if head[8:12] == b"qt  ":
        return Looks("video", "a QuickTime video", "video/quicktime")
    return Looks("video", "an MP4 video", "video/mp4")


def _text(head: bytes) -> Looks | None:
    if b"\0" in head:
        return None
    try:
        # Incrementally, so that a letter which the head's end cuts in two is no error, and any other one is.
        text = codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < HEAD_BYTES)
    except UnicodeDecodeError:
        return None
    text = text.lstrip("\ufeff \t\r\n").lower()
    if sum(not (char.isprintable() or char.isspace()) for char in text) > len(text) // 50:
        return None
    if "<svg" in text[:1024]:
        return Looks("picture", "an SVG drawing", "image/svg+xml")
    if text.startswith(("<!doctype html", "<html", "<head", "<body")):
        return Looks("text", "a web page", "text/html")
    if text.startswith(("{", "[")):
        return Looks("text", "JSON text", "application/json")
    if text.startswith("<?xml"):
        return Looks("text", "XML text", "application/xml")
    return Looks("text", "text", "text/plain")
