"""Writes docs/reference/ from the code: settings from their table, commands from their help, errors from theirs.

`python docs/generate.py` writes the pages; tests/test_docs.py fails while a page differs from what this would write.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from typer.testing import CliRunner

from rushes.cli.main import COMMANDS, build
from rushes.errors import MODEL_ERRORS, REQUEST_ERRORS, Kind
from rushes.settings import Settings

REFERENCE = Path(__file__).parent / "reference"
WIDTH = "100"
ONLY_TESTS = "Not by itself: {}. Tests make it with `rushes/echo`."
WHEN: Mapping[str, str] = {
    "internal_server_error": "The work on the request met a bug or a broken machine; the server's log has the details.",
    "generation_timeout": "The work took longer than `generation_timeout_s`.",
    "downstream_service_error": ONLY_TESTS.format("no engine asks another service"),
    "downstream_service_unavailable": ONLY_TESTS.format("no engine asks another service"),
    "content_policy_violation": "The prompt, an input picture or video, or what was made of them was flagged; where "
    "checks are on is the endpoint's, the caller's and the `safety` setting's to say.",
    "no_media_generated": "The engine gave no frame and no picture; the animatic engine always gives some.",
    "image_too_small": "A side of the picture is shorter than 16 pixels.",
    "image_too_large": "The picture is beyond `image_max_side` or `image_max_pixels`.",
    "image_load_error": "The file is no picture, or a damaged one.",
    "video_load_error": "The file is no video, a damaged one, or beyond `video_max_frames` or `video_max_side`.",
    "audio_load_error": "The file is no sound, or a damaged one.",
    "file_download_error": "The URL can't be fetched in `input_timeout_s`, leads to an address that is not allowed, or "
    "names a file that is gone or another account's; or a data URI can't be read.",
    "face_detection_error": ONLY_TESTS.format("the animatic engine films on where it finds no face"),
    "file_too_large": "An input is larger than `input_max_bytes` or than its endpoint allows; or a result is too large "
    "to stand in the reply itself.",
    "greater_than": "A number is not above its limit.",
    "greater_than_equal": "A number is below its least value.",
    "less_than": "A number is not below its limit.",
    "less_than_equal": "A number is above its greatest value.",
    "multiple_of": ONLY_TESTS.format("no endpoint's number has a step"),
    "sequence_too_short": "A list has too few items.",
    "sequence_too_long": "A list has too many items.",
    "one_of": "A value is none of those that the endpoint knows; or a voice is not known to the account.",
    "feature_not_supported": "The members don't go together, or ask for what the endpoint can't do.",
    "invalid_archive": ONLY_TESTS.format("no endpoint takes an archive"),
    "archive_file_count_below_minimum": ONLY_TESTS.format("no endpoint takes an archive"),
    "archive_file_count_exceeds_maximum": ONLY_TESTS.format("no endpoint takes an archive"),
    "audio_duration_too_long": "The sound is longer than `media_max_s` or than its endpoint allows.",
    "audio_duration_too_short": "The sound is shorter than its endpoint needs.",
    "unsupported_audio_format": "The file is a picture where a sound is needed.",
    "unsupported_image_format": "The file is a video, or a picture of a kind that is not read.",
    "unsupported_video_format": "The file is a picture where a video is needed.",
    "video_duration_too_long": "The video is longer than `media_max_s` or than its endpoint allows.",
    "video_duration_too_short": ONLY_TESTS.format("no endpoint's video has a least length"),
    "request_timeout": "The request had not started by the caller's own deadline (`X-Fal-Request-Timeout`); with "
    "`X-Fal-Request-Timeout-Type: user`.",
    "startup_timeout": "A run or stream waits, and none of the server's own runners has come up in "
    "`startup_timeout_s`. Queued requests wait on.",
    "runner_scheduling_failure": "A run or stream waits, and no runner that serves its endpoint has been seen for "
    "`scheduling_s`. Queued requests wait on.",
    "runner_connection_timeout": "The runner showed no sign of life for `lease_s`; queued requests are tried up to 3 "
    "times.",
    "runner_disconnected": "The runner's process ended; queued requests are tried up to 3 times.",
    "runner_connection_refused": ONLY_TESTS.format("runners call the server, which connects to none"),
    "runner_connection_error": "The runner could not read inputs from the server's storage, or store its files there; "
    "queued requests are tried up to 10 times.",
    "runner_incomplete_response": "The runner's result is no whole JSON object; queued requests are tried up to 3 "
    "times.",
    "runner_server_error": ONLY_TESTS.format("a crash is `runner_disconnected`, which may be tried again"),
    "client_disconnected": "The caller of a run or stream hung up.",
    "client_cancelled": "The caller cancelled the request.",
    "bad_request": "A header or a member of the query can't be read. As a 429: more requests wait than "
    "`fal_max_queue_length` allows.",
    "internal_error": "The server met a bug or a broken database; its log has the details.",
    "storage_unavailable": "The disk is full or can't be written.",
    "concurrent_requests_limit": "The key runs as many requests at once as it may; queued ones wait instead.",
}
GENERATED = "<!-- Generated by docs/generate.py; change the code, then run `make docs`. -->\n"


def settings_page() -> str:
    """One row for each setting."""
    lines = [
        "# Settings\n",
        GENERATED,
        "First one wins: flags of `rushes serve`, environment, the TOML file of `--config`, the default.",
        "Units stand in the names: `_s` seconds, `_bytes` bytes, `_usd` US dollars.\n",
        "| setting | environment | default | meaning |",
        "|---|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = shown(field.get_default(call_default_factory=True))
        lines.append(f"| `{name}` | `RUSHES_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def shown(default: object) -> str:
    """Write a default as the environment would have it."""
    if default is None or default in ("", {}):
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def cli_page() -> str:
    """The help of every command, as it is printed."""
    parts = ["# Command line\n", GENERATED]
    parts.append("Errors are one line on stderr; exit code 1 says that it failed, 2 that the command was mistyped.\n")
    for words in every_command():
        title = " ".join(["rushes", *words])
        parts.append(f"## {title}\n\n```text\n{help_of(words)}\n```\n")
    return "\n".join(parts)


def every_command() -> list[list[str]]:
    """Return the words of every command, those of a group behind it."""
    app = build([])
    inner = {
        group.name: [
            one.name or one.callback.__name__ for one in group.typer_instance.registered_commands if one.callback
        ]
        for group in app.registered_groups
        if group.typer_instance is not None
    }
    return [[], *(words for name in COMMANDS for words in ([name], *([name, one] for one in inner.get(name, []))))]


def help_of(words: list[str]) -> str:
    """Return what `rushes WORDS --help` prints on a terminal of a fixed width."""
    os.environ["COLUMNS"] = WIDTH
    result = CliRunner().invoke(build(words), [*words, "--help"], prog_name="rushes")
    return "\n".join(line.rstrip() for line in result.output.strip().splitlines())


def errors_page() -> str:
    """Both tables of error types, with what their bodies look like."""
    return f"""# Errors

{GENERATED}
Bodies are exactly fal's. With `RUSHES_ERROR_MESSAGES=1` answers also have `message`, one line of text, which the client
for JavaScript takes for the error's own; without it that is the status line's. No failed request is billed.

## About the input, or the model's work on it

Body: `{{"detail": [{{"loc", "msg", "type", "url", "ctx"?, "input"?}}]}}`. Field types of Pydantic (`missing`,
`string_type`, …) come in the same form with status 422. Header: `X-Fal-Retryable`.

{error_table(MODEL_ERRORS)}

## About the platform around the model

Body: `{{"detail": "…", "error_type": "…"}}`, and the header `X-Fal-Error-Type`.

{error_table(REQUEST_ERRORS)}

## At the door

Body: `{{"detail": "…"}}`. 401 for a missing, malformed or unknown key, 403 for one that may not, 404 for an unknown
endpoint, path or request, 405 for a method that the path has not, 413 for a body that is too large.
"""


def error_table(kinds: Mapping[str, Kind]) -> str:
    """One row for each type."""
    rows = [
        f"| `{name}` | {kind.status} | {'yes' if kind.retryable else 'no'} | {kind.message} | {WHEN[name]} |"
        for name, kind in kinds.items()
    ]
    return "\n".join(["| type | status | retryable | text | when it happens |", "|---|---|---|---|---|", *rows])


def pages() -> dict[Path, str]:
    """Return every generated page with its text."""
    return {
        REFERENCE / "settings.md": settings_page(),
        REFERENCE / "cli.md": cli_page(),
        REFERENCE / "errors.md": errors_page(),
    }


if __name__ == "__main__":
    REFERENCE.mkdir(exist_ok=True)
    for path, text in pages().items():
        path.write_text(text)
