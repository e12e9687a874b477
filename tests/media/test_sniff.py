"""What files are told to be by their first bytes."""

from __future__ import annotations

import pytest

from rushes.media.sniff import HEAD_BYTES, looks_like


def boxed(*brands: bytes) -> bytes:
    first, *others = brands
    content = b"ftyp" + first + bytes(4) + b"".join(others)
    return (len(content) + 4).to_bytes(4, "big") + content + b"\0\0\0\x08mdat"


@pytest.mark.parametrize(
    ("head", "sort", "content_type"),
    [
        (b"", "empty", "application/octet-stream"),
        (b"\x89PNG\r\n\x1a\n", "picture", "image/png"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "picture", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio", "audio/wav"),
        (b"RIFF\0\0\0\0AVI LIST", "video", "video/x-msvideo"),
        (b"RIFF\0\0\0\0CDXA", "unknown", "application/octet-stream"),
        (boxed(b"isom", b"avc1"), "video", "video/mp4"),
        (boxed(b"qt  "), "video", "video/quicktime"),
        (boxed(b"M4A ", b"isom"), "audio", "audio/mp4"),
        (boxed(b"mif1", b"heic"), "picture", "image/heic"),
        (boxed(b"mif1", b"miaf", b"avif"), "picture", "image/avif"),
        (boxed(b"isom") + b"avif", "video", "video/mp4"),  # what stands behind the box is no brand
        ((b"G" + bytes(187)) * 3, "video", "video/mp2t"),
        ((b"G" + b"o" * 187) * 2, "text", "text/plain"),
        (b"BM" + bytes(8) + b"\x36\0\0\0\x28\0\0\0", "picture", "image/bmp"),
        (b"BMW is a make of car", "text", "text/plain"),
        (b"\xff\xfb\x90d", "audio", "audio/mpeg"),
        (b"\xff\xd8\xff\xe0", "picture", "image/jpeg"),
        (b"  <!DOCTYPE html><title>x", "text", "text/html"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg/>", "picture", "image/svg+xml"),
        (b"<?xml version='1.0'?><a/>", "text", "application/xml"),
        (b'{"detail": "no"}', "text", "application/json"),
        (b"\x00\x01\x02\x03", "unknown", "application/octet-stream"),
        (b"\x01\x02\x03\x04", "unknown", "application/octet-stream"),
        (b"a\xff", "unknown", "application/octet-stream"),
    ],
)
def test_a_file_is_what_its_first_bytes_say(head: bytes, sort: str, content_type: str) -> None:
    looks = looks_like(head)
    assert (looks.sort, looks.content_type) == (sort, content_type)


def test_a_letter_that_the_head_cuts_in_two_is_still_text() -> None:
    assert looks_like(b"x" * (HEAD_BYTES - 1) + b"\xc3").sort == "text"
    assert looks_like(b"x" * 10 + b"\xc3").sort == "unknown"
