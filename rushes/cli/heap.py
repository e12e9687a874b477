"""How the C library keeps the server's freed memory, which decides how fast large bodies pass through.

A connection is read in pieces of 256 KB. By default glibc takes each from the kernel and gives it back, and the kernel
clears 64 pages for each: three quarters of the time of an upload. Kept, the pages are used again; at most KEPT_BYTES
stay idle. Other C libraries are left as they are.
"""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # <malloc.h>
KEPT_BYTES = 64 * 1024 * 1024
GROWS_BYTES = 4 * 1024 * 1024
SINGLE_BYTES = 4 * 1024 * 1024  # what is larger is still taken from the kernel and given back, each by itself


def keep_pages() -> bool:
    """Tell malloc, for the rest of the process's life; False where it can't be told."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt") or not hasattr(library, "gnu_get_libc_version"):
        return False
    wanted = ((M_TRIM_THRESHOLD, KEPT_BYTES), (M_TOP_PAD, GROWS_BYTES), (M_MMAP_THRESHOLD, SINGLE_BYTES))
    return all([library.mallopt(option, size) == 1 for option, size in wanted])
