"""Files made to hurt a decoder: bombs, lies, loops, chimeras. All small, all made here."""

from __future__ import annotations

import io
import struct
import wave
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from rushes.endpoint import VideoFormat
from tests.media.films import moving, source, tone, write_film

Maker = Callable[[], bytes]
PICTURE_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")


def picture(format: str, side: int = 64, **options: Any) -> bytes:
    """A noisy picture that is as it should be."""
    noise = np.random.default_rng(1).integers(0, 255, (side, side, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, format, **options)
    return file.getvalue()


def film(folder: Path, container: Any = "mp4", frames: int = 24) -> bytes:
    """A film with sound that is as it should be."""
    write_film(folder / "good", moving(frames), 24, VideoFormat(container), source(tone(frames / 24)))
    return (folder / "good").read_bytes()


def sound(folder: Path, name: str, codec: str, seconds: float = 1.0) -> bytes:
    """A tone that is as it should be."""
    rate = 48_000
    heard = (tone(seconds, rate, 1)[:, 0] * 32_767).astype(np.int16)[None]
    with av.open(str(folder / name), "w") as file:
        stream = file.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(heard, format="s16", layout="mono")
        frame.sample_rate = rate
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return (folder / name).read_bytes()


def wav(
    samples: bytes, width: int = 2, tag: int = 1, data_size: int | None = None, riff_size: int | None = None
) -> bytes:
    """A WAV file of one channel at 48 kHz, with sizes that may lie."""
    size = len(samples) if data_size is None else data_size
    form = struct.pack("<HHIIHH", tag, 1, 48_000, 48_000 * width, width, 8 * width)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", size) + samples
    return b"RIFF" + struct.pack("<I", len(body) if riff_size is None else riff_size) + body


def chunk(name: bytes, data: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, idat: bytes, *before: bytes) -> bytes:
    """A PNG of any size and any content."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(before) + chunk(b"IDAT", idat) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """`count` zero bytes, compressed without ever holding them."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(1 << 20)) for _ in range(count >> 20)]
    return b"".join([*parts, packer.compress(bytes(count & 0xFFFFF)), packer.flush()])


def gif_of(frames: int, side: int = 64) -> bytes:
    """A GIF of many frames of one pixel."""
    head = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"!\xf9\x04\x00\x04\x00\x00\x00" + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02D\x01\0"
    return head + frame * frames + b";"


def tiff(entries: list[tuple[int, int, int, int]], *, next_ifd: int = 0, tail: bytes = b"") -> bytes:
    """A little-endian TIFF with one directory of (tag, type, count, value)."""
    rows = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + rows + struct.pack("<I", next_ifd) + tail


def tiff_with(offset: int, size: int, *, width: int = 64, next_ifd: int = 0, compression: int = 1) -> bytes:
    """A grey TIFF whose only strip is said to lie at `offset` and to have `size` bytes."""
    said = {256: width, 257: 64, 258: 8, 259: compression, 262: 1, 273: offset, 277: 1, 278: 64, 279: size}
    return tiff([(tag, 4, 1, value) for tag, value in said.items()], next_ifd=next_ifd, tail=bytes(4096))


def jpeg_with_size(width: int, height: int, precision: int = 8) -> bytes:
    """A JPEG whose head says another size or depth than its scan holds."""
    data = bytearray(picture("JPEG"))
    at = data.index(b"\xff\xc0") + 4
    data[at : at + 5] = struct.pack(">BHH", precision, height, width)
    return bytes(data)


def jpeg_of_many_scans(scans: int) -> bytes:
    """A progressive JPEG of the largest size whose last scan comes again and again."""
    data = bytearray(picture("JPEG", 64, progressive=True))
    at = data.index(b"\xff\xc2") + 5
    data[at : at + 4] = struct.pack(">HH", 9_000, 11_000)
    last = data.rindex(b"\xff\xda")
    return bytes(data[:last] + data[last:-2] * scans + b"\xff\xd9")


def webp_canvas() -> bytes:
    """A WebP whose canvas is said to have 16,777,216 pixels a side."""
    vp8x = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + b"\xff\xff\xff" * 2
    body = b"WEBP" + vp8x + b"ANIM" + struct.pack("<IIH", 6, 0, 0) + bytes(400)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def box(name: bytes, body: bytes) -> bytes:
    """An ISO box."""
    return struct.pack(">I", len(body) + 8) + name + body


def patched(data: bytes, mark: bytes, skip: int, new: bytes, last: bool = False) -> bytes:
    """Overwrite bytes `skip` behind a mark."""
    at = (data.rindex if last else data.index)(mark) + skip
    return data[:at] + new + data[at + len(new) :]


def avif_said_to_be(width: int, height: int) -> bytes:
    """An AVIF whose `ispe` property says another size than its pixels have."""
    return patched(picture("AVIF"), b"ispe", 8, struct.pack(">II", width, height))


def mp4_with_billions_of_samples(data: bytes) -> bytes:
    """The table of sizes says that 2^31 samples have one byte each, the table of chunks that each chunk holds 2^24."""
    data = patched(data, b"stsz", 8, struct.pack(">II", 1, 2**31 - 1))
    data = patched(data, b"stsc", 16, struct.pack(">I", 2**24))
    return patched(data, b"stts", 12, struct.pack(">I", 2**31 - 1))


def webm_without_end(data: bytes) -> bytes:
    """Cluster after cluster of unknown size, each empty."""
    start = data.index(b"\x1f\x43\xb6\x75")
    empty = b"\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff\xe7\x81\0"
    return data[:start] + empty * 100_000


def webm_of_deep_nesting() -> bytes:
    """Ten thousand master elements inside each other."""
    return b"\x1aE\xdf\xa3\x80" + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" * 10_000


def ogg_pages(count: int) -> bytes:
    """Pages that continue a packet which never ends."""
    first = b"OggS\0\x02" + bytes(8) + struct.pack("<III", 1, 0, 0) + b"\x01\x13OpusHead\x01\x01" + bytes(9)
    pages = (
        b"OggS\0\x01" + b"\xff" * 8 + struct.pack("<III", 1, n, 0) + b"\xff" * 256 + bytes(255 * 255)
        for n in range(1, count)
    )
    return first + b"".join(pages)


def floats(*values: float) -> bytes:
    """A float WAV that repeats these values for a second."""
    return wav(np.resize(np.array(values, np.float32), 48_000).astype("<f4").tobytes(), 4, 3)


def mp3_behind_tag(audio: bytes, said: int, really: int) -> bytes:
    """An ID3 tag of `really` bytes that says it has `said`."""
    size = bytes(said >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\0\0" + size + bytes(really) + audio


def zip_behind(data: bytes) -> bytes:
    """A file that is also a ZIP archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("run.sh", "rm -rf /")
    return data + file.getvalue()


def gif_script() -> bytes:
    """A GIF whose head is also the beginning of a script: its width spells `/*`."""
    return b"GIF89a/*" + struct.pack("<HBBB", 64, 0, 0, 0) + b"*/=1;alert(document.cookie)//" + bytes(64)


def silence_wav() -> bytes:
    """A plain WAV, written by Python's own library."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound_file:
        sound_file.setparams((1, 2, 48_000, 0, "NONE", ""))
        sound_file.writeframes(bytes(96_000))
    return file.getvalue()


NO_MEDIA: dict[str, bytes] = {
    "nothing": b"",
    "one byte": b"\x89",
    "text": b"a long walk home",
    "page": b"<!doctype html><title>404</title>",
    "script": b"#!/bin/sh\nrm -rf /\n",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "svg entities": b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg>&b;</svg>',
    "pdf": b"%PDF-1.7\n" + bytes(500),
    "pdf before JPEG": b"%PDF-1.7\n" + picture("JPEG"),
    "zip": zip_behind(b""),
    "elf": b"\x7fELF\x02\x01\x01" + bytes(500),
    "gzip": b"\x1f\x8b\x08" + bytes(500),
    "playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "zeros": bytes(100_000),
    "ones": b"\xff" * 100_000,
    "icon": b"\0\0\x01\0\x01\0" + bytes(500),
}

BAD_PICTURES: dict[str, Maker] = {
    "PNG of 60000x60000": lambda: png(60_000, 60_000, zeros(1 << 20)),
    "PNG of 2^31-1": lambda: png(2**31 - 1, 2**31 - 1, b""),
    "PNG of no width": lambda: png(0, 64, b""),
    "PNG whose data goes on for 500 MB": lambda: png(
        64, 64, b"\x78\x9c" + bytes(10), chunk(b"zTXt", b"a\0\0" + zeros(500 << 20))
    ),
    "PNG with a chunk of 2 GB": lambda: b"\x89PNG\r\n\x1a\n" + b"\x7f\xff\xff\xffIDAT" + bytes(100),
    "JPEG of 65500x65500": lambda: jpeg_with_size(65_500, 65_500),
    "JPEG of no height": lambda: jpeg_with_size(64, 0),
    "JPEG of 12 bits": lambda: jpeg_with_size(64, 64, 12),
    "GIF of 65535x65535": lambda: gif_of(1, 65_535),
    "WebP of 2^24": webp_canvas,
    "AVIF said to be huge": lambda: avif_said_to_be(60_000, 60_000),
    "TIFF with its strip far away": lambda: tiff_with(2**31, 4096),
    "TIFF with a strip of 4 GB": lambda: tiff_with(200, 2**32 - 1, width=16_000),
    "TIFF of 2^32-1": lambda: tiff_with(200, 4096, width=2**32 - 1),
    "TIFF with a directory in itself": lambda: tiff([(330, 4, 1, 8)], next_ifd=8),
    "TIFF with no entries": lambda: tiff([]),
    "TIFF with an entry of 2^32-1 values": lambda: tiff([(256, 4, 1, 64), (257, 4, 1, 64), (273, 4, 2**32 - 1, 8)]),
    "TIFF with rubbish as LZW": lambda: tiff_with(200, 4000, compression=5),
    "TIFF with rubbish as JPEG": lambda: tiff_with(200, 4000, compression=7),
    "BMP of 2^31-1": lambda: patched(picture("BMP"), b"BM", 18, struct.pack("<ii", 2**31 - 1, 2**31 - 1)),
    "BMP of minus 2^31": lambda: patched(picture("BMP"), b"BM", 18, struct.pack("<ii", 64, -(2**31))),
}
"""Refused every one."""

ODD_PICTURES: dict[str, Maker] = {
    "JPEG larger than its scan": lambda: jpeg_with_size(9_000, 9_000),
    "AVIF said to be wider": lambda: avif_said_to_be(128, 64),
    "BMP with a wild palette": lambda: patched(picture("BMP"), b"BM", 46, struct.pack("<I", 2**32 - 1)),
    "GIF of 10,000 frames": lambda: gif_of(10_000),
    "PNG with 50 MB of data too many": lambda: png(64, 64, zeros(50 << 20)),
    "JPEG of 60 scans": lambda: jpeg_of_many_scans(60),
    "TIFF with a loop of directories": lambda: tiff_with(200, 4096, next_ifd=8),
    "PNG and ZIP": lambda: zip_behind(picture("PNG")),
    "JPEG and PDF": lambda: picture("JPEG") + b"%PDF-1.7\n" + bytes(100),
    "JPEG and page": lambda: picture("JPEG", comment=b"<script>alert(1)</script>"),
    "GIF and script": gif_script,
    "PNG full of zeros, 100 megapixels": lambda: png(10_000, 10_000, zeros(10_000 * 30_001)),
}
"""Taken or refused, but within the limits."""

RECORDINGS: dict[str, Callable[[Path], bytes]] = {
    "mp4 with billions of samples": lambda at: mp4_with_billions_of_samples(film(at)),
    "mp4 with samples behind its end": lambda at: patched(film(at), b"stco", 8, b"\x7f\xff\xff\xff"),
    "mp4 with samples of 2 GB": lambda at: patched(film(at), b"stsz", 12, b"\x7f\xff\xff\xff" * 4),
    "mp4 of 2^63 ticks": lambda at: patched(film(at), b"mvhd", 16, b"\x7f\xff\xff\xff"),
    "mp4 with frames of 2^31 ticks": lambda at: patched(film(at), b"stts", 12, b"\x7f\xff\xff\xff"),
    "mp4 with a clock of nought": lambda at: patched(film(at), b"mdhd", 12, bytes(4)),
    "mp4 with an edit list that lies": lambda at: patched(film(at), b"elst", 8, b"\x7f\xff\xff\xff" * 2),
    "mp4 with an endless edit list": lambda at: patched(film(at), b"elst", 4, b"\xff\xff\xff\xff"),
    "mp4 of 65535x65535": lambda at: patched(film(at), b"avc1", 28, b"\xff\xff\xff\xff"),
    "mp4 with a broken decoder's head": lambda at: patched(film(at), b"avcC", 8, b"\xff" * 30),
    "mp4 of boxes in boxes": lambda at: film(at)[:32] + b"\0\0\x20\0moov" * 1_000,
    "mp4 with a box of 2^63": lambda at: film(at)[:32] + b"\0\0\0\x01mdat\x7f" + b"\xff" * 7 + bytes(100),
    "mov that points elsewhere": lambda at: patched(film(at, "mov"), b"dref", 12, b"alis\0\0\0\0/etc"),
    "webm with endless clusters": lambda at: webm_without_end(film(at, "webm")),
    "webm of deep nesting": lambda _: webm_of_deep_nesting(),
    "webm of 2^60 seconds": lambda at: patched(film(at, "webm"), b"\x44\x89\x88", 3, struct.pack(">d", 2.0**60)),
    "webm that lasts no number": lambda at: patched(
        film(at, "webm"), b"\x44\x89\x88", 3, struct.pack(">d", float("nan"))
    ),
    "gif of 10,000 frames": lambda _: gif_of(10_000),
    "gif of 65535x65535": lambda _: gif_of(3, 65_535),
    "wav that says 4 GB": lambda _: wav(bytes(96_000), data_size=2**32 - 1, riff_size=2**32 - 1),
    "wav that says nothing": lambda _: wav(bytes(96_000), data_size=0, riff_size=0),
    "wav with no bits": lambda _: wav(bytes(960), 0),
    "wav without samples": lambda _: wav(b""),
    "wav of NaN": lambda _: floats(float("nan")),
    "wav of infinities": lambda _: floats(float("inf"), float("-inf"), 1e38, -1e-45),
    "mp3 behind 10 MB of tags": lambda at: mp3_behind_tag(sound(at, "a.mp3", "libmp3lame"), 10_000_000, 10_000_000),
    "mp3 with a tag of 256 MB": lambda at: mp3_behind_tag(sound(at, "a.mp3", "libmp3lame"), 2**28 - 1, 100),
    "mp3 of tags only": lambda _: mp3_behind_tag(b"", 1_000_000, 1_000_000),
    "ogg without end": lambda _: ogg_pages(400),
    "flac that says 2^36 samples": lambda at: patched(sound(at, "a.flac", "flac"), b"fLaC", 21, b"\xff" * 5),
    "flac of no rate": lambda at: patched(sound(at, "a.flac", "flac"), b"fLaC", 18, bytes(3)),
    "mp4 and ZIP": lambda at: zip_behind(film(at)),
    "wav and page": lambda _: silence_wav() + b"<script>alert(1)</script>",
}
"""Taken or refused, but within the limits: many a lie is about something that nobody needs."""
RECORDINGS["mp4 with thirty million samples"] = lambda at: mp4_of_tiny_samples(film(at), 30_000_000)


def mp4_of_tiny_samples(data: bytes, count: int) -> bytes:
    """Tables that fit each other: so many samples of one byte, all in one chunk."""
    data = patched(data, b"stsz", 8, struct.pack(">II", 1, count))
    data = patched(data, b"stsc", 8, struct.pack(">IIII", 1, 1, count, 1))
    data = patched(data, b"stco", 8, struct.pack(">I", 48))
    return patched(data, b"stts", 8, struct.pack(">II", count, 1))
