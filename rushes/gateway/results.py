"""What a finished job is answered with (protocol 4.7): the raw output, or the failure with its status and headers.

The output in the store holds `rushes-file:/ID/NAME` for the job's own files; here each becomes the address under which
this caller reached us, so that a result outlives a change of host or port.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import unquote

from rushes.files.types import UNKNOWN
from rushes.files.urls import SCHEME
from rushes.gateway.links import Links
from rushes.gateway.replies import (
    Header,
    Reply,
    failure_reply,
    request_id_header,
    served_by_header,
    served_from_header,
    units_header,
)
from rushes.jobs.job import Result

# A JSON string's opening quote is never preceded by a backslash, so this finds whole string values only.
_OWN_FILE = re.compile(rb'(?<!\\)"rushes-file:/((?:[^"\\]|\\.)*)"')

_TYPES = {"jpg": "image/jpeg", "png": "image/png", "c2pa": "application/c2pa"}  # of companions


def result_reply(result: Result, links: Links) -> Reply:
    """Answer with a COMPLETED job's result."""
    who = [] if result.served_by is None else [served_by_header(result.served_by)]
    if result.runner is not None:  # none ever had it: input errors, cancelled while it waited
        who.append(served_from_header(result.runner))
    if result.failure is not None:
        return failure_reply(result.failure, result.id, who)
    headers = [request_id_header(result.id), *who]
    if result.units is not None:
        headers.append(units_header(result.units))
    if result.companions:
        headers.append(link_header(result.companions, links))
    return Reply(200, with_addresses(result.output, result.files, links), headers)


def link_header(companions: Mapping[str, str], links: Links) -> Header:
    """The small pictures beside a result (RFC 8288), each with what it is to it: poster, thumbnail, contact-sheet;

    also the manifest of a result that has no place for one, under the name that C2PA has for that (c2pa-manifest).
    """
    shown = described(companions, links)
    texts = [f'<{one["url"]}>; rel="{one["rel"]}"; type="{one["content_type"]}"' for one in shown]
    return (b"link", ", ".join(texts).encode("ascii"))


def described(companions: Mapping[str, str], links: Links) -> list[dict[str, str]]:
    """Return the small pictures beside a result with the addresses under which this caller reaches them."""
    items: list[dict[str, str]] = []
    for mark, rel in companions.items():
        file_id, _, name = mark.removeprefix(f"{SCHEME}:/").partition("/")
        url = links.file(file_id, unquote(name))
        items.append({"rel": rel, "url": url, "content_type": _TYPES.get(name.rpartition(".")[2], UNKNOWN)})
    return items


def with_addresses(output: bytes, files: tuple[str, ...], links: Links) -> bytes:
    """Replace the own files' marks by links; a mark that is none of this job's files is text and stays."""
    if not files:  # so in sync mode, whose data URIs would be megabytes to search
        return output

    def address(mark: re.Match[bytes]) -> bytes:
        file_id, _, name = json.loads(b'"' + mark[1] + b'"').partition("/")
        return json.dumps(links.file(file_id, unquote(name))).encode() if file_id in files else mark[0]

    return _OWN_FILE.sub(address, output)
