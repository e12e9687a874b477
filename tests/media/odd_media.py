"""Files that are odd rather than broken, and such as want to lead the reader elsewhere. All small, all made here.

`hostile_media` has the bombs and the lies; these are what real senders, and clever ones, come up with besides.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from PIL import Image

from rushes.media.sound import Heard
from tests.media.films import moving, tone, write_film
from tests.media.hostile_media import box, chunk, film, floats, patched, picture, png, wav, zeros

ELSEWHERE = "http://127.0.0.1:{port}/secret"
"""Where the files that lead elsewhere lead to; whoever listens there must not be asked."""


def heic() -> bytes:
    """The head of a HEIC picture, as phones write it, and nothing behind it."""
    return box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", bytes(400)) + box(b"mdat", bytes(2_000))


def zip_as_film() -> bytes:
    """An archive of films."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("film.mp4", bytes(1_000))
    return file.getvalue()


def apng(frames: int) -> bytes:
    """An animated PNG whose later frames are one pixel each."""
    parts = [chunk(b"acTL", struct.pack(">II", frames, 0))]
    parts.append(chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 64, 64, 0, 0, 1, 25, 0, 0)))
    first = png(64, 64, zeros(64 * 193), *parts)
    more = []
    for number in range(1, frames):
        at = 2 * number - 1
        more.append(chunk(b"fcTL", struct.pack(">IIIIIHHBB", at, 1, 1, 0, 0, 1, 25, 0, 0)))
        more.append(chunk(b"fdAT", struct.pack(">I", at + 1) + zeros(4)))
    return first.removesuffix(chunk(b"IEND", b"")) + b"".join(more) + chunk(b"IEND", b"")


def animated_webp(frames: int) -> bytes:
    """An animated WebP of so many frames, each the same little picture."""
    still = io.BytesIO()
    Image.new("RGB", (16, 16), "teal").save(still, "WEBP", lossless=True)
    inner = still.getvalue()[12:]  # its VP8L chunk
    anmf = bytes(6) + (15).to_bytes(3, "little") * 2 + (40).to_bytes(3, "little") + b"\0" + inner
    one = b"ANMF" + struct.pack("<I", len(anmf)) + anmf + b"\0" * (len(anmf) % 2)
    vp8x = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + (15).to_bytes(3, "little") * 2
    body = b"WEBP" + vp8x + b"ANIM" + struct.pack("<IIH", 6, 0, 0) + one * frames
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_with_much_exif() -> bytes:
    """A JPEG whose EXIF fills its segment to the last byte; the orientation in it is true."""
    data = picture("JPEG")
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    body = exif + bytes(65_533 - len(exif))
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def saved(image: Image.Image, format: str) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    image.save(file, format)
    return file.getvalue()


def ramp(*shape: int) -> np.ndarray:
    """Values of 0 to 1 that rise from left to right, in this shape."""
    return np.broadcast_to(np.linspace(0, 1, shape[1]).reshape(1, -1, *[1] * (len(shape) - 2)), shape)


def sixteen_bits() -> bytes:
    """A grey PNG of 16 bits."""
    return saved(Image.fromarray((ramp(64, 64) * 65_535).astype(np.uint16)), "PNG")


def cmyk() -> bytes:
    """A JPEG in the printer's colours."""
    return saved(Image.fromarray((ramp(64, 64, 4) * 255).astype(np.uint8), "CMYK"), "JPEG")


def wav_of(channels: int, rate: int, heard: Heard) -> bytes:
    """A WAV of many channels at any rate, with the long form of its head."""
    samples = (heard * 32_767).astype("<i2").tobytes()
    step = channels * 2
    form = struct.pack("<HHIIHH", 0xFFFE, channels, rate, rate * step & 0xFFFFFFFF, step & 0xFFFF, 16)
    form += struct.pack("<HHI", 22, 16, 0) + b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


def quiet(frames: int, channels: int) -> Heard:
    """So many samples of near silence."""
    return np.full((frames, channels), 0.01, np.float32)


def without_pictures(at: Path) -> bytes:
    """An mp4 that has sound only."""
    path = at / "sound.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=48_000, layout="mono")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(tone(1.0, 48_000, 1).T, format="fltp", layout="mono")
        frame.sample_rate = 48_000
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path.read_bytes()


def without_sound(at: Path) -> bytes:
    """A film that has no sound."""
    write_film(at / "silent.mp4", moving(12))
    return (at / "silent.mp4").read_bytes()


def mp4_of_a_billion_frames(at: Path) -> bytes:
    """Its table of times says a billion frames; there are 24."""
    return patched(film(at), b"stts", 8, struct.pack(">II", 10**9, 1))


def hls(port: int) -> bytes:
    """A playlist that leads elsewhere."""
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{ELSEWHERE.format(port=port)}.ts\n#EXT-X-ENDLIST\n".encode()


def hls_of_a_file(_: int) -> bytes:
    """A playlist of a file of this machine."""
    return b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"


def hls_behind_bytes(port: int) -> bytes:
    """The same behind a head that passes for a film's."""
    return box(b"ftyp", b"isom\0\0\0\0isom") + b"\n" + hls(port)


def concat(port: int) -> bytes:
    """A script that strings other files together."""
    return f"ffconcat version 1.0\nfile {ELSEWHERE.format(port=port)}\nfile /etc/passwd\n".encode()


def dash(port: int) -> bytes:
    """A manifest that leads elsewhere."""
    address = ELSEWHERE.format(port=port)
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
        f'<Representation id="1"><BaseURL>{address}</BaseURL></Representation></AdaptationSet></Period></MPD>'
    ).encode()


def svg_of(port: int) -> bytes:
    """A drawing that loads another picture, a script, and a file of this machine."""
    address = ELSEWHERE.format(port=port)
    return (
        '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><script>alert(1)</script>'
        f'<image href="{address}" width="64" height="64"/><text>&x;</text></svg>'
    ).encode()


def sdp(port: int) -> bytes:
    """A description of a session that is to be joined."""
    return f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n".encode()


def mov_with_its_pictures_elsewhere(port: int, at: Path) -> bytes:
    """A film whose data reference names an address in place of its own file."""
    data = film(at, "mov")
    where = data.index(b"dref")
    entry = box(b"url ", bytes(4) + ELSEWHERE.format(port=port).encode() + b"\0")
    head = data[where + 4 : where + 8] + struct.pack(">I", 1)
    old = struct.unpack(">I", data[where - 4 : where])[0]
    new = head + entry
    # Sizes of the boxes around it are left as they were: readers that follow the entry do so before they notice.
    return data[: where - 4] + struct.pack(">I", len(new) + 8) + b"dref" + new + data[where - 4 + old :]


ODD: dict[str, tuple[Callable[[], bytes], str | None]] = {
    "HEIC": (heic, "unsupported_image_format"),
    "ZIP named film.mp4": (zip_as_film, "image_load_error"),
    "PNG head of 65535x65535": (lambda: png(65_535, 65_535, zeros(1_000)), "image_too_large"),
    "APNG of 500 frames": (lambda: apng(500), None),
    "WebP of 10,000 frames": (lambda: animated_webp(10_000), None),
    "JPEG with 64 KB of EXIF": (jpeg_with_much_exif, None),
    "CMYK JPEG": (cmyk, None),
    "PNG of 16 bits": (sixteen_bits, None),
    "1x1": (lambda: saved(Image.new("RGB", (1, 1)), "PNG"), "image_too_small"),
    "1x30000": (lambda: saved(Image.new("RGB", (1, 30_000)), "PNG"), "image_too_large"),
    "16x16384": (lambda: saved(Image.new("RGB", (16, 16_384)), "PNG"), None),
    "16-bit PNG cut in the middle": (lambda: sixteen_bits()[:100], "image_load_error"),
    "PNG behind a byte order mark": (lambda: b"\xef\xbb\xbf" + picture("PNG"), "image_load_error"),
    "JPEG behind a page": (lambda: b"<html>" + picture("JPEG"), "image_load_error"),
}
"""Pictures, and the error that each meets; None: it is taken."""

FILMS: dict[str, tuple[Callable[[Path], bytes], str | None]] = {
    "ZIP named film.mp4": (lambda _: zip_as_film(), "video_load_error"),
    "HEIC": (lambda _: heic(), "unsupported_video_format"),
    "APNG": (lambda _: apng(50), "unsupported_video_format"),
    "WebP of 10,000 frames": (lambda _: animated_webp(10_000), "unsupported_video_format"),
    "mp4 of a billion frames": (mp4_of_a_billion_frames, "video_load_error"),
    "mp4 without pictures": (without_pictures, "video_load_error"),
    "mp4 cut in the middle": (lambda at: film(at)[:4_000], "video_load_error"),
}
"""Videos, and the error that each meets."""

SOUNDS: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "64 channels at 768 kHz": (lambda _: wav_of(64, 768_000, quiet(20_000, 64)), "audio_duration_too_short"),
    "65,535 channels": (lambda _: wav_of(65_535, 48_000, quiet(20, 65_535)), "audio_load_error"),
    "a rate of 4 GHz": (lambda _: wav_of(1, 2**32 - 1, quiet(20_000, 1)), "audio_load_error"),
    "not a number": (lambda _: floats(float("nan")), "audio_duration_too_short"),
    "no samples": (lambda _: wav(b""), "audio_load_error"),
    "a picture": (lambda _: picture("PNG"), "unsupported_audio_format"),
    "a film without sound": (without_sound, "audio_load_error"),
}
"""Sounds of a second at most, and the error that each meets where ten are needed."""

LEADING_ELSEWHERE: dict[str, Callable[[int, Path], bytes]] = {
    "playlist": lambda port, _: hls(port),
    "playlist of a file": lambda port, _: hls_of_a_file(port),
    "playlist behind a film's head": lambda port, _: hls_behind_bytes(port),
    "concatenation": lambda port, _: concat(port),
    "manifest": lambda port, _: dash(port),
    "drawing": lambda port, _: svg_of(port),
    "session": lambda port, _: sdp(port),
    "film with its pictures elsewhere": mov_with_its_pictures_elsewhere,
}
"""Files that make a careless reader open an address or another file."""
