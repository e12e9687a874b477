"""Numbers as they are read aloud in English: "42" is "forty two", "3.5" is "three point five"."""

from __future__ import annotations

import re

_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = (
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
_SCALES = ((1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand"))
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_LONGEST = 12  # digits; longer ones are read digit by digit, as a telephone number is


def read_out(text: str) -> str:
    """Return the text with every number in words."""
    return _NUMBER.sub(lambda match: f" {_words(match[0].replace(',', ''))} ", text)


def _words(number: str) -> str:
    whole, _, part = number.partition(".")
    one_by_one = len(whole) > _LONGEST or (len(whole) > 1 and whole[0] == "0")
    said = _digits(whole) if one_by_one else _whole(int(whole))
    return f"{said} point {_digits(part)}" if part else said


def _digits(number: str) -> str:
    return " ".join(_UNITS[int(digit)] for digit in number)


def _whole(number: int) -> str:
    for size, name in _SCALES:
        if number >= size:
            rest = number % size
            return f"{_whole(number // size)} {name}" + (f" {_whole(rest)}" if rest else "")
    if number >= 100:
        rest = number % 100
        return f"{_UNITS[number // 100]} hundred" + (f" {_whole(rest)}" if rest else "")
    if number >= 20:
        return _TENS[number // 10] + (f" {_UNITS[number % 10]}" if number % 10 else "")
    return _UNITS[number]
