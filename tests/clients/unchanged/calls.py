"""A program for fal, as anybody would write it: run, queue, logs, stream, files, sync and async."""

import asyncio

import fal_client
import httpx

ECHO = "rushes/echo"

assert fal_client.run(ECHO, arguments={"payload": 1}) == {"payload": 1}
assert fal_client.subscribe(ECHO, arguments={"payload": {"a": 2}, "steps": 2}, with_logs=True) == {"payload": {"a": 2}}

handle = fal_client.submit(ECHO, arguments={"payload": 3})
assert handle.response_url.startswith("https://queue.fal.run/rushes/echo/requests/"), handle.response_url
assert handle.get() == {"payload": 3}

assert list(fal_client.stream(ECHO, arguments={"payload": 4}))[-1] == {"payload": 4}

url = fal_client.upload(b"some bytes", "text/plain")
assert httpx.get(url).content == b"some bytes"
print(url)


async def main() -> None:
    assert await fal_client.run_async(ECHO, arguments={"payload": 5}) == {"payload": 5}
    handle = await fal_client.submit_async(ECHO, arguments={"payload": 6})
    assert await handle.get() == {"payload": 6}


asyncio.run(main())
print("all is well")
