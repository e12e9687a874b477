"""An upload that fal-client splits into parts."""

import hashlib
import tempfile

import fal_client
import httpx

piece = bytes(range(256)) * 4096
digest = hashlib.sha256()
with tempfile.NamedTemporaryFile(suffix=".bin") as file:
    for _ in range(101):
        file.write(piece)
        digest.update(piece)
    file.flush()
    url = fal_client.upload_file(file.name)

back = hashlib.sha256()
with httpx.stream("GET", url) as response:
    for chunk in response.iter_bytes():
        back.update(chunk)
print("same" if back.digest() == digest.digest() else "different")
