"""Starts a script once for each rank, as the real starter does, and ends with the first exit code that isn't 0."""

import os
import subprocess
import sys

words = sys.argv[1:]
options = {}
while words and words[0].startswith("--"):
    name, _, value = words.pop(0).partition("=")
    options[name] = value
count = int(options["--nproc_per_node"])
port = os.environ.get("MASTER_PORT", options["--master_port"])
running = []
for rank in range(count):
    told = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count), "MASTER_PORT": port}
    running.append(subprocess.Popen([sys.executable, *words], env={**os.environ, **told}))
codes = [one.wait() for one in running]
sys.exit(next((code if code > 0 else 1 for code in codes if code), 0))
