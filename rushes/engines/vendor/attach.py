"""A call's body with each input in the form that it travels in: text, a part, an address, or an upload's id.

Nothing here costs anything, so all of it happens before a task is sent, and again in a later try. What a vendor takes
of pictures and recordings is seen to in `pictures`.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from rushes.calls import Attachment, Course, Named, VendorCall
from rushes.engines.engine import Unable
from rushes.engines.vendor.asking import FIRST_PAUSE_S, Asking
from rushes.engines.vendor.contract import Follow, Part, Prepared, Then, Trouble
from rushes.engines.vendor.courses import course_points
from rushes.engines.vendor.pictures import encoded_picture, recording
from rushes.engines.vendor.wire import UPLOAD_S, Unanswered
from rushes.errors import ModelError

TRIES = 4  # of an upload
MOST_PAGES = 200  # of a list in which a name is looked up


def placed_body(asking: Asking, call: VendorCall) -> Mapping[str, Any]:
    """Return the body as it is sent. Raises ModelError for what the vendor can't take, Trouble, Cancelled."""
    placed: Mapping[str, Any] = _place(asking, call.body)
    return placed


def _place(asking: Asking, value: Any) -> Any:
    match value:
        case Attachment():
            asking.errand.tick()  # a large picture takes its time
            return _placed(asking, value)
        case Course():
            return course_points(value)
        case Named():
            return _identified(asking, value)
        case Mapping():
            return {name: _place(asking, item) for name, item in value.items()}
        case list() | tuple():
            return [_place(asking, item) for item in value]
    return value


def _placed(asking: Asking, attachment: Attachment) -> Any:
    if attachment.form == "voice":
        return _voice(asking, attachment)
    prepared = _prepared(asking, attachment)
    match attachment.form:
        case "base64":
            return base64.b64encode(prepared.content).decode()
        case "data_uri":
            return f"data:{prepared.content_type};base64,{base64.b64encode(prepared.content).decode()}"
        case "bytes":
            suffix = prepared.content_type.rpartition("/")[2]
            return Part(prepared.content, f"{attachment.loc[-1]}.{suffix}", prepared.content_type)
        case "url":
            # A name of its own each: one call may share several files.
            path = asking.errand.folder() / f"shared-{uuid.uuid4().hex[:8]}"
            path.write_bytes(prepared.content)
            return asking.errand.share(path, prepared.content_type)
        case "upload":
            return _uploaded(asking, prepared)


def _identified(asking: Asking, named: Named) -> Any:
    """Return the vendor's id of what has this name there."""
    identify, identified = asking.vendor.identify, asking.vendor.identified
    if identify is None or identified is None:
        raise TypeError(f"{asking.vendor.name} knows nothing by name")
    request, read = identify(asking.account, named), partial(identified, asking.account, named)
    for _ in range(MOST_PAGES):
        found = asking.understood(request, read, asking.seconds + asking.setup.setting.patience_s)
        if not isinstance(found, Follow):
            return found
        request = found.request
    raise Trouble("unknown", f"its list goes on for more than {MOST_PAGES} pages")


def _voice(asking: Asking, attachment: Attachment) -> str:
    """Return the vendor's own id of a voice that was cloned with it. Raises Unable for one that another engine cloned,

    which may come next in the route.
    """
    profile = json.loads(Path(attachment.path).read_text())
    maker = profile.get("vendor") if isinstance(profile, dict) else None
    if maker != asking.vendor.name:
        owner = maker or "an engine of this server's own"
        msg = f"this voice was cloned by {owner}; {asking.vendor.name} does not know it: ask the one that cloned it"
        error = ModelError("feature_not_supported", msg, loc=attachment.loc)
        raise Unable("here", error, f"a voice that {owner} cloned was asked of {asking.vendor.title}")
    return str(profile["voice_id"])


def _prepared(asking: Asking, attachment: Attachment) -> Prepared:
    vendor = asking.vendor
    if attachment.kind == "image" and vendor.pictures is not None:
        content, content_type = encoded_picture(attachment, vendor.pictures)
    elif attachment.kind == "image":
        content, content_type = Path(attachment.path).read_bytes(), attachment.content_type
    else:
        rules = vendor.videos if attachment.kind == "video" else vendor.sounds
        content, content_type = recording(attachment, rules)
    return Prepared(attachment, content, content_type)


def _uploaded(asking: Asking, prepared: Prepared) -> Any:
    """Upload a file, which costs nothing, so that it may be tried again."""
    upload, uploaded = asking.vendor.upload, asking.vendor.uploaded
    if upload is None or uploaded is None:
        raise TypeError(f"{asking.vendor.name} has no uploads")
    pause_s = FIRST_PAUSE_S
    for left in reversed(range(TRIES)):
        wait_s = pause_s
        try:
            answer = asking.setup.wire.ask(upload(asking.account, prepared), asking.errand.tick, UPLOAD_S)
            found = asking.read(partial(uploaded, prepared), answer)
            return _carried(asking, found) if isinstance(found, Then) else found
        except Unanswered as error:
            if error.final or not left:
                raise Trouble("here" if error.final else "server", str(error)) from None
        except Trouble as trouble:
            wait_s = trouble.retry_after_s or pause_s
            too_long = wait_s > asking.setup.setting.patience_s
            if not left or too_long or trouble.kind not in ("busy", "server"):
                raise
        asking.wait(wait_s)
        pause_s *= 2
    raise AssertionError("the last try raises")


def _carried(asking: Asking, then: Then) -> Any:
    """Send the bytes where the vendor said that it wants them."""
    # What is refused here is so by a store of files, whose words mean nothing to a caller: begun anew with a new place.
    response = asking.setup.wire.ask(then.request, asking.errand.tick, UPLOAD_S)
    if response.status >= 300:
        raise Trouble("server", f"an upload was answered {response.status}")
    return then.value
