"""MiniMax's voices (`fal-ai/minimax/speech-02-…`, `voice-clone`, `voice-delete`): text to speech, and cloned voices.

Sources: the family's API page for fields, ranges and defaults; MiniMax's list of built-in voices. The page shows no
outputs: a spoken text comes with its length in milliseconds, a cloned voice with its id and a sample.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Any, Literal
from unicodedata import east_asian_width

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from rushes.calls import CloneCall, ForgetCall, SpeechCall, VendorCall
from rushes.endpoint import AudioFormat, Delivery, Endpoint, Made, MediaMap, Roles, Sound
from rushes.families import minimax_vendor
from rushes.fields import File, MediaField, Spelled, VoiceId, WireModel

VOICES = (
    "Wise_Woman",
    "Friendly_Person",
    "Inspirational_girl",
    "Deep_Voice_Man",
    "Calm_Woman",
    "Casual_Guy",
    "Lively_Girl",
    "Patient_Man",
    "Young_Knight",
    "Determined_Man",
    "Lovely_Girl",
    "Decent_Boy",
    "Imposing_Manner",
    "Elegant_Man",
    "Abbess",
    "Sweet_Girl_2",
    "Exuberant_Girl",
)
DEFAULT_VOICE = "Wise_Woman"
VOICE_KEY = "voice_setting.voice_id"  # where a cloned voice stands among the media

Language = Literal[
    "Chinese",
    "Chinese,Yue",
    "English",
    "Arabic",
    "Russian",
    "Spanish",
    "French",
    "Portuguese",
    "German",
    "Turkish",
    "Dutch",
    "Ukrainian",
    "Vietnamese",
    "Indonesian",
    "Japanese",
    "Italian",
    "Korean",
    "Thai",
    "Polish",
    "Romanian",
    "Greek",
    "Czech",
    "Finnish",
    "Hindi",
    "auto",
]
SPOKEN: dict[str | None, str | None] = {None: None, "auto": None, "Chinese,Yue": "Cantonese"}  # others as they stand

MOST_TEXT = 5000  # characters; the page says so of speech, and a clone's sample is speech too
CHARACTERS_PER_S = 15.0  # of an alphabet, spoken at natural speed
IDEOGRAPHS_PER_S = 4.5  # each is a syllable
SHORTEST_S = 0.5
PREVIEW = "Hello, this is a preview of your cloned voice! I hope you like it!"
SAMPLE_S = 10.0  # a voice cannot be told from less

MOST_SAID = 4 * MOST_TEXT  # characters, once pronunciations are put in: a short text must not take days to say
SAID = re.compile(r"\((?P<part>[^()]*)\)\s*")
SHOWN = 100  # characters of an unreadable entry that its error repeats


def pronunciation(entry: str) -> tuple[str, str]:
    """Take "text/(one)(two)" apart: the text, and how it is said ("one two")."""
    text, _, said = entry.partition("/")
    parts = [found["part"].strip() for found in SAID.finditer(said)]  # linear: no bracket is looked into twice
    if not text.strip() or not parts or not all(parts) or SAID.sub("", said).strip():
        raise PydanticCustomError(
            "value_error",
            "{entry} is no pronunciation; write the text, a slash, and how it is said in brackets: "
            "'omg/(oh my god)', or '燕少飞/(yan4)(shao3)(fei1)' with tones 1 to 5",
            {"entry": repr(entry[:SHOWN])},
        )
    return text.strip(), " ".join(parts)


def _checked(entry: str) -> str:
    pronunciation(entry)
    return entry


class VoiceSetting(WireModel):
    """Who speaks, and how."""

    voice_id: VoiceId = Field(DEFAULT_VOICE, description="A built-in voice's name, or the id of a voice you cloned.")
    speed: float = Field(1, ge=0.5, le=2, description="How fast, 0.5 to 2; 1 is natural.")
    vol: float = Field(1, ge=0, le=10, description="How loud, 0 (silent) to 10; 1 is normal.")
    pitch: int | None = Field(
        None, ge=-12, le=12, description="How high, in semitones from -12 to 12; 0 is the voice's own."
    )
    emotion: Literal["happy", "sad", "angry", "fearful", "disgusted", "surprised", "neutral"] | None = Field(
        None, description="The mood of the speaker; neutral without it."
    )
    english_normalization: bool | None = Field(
        None, description="Reads numbers in English texts more naturally, a little slower."
    )


class AudioSetting(WireModel):
    """How the sound is written."""

    sample_rate: Annotated[Literal["8000", "16000", "22050", "24000", "32000", "44100"], Spelled] = Field(
        "32000", description="Samples per second."
    )
    bitrate: Annotated[Literal["32000", "64000", "128000", "256000"], Spelled] = Field(
        "128000", description="Bits per second; counts for mp3."
    )
    format: Literal["mp3", "pcm", "flac"] = Field("mp3", description="Kind of file; pcm is raw 16 bit samples.")
    channel: Annotated[Literal["1", "2"], Spelled] = Field("1", description="1 is mono, 2 stereo.")


# Through validation, so that the defaults are what a request's own would be.
USUAL_VOICE = VoiceSetting.model_validate({})
USUAL_AUDIO = AudioSetting.model_validate({})


class PronunciationDict(WireModel):
    """Words that are said in another way than they are written."""

    tone_list: list[Annotated[str, AfterValidator(_checked)]] | None = Field(
        None,
        max_length=MOST_TEXT,  # no text has more words; without a bound, checking millions would hold everybody up
        description="Entries of the form 'text/(how it is said)', with tones 1 to 5 for Chinese: "
        "'燕少飞/(yan4)(shao3)(fei1)'.",
    )


class SpeechRequest(WireModel):
    """A text, and who says it how."""

    text: str = Field(max_length=MOST_TEXT, description="What is said, in up to 5,000 characters.")
    voice_setting: VoiceSetting | None = Field(None, description="Who speaks, and how.")
    audio_setting: AudioSetting | None = Field(None, description="How the sound is written.")
    language_boost: Language | None = Field(
        None, description="The text's language; it is guessed without this, or with 'auto'."
    )
    output_format: Literal["url", "hex"] = Field(
        "hex", description="'hex' puts the bytes into the answer too, in hexadecimal; 'url' only tells where they are."
    )
    pronunciation_dict: PronunciationDict | None = Field(
        None, description="Words that are said in another way than they are written."
    )

    @field_validator("pronunciation_dict")
    @classmethod
    def _not_too_long(cls, given: PronunciationDict | None, info: ValidationInfo) -> PronunciationDict | None:
        text = str(info.data.get("text", "")).lower()
        entries = [pronunciation(entry) for entry in (given and given.tone_list) or []]
        # Said in whatever case they are written, as the speakers put them in; shorter ways of saying count nothing.
        said = len(text) + sum(text.count(word.lower()) * max(0, len(how) - len(word)) for word, how in entries)
        if said > MOST_SAID:
            raise PydanticCustomError(
                "value_error",
                "with its pronunciations put in, the text has {said} characters; at most {most} can be said",
                {"said": said, "most": MOST_SAID},
            )
        return given

    @field_validator("text")
    @classmethod
    def _something_to_say(cls, text: str) -> str:
        if not text.strip():
            raise PydanticCustomError("value_error", "text is blank; it needs at least one character to be said")
        return text


class TextToSpeechHDRequest(SpeechRequest):
    """The same for the better model."""


class TextToSpeechTurboRequest(SpeechRequest):
    """The same for the quicker model."""


class SpeechOutput(WireModel):
    """The sound and its length."""

    audio: File = Field(description="The spoken text; with 'hex', file_data holds its bytes.")
    duration_ms: int = Field(description="Length of the sound in milliseconds.")


class VoiceCloneRequest(WireModel):
    """A recording of somebody, and a text to try their voice on."""

    audio_url: Annotated[str, MediaField("audio", min_s=SAMPLE_S)] = Field(
        description="Recording of the voice, at least 10 seconds of one person speaking."
    )
    noise_reduction: bool | None = Field(None, description="Takes noise out of the recording first.")
    need_volume_normalization: bool | None = Field(None, description="Brings the recording to an even loudness first.")
    accuracy: float | None = Field(
        None, ge=0, le=1, description="How well the words must be understood for the recording to count, 0 to 1."
    )
    text: str = Field(
        PREVIEW, max_length=MOST_TEXT, description="What the sample of the new voice says, in up to 5,000 characters."
    )
    model: Literal["speech-02-hd", "speech-02-turbo", "speech-01-hd", "speech-01-turbo"] = Field(
        "speech-02-hd", description="Model that speaks the sample."
    )


class VoiceCloneOutput(WireModel):
    """The new voice and how it sounds."""

    custom_voice_id: str = Field(description="Id of the new voice, to be used as voice_id.")
    audio: File = Field(description="A sample of the new voice.")


class VoiceDeleteRequest(WireModel):
    """A voice that is no longer wanted."""

    voice_id: VoiceId = Field(min_length=1, description="Id of a voice you cloned; built-in voices stay.")

    @field_validator("voice_id")
    @classmethod
    def _cloned(cls, value: str) -> str:
        if value in VOICES:
            msg = "'{voice}' is a built-in voice and stays; only voices that were cloned can be deleted"
            raise PydanticCustomError("feature_not_supported", msg, {"voice": value})
        return value


class VoiceDeleteOutput(WireModel):
    """That it is gone."""

    status: Literal["success"] = Field("success", description="Always 'success'; an unknown voice is an error.")
    voice_id: str = Field(description="Id of the voice that is gone.")


def spoken_s(text: str, speed: float = 1.0) -> float:
    """Estimate how long a text takes to say, in seconds."""
    wide = sum(east_asian_width(character) in "WF" for character in text)  # wide and full-width characters
    return max(SHORTEST_S, (wide / IDEOGRAPHS_PER_S + (len(text) - wide) / CHARACTERS_PER_S) / speed)


def sound(request: SpeechRequest, _media: MediaMap) -> Sound:
    """About as long as the text takes at this speed, at the rate asked for."""
    voice, audio = request.voice_setting or USUAL_VOICE, request.audio_setting or USUAL_AUDIO
    return Sound(spoken_s(request.text, voice.speed), int(audio.sample_rate), int(audio.channel))


def units(request: SpeechRequest, _sound: Sound | None) -> float:
    """Our own rule, the page gives none: a thousand characters are one unit, parts of it count as parts."""
    return len(request.text) / 1000


def speech(request: SpeechRequest, media: MediaMap, wanted: Sound) -> SpeechCall:
    """Ask for speech. English normalisation has no place here: engines read numbers as they can."""
    voice = request.voice_setting or USUAL_VOICE
    cloned = media.get(VOICE_KEY)
    entries = (request.pronunciation_dict and request.pronunciation_dict.tone_list) or []
    return SpeechCall(
        text=request.text,
        voice=voice.voice_id,
        profile=cloned.path if cloned else None,
        speed=voice.speed,
        volume=voice.vol,
        pitch=voice.pitch or 0,
        emotion=voice.emotion or "neutral",
        language=SPOKEN.get(request.language_boost, request.language_boost),
        sample_rate=wanted.sample_rate,
        channels=wanted.channels,
        pronunciations=tuple(pronunciation(entry) for entry in entries),
    )


def bought_speech(model: str, request: SpeechRequest, media: MediaMap, _wanted: Sound) -> VendorCall:
    """Ask MiniMax for speech."""
    voice, audio = request.voice_setting or USUAL_VOICE, request.audio_setting or USUAL_AUDIO
    return minimax_vendor.speech(model, request, voice, audio, media.get(VOICE_KEY))


def delivery(request: SpeechRequest) -> Delivery:
    """How the sound is written, and whether its bytes are in the answer too."""
    audio = request.audio_setting or USUAL_AUDIO
    return Delivery(
        audio=AudioFormat(audio.format, int(audio.sample_rate), int(audio.bitrate), int(audio.channel)),
        form=request.output_format,
    )


def reply(request: SpeechRequest, made: Made) -> SpeechOutput:
    """Put the stored sound and its length into the output."""
    # A vendor's finished file may not have been measured; the member is promised all the same.
    length_s = spoken_s(request.text) if made.duration_s is None else made.duration_s
    return SpeechOutput(audio=made.files[0], duration_ms=round(length_s * 1000))


def preview_text(request: VoiceCloneRequest) -> str:
    """What the sample says; a blank text stands for the usual one, since a voice always comes with a sample."""
    return request.text if request.text.strip() else PREVIEW


def preview(request: VoiceCloneRequest, _media: MediaMap) -> Sound:
    """The new voice's sample, in the format that speech has by default."""
    audio = AudioFormat()
    return Sound(spoken_s(preview_text(request)), audio.sample_rate, audio.channels)


def clone_units(_request: VoiceCloneRequest, _sound: Sound | None) -> float:
    """Our own rule, the page gives none: a voice is one unit, its sample included."""
    return 1.0


def clone(request: VoiceCloneRequest, media: MediaMap, _wanted: Sound) -> CloneCall:
    """Ask for a voice. Its id isn't known here (`voice` is empty): whoever stores the voice names it."""
    return CloneCall(
        voice="",
        sample=media["audio_url"].path,
        text=preview_text(request),
        noise_reduction=bool(request.noise_reduction),
        normalise_volume=bool(request.need_volume_normalization),
    )


def bought_clone(request: VoiceCloneRequest, media: MediaMap, _wanted: Sound) -> VendorCall:
    """Ask MiniMax for a voice."""
    return minimax_vendor.clone(request, preview_text(request), media["audio_url"])


def reply_clone(_request: VoiceCloneRequest, made: Made) -> VoiceCloneOutput:
    """Put the new voice's id and its sample into the output."""
    return VoiceCloneOutput(custom_voice_id=made.voice_id or "", audio=made.files[0])


def forget_units(_request: VoiceDeleteRequest, _plan: None) -> float:
    """Deleting a voice is free."""
    return 0.0


def forget(request: VoiceDeleteRequest, _media: MediaMap, _wanted: None) -> ForgetCall:
    """Ask for nothing but the voice's end."""
    return ForgetCall(voice=request.voice_id)


def reply_forget(request: VoiceDeleteRequest, _made: Made) -> VoiceDeleteOutput:
    """Say that the voice is gone."""
    return VoiceDeleteOutput(status="success", voice_id=request.voice_id)


def _speech(name: str, title: str, about: str, model: type[SpeechRequest]) -> Endpoint:
    """One of the two models that read a text out loud."""
    example: dict[str, Any] = {"text": "The tide is out, and the boats lie on the sand.", "output_format": "url"}
    return Endpoint(
        id=f"fal-ai/minimax/{name}",
        title=title,
        category="text-to-speech",
        about=about,
        input=model,
        output=SpeechOutput,
        clip=sound,
        units=units,
        unit="1,000 characters",
        engines={"animatic": speech, "minimax": partial(bought_speech, name)},
        reply=reply,
        delivery=delivery,
        roles=Roles(prompt="text"),
        example={**example, "voice_setting": {"voice_id": "Calm_Woman", "speed": 1.1}},
        tags=("text-to-speech", "vendor"),
        voices=VOICES,
    )


ENDPOINTS = [
    _speech(
        "speech-02-hd",
        "MiniMax Speech-02 HD",
        "Reads a text of up to 5,000 characters out loud, in built-in or cloned voices.",
        TextToSpeechHDRequest,
    ),
    _speech(
        "speech-02-turbo",
        "MiniMax Speech-02 Turbo",
        "Reads a text of up to 5,000 characters out loud, quicker, in built-in or cloned voices.",
        TextToSpeechTurboRequest,
    ),
    Endpoint(
        id="fal-ai/minimax/voice-clone",
        title="MiniMax voice clone",
        category="text-to-speech",
        about="Makes a voice from ten seconds or more of somebody speaking, for use in speech.",
        input=VoiceCloneRequest,
        output=VoiceCloneOutput,
        clip=preview,
        units=clone_units,
        unit="voice",
        engines={"animatic": clone, "minimax": bought_clone},
        reply=reply_clone,
        roles=Roles(prompt="text"),
        example={"audio_url": "https://example.com/voice.mp3", "noise_reduction": True},
        tags=("text-to-speech", "vendor"),
    ),
    Endpoint(
        id="fal-ai/minimax/voice-delete",
        title="MiniMax voice delete",
        category="text-to-speech",
        about="Deletes a voice that was cloned before.",
        input=VoiceDeleteRequest,
        output=VoiceDeleteOutput,
        units=forget_units,
        unit="voice",
        engines={"animatic": forget, "minimax": minimax_vendor.forget},
        reply=reply_forget,
        roles=Roles(prompt=None, forgets_voice="voice_id"),
        example={"voice_id": "voice-0123456789"},
        tags=("text-to-speech", "vendor"),
    ),
]
