"""From submit to a result that can be read, through a real runner process: median and 95th percentile.

The job is `rushes/echo`, which does nothing, so this is what the queue and the runner protocol cost. The status stream
tells of the end, so no polling interval is in it.
"""

from __future__ import annotations

import time
import urllib.request
from statistics import median, quantiles

from load import HEADERS, ask, our_server

JOBS = 200


def one(url: str) -> float:
    """Submit, wait on the status stream, read the result; return the seconds it took."""
    begin = time.perf_counter()
    answer = ask("POST", f"{url}/queue/rushes/echo", {"payload": 1})
    request = urllib.request.Request(f"{answer['status_url']}/stream", headers=HEADERS)
    with urllib.request.urlopen(request, timeout=30) as stream:
        stream.read()
    ask("GET", answer["response_url"])
    return time.perf_counter() - begin


def main() -> None:
    """Run and print."""
    with our_server(runners=1, RUSHES_TEST_ENDPOINTS="1") as url:
        ask("POST", f"{url}/run/rushes/echo", {"payload": 1})  # the runner is up
        times = [one(url) * 1000 for _ in range(JOBS)]
    print(
        f"echo, submit to result: median {median(times):.1f} ms, p95 {quantiles(times, n=20)[-1]:.1f} ms, {JOBS} jobs"
    )


if __name__ == "__main__":
    main()
