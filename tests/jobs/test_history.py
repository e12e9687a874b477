"""What an account may look up of its requests: the text of inputs, in any script."""

from __future__ import annotations

import asyncio
from math import inf
from pathlib import Path

import pytest

from rushes.jobs.history import Wanted
from rushes.jobs.job import Outcome
from tests.jobs.queue import opened


@pytest.mark.parametrize(("text", "found"), [("Élan", 1), ("a Élan ÉN MER", 1), ("mer", 1), ("МОРЕ", 1), ("dog", 0)])
def test_a_text_is_found_as_it_was_written_whatever_its_script(tmp_path: Path, text: str, found: int) -> None:
    async def story() -> None:
        with opened(tmp_path) as queue:
            await queue.add("a", body='{"prompt":"A Élan Én mer, МОРЕ"}'.encode())
            claimed = await queue.take()
            await queue.jobs.finish("a", claimed.lease.token, Outcome(b"{}", "x", 1.0, 0.1))
            entries, more = await queue.jobs.history.ended(Wanted("me", 0, inf, text=text), "ended_at", None, 10)
            assert (len(entries), more) == (found, False)

    asyncio.run(story())
