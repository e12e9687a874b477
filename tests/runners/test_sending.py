"""Tasks on their way to a vendor: a process that is to leave waits for them, and begins no other."""

import threading
import time

from rushes.runners.sending import Sending


def test_who_leaves_waits_for_what_is_on_its_way() -> None:
    sending = Sending()
    sending.begin("a")
    assert not sending.leave(0.01)
    threading.Timer(0.05, sending.end, ("a",)).start()
    assert sending.leave(20)


def test_an_end_that_was_told_already_is_no_harm() -> None:
    sending = Sending()
    sending.end("a")
    assert not sending.leaving
    assert sending.leave(0)


def test_nothing_more_is_sent_once_the_process_leaves() -> None:
    sending, begun = Sending(), threading.Event()
    assert sending.leave(0)

    def begin() -> None:
        sending.begin("late")
        begun.set()

    threading.Thread(target=begin, daemon=True).start()
    time.sleep(0.05)
    assert sending.leaving
    assert not begun.is_set()
    assert sending.leave(0), "it counts as nothing that is on its way"
