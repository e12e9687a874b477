"""Prompt expansion: a short prompt becomes a fuller one, by our own words or by an OpenAI-compatible service.

Our own rewriter only adds: whatever the prompt says stays as it is, letter by letter, and what it already settles
(camera, light, lens, framing) is not touched. It writes English and leaves other languages alone. A service that fails
costs nothing but a line in the log: the prompt is then used as it was given.
"""

from __future__ import annotations

import hashlib
import json
import re
from random import Random

import httpx2
from annotated_types import MaxLen
from pydantic import BaseModel

from rushes.endpoint import Endpoint
from rushes.settings import Settings
from rushes.work.tools import Report

LONG_ENOUGH = 60  # words from which a prompt needs nothing from us
MOST_ANSWER_BYTES = 256 * 1024
MOST_ANSWER_TOKENS = 400
MOST_GROWTH = 2_000  # characters of an answer, where the field itself sets no limit

INSTRUCTION = (
    "You rewrite prompts for a video model. Keep the subject, its number, every action, name, negation and quoted "
    "text of the prompt exactly as meant, and its language. Add concrete detail of framing, light, lens and motion "
    "only where the prompt says nothing of it; keep a camera move that it names and add no second one. Answer with "
    "the new prompt alone, in at most {limit} characters."
)

_CAMERA = re.compile(
    r"\[|\b(?:camera|zoom\w*|pan(?:s|ned|ning)?|tilt\w*|doll(?:y|ies|ying)|truck(?:s|ing)? (?:left|right|in|out)|"
    r"push\w*|pull\w*|crane|track\w*|orbit\w*|handheld|hand-held|static|locked|steadicam|drone|aerial|fly\w*|pov|follow\w*|"
    r"glid(?:e|es|ing)|move(?:s|ment)?|moving|approach\w*|ris(?:e|es|ing)|ascend\w*|descend\w*|view\w*|swing\w*|sweep\w*|"
    r"travel\w*|arc|arcs|reveal\w*|forward|backwards?|circl\w*|"
    r"spin\w*|rotat\w*|still shot|time-?lapse|loop\w*|motionless|still|bird'?s.eye|first.person)\b",
    re.IGNORECASE,
)
_SHOT = re.compile(
    r"\b(?:shot|close-?ups?|wide|macro|portrait|long shot|establishing|overhead|top-down|aerial|pov|low angle|"
    r"angle|view|panorama|framed|framing)\b",
    re.IGNORECASE,
)
_LENS = re.compile(r"\b(?:lens|bokeh|depth of field|focus\w*|f/\d|\d+ ?mm|fish-?eye|anamorphic|telephoto)\b", re.I)
_LIGHT = re.compile(
    r"\b(?:light\w*|lit|sun\w*|moon\w*|night|dawn|dusk|morning|evening|noon|twilight|golden|shadow\w*|neon|dark\w*|bright\w*|"
    r"lamp\w*|candle\w*|glow\w*|fire\w*|day|daylight|overcast|fog\w*|mist\w*|storm\w*|backlit|silhouette\w*|noir|space)\b",
    re.I,
)
_DRAWN = re.compile(
    r"\b(?:anime|cartoon\w*|drawing|drawn|sketch\w*|pixel|clay\w*|comic\w*|illustrat\w*|paint\w*|watercolou?r|3d|"
    r"animation|lego|origami|stop.motion|vector|logo|diagram)\b",
    re.IGNORECASE,
)
_CALM = re.compile(r"\b(?:no|not|without|never|don't|motionless|frozen|still|windless|calm|static|freeze\w*)\b", re.I)

SHOTS = (
    "Balanced framing with a clear centre of interest",
    "Composed on the thirds, the horizon level",
    "Clean framing",
)
LENSES = ("natural perspective", "crisp detail where it matters", "gentle fall-off in sharpness towards the edges")
LIGHTS = ("even, believable exposure", "natural contrast and true tones", "a coherent direction of illumination")
CAMERA = ("a slow, even push in", "a slow drift to the right", "a slow drift to the left")

MOTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\b(?:sea|ocean|wave|waves|surf|beach)\b", ("The swell rolls in an unhurried rhythm",)),
    (r"\b(?:river|stream|waterfall|lake|pond|water)\b", ("Reflections shift gently on the surface",)),
    (r"\b(?:trees?|forest|grass|meadow|leaves|flowers?|field)\b", ("Stems and leaves stir almost imperceptibly",)),
    (r"\b(?:clouds?|sky)\b", ("High above everything moves at an unhurried pace",)),
    (r"\b(?:walk\w*|run|runs|running|trot\w*|gallop\w*)\b", ("Each step lands with weight",)),
    (r"\b(?:dance|dances|dancing|dancer)\b", ("Every movement flows into the next",)),
    (r"\b(?:smile\w*|laugh\w*|talk\w*|speak\w*|portrait|face)\b", ("The expression changes in small, natural ways",)),
    (r"\b(?:car|train|bus|bicycle|motorcycle)s?\b", ("The motion has weight and momentum",)),
    (r"", ("Movement is smooth and physically plausible", "Motion unfolds at an unhurried pace")),
)

_ENGLISH = frozenset(
    re.findall(
        r"\w+",
        "a an the and or of in on at to with without from by for into over under as is are its his her their this that "
        "while through across behind near between up down out no not",
    )
)
_FOREIGN = frozenset(
    re.findall(
        r"\w+",
        "el la los las un una unos del con por para que y en le les des une du et dans avec sur pour der die das ein "
        "eine und im mit auf von zu il lo gli uno di che per o os um uma do da em com het een van met op de den det "
        "och på med i jest na z w",
    )
)


class ExpansionFailed(Exception):
    """The service gave nothing that can be used; its text says why in a few words."""


def expand_prompt(
    endpoint: Endpoint, request: BaseModel, seed: int | None, settings: Settings, report: Report
) -> BaseModel:
    """Return the request with its prompt expanded where the endpoint can and the request asks for it."""
    name, switch = endpoint.roles.prompt, endpoint.roles.expansion
    if name is None or switch is None or getattr(request, switch) is not True:
        return request
    prompt: str = getattr(request, name) or ""
    if not prompt.strip():
        return request
    limit = most_characters(type(request), name)
    expanded = _asked(prompt, limit, seed, settings, report) if settings.prompt_url else enrich(prompt, limit, seed)
    if expanded == prompt:
        if not settings.prompt_url:
            report.say("The prompt is used as given: the local rewriter expands short English ones only")
        return request
    report.say(f"Expanded the prompt: {expanded}")
    return request.model_copy(update={name: expanded})


def most_characters(model: type[BaseModel], name: str) -> int | None:
    """Return how long a text field may be, None where it may be of any length."""
    limits = [mark.max_length for mark in model.model_fields[name].metadata if isinstance(mark, MaxLen)]
    return min(limits, default=None)


def enrich(prompt: str, limit: int | None, seed: int | None) -> str:
    """Return the prompt with detail added that it leaves open; the same prompt and seed, the same words."""
    if not is_english(prompt) or len(prompt.split()) >= LONG_ENOUGH:
        return prompt
    # Not `hash`, which is another in every process: a job that is tried again keeps its words.
    random = Random(int.from_bytes(hashlib.sha256(f"{seed}\n{prompt}".encode()).digest()[:8], "big"))
    text = prompt.rstrip()
    for sentence in _sentences(prompt, random):
        longer = f"{text}{'' if text[-1] in '.!?…' else '.'} {sentence}."
        if limit is None or len(longer) <= limit:
            text = longer
    return text if text != prompt.rstrip() else prompt


def _sentences(prompt: str, random: Random) -> list[str]:
    """Return what to add, the most useful first."""
    sentences = []
    if not _CALM.search(prompt):
        fitting = next(words for pattern, words in MOTIONS if re.search(pattern, prompt, re.IGNORECASE))
        sentences.append(random.choice(fitting))
    looks = [] if _SHOT.search(prompt) else [random.choice(SHOTS)]
    if not _DRAWN.search(prompt):  # lenses and exposure belong to photographs
        looks += [] if _LENS.search(prompt) else [random.choice(LENSES)]
        looks += [] if _LIGHT.search(prompt) else [random.choice(LIGHTS)]
    if looks:
        line = ", ".join(looks)
        sentences.append(line[0].upper() + line[1:])
    if not _CAMERA.search(prompt) and not _CALM.search(prompt):
        sentences.append(f"Camera: {random.choice(CAMERA)}")
    return sentences


def is_english(prompt: str) -> bool:
    """Whether a prompt is likely to be English: by its letters, and by the small words between the large ones."""
    letters = [c for c in prompt if c.isalpha()]
    if sum(c.isascii() for c in letters) < 0.9 * len(letters):
        return False
    words: list[str] = re.findall(r"[a-z']+", prompt.lower())
    english = sum(word in _ENGLISH or word.endswith(("ing", "ly")) for word in words)
    return english > sum(word in _FOREIGN for word in words)


def _asked(prompt: str, limit: int | None, seed: int | None, settings: Settings, report: Report) -> str:
    """Ask the service; the prompt itself when it has nothing useful to say, with a line in the log."""
    report.tick()
    try:
        return ask_service(prompt, limit, seed, settings)
    except ExpansionFailed as failed:
        report.say(f"The prompt could not be expanded ({failed}), so it is used as given", "WARN")
        return prompt
    finally:
        report.tick()


def ask_service(prompt: str, limit: int | None, seed: int | None, settings: Settings) -> str:
    """Return what the OpenAI-compatible service makes of a prompt. Raises ExpansionFailed."""
    most = limit or len(prompt) + MOST_GROWTH
    body = {
        "model": settings.prompt_model,
        "messages": [
            {"role": "system", "content": INSTRUCTION.format(limit=most)},
            {"role": "user", "content": prompt},
        ],
        # With the seed below: a job that is tried again shall be about the same film.
        "temperature": 0,
        "max_tokens": MOST_ANSWER_TOKENS,
        "stream": False,
    } | ({"seed": seed} if seed is not None else {})
    key = settings.prompt_key
    headers = {"authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    address = f"{(settings.prompt_url or '').rstrip('/')}/chat/completions"
    try:
        # The operator named this service; a proxy of the environment's has no part in it.
        with httpx2.Client(timeout=settings.prompt_timeout_s, trust_env=False) as http:
            response = http.post(address, json=body, headers=headers)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ExpansionFailed(f"the service cannot be reached: {type(error).__name__}") from None
    if response.status_code != 200:
        raise ExpansionFailed(f"the service answered {response.status_code}")
    text = _text_of(response.content)
    if len(text) > most:
        raise ExpansionFailed(f"its answer has {len(text)} characters where {most} are allowed")
    return text


def _text_of(content: bytes) -> str:
    """Return the new prompt out of the service's answer."""
    if len(content) > MOST_ANSWER_BYTES:
        raise ExpansionFailed("its answer is too large")
    try:
        choice = json.loads(content)["choices"][0]
        text, ended = choice["message"]["content"], choice.get("finish_reason")
    except (ValueError, LookupError, TypeError, AttributeError):
        raise ExpansionFailed("its answer is no chat completion") from None
    if not isinstance(text, str) or ended == "length":
        raise ExpansionFailed("its answer was cut short" if ended == "length" else "its answer holds no text")
    # Reasoning models served without a parser put their thoughts in front.
    return _bare(re.sub(r"<think>.*?</think>", "", text, flags=re.DOTALL).strip())


def _bare(text: str) -> str:
    """Take off quotation marks around the whole; raises ExpansionFailed for an empty text."""
    pairs = (('"', '"'), ("“", "”"), ("'", "'"), ("`", "`"))
    if len(text) > 1 and (text[0], text[-1]) in pairs and text[0] not in text[1:-1]:
        text = text[1:-1].strip()
    if not text:
        raise ExpansionFailed("its answer is empty")
    return text
