"""Files that come inside the request: `data:<mime>[;params][;base64],<payload>` (protocol F-08).

Lenient in what real clients get wrong (line breaks, the URL-safe alphabet, missing padding); strict about size, which
is checked before anything is decoded. The declared type is passed on but proves nothing: readers look at the bytes.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from rushes.errors import Loc, ModelError

_SPACE = re.compile(r"\s+")
_URL_SAFE = str.maketrans("-_", "+/")
_DEFAULT_TYPE = "text/plain"  # what RFC 2397 says of a URI that names none
_HEADER_LIMIT = 1024  # no honest type and parameters are longer


@dataclass(frozen=True, slots=True)
class DataUri:
    """The bytes and the type that the caller claims for them, without parameters."""

    data: bytes
    content_type: str


def is_data_uri(url: str) -> bool:
    """Say whether the URL carries its bytes itself."""
    return url[:5].lower() == "data:"


def read_data_uri(url: str, max_bytes: int, loc: Loc) -> DataUri:
    """Decode the URI; raises ModelError file_too_large, or file_download_error when it cannot be read."""
    comma = url.find(",", 0, _HEADER_LIMIT)
    if not is_data_uri(url) or comma < 0:
        raise _unreadable("a data URI looks like data:image/png;base64,iVBORw0…; this one has no comma", loc)
    content_type, *params = (part.strip() for part in url[5:comma].lower().split(";"))
    is_base64 = bool(params) and params[-1] == "base64"
    payload = url[comma + 1 :]
    data = _from_base64(payload, max_bytes, loc) if is_base64 else _from_percent(payload, max_bytes, loc)
    if not data:
        raise _unreadable("the data URI is empty: nothing follows its comma", loc)
    return DataUri(data, content_type or _DEFAULT_TYPE)


def _from_base64(payload: str, max_bytes: int, loc: Loc) -> bytes:
    # Some clients percent-encode the whole URI; % is in no base64 alphabet, so this cannot hurt.
    text = _unquote(payload).decode("latin-1") if "%" in payload else payload
    text = _SPACE.sub("", text).translate(_URL_SAFE).rstrip("=")
    _check_size(len(text) * 3 // 4, max_bytes, loc)
    try:
        return binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise _unreadable(f"the data URI's base64 cannot be decoded ({error}); was it cut short?", loc) from None


def _from_percent(payload: str, max_bytes: int, loc: Loc) -> bytes:
    _check_size(len(payload) - 2 * payload.count("%"), max_bytes, loc)
    data = _unquote(payload)
    _check_size(len(data), max_bytes, loc)
    return data


def _unquote(text: str) -> bytes:
    # JSON can carry half a surrogate pair, which plain UTF-8 refuses.
    return unquote_to_bytes(text.encode("utf-8", "surrogatepass"))


def _check_size(size: int, max_bytes: int, loc: Loc) -> None:
    if size > max_bytes:
        msg = f"the file in the data URI has {size} bytes; at most {max_bytes} are allowed"
        raise ModelError("file_too_large", msg, loc=loc, ctx={"max_size": max_bytes})


def _unreadable(msg: str, loc: Loc) -> ModelError:
    return ModelError("file_download_error", msg, loc=loc)
