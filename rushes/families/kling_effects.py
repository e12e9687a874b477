"""Kling's other ways to a film: elements (several subjects), effects (ready-made scenes) and lipsync.

Fields, enums and defaults are the endpoint page's; the range of the speech rate is that of Kling's own API. Grades,
prices and frame sizes are shared with `kling`, which has the endpoints that start from one prompt or picture.
"""

from __future__ import annotations

from functools import partial
from math import ceil
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from rushes.calls import AnimaticCall, SpeechCall
from rushes.endpoint import Clip, Endpoint, MediaMap, Roles
from rushes.families import kling_vendor
from rushes.families.kling import (
    GRADES,
    NEGATIVE_PROMPT,
    ROOT,
    SHAPES,
    UNIT,
    Asked,
    AspectRatio,
    Duration,
    Grade,
    KlingOutput,
    NegativePrompt,
    Prompt,
    film,
    reply,
    shape_of,
    title,
    units,
)
from rushes.fields import AudioUrl, ImageUrl, VideoUrl, WireModel

MOST_ELEMENTS = 4
MOST_TEXT = 120
MOST_PLAYERS = 2
BILLED_S = 5  # lipsync is paid by started five seconds

EffectScene = Literal["hug", "kiss", "heart_gesture", "squish", "expansion", "fuzzyfuzzy", "bloombloom", "dizzydizzy"]
PAIRS = frozenset({"hug", "kiss", "heart_gesture"})  # scenes for two, hence from two pictures
WHAT_HAPPENS = {
    "hug": "The two people turn to each other and hug",
    "kiss": "The two people lean towards each other and kiss",
    "heart_gesture": "The two people form a heart with their hands",
    "squish": "A hand squeezes the subject like a soft toy",
    "expansion": "The subject swells up like a balloon",
    "fuzzyfuzzy": "The subject turns into a fluffy, furry version of itself",
    "bloombloom": "Flowers come out all over the subject",
    "dizzydizzy": "The subject spins round until it is dizzy",
}

VoiceName = Literal[
    "genshin_vindi2",
    "zhinen_xuesheng",
    "AOT",
    "ai_shatang",
    "genshin_klee2",
    "genshin_kirara",
    "ai_kaiya",
    "oversea_male1",
    "ai_chenjiahao_712",
    "girlfriend_4_speech02",
    "chat1_female_new-3",
    "chat_0407_5-1",
    "cartoon-boy-07",
    "uk_boy1",
    "cartoon-girl-01",
    "PeppaPig_platform",
    "ai_huangzhong_712",
    "ai_huangyaoshi_712",
    "ai_laoguowang_712",
    "chengshu_jiejie",
    "you_pingjing",
    "calm_story1",
    "uk_man2",
    "laopopo_speech02",
    "heainainai_speech02",
    "reader_en_m-v1",
    "commercial_lady_en_f-v1",
    "tiyuxi_xuedi",
    "tiexin_nanyou",
    "girlfriend_1_speech02",
    "girlfriend_2_speech02",
    "zhuxi_speech02",
    "uk_oldman3",
    "dongbeilaotie_speech02",
    "chongqingxiaohuo_speech02",
    "chuanmeizi_speech02",
    "chaoshandashu_speech02",
    "ai_taiwan_man2_speech02",
    "xianzhanggui_speech02",
    "tianjinjiejie_speech02",
    "diyinnansang_DB_CN_M_04-v2",
    "yizhipiannan-v1",
    "guanxiaofang-v2",
    "tianmeixuemei-v1",
    "daopianyansang-v1",
    "mengwa-v1",
]
LANGUAGES = {"zh": "Chinese", "en": "English"}

SourceVideo = Annotated[
    VideoUrl, Field(description="Video of the one who is to speak; the result has its size, rate and length.")
]


class MultiImageToVideoRequest(WireModel):
    """Up to four pictures whose subjects meet in one film."""

    prompt: Prompt
    input_image_urls: list[ImageUrl] = Field(
        min_length=1,
        max_length=MOST_ELEMENTS,
        description=f"One to {MOST_ELEMENTS} pictures of the people, things or places that are to be in the video.",
    )
    duration: Duration = "5"
    aspect_ratio: AspectRatio = "16:9"
    negative_prompt: NegativePrompt = NEGATIVE_PROMPT


def pictures_for(scene: str) -> int:
    """How many pictures a scene is made of."""
    return 2 if scene in PAIRS else 1


class VideoEffectsRequest(WireModel):
    """A ready-made scene, played by who is in the pictures."""

    input_image_urls: list[ImageUrl] = Field(
        max_length=MOST_PLAYERS,  # bounds the work on a list of millions; how many a scene takes is judged below
        description="Pictures of who plays the scene: exactly two for hug, kiss and heart_gesture, one for the others.",
    )
    effect_scene: EffectScene = Field(description="The scene that is to be played.")
    duration: Duration = "5"

    @model_validator(mode="wrap")
    @classmethod
    def _as_many_pictures_as_the_scene_takes(cls, given: Any, check: ModelWrapValidatorHandler[Self]) -> Self:
        """Name input_image_urls when there are too few or too many, beside whatever else is wrong.

        The count can only be judged with the scene, which comes after it. A validator that runs after all fields would
        keep silent as long as any other field is wrong.
        """
        miscount = _miscount(given)
        try:
            request = check(given)
        except ValidationError as error:
            if miscount is None:
                raise
            # The list's own bound of two may have found the same: it is told once, with the scene's number.
            others = [_again(one) for one in error.errors(include_url=False) if one["loc"] != miscount["loc"]]
            raise ValidationError.from_exception_data(error.title, [miscount, *others]) from None
        if miscount is not None:
            raise ValidationError.from_exception_data(cls.__name__, [miscount])
        return request


def _miscount(given: Any) -> InitErrorDetails | None:
    """Compare the number of pictures with what the scene takes; None where it is right or can't be told."""
    # Anything may have come: this runs before the fields are checked.
    members = given if isinstance(given, dict) else {}
    urls, scene = members.get("input_image_urls"), members.get("effect_scene")
    if not isinstance(urls, list) or not isinstance(scene, str) or scene not in WHAT_HAPPENS:
        return None
    wanted = pictures_for(scene)
    if len(urls) == wanted:
        return None
    bound = "min_length" if len(urls) < wanted else "max_length"
    problem = PydanticCustomError(
        "sequence_too_short" if bound == "min_length" else "sequence_too_long",
        f"The scene {scene} takes exactly {wanted} picture(s) and {len(urls)} came; "
        f"change their number or take another scene",
        {bound: wanted},
    )
    return InitErrorDetails(type=problem, loc=("input_image_urls",), input=urls)


def _again(error: Any) -> InitErrorDetails:
    """Return a reported problem in the form in which it can be raised once more."""
    return InitErrorDetails(type=error["type"], loc=error["loc"], input=error["input"], ctx=error.get("ctx", {}))


class LipsyncA2VRequest(WireModel):
    """A video and the sound that its speaker is to say."""

    video_url: SourceVideo
    audio_url: AudioUrl = Field(description="Speech for the lips to follow; what is longer than the video is cut off.")


class LipsyncT2VRequest(WireModel):
    """A video and the words that its speaker is to say."""

    video_url: SourceVideo
    text: str = Field(
        min_length=1,
        max_length=MOST_TEXT,
        description=f"The words to be spoken, at most {MOST_TEXT} characters.",
    )
    voice_id: VoiceName | None = Field(
        None, description="Name of the voice that speaks; the engine's usual voice where there is none."
    )
    voice_language: Literal["zh", "en"] = Field("en", description="Language that the voice speaks: zh or en.")
    voice_speed: float = Field(
        1, ge=0.8, le=2, allow_inf_nan=False, description="How fast the voice speaks, from 0.8 to 2; 1 is natural."
    )

    @field_validator("text")
    @classmethod
    def _something_to_say(cls, text: str) -> str:
        if not text.strip():
            raise PydanticCustomError("value_error", "text is blank; it needs at least one character to be said")
        return text


Lipsync = LipsyncA2VRequest | LipsyncT2VRequest


def elements_clip(grade: Grade, request: MultiImageToVideoRequest, _media: MediaMap) -> Clip:
    """Return the clip in the shape that was asked for."""
    return film(grade, SHAPES[request.aspect_ratio], request.duration)


def effects_clip(grade: Grade, request: VideoEffectsRequest, media: MediaMap) -> Clip:
    """Return the clip in the shape of the first picture."""
    return film(grade, shape_of(media["input_image_urls.0"]), request.duration)


def lipsync_clip(_request: Lipsync, media: MediaMap) -> Clip:
    """Return the video's own size (made even), rate and length, now with sound."""
    video = media["video_url"]
    width, height = video.size
    fps = video.fps or 30.0  # decoded videos have a rate and frames; what follows `or` satisfies the types
    frames = video.frames or round((video.duration_s or 0) * fps)
    return Clip(max(width // 2 * 2, 2), max(height // 2 * 2, 2), max(frames, 1), fps, audio=True)


def lipsync_units(_request: Lipsync, wanted: Clip | None) -> float:
    """One unit for each started five seconds of the video; the page prints no price."""
    # In whole milliseconds, or else the last digit of frames / rate could begin another five seconds.
    return float(max(1, ceil(round(wanted.duration_s, 3) / BILLED_S))) if wanted else 1.0


def _pictures(request: MultiImageToVideoRequest | VideoEffectsRequest, media: MediaMap) -> tuple[str, ...]:
    return tuple(media[f"input_image_urls.{number}"].path for number in range(len(request.input_image_urls)))


def elements_animatic(request: MultiImageToVideoRequest, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine for a film of all the subjects."""
    return AnimaticCall(
        prompt=request.prompt,
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=0,
        pictures=_pictures(request, media),
    )


def effects_animatic(request: VideoEffectsRequest, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine for the scene: opening on the one picture, or composed of both."""
    pictures = _pictures(request, media)
    alone = len(pictures) == 1
    return AnimaticCall(
        prompt=WHAT_HAPPENS[request.effect_scene],
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=0,
        image=pictures[0] if alone else None,
        pictures=() if alone else pictures,  # neither of a pair opens the film: each lends it somebody
        effect=request.effect_scene,
    )


def speech(request: LipsyncT2VRequest) -> SpeechCall:
    """Say what is to be spoken, and how."""
    return SpeechCall(
        text=request.text,
        voice=request.voice_id or "",
        speed=request.voice_speed,
        language=LANGUAGES[request.voice_language],
    )


def lipsync_animatic(request: Lipsync, media: MediaMap, wanted: Clip) -> AnimaticCall:
    """Ask the animatic engine for the same film with other words; nothing but the lips has to leave the original.

    Where it sees no face, the film keeps its picture and gets the sound: it misses faces in profile and in outline
    drawings, so that its no is no reason for a face_detection_error, of which the page says nothing either.
    """
    sound = media.get("audio_url")
    return AnimaticCall(
        prompt="",
        width=wanted.width,
        height=wanted.height,
        frames=wanted.frames,
        fps=wanted.fps,
        seed=0,
        video=media["video_url"].path,
        sound=sound.path if sound else None,
        speech=speech(request) if isinstance(request, LipsyncT2VRequest) else None,
        lipsync=True,
        camera_fixed=True,
    )


def _elements(grade: str, size: str) -> Endpoint:
    return Endpoint(
        id=f"{ROOT}/{grade}/elements",
        title=title(grade, "elements"),
        category="image-to-video",
        about=f"Brings the subjects of up to four pictures together in one video, at {size}.",
        input=MultiImageToVideoRequest,
        output=KlingOutput,
        clip=partial(elements_clip, GRADES[grade]),
        units=partial(units, GRADES[grade]),
        unit=UNIT,
        engines={"animatic": elements_animatic, "kling": partial(kling_vendor.elements, grade)},
        reply=reply,
        example={
            "prompt": "The girl throws the ball and the dog runs after it",
            "input_image_urls": [
                "https://example.com/girl.jpg",
                "https://example.com/dog.jpg",
                "https://example.com/ball.jpg",
            ],
        },
        tags=("image-to-video", "elements", "vendor"),
    )


def _effects(grade: str, size: str) -> Endpoint:
    return Endpoint(
        id=f"{ROOT}/{grade}/effects",
        title=title(grade, "effects"),
        category="image-to-video",
        about=f"Plays a ready-made scene with one picture or a pair of pictures, at {size}.",
        input=VideoEffectsRequest,
        output=KlingOutput,
        clip=partial(effects_clip, GRADES[grade]),
        units=partial(units, GRADES[grade]),
        unit=UNIT,
        engines={"animatic": effects_animatic, "kling": partial(kling_vendor.effects, grade)},
        reply=reply,
        roles=Roles(prompt=None),
        example={
            "input_image_urls": ["https://example.com/mother.jpg", "https://example.com/son.jpg"],
            "effect_scene": "hug",
        },
        tags=("image-to-video", "effects", "vendor"),
    )


def _lipsync(
    task: str, request: type[Lipsync], words: str, said: dict[str, str], *, prompt: str | None, asked: Asked
) -> Endpoint:
    return Endpoint(
        id=f"{ROOT}/lipsync/{task}",
        title=f"Kling lipsync from {words}",
        category="video-to-video",
        about=f"Lets the speaker in a video say other words, given as {words}; the video keeps its length.",
        input=request,
        output=KlingOutput,
        clip=lipsync_clip,
        units=lipsync_units,
        unit="5 s of video",
        engines={"animatic": lipsync_animatic, "kling": asked},
        reply=reply,
        roles=Roles(prompt=prompt),
        example={"video_url": "https://example.com/speaker.mp4", **said},
        tags=("video-to-video", "lipsync", "vendor"),
    )


ENDPOINTS = [
    _elements("v1.6/standard", "720p"),
    _elements("v1.6/pro", "1080p"),
    _effects("v1/standard", "720p"),
    _effects("v1.5/pro", "1080p"),
    _effects("v1.6/standard", "720p"),
    _effects("v1.6/pro", "1080p"),
    _lipsync(
        "audio-to-video",
        LipsyncA2VRequest,
        "sound",
        {"audio_url": "https://example.com/words.mp3"},
        prompt=None,
        asked=kling_vendor.lipsync_to_sound,
    ),
    _lipsync(
        "text-to-video",
        LipsyncT2VRequest,
        "text",
        {"text": "We open at nine. Come in and see for yourself.", "voice_id": "oversea_male1"},
        prompt="text",
        asked=kling_vendor.lipsync_to_text,
    ),
]
