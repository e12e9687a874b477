"""GET /v1/meta: from which addresses this server's webhooks come."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from fastapi import APIRouter
from pydantic import BaseModel, Field

from rushes.gateway.platform.callers import AVisit
from rushes.settings import Settings

router = APIRouter(tags=["Meta"])


class Meta(BaseModel):
    """Facts about the server."""

    webhook_ip_ranges: list[str] = Field(description="Networks in CIDR form; empty where the server can't know.")


@router.get("/v1/meta", summary="Read facts about the server")
async def read_meta(visit: AVisit) -> Meta:
    """The networks that webhooks come from, as far as the server's own address tells."""
    return Meta(webhook_ip_ranges=ranges(visit.services.settings))


def ranges(settings: Settings) -> list[str]:
    """Return the address that the server is known under, if that is an address and not a name."""
    public = urlsplit(settings.public_url).hostname if settings.public_url else settings.host
    with suppress(ValueError):
        address = ip_address(public or "")
        return [] if address.is_unspecified else [str(ip_network(address))]
    return []
