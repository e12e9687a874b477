"""The platform's routes (`/v1/…`), as a FastAPI app of their own; `handle` is all that the door needs."""

from rushes.gateway.platform.entry import handle

__all__ = ["handle"]
