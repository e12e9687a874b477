"""A realtime session: one picture, two looks at it."""

import base64
import sys
from pathlib import Path

import fal_client

picture = "data:image/png;base64," + base64.b64encode(Path(sys.argv[1]).read_bytes()).decode()
with fal_client.realtime("rushes/camera") as camera:
    camera.send({"image_url": picture, "request_id": "1"})
    first = camera.recv()
    assert first is not None
    camera.send({"x": 0.2, "request_id": "2"})
    second = camera.recv()
    assert second is not None
frame = second["images"][0]
assert bytes(frame["content"])[:2] == b"\xff\xd8", "a JPEG"
print(f"{frame['width']}x{frame['height']}")
