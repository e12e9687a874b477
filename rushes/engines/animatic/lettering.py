"""Words in a scene, where the prompt asks for them: a sign, a title card, a caption.

Pillow's own font knows the letters of plain ASCII. Accents are left off for it; what it cannot write at all is shown as
bars, as a storyboard does, never as empty boxes.
"""

from __future__ import annotations

import random
import unicodedata

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rushes.engines.animatic.brief import Lettering
from rushes.engines.animatic.depth import Plane
from rushes.engines.animatic.ink import Paper, box, lighter, mix
from rushes.engines.animatic.palette import Light

_ALIKE = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "ß": "ss", "æ": "ae", "ø": "o"}
)


def written(words: str, tall: int) -> Plane:
    """Return how words cover a strip of about `tall` pixels: (H, W) from 0 to 1; bars for what cannot be written."""
    # Accents come apart from their letters, and are left out.
    plain = unicodedata.normalize("NFKD", words.translate(_ALIKE))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    if not plain.isascii() or not plain.isprintable():
        return _bars(words, tall)
    # Pillow's own, so that no machine draws other letters.
    font = ImageFont.load_default(max(8, tall))
    left, top, right, bottom = font.getbbox(plain)
    image = Image.new("L", (max(2, int(right - left) + 2), max(2, int(bottom - top) + 2)))
    ImageDraw.Draw(image).text((1 - left, 1 - top), plain, 255, font=font)
    return np.asarray(image, np.float32) / np.float32(255.0)


def _bars(words: str, tall: int) -> Plane:
    """Return a bar for each word, or for each three signs of a writing without spaces."""
    lengths = [max(1, len(word)) for word in words.split()]
    if len(lengths) == 1:
        lengths = [3] * max(1, min(8, -(-lengths[0] // 3)))
    strip = np.zeros((tall, int(sum(lengths) * tall * 0.55 + len(lengths) * tall * 0.4) + 2), np.float32)
    at = 0
    for length in lengths:
        wide = int(length * tall * 0.55)
        strip[int(tall * 0.25) : int(tall * 0.75), at : at + wide] = 1.0
        at += wide + int(tall * 0.4)
    return strip


def letter(paper: Paper, asked: Lettering, light: Light, inner: float, dice: random.Random) -> None:
    """Write the words into the picture, large enough to be read, within the middle that is seen."""
    most = paper.aspect * inner * (0.8 if asked.on != "sign" else 0.42)
    cover = written(asked.words, round(paper.height * 0.16))
    ratio = cover.shape[1] / cover.shape[0]
    tall = min({"sign": 0.075, "title": 0.12, "caption": 0.05}[asked.on] * inner, most / ratio)
    wide = tall * ratio
    x = paper.aspect / 2
    y = {"sign": 0.5 - 0.19 * inner, "title": 0.5 - 0.24 * inner, "caption": 0.5 + 0.42 * inner}[asked.on]
    if asked.on == "sign":
        x += dice.choice((-1, 1)) * min(0.2 * paper.aspect * inner, paper.aspect * inner / 2 - wide * 0.7)
    colour = (250, 248, 240)
    rim = tall * 0.55
    if asked.on == "sign":
        board = mix((44, 52, 66), light.zenith, 0.2)
        paper.shape(
            box(x - wide / 2 - rim * 1.2, y + tall / 2 + rim, x + wide / 2 + rim * 1.2, y - tall / 2 - rim, rim * 0.5),
            lighter(board, 0.4),
        )
        paper.shape(
            box(x - wide / 2 - rim, y + tall / 2 + rim * 0.8, x + wide / 2 + rim, y - tall / 2 - rim * 0.8, rim * 0.4),
            board,
        )
        if light.dark:
            colour = (255, 226, 150)
            paper.glow(x, y, wide * 0.5 + 0.02, colour, 0.22)
    elif asked.on == "caption":
        paper.shape(
            box(x - wide / 2 - rim, y + tall / 2 + rim * 0.7, x + wide / 2 + rim, y - tall / 2 - rim * 0.7, rim * 0.3),
            (18, 20, 28),
            strength=0.6,
        )
    _print(paper, cover, (x - wide / 2, y - tall / 2, wide, tall), colour, shadow=asked.on == "title")


def _print(
    paper: Paper, cover: Plane, where: tuple[float, float, float, float], colour: tuple[int, int, int], *, shadow: bool
) -> None:
    left, top, wide, tall = (round(value * paper.height) for value in where)
    strip = cv2.resize(cover, (max(1, wide), max(1, tall)), interpolation=cv2.INTER_AREA)
    left, top = max(0, left), max(0, top)
    place = paper.picture[top : top + strip.shape[0], left : left + strip.shape[1]]
    strip = strip[: place.shape[0], : place.shape[1], None] if place.size else strip[:0, :0, None]
    if shadow and place.size:
        soft = cv2.GaussianBlur(strip[..., 0], (0, 0), max(1.0, tall * 0.12))[..., None]
        place -= 0.35 * soft * place
    place += strip * (np.array(colour, np.float32) - place)
