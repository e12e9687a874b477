"""Code samples that run as they stand against this very server: JavaScript, Python and curl; pure text.

An example input names its files by URLs of no host (https://example.com/name.jpg). Samples upload a local file of that
name instead and put its address there. What a page says around the samples is in its template.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from keyword import iskeyword
from mimetypes import guess_type
from typing import Any, Literal

from rushes.web.bases import Bases

Language = Literal["javascript", "python", "http"]
LANGUAGES: Mapping[Language, str] = {"javascript": "JavaScript", "python": "Python", "http": "HTTP"}
Sample = Mapping[Language, str]

NO_HOST = "https://example.com/"  # which RFC 2606 keeps free of anybody's files
_INDENT = "  "
_PYTHON_WORDS = {True: "True", False: "False", None: "None"}
# Names that the samples use themselves, and words of JavaScript that Python's keyword list doesn't have.
_TAKEN = frozenset(
    re.findall(
        r"\w+",
        "fal file result request_id status handle on_queue_update console process rushes os fal_client update "
        "case catch const default delete do enum export extends function let new null super switch this throw typeof "
        "var void",
    )
)


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file that an example names by `url`: its name on the reader's disk, the variable for its address, its type."""

    url: str
    name: str
    variable: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Samples:
    """Everything an endpoint's page shows in code; each in all languages."""

    install: Sample
    key: str
    run: Sample
    authenticate: Sample
    submit: Sample
    status: Sample
    result: Sample
    cancel: Sample
    upload: Sample


def samples(endpoint_id: str, example: Mapping[str, Any], bases: Bases) -> Samples:
    """Write an endpoint's samples; `example` is a complete input."""
    files = local_files(example)
    return Samples(
        install={"javascript": "npm install @fal-ai/client", "python": _python_install(bases)},
        key='export FAL_KEY="id:secret"',
        run={
            "javascript": _javascript_run(endpoint_id, example, files, bases),
            "python": _python_run(endpoint_id, example, files, bases),
            "http": _http_run(endpoint_id, example, files, bases),
        },
        authenticate={
            "javascript": _javascript_setup(bases, 'process.env.FAL_KEY ?? "id:secret"'),
            "python": _python_setup(bases, '"id:secret"'),
            "http": f'curl -s "{bases.queue}/{endpoint_id}" \\\n  -H "Authorization: Key id:secret"',
        },
        submit={
            "javascript": _javascript_submit(endpoint_id, example, files),
            "python": _python_submit(endpoint_id, example, files),
            "http": _http_submit(endpoint_id, example, files, bases),
        },
        status=_later("status", endpoint_id, bases),
        result=_later("result", endpoint_id, bases),
        cancel=_later("cancel", endpoint_id, bases),
        upload=_upload(files, bases),
    )


def local_files(example: Any) -> tuple[LocalFile, ...]:
    """Return the files that an example names, each once, in the order of appearance."""
    found: dict[str, LocalFile] = {}
    for url in _addresses(example):
        name = (
            re.sub(r"[^\w.-]+", "-", url.removeprefix(NO_HOST).rpartition("/")[2], flags=re.ASCII).strip("-") or "file"
        )
        if url not in found:
            taken = {file.variable for file in found.values()}
            found[url] = LocalFile(url, name, _variable(name, taken), guess_type(name)[0] or "application/octet-stream")
    return tuple(found.values())


def literal(value: Any, language: Language, files: tuple[LocalFile, ...] = (), depth: int = 0) -> str:
    """Write a JSON value as the language does, files as their variables; `http` is JSON for a shell's here-document."""
    if isinstance(value, str) and value.startswith(NO_HOST):
        file = next((one for one in files if one.url == value), None)
        if file is not None:
            return f'"${file.variable.upper()}"' if language == "http" else file.variable
    outer, inner = _INDENT * depth, _INDENT * (depth + 1)
    if isinstance(value, Mapping) and value:
        members = [
            f"{inner}{_member(name, language)}: {literal(one, language, files, depth + 1)}"
            for name, one in value.items()
        ]
        return "{\n" + ",\n".join(members) + f"\n{outer}}}"
    if isinstance(value, list | tuple) and value:
        items = [f"{inner}{literal(one, language, files, depth + 1)}" for one in value]
        return "[\n" + ",\n".join(items) + f"\n{outer}]"
    if language == "python" and (value is None or isinstance(value, bool)):
        return _PYTHON_WORDS[value]
    text = json.dumps(value, ensure_ascii=False)
    # What a shell would take for its own in a here-document; JSON's quotes stay as they are.
    return re.sub(r"[\\$`]", r"\\\g<0>", text) if language == "http" else text


def _member(name: str, language: Language) -> str:
    return name if language == "javascript" and name.isidentifier() else literal(name, language)


def _addresses(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value.startswith(NO_HOST) else []
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [url for one in inner for url in _addresses(one)]


def _variable(name: str, taken: set[str]) -> str:
    word = re.sub(r"\W+", "_", name.partition(".")[0], flags=re.ASCII).strip("_").lower() or "upload"
    # One word for both languages, so what either reserves is no name.
    if word[0].isdigit() or iskeyword(word) or word in _TAKEN:
        word = f"my_{word}"
    return next(one for one in (word, *(f"{word}_{n}" for n in range(2, 100))) if one not in taken)


def _python_install(bases: Bases) -> str:
    # By its folder: a name would be looked up in a public registry, where it may be anybody's.
    return "pip install /path/to/rushes fal-client" if bases.pointed else "pip install fal-client"


def _javascript_setup(bases: Bases, key: str = "process.env.FAL_KEY") -> str:
    options = [f"  credentials: {key},"]
    if bases.pointed:
        options.append(f'  proxyUrl: {{ url: "{bases.site}/api/fal/proxy", when: "always" }},')
    return "\n".join(['import { fal } from "@fal-ai/client";', "", "fal.config({", *options, "});"])


def _javascript_uploads(files: tuple[LocalFile, ...]) -> str:
    """Node has no files of its own to hand over; in a browser they come from an <input type=file>."""
    return "".join(
        f"const {file.variable} = await fal.storage.upload(\n"
        f'  new File([await readFile("{file.name}")], "{file.name}", {{ type: "{file.content_type}" }}),\n'
        ");\n"
        for file in files
    )


def _javascript_head(files: tuple[LocalFile, ...], setup: str) -> str:
    return ('import { readFile } from "node:fs/promises";\n' if files else "") + setup + "\n\n"


def _javascript_run(endpoint_id: str, example: Any, files: tuple[LocalFile, ...], bases: Bases) -> str:
    return (
        _javascript_head(files, _javascript_setup(bases))
        + (_javascript_uploads(files) + "\n" if files else "")
        + f'const result = await fal.subscribe("{endpoint_id}", {{\n'
        f"  input: {literal(example, 'javascript', files, 1)},\n"
        "  logs: true,\n"
        "  onQueueUpdate: (update) => {\n"
        '    if (update.status === "IN_PROGRESS") {\n'
        "      update.logs.map((log) => log.message).forEach((line) => console.log(line));\n"
        "    }\n"
        "  },\n"
        "});\n"
        "console.log(result.data);\n"
        "console.log(result.requestId);"
    )


def _javascript_submit(endpoint_id: str, example: Any, files: tuple[LocalFile, ...]) -> str:
    return (
        f'const {{ request_id }} = await fal.queue.submit("{endpoint_id}", {{\n'
        f"  input: {literal(example, 'javascript', files, 1)},\n"
        "});"
    )


def _python_setup(bases: Bases, key: str = 'os.environ["FAL_KEY"]') -> str:
    lines = ["import os", ""] if "os." in key or not bases.pointed else []
    if bases.pointed:
        return "\n".join([*lines, "import fal_client", "import rushes", "", f'rushes.connect("{bases.site}", {key})'])
    setting = "" if "os." in key else f'\n\nos.environ["FAL_KEY"] = {key}'
    return "\n".join([*(lines if setting else []), "import fal_client"]) + setting


def _python_uploads(files: tuple[LocalFile, ...]) -> str:
    return "".join(f'{file.variable} = fal_client.upload_file("{file.name}")\n' for file in files)


def _python_run(endpoint_id: str, example: Any, files: tuple[LocalFile, ...], bases: Bases) -> str:
    return (
        _python_setup(bases)
        + (f"\n\n{_python_uploads(files)}" if files else "\n")
        + "\n\ndef on_queue_update(update):\n"
        "    if isinstance(update, fal_client.InProgress):\n"
        "        for log in update.logs or []:\n"
        '            print(log["message"])\n'
        "\n\n"
        "result = fal_client.subscribe(\n"
        f'    "{endpoint_id}",\n'
        f"    arguments={_python_literal(example, files)},\n"
        "    with_logs=True,\n"
        "    on_queue_update=on_queue_update,\n"
        ")\n"
        "print(result)"
    )


def _python_submit(endpoint_id: str, example: Any, files: tuple[LocalFile, ...]) -> str:
    return (
        "handle = fal_client.submit(\n"
        f'    "{endpoint_id}",\n'
        f"    arguments={_python_literal(example, files)},\n"
        ")\n"
        "request_id = handle.request_id"
    )


def _python_literal(example: Any, files: tuple[LocalFile, ...]) -> str:
    """Four spaces, as Python is written, and inside a call. Strings hold no line breaks, so lines can be shifted."""
    lines = literal(example, "python", files).split("\n")
    wide = [" " * (len(line) - len(line.lstrip())) + line for line in lines]
    return "\n    ".join(wide)


_KEY_HEADER = '-H "Authorization: Key $FAL_KEY"'


def _http_uploads(files: tuple[LocalFile, ...], bases: Bases) -> str:
    return "".join(
        f'{file.variable.upper()}=$(curl -s "{bases.upload}" \\\n'
        f"  {_KEY_HEADER} \\\n"
        f'  -H "Content-Type: {file.content_type}" -H "X-Fal-File-Name: {file.name}" \\\n'
        # sed, since not every machine has jq.
        f'  --data-binary @{file.name} | sed \'s/.*"access_url": *"\\([^"]*\\)".*/\\1/\')\n\n'
        for file in files
    )


def _http_submit(endpoint_id: str, example: Any, files: tuple[LocalFile, ...], bases: Bases) -> str:
    return _http_post(f"{bases.queue}/{endpoint_id}", example, files)


def _http_run(endpoint_id: str, example: Any, files: tuple[LocalFile, ...], bases: Bases) -> str:
    return _http_uploads(files, bases) + _http_post(f"{bases.run}/{endpoint_id}", example, files)


def _http_post(url: str, example: Any, files: tuple[LocalFile, ...]) -> str:
    return (
        f'curl -s "{url}" \\\n'
        f"  {_KEY_HEADER} \\\n"
        '  -H "Content-Type: application/json" --data @- <<INPUT\n'
        f"{literal(example, 'http', files)}\n"
        "INPUT"
    )


def _later(part: Literal["status", "result", "cancel"], endpoint_id: str, bases: Bases) -> Sample:
    """Write how a submitted request is asked about, fetched or cancelled."""
    javascript, python, path = {
        "status": (", logs: true", ", with_logs=True", "/status?logs=1"),
        "result": ("", "", ""),
        "cancel": ("", "", "/cancel"),
    }[part]
    kept = {"javascript": "", "python": ""} if part == "cancel" else _KEPT_AS
    method = "-X PUT " if part == "cancel" else ""
    return {
        "javascript": kept["javascript"].format(part)
        + f'await fal.queue.{part}("{endpoint_id}", {{ requestId: request_id{javascript} }});'
        + ("\nconsole.log(result.data);" if part == "result" else ""),
        "python": kept["python"].format(part) + f'fal_client.{part}("{endpoint_id}", request_id{python})',
        "http": f'curl -s {method}"{bases.queue}/{endpoint_id}/requests/$REQUEST_ID{path}" \\\n  {_KEY_HEADER}',
    }


_KEPT_AS = {"javascript": "const {} = ", "python": "{} = "}


def _upload(files: tuple[LocalFile, ...], bases: Bases) -> Sample:
    # An endpoint's files may all be optional, and its example name none.
    shown = files[:1] or (LocalFile("", "photograph.jpg", "photograph", "image/jpeg"),)
    return {
        "javascript": _javascript_head(shown, "").strip() + "\n\n" + _javascript_uploads(shown).strip(),
        "python": _python_uploads(shown).strip(),
        "http": f'{_http_uploads(shown, bases).strip()}\necho "${shown[0].variable.upper()}"',
    }
