"""What a program is given for one film: its inputs as files, and everything that the recipe's templates may name.

A prompt goes on a command line, where a NUL can't stand and where a single word has a limit; both are seen to here.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rushes.calls import UpstreamCall
from rushes.engines.upstream import launch
from rushes.engines.upstream.cutting import shown
from rushes.engines.upstream.pictures import chosen, frames_of, write_film, write_picture
from rushes.engines.upstream.recipe import ASKED, Recipe
from rushes.engines.upstream.setup import Setup
from rushes.engines.upstream.speech import write_speech
from rushes.engines.upstream.template import filled

OUTPUT = "film.mp4"
_WORD_BYTES = 100_000  # Linux takes 131,072 in a word of a command line


def write_inputs(call: UpstreamCall, recipe: Recipe, job: Path) -> dict[str, str]:
    """Write picture, sound and prefix into the job's folder; return their paths by the names of the templates."""
    written: dict[str, str] = {}
    if call.image is not None:
        written["picture"] = str(job / "picture.png")
        write_picture(call.image, call.width, call.height, job / "picture.png")
    if call.sound is not None:
        written["sound"] = str(job / "sound.wav")
        seconds = call.frames / call.fps
        write_speech(call.sound, job / "sound.wav", seconds, recipe.run.sound_hz, recipe.run.sound_lufs)
    if call.continued is not None:
        written["prefix"] = str(job / "prefix.mp4")
        _write_prefix(call, job / "prefix.mp4")
    return written


def _write_prefix(call: UpstreamCall, to: Path) -> None:
    before = call.continued
    assert before is not None
    numbers = shown(before.kept, before.fps, before.prefix, call.fps)
    write_film(chosen(frames_of(before.video), numbers), call.width, call.height, call.fps, to)


def values_of(call: UpstreamCall, setup: Setup, job: Path, written: Mapping[str, str]) -> dict[str, Any]:
    """Return what templates may name."""
    asked = {name: getattr(call, name, None) for name in ASKED}
    # The call's own paths are decoded forms (`.npy`), which no program reads.
    asked |= {"picture": None, "sound": None, "prefix": None, **written}
    asked["prompt"] = as_word(call.prompt)
    if call.negative_prompt is not None:
        asked["negative_prompt"] = as_word(call.negative_prompt)
    machine = {
        "python": str(setup.python),
        "launcher": launch.__file__,
        "source": str(setup.source),
        "environment": str(setup.environment),
        "weights": str(setup.weights),
        "job": str(job),
        "output": str(job / OUTPUT),
        "gpus": setup.gpus,
        "several": setup.gpus if setup.gpus > 1 else None,  # words of a launcher that one process does without
        "port": free_port(),
    }
    files = {name: str(job / f"{name}.json") for name in setup.recipe.run.json_files}
    absent = dict.fromkeys(setup.recipe.places)
    # Places that aren't there are absent, not unknown: a template leaves such a word out.
    return {**asked, **machine, **files, **setup.variant.values, **absent, **setup.places()}


def write_json(recipe: Recipe, values: Mapping[str, Any], job: Path) -> None:
    """Write the JSON files that the program reads."""
    for name, template in recipe.run.json_files.items():
        (job / f"{name}.json").write_text(json.dumps(filled(template, values), ensure_ascii=False, indent=1))


def as_word(text: str) -> str:
    """Return a text as it can be a word of a command line."""
    return text.replace("\0", " ").encode("utf-8", "replace")[:_WORD_BYTES].decode("utf-8", "ignore")


def free_port() -> int:
    """Return a port on loopback that nobody uses at the moment, for programs whose processes talk to each other."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
