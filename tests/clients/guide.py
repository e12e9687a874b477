"""The code blocks of a client's guide page, so that tests run exactly what the page says."""

from __future__ import annotations

import re
from pathlib import Path

PAGES = Path(__file__).parents[2] / "docs" / "guide" / "clients"


def blocks(page: str, language: str) -> list[str]:
    """Return the page's blocks in a language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (PAGES / f"{page}.md").read_text(), re.DOTALL | re.MULTILINE)
