"""What can be wrong with a model's program through no fault of the request, each as the contract's `Unable`.

The caller learns the kind of trouble and nothing of this machine; the operator's log has the program's own last line
and the remedy. What a program says before it dies is read for the two troubles that operators can do most about.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rushes.engines.engine import Unable
from rushes.engines.upstream.keeper import NOT_STARTED
from rushes.engines.upstream.program import Ended, TookTooMuch
from rushes.errors import ModelError

_NO_MEMORY = re.compile(
    r"out of memory|OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED|cudaErrorMemoryAllocation"
    r"|Cannot allocate memory|DefaultCPUAllocator: can't allocate|std::bad_alloc",
    re.IGNORECASE,
)
_NO_GPU = re.compile(
    r"No CUDA GPUs are available|Found no NVIDIA driver|no CUDA-capable device|Torch not compiled with CUDA"
    r"|CUDA driver version is insufficient|no kernel image is available|torch\.cuda\.is_available\(\)",
    re.IGNORECASE,
)
_NO_ROOM = re.compile(r"No space left on device|File too large|Disk quota exceeded", re.IGNORECASE)
_LAST_WORDS = re.compile(r"^(?:\[\w+\]:?)?\s*(?:\w+\.)*\w*(?:Error|Exception|Interrupt|Exit)\b")
_STARTERS = re.compile(r"ChildFailedError|torch\.distributed\.elastic")  # which only say that somebody failed
_KILLED, _TOO_LARGE_A_FILE = 128 + 9, 128 + 25  # SIGKILL, SIGXFSZ
_WARNING = re.compile(r"warning", re.IGNORECASE)


def here(message: str, remedy: str, kind: str = "internal_server_error") -> Unable:
    """Say to the caller what kind of trouble it is, and to the operator which and what helps."""
    return Unable("here", ModelError(kind, message), remedy)


def not_prepared(remedy: str) -> Unable:
    """The source, the environment or the weights are not there."""
    return here("The model's program on this server is not set up", remedy)


def unfit(remedy: str) -> Unable:
    """The recipe can't make what was asked."""
    return here("The model's program on this server can't make what was asked", remedy)


def small_gpu(remedy: str) -> Unable:
    """There is no such GPU, or it is smaller than the weights need."""
    return here("This server's device is too small for the model", remedy)


def no_room(remedy: str) -> Unable:
    """The disk has too little room for the film's files."""
    return here("There is too little room on this server's disk for the model's files", remedy)


def took_too_much(error: TookTooMuch, called: str) -> Unable:
    """The program was ended since it went over a limit of the deployment's."""
    match error.what:
        case "time":
            remedy = f"{called}: {error}; raise timeout_s, or give it more GPUs"
            return here("The model's program on this server took too long", remedy, "generation_timeout")
        case "memory":
            return _out_of_memory(f"{called}: {error}; raise memory_gb, or use a smaller variant")
    return no_room(f"{called}: {error}; raise disk_gb")


def failed(ended: Ended, called: str) -> Unable:
    """The program ended with an error of its own."""
    said = _last_words(ended.last)
    # Before the exit code: with several processes it is that of the starter, whatever the others died of.
    if any(_NO_MEMORY.search(line) for line in ended.last):
        return _out_of_memory(f"{called}: {said}; use a smaller variant, more GPUs, or route smaller films here")
    if any(_NO_GPU.search(line) for line in ended.last):
        return here("This server has no device that the model can use", f"{called}: {said}; see nvidia-smi and devices")
    if ended.code == _KILLED:
        remedy = f"{called} was killed, mostly for the machine's memory (see dmesg); it said last: {said}"
        return _out_of_memory(remedy)
    if ended.code == _TOO_LARGE_A_FILE or any(_NO_ROOM.search(line) for line in ended.last):
        return no_room(f"{called} wrote more than it may, or than there was room for; raise disk_gb, or make room")
    what = "could not be started" if ended.code == NOT_STARTED else f"ended with exit code {ended.code}"
    return here("The model's program on this server failed", f"{called} {what}; it said last: {said}")


def bad_film(remedy: str) -> Unable:
    """The program ended well, but what it left is not the film that was asked for."""
    return here("The model's program on this server made no usable film", remedy)


def _out_of_memory(remedy: str) -> Unable:
    return here("There is too little memory on this server's device for what was asked", remedy)


def _last_words(lines: Sequence[str]) -> str:
    """Return the line that says most: the last that names an error, else the last that is no warning."""
    named = [
        line for line in lines if _NO_MEMORY.search(line) or (_LAST_WORDS.match(line) and not _STARTERS.search(line))
    ]
    plain = [line for line in lines if not _WARNING.search(line)]
    return (named or plain or ["nothing"])[-1].strip()
