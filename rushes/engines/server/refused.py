"""What becomes of trouble with a server: what the caller is told, and the operator's remedy.

What the caller did wrong is told with the server's words; all else is no fault of the request, and another deployment
may do it. Nothing of a server was paid, so that nothing keeps a job with it.
"""

from __future__ import annotations

from collections.abc import Mapping

from rushes.engines.engine import Blame, Unable
from rushes.engines.server.answers import OUT_OF_MEMORY
from rushes.engines.trouble import out_of_memory
from rushes.engines.vendor.contract import Trouble
from rushes.engines.vendor.refused import INVALID, shortened
from rushes.errors import CallerError, ModelError

_AWAY = "downstream_service_unavailable"
_GENERAL = "The server behind this endpoint can't be used at the moment; the operator has to look at it"

TABLE: Mapping[str, tuple[Blame, str, str]] = {
    "key": ("key", _GENERAL, "its key is refused: set key or key_env to the one that it was started with"),
    "access": ("access", _GENERAL, "look at the deployment's dialect, url, model and weights"),
    "busy": (
        "busy",
        "The server behind this endpoint takes no more requests at the moment; try again later",
        "it took no more for longer than patience_s: lower the deployment's concurrency, or raise the server's queue",
    ),
    "server": (
        "server",
        "The server behind this endpoint failed; it is no fault of the request",
        "look whether it runs, and at its own log",
    ),
    "gone": (
        "server",
        "The server behind this endpoint lost the task or its film; it is no fault of the request",
        "it no longer knows the task, or its film could not be fetched: was it started anew?",
    ),
    "slow": (
        "slow",
        "The server behind this endpoint took longer than one task may take",
        "raise the deployment's deadline_s if such times are usual",
    ),
    "here": ("here", _GENERAL, "see the words before"),
}
"""By kind of trouble: who is blamed, what the caller is told, and what the operator can do."""


def told(trouble: Trouble, name: str, title: str, film: str) -> CallerError | Unable:
    """Return what the job is to end with, unless another deployment can; `film` says what was to be made."""
    said = shortened(trouble.text)
    code = f" ({trouble.code})" if trouble.code is not None else ""
    if trouble.kind == "invalid":
        return ModelError(INVALID, f"{title} refuses it{code}: {said}")
    if trouble.kind == "moderated":
        return ModelError("content_policy_violation", f"{title} refused it for what it shows or says{code}: {said}")
    where = f"{title} of the deployment {name}"
    # By its words, since servers say it with any status, and of a task as well as of a request.
    if OUT_OF_MEMORY.search(trouble.text):
        return out_of_memory(film, where, f"it says: {said}; start it with offload or more GPUs, or route less here")
    if trouble.kind == "unknown":
        words = f"The server behind this endpoint answered something that is not understood{code}"
        remedy = f"{where}: {said}{code}; look at the deployment's dialect, and at extra and rename for its version"
        return Unable("unknown", ModelError(_AWAY, words), remedy)
    # Kinds that are not there are those of services that are paid; from a server they are a failure of its own.
    blame, words, remedy = TABLE.get(trouble.kind, TABLE["server"])
    error = "generation_timeout" if blame == "slow" else _AWAY
    return Unable(blame, ModelError(error, words), f"{where}: {said}{code}; {remedy}")
