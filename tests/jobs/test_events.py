"""Wake-ups: none lost, none for everybody, nothing left behind."""

import asyncio
from contextlib import ExitStack

from rushes.jobs.events import Events, Watch


async def woken(watch: Watch) -> bool:
    return await watch.wait(0.01)


def test_a_change_wakes_every_watcher_of_that_job_only() -> None:
    async def main() -> None:
        events = Events()
        with events.watch_job("j") as one, events.watch_job("j") as two, events.watch_job("other") as other:
            asyncio.get_running_loop().call_soon(events.changed, "j")
            assert list(await asyncio.gather(one.wait(5), two.wait(5), woken(other))) == [True, True, False]

    asyncio.run(main())


def test_what_happens_between_look_and_wait_is_not_lost() -> None:
    async def main() -> None:
        events = Events()
        with events.watch_job("j") as watch:
            events.changed("j")
            events.changed("j")
            assert await watch.wait(5)
            assert not await woken(watch)
            events.changed("j")
            assert await watch.wait(0)

    asyncio.run(main())


def test_a_new_job_wakes_one_waiter_the_one_that_waited_longest() -> None:
    async def main() -> None:
        events = Events()
        with events.watch_work(["a"]) as one, events.watch_work(["a", "b"]) as two, events.watch_work(["b"]) as three:
            events.work("a")
            assert [await woken(w) for w in (one, two, three)] == [True, False, False]
            assert not await woken(one)  # it looked again: that job is dealt with
            events.work("b", jobs=2)
            assert [await woken(w) for w in (one, two, three)] == [False, True, True]

    asyncio.run(main())


def test_a_second_job_wakes_the_next_waiter() -> None:
    async def main() -> None:
        events = Events()
        with events.watch_work(["a"]) as one, events.watch_work(["a"]) as two:
            events.work("a")
            events.work("a")
            assert [await woken(w) for w in (one, two)] == [True, True]

    asyncio.run(main())


def test_a_waiter_that_leaves_hands_on_what_it_was_told() -> None:
    async def main() -> None:
        events = Events()
        with events.watch_work(["a"]) as stays:
            with events.watch_work(["b"]), events.watch_work(["a", "b"]):
                events.work("a")  # told to the one that stays, which is told first
                assert await woken(stays)
                assert not await woken(stays)
                events.work("a")
            with events.watch_work(["a"]) as later:
                events.work("a")
                assert [await woken(w) for w in (stays, later)] == [True, True]

    asyncio.run(main())


def test_a_cancelled_waiter_hands_on_and_leaves_nothing_behind() -> None:
    async def main() -> None:
        events = Events()

        async def wait() -> bool:
            with events.watch_work(["a", "b"]) as watch:
                return await watch.wait(5)

        first = asyncio.create_task(wait())
        await asyncio.sleep(0)
        second = asyncio.create_task(wait())
        await asyncio.sleep(0)
        assert events.watchers == 4
        events.work("a")
        first.cancel()
        assert await second
        assert events.watchers == 0
        events.work("a")
        events.changed("nobody")

    asyncio.run(main())


def test_those_who_wait_under_a_name_that_leaves_are_sent_away_and_no_others() -> None:
    async def main() -> None:
        events = Events()
        names = ("crowd", "crowd/a-0", "crowd/a-1", "crowd-2", "")
        with ExitStack() as stack:
            watches = [stack.enter_context(events.watch_work(["a", "b"], name)) for name in names]
            asyncio.get_running_loop().call_soon(events.dismiss, "crowd")
            began = asyncio.get_running_loop().time()
            assert await watches[1].wait(5) is False
            assert asyncio.get_running_loop().time() - began < 1
            assert [watch.dismissed for watch in watches] == [True, True, True, False, False]
            assert await watches[1].wait(5) is False, "it waits no more"

    asyncio.run(main())
