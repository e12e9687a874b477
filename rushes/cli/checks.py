"""What `rushes doctor` finds about the machine itself, a line each; the settings are `checks_setup`'s."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, requires
from importlib.util import find_spec
from pathlib import Path
from re import match
from shutil import which
from typing import Literal

from rushes.engines.weights.cache import free_bytes
from rushes.engines.weights.tally import size
from rushes.runners.hardware import Cards, Torch, cores, features, memory

Level = Literal["ok", "warning", "problem"]
CODECS = ("libx264", "libvpx-vp9", "prores_aw", "gif", "aac", "libopus", "libmp3lame", "flac", "pcm_s16le")
# Bytes. The memory is what decoding one film may take.
LEAST_MEMORY, LEAST_DISK, LITTLE_DISK = 2e9, 5e8, 5e9
BUILT_AFTER = 1_767_225_600  # 2026-01-01: a clock before it is wrong
EXTRAS = {"diffusers": "open weights", "safety": "checks of pictures", "speech": "offline voices"}


@dataclass(frozen=True, slots=True)
class Check:
    """One line: how it is, what was looked at, what was found, and what to do where it isn't well."""

    level: Level
    subject: str
    told: str
    remedy: str = ""


def machine(torch: Torch, gpus: Cards) -> Iterator[Check]:
    """Look at everything that does not depend on the settings."""
    yield Check("ok", "python", f"{platform.python_version()} at {sys.executable}")
    marks = ", ".join(features())
    yield Check("ok", "system", f"{platform.system()} {platform.release()}, {platform.machine()}")
    yield Check("ok", "processor", f"{cores()} cores{f', {marks}' if marks else ''}")
    yield _memory()
    yield from _codecs()
    yield from _gpus(gpus)
    yield _torch(torch, gpus)
    yield _extras()
    yield _clock()


def disk(subject: str, folder: Path, *, needed: bool = True) -> Check:
    """Look at the disk of a folder, which need not be there yet; one that isn't `needed` is no problem."""
    try:
        free = free_bytes(folder)
    except OSError as error:
        level: Level = "problem" if needed else "warning"
        return Check(level, subject, f"{folder}: {error.strerror}", "choose another folder")
    told = f"{size(free)} free for {folder.expanduser().absolute()}"
    if free < LEAST_DISK and needed:
        return Check("problem", subject, told, "make room: nothing can be stored")
    if free < LITTLE_DISK:
        return Check("warning", subject, told, "make room: that is little")
    return Check("ok", subject, told)


def _memory() -> Check:
    total, free = memory()
    if not total:
        return Check("ok", "memory", "how much there is isn't known on this system")
    told = f"{size(total)}, {size(free)} free"
    if free < LEAST_MEMORY:
        return Check("warning", "memory", told, "end other programs: decoding a film takes up to 2 GB")
    return Check("ok", "memory", told)


def _codecs() -> Iterator[Check]:
    try:
        # A broken library must end in a line, not in a traceback.
        import av  # noqa: PLC0415
        from av.codec import Codec  # noqa: PLC0415
    except ImportError as error:
        yield Check("problem", "video", f"PyAV can't be loaded: {error}", "install it again: pip install av")
        return
    missing = []
    for name in CODECS:
        try:
            Codec(name, "w")
        except ValueError:
            missing.append(name)
    if missing:
        yield Check("problem", "video", f"PyAV {av.__version__} lacks {', '.join(missing)}", "install PyAV's own wheel")
    else:
        found = "; ffmpeg is installed too" if which("ffmpeg") else ""
        yield Check("ok", "video", f"PyAV {av.__version__} with H.264, VP9, ProRes, GIF, AAC, Opus and MP3{found}")


def _gpus(gpus: Cards) -> Iterator[Check]:
    if gpus.trouble:
        yield Check("problem", "gpu", gpus.trouble, "see that nvidia-smi works; the driver and its module must agree")
    for number, card in enumerate(gpus.cards):
        major, minor = card.capability
        sizes = f"{size(card.total)}, {size(card.free)} free"
        told = f"{number}: {card.name}, {sizes}, driver {card.driver}, compute {major}.{minor}"
        if card.capability < (8, 0):
            yield Check("warning", "gpu", told, "GPUs before 8.0 emulate bfloat16, which is slow")
        else:
            yield Check("ok", "gpu", told)
    if not gpus.cards and not gpus.trouble:
        yield Check("ok", "gpu", "none that NVIDIA's driver knows; the animatic engine and vendors need none")


def _torch(torch: Torch, gpus: Cards) -> Check:
    if not torch.installed:
        return Check("ok", "torch", "not installed; open weights need it: pip install 'rushes[diffusers]'")
    if torch.trouble:
        remedy = "install it again: pip install --force-reinstall 'rushes[diffusers]'"
        return Check("problem", "torch", f"it can't be used: {torch.trouble}", remedy)
    build = f"CUDA {torch.told['cuda']}" if torch.told["cuda"] else "ROCm" if torch.told["hip"] else "CPU only"
    told = f"{torch.told['version']} ({build}), sees {len(torch.told['devices'])} GPUs"
    if gpus.cards and not torch.told["available"]:
        if torch.told["cuda"] is None:
            return Check("problem", "torch", told, "this build knows no GPU; install PyTorch's build for CUDA")
        return Check("problem", "torch", told, "the driver may be too old for this build; update it, then restart")
    return Check("ok", "torch", told)


def _extras() -> Check:
    parts = []
    for extra, use in EXTRAS.items():
        named, lacking = packages_of(extra), [one for one in packages_of(extra) if not _is_installed(one)]
        have = "yes" if not lacking else "no" if len(lacking) == len(named) else f"lacks {', '.join(lacking)}"
        parts.append(f"{extra} ({use}) {have}")
    return Check("ok", "extras", "; ".join(parts))


def packages_of(extra: str) -> list[str]:
    """Return the names of the packages that an extra installs."""
    try:
        named = [one for one in requires("rushes") or [] if f'extra == "{extra}"' in one.replace("'", '"')]
    except PackageNotFoundError:
        return []
    return [found[0] for one in named if (found := match(r"[\w.-]+", one))]


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        # What is on the path without having been installed, as a checkout is.
        return find_spec(name.replace("-", "_")) is not None
    return True


def _clock() -> Check:
    now = time.time()
    told = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now < BUILT_AFTER:
        return Check("problem", "clock", told, "set it: certificates, signatures and vendors' keys depend on it")
    return Check("ok", "clock", told)
