"""Places in the lines, and the exact number of jobs ahead at a cost that doesn't grow with the queue.

An endpoint has up to four lines, served in this order: normal jobs that came back, normal ones, low ones that came
back, low ones. Keys that may run only so many jobs at once have such lines of their own, their lane. A job gets the
next place at the end of its line and keeps it. A line's head is the place of its first waiting job and only ever moves
up, so the jobs ahead in the line are `place - head`, less the gaps: places in between whose jobs left from the middle
(cancelled, or given up waiting). Gaps are counted in blocks of 1, 32, 32², … places, so that any stretch is covered by
a few blocks of each size, however many gaps there are. What lies below the head is never looked at again and is dropped
later by `tidy`.

The functions run inside a write, on its connection; which jobs move, and why, is decided by `writes`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from rushes.db.queries import read_queries

SQL = read_queries(Path(__file__).with_name("queries.sql"))

BITS = 5  # a block holds 32 blocks of the level below
TOP = 4  # blocks of 32⁴ = 1,048,576 places; above that a stretch is covered by as many as it takes
_TIDY_BLOCKS = 20_000  # most that one `tidy` drops of a line and level: about 10 ms


def give_places(
    connection: sqlite3.Connection,
    endpoint: str,
    priority: int,
    *,
    returned: bool,
    first: int,
    count: int = 1,
    lane: str = "",
) -> tuple[int, int]:
    """Append `count` jobs, the first of them numbered `first`; return the line's id and the first one's place."""
    given = {
        "endpoint": endpoint,
        "priority": priority,
        "returned": returned,
        "lane": lane,
        "first": first,
        "count": count,
    }
    rows = connection.execute(SQL["extend_line"], given).fetchall()
    if not rows:
        connection.execute(SQL["add_line"], given)
        rows = connection.execute(SQL["extend_line"], given).fetchall()
    line, tail = rows[0]
    return line, tail - count + 1


def line_id(connection: sqlite3.Connection, endpoint: str, priority: int) -> int:
    """Return the id of an endpoint's ordinary line, for a job that never waits in it."""
    given = {"endpoint": endpoint, "priority": priority, "returned": False, "lane": ""}
    connection.execute(SQL["add_line"], given)
    return int(connection.execute(SQL["line_of"], given).fetchall()[0][0])


def leave(connection: sqlite3.Connection, line: int, place: int) -> None:
    """Take a job out of its line, after its row says that it doesn't wait any more."""
    ((head,),) = connection.execute(SQL["line_head"], {"line": line}).fetchall()
    if place != head:
        connection.execute(SQL["note_gap"], {"line": line})
        blocks = {f"p{level}": place >> (BITS * level) for level in range(TOP + 1)}
        connection.execute(SQL["add_gap"], {"line": line, **blocks})
        return
    following = connection.execute(SQL["next_in_line"], {"line": line, "place": place}).fetchall()
    # The head of a line that is empty now is set anew by the next job (`extend_line`).
    new_head, head_job = following[0] if following else (place + 1, 0)
    connection.execute(SQL["move_head"], {"line": line, "head": new_head, "head_job": head_job})


def cover(start: int, stop: int) -> Mapping[str, int]:
    """Cover the places [start, stop) with whole blocks: on each level [a, b) going up and [c, d) coming down."""
    ranges: dict[str, int] = {}
    for level in range(TOP):
        up = min(-(-start >> BITS) << BITS, stop)  # the next multiple of 32, in blocks of this level
        down = max(stop >> BITS << BITS, up)
        ranges |= {f"a{level}": start, f"b{level}": up, f"c{level}": down, f"d{level}": stop}
        start, stop = -(-up >> BITS), down >> BITS
        if up == ranges[f"d{level}"]:
            # Nothing is left for larger blocks, so their ranges are empty.
            start = stop
    return ranges | {f"a{TOP}": start, f"b{TOP}": stop}


def tidy(connection: sqlite3.Connection, line: int, head: int) -> None:
    """Drop a limited number of gaps below the head."""
    # The finest level last: a line whose count of those is 0 is not looked at again.
    for level in range(TOP, -1, -1):
        ((first,),) = connection.execute(SQL["first_gap"], {"line": line, "level": level}).fetchall()
        if first is None:
            continue
        below = min(head >> (BITS * level), first + _TIDY_BLOCKS)
        dropped = connection.execute(SQL["drop_gaps"], {"line": line, "level": level, "below": below}).rowcount
        if level == 0:
            connection.execute(SQL["fewer_gaps"], {"line": line, "count": dropped})


def idle_lanes(connection: sqlite3.Connection, limit: int) -> list[int]:
    """Return lines of revoked keys whose jobs have all been forgotten."""
    return [line for (line,) in connection.execute(SQL["idle_lanes"], {"limit": limit}).fetchall()]


def drop_lane(connection: sqlite3.Connection, line: int) -> None:
    """Delete such a line, unless a job came in between, of a caller who had been let in before."""
    if not connection.execute(SQL["still_used"], {"line": line}).fetchall():
        connection.execute(SQL["drop_gaps_of_line"], {"line": line})
        connection.execute(SQL["drop_line"], {"line": line})
