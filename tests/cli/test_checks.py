"""What is looked for on a machine is what the server needs of it."""

from typing import get_args

from rushes.cli.checks import CODECS
from rushes.endpoint import VideoFormat
from rushes.media.sound import EXTENSIONS
from rushes.media.video_formats import recipe


def test_every_encoder_that_films_and_sounds_are_written_with_is_looked_for() -> None:
    containers = get_args(VideoFormat.__annotations__["container"]) or ("mp4", "webm", "mov", "gif")
    recipes = [recipe(VideoFormat(container=one)) for one in containers]
    films = {one.codec for one in recipes} | {one.sound_codec for one in recipes if one.sound_codec}
    sounds = {"libmp3lame", "flac", "pcm_s16le"}
    assert len(sounds) == len(EXTENSIONS) - 1, "raw samples need none"
    assert films | sounds == set(CODECS)
