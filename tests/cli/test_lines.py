"""Lines for somebody who waits, on a terminal and elsewhere."""

from __future__ import annotations

import io

from rushes.cli.lines import Lines


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_elsewhere_a_passing_line_comes_every_ten_seconds() -> None:
    out, now = io.StringIO(), [0.0]
    with Lines(out, lambda: now[0]) as say:
        say("begin")
        for second in range(25):
            now[0] = float(second)
            say(f"{second} s", passing=True)
        say("end")
    assert out.getvalue() == "begin\n0 s\n10 s\n20 s\nend\n"


def test_on_a_terminal_it_is_overwritten() -> None:
    out = Screen()
    with Lines(out) as say:
        say("1 %", passing=True)
        say("2 %", passing=True)
        say("done")
    assert out.getvalue() == "1 %\r\x1b[K2 %\r\x1b[Kdone\n"


def test_a_passing_line_at_the_end_is_ended() -> None:
    out = Screen()
    with Lines(out) as say:
        say("1 %", passing=True)
    assert out.getvalue() == "1 %\n"
