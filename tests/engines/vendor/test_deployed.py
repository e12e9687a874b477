"""What is said of a vendor's deployment before anything is asked of the vendor."""

from __future__ import annotations

from typing import Any

import pytest

from rushes.engines.vendor.deployed import complaint
from rushes.routing import VendorDeployment


def said(vendor: str, environment: dict[str, str] | None = None, **setting: Any) -> str:
    given = {"engine": "vendor", "vendor": vendor, "key": "some-key", **setting}
    return complaint(VendorDeployment.model_validate(given), environment or {})


@pytest.mark.parametrize(
    ("vendor", "setting", "words"),
    [
        ("luma", {}, ""),
        ("lima", {}, "no vendor is called 'lima'; there are: ark, dashscope, decart, fal, google, kling, luma"),
        ("kling", {}, "key 1 is not of the form ACCESS:SECRET"),
        ("kling", {"key": "access:"}, "key 1 is not of the form ACCESS:SECRET"),
        ("kling", {"key": "access:secret:with:colons"}, ""),
        ("luma", {"key": None, "key_env": "NOWHERE"}, "the environment variable NOWHERE holds no key"),
        ("ark", {"options": {"region": "mars"}}, "options.region: it may be international or china, got 'mars'"),
        ("ark", {"options": {"regoin": "china"}}, "options: ark has no option 'regoin'; there are: region, style"),
        ("luma", {"options": {"x": "y"}}, "options: luma has no option 'x'; there are: none"),
        ("google", {"options": {"project": "any-name"}}, ""),
    ],
)
def test_what_can_not_work_is_told_in_a_line(vendor: str, setting: dict[str, Any], words: str) -> None:
    found = said(vendor, **setting)
    assert found.startswith(words)
    assert bool(found) == bool(words)
    assert "some-key" not in found
