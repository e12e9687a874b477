import io

import numpy as np
import pytest
from PIL import Image

from rushes.files.types import UNKNOWN, given_type, may_show, sniffed_type, suffix_of


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"])
def test_pictures_are_known_by_their_content(format_name: str) -> None:
    file = io.BytesIO()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(file, format_name)
    assert sniffed_type(file.getvalue()[:512]) == f"image/{format_name.lower()}"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2", "video/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "video/quicktime"),
        (b"\0\0\0\x20ftypM4A \0\0\0\0", "audio/mp4"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\x82\x84webm", "video/webm"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\x82\x88matroska", "video/x-matroska"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
        (b"ID3\x04\0\0", "audio/mpeg"),
        (b"OggS\0\2" + bytes(22) + b"\x01vorbis", "audio/ogg"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"%PDF-1.7", "application/pdf"),
        (b"BMW is a car maker", UNKNOWN),
        (b"<html><script>", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_other_formats_too_and_what_is_not_known_is_not_guessed(head: bytes, kind: str) -> None:
    assert sniffed_type(head) == kind


@pytest.mark.parametrize(
    "kind",
    ["image/png", "video/mp4", "audio/wav", "text/plain; charset=utf-8", "IMAGE/PNG", "application/json"],
)
def test_media_and_plain_text_may_be_shown(kind: str) -> None:
    assert may_show(kind)


@pytest.mark.parametrize(
    "kind",
    [
        "text/html",
        "TEXT/HTML; charset=utf-8",
        "image/svg+xml",
        "image/SVG+xml ; x=y",
        "image/svg",
        "text/xml",
        "application/xhtml+xml",
        "application/javascript",
        "text/javascript",
        "text/css",
        "application/octet-stream",
        "multipart/x-mixed-replace",
        "video/mp4+xml",
        "nonsense",
        "",
    ],
)
def test_whatever_could_run_a_script_may_not(kind: str) -> None:
    assert not may_show(kind)


@pytest.mark.parametrize("kind", ["image/png", "text/plain; charset=utf-8", "image/svg+xml", "application/x.y-z+json"])
def test_a_well_formed_type_is_kept(kind: str) -> None:
    assert given_type(f" {kind} ") == kind


@pytest.mark.parametrize(
    "kind", [None, "", " ", "png", "image/", "a/b\r\nX: y", "é/x", "image/png, text/html", "a/" + "b" * 300]
)
def test_nonsense_is_no_type(kind: str | None) -> None:
    assert given_type(kind) is None


def test_a_suffix_follows_the_type_without_its_parameters() -> None:
    assert suffix_of("Text/Plain; charset=utf-8") == ".txt"
    assert suffix_of("application/x-unheard-of") == ""
