"""What both stubs share: orders in the prompt, the record of what they were told, progress bars, and the film."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import av
import numpy as np

SLEEPER = "import time, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def orders(prompt):
    """Read `stub:NAME` and `stub:NAME=VALUE` in the prompt."""
    return {name: value or "1" for name, value in re.findall(r"stub:(\w+)(?:=([\w.]+))?", prompt)}


def record(**told):
    """Add a line to the record that the test reads."""
    if "STUB_RECORD" in os.environ:
        told |= {"argv": sys.argv, "variables": dict(os.environ), "cwd": os.getcwd(), "pid": os.getpid()}
        with open(os.environ["STUB_RECORD"], "a") as file:
            file.write(json.dumps(told) + "\n")


def refuse(problem):
    """End as an assertion of the real code would."""
    sys.stderr.write(f"Traceback (most recent call last):\nAssertionError: {problem}\n")
    sys.exit(1)


def misbehave(asked):
    """Do what the prompt orders before anything is made."""
    if "fork" in asked:  # a process that left the group, deaf to SIGTERM, and its own child
        left = subprocess.Popen([sys.executable, "-c", SLEEPER], start_new_session=True)
        record(left=left.pid)
    if "deaf" in asked:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "wordy" in asked:
        print(f"reading {os.path.abspath(__file__)} and /srv/models/secret-place/model.safetensors")
        print("\x1b[31mplain words\x1b[0m")
    if "oom" in asked:
        sys.stderr.write("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has 1 GiB\n")
        sys.exit(1)
    if "nogpu" in asked:
        sys.stderr.write("RuntimeError: Found no NVIDIA driver on your system.\n")
        sys.exit(1)
    if "crash" in asked:
        sys.stderr.write("ValueError: the widget is loose in /srv/models/secret-place/widget.py\n")
        sys.exit(int(asked["crash"]))
    if "kill" in asked:
        os.kill(os.getpid(), signal.SIGKILL)
    if "large" in asked:
        with open("large.bin", "wb") as file:
            for _ in range(200):
                file.write(bytes(1_000_000))


def bar(name, total, asked):
    """Draw a progress bar as tqdm does."""
    pause = float(asked.get("slow", "0")) / total
    for done in range(total + 1):
        share = done / total
        sys.stderr.write(f"\r{name}: {share:4.0%}|{'█' * int(share * 10):10}| {done}/{total} [00:01<00:03,  1.0s/it]")
        sys.stderr.flush()
        time.sleep(pause if done < total else 0)
    sys.stderr.write("\n")


def write_film(path, frames, width, height, fps, asked):  # noqa: PLR0917
    """Write a film whose frames get brighter by one from 40 on."""
    if "empty" in asked:
        return
    if "corrupt" in asked:
        with open(path, "wb") as file:
            file.write(b"\x00\x00\x00\x20ftypisom" + os.urandom(5_000))
        return
    if "short" in asked:
        frames -= int(asked["short"])
    if "size" in asked:
        width, height = width // 2, height // 2
    with av.open(path, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "10"}
        for number in range(frames):
            grey = np.full((height, width, 3), 40 + number % 200, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        file.mux(stream.encode(None))
