"""Who speaks in a film: somebody drawn close where there is no picture, and what the log says where no face is seen.

Faces that are found are moved by `lips`; here is only what becomes of a voice that has none.
"""

from __future__ import annotations

import logging

from rushes.calls import AnimaticCall
from rushes.engines.animatic.brief import read_brief

LOG = logging.getLogger(__name__)

_DRAWN = ("man", "woman", "child")  # who is drawn as head and shoulders


def speaks(call: AnimaticCall) -> bool:
    """Return whether somebody is to be seen speaking: lips that follow a voice."""
    return call.lipsync and (call.sound is not None or call.speech is not None)


def introduced(prompt: str) -> str:
    """Return the prompt of a scene in which somebody faces us: close, and a person where the words name none."""
    subjects = read_brief(prompt).subjects
    named = bool(subjects) and subjects[0].kind in _DRAWN
    return f"Close-up: {prompt}" if named else f"Close-up of a person. {prompt}"


def warn_faceless(what: str) -> None:
    """Say in the log that lips will not move, and what would help; `what` is the input that was looked at."""
    LOG.warning(
        "No face was found in the %s, so no lips move: the picture stays as it is and the sound plays. A face is found "
        "where it is upright and looks towards the camera; profiles, line drawings and faces smaller than a twentieth "
        "of the picture are missed.",
        what,
    )
