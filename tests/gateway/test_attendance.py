from rushes.gateway.attendance import MOST_RUNNERS, Attendance


def test_who_asked_lately_or_is_at_work_serves() -> None:
    attendance = Attendance()
    attendance.note("r", ("a/b", "a/c"), 100.0)
    assert attendance.serves("a/b", 100.0)
    assert not attendance.serves("a/x", 0.0)
    assert not attendance.serves("a/b", 101.0)
    attendance.note_busy("r", "a/c", 101.0)
    assert attendance.serves("a/b", 101.0), "busy with something else"
    attendance.note_busy("unknown", "a/x", 101.0)
    assert attendance.serves("a/x", 101.0), "at work since before a restart"


def test_a_runner_that_comes_back_with_other_endpoints_serves_those() -> None:
    attendance = Attendance()
    attendance.note("r", ("a/b",), 1.0)
    attendance.note("r", ("a/c",), 2.0)
    assert (attendance.serves("a/b", 0.0), attendance.serves("a/c", 0.0)) == (False, True)


def test_local_runners_have_their_time_to_start() -> None:
    attendance = Attendance(started_at=100.0)
    assert attendance.refusal(109.0, 10.0) is None
    assert attendance.refusal(110.0, 10.0) == "startup_timeout"
    assert attendance.refusal(100.0, None) == "runner_scheduling_failure"
    attendance.note("r", (), 105.0)
    assert attendance.refusal(106.0, 10.0) is None, "those that ask vendors are there long before any weights"
    assert attendance.refusal(110.0, 10.0) == "runner_scheduling_failure"


def test_names_that_never_come_back_are_forgotten_the_oldest_first() -> None:
    attendance = Attendance()
    attendance.note("kept", ("a/b",), 0.0)
    for n in range(MOST_RUNNERS + 10):
        attendance.note(f"r{n}", ("a/c",), 1.0)
        attendance.note("kept", ("a/b",), 1.0)
    assert attendance.serves("a/b", 1.0)
    attendance.note_busy("r0", "a/x", 2.0)
    assert not attendance.serves("a/c", 2.0)
    attendance.note_busy(f"r{MOST_RUNNERS}", "a/x", 2.0)
    assert attendance.serves("a/c", 2.0), "of the newer ones it is known what they serve"
