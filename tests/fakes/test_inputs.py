"""What a pretended vendor opens: from this machine only, whatever leads elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from rushes.fakes.bodies import Wrong
from rushes.fakes.content import mp4
from rushes.fakes.inputs import Unfit, fetched, from_base64, from_data_uri, look_at_film
from rushes.fakes.limits import sound_seconds
from rushes.fakes.serving import running


@pytest.mark.parametrize(
    "url",
    [None, 5, "", "ftp://127.0.0.1/x", "http://[", "http://127.0.0.1:99999/x", "http://192.0.2.1/x", "http://a.test/x",
     "http://127.0.0.1.a.test/", "file:///etc/hostname"],
)  # fmt: skip
def test_what_is_no_address_on_this_machine_is_not_fetched(url: object) -> None:
    with pytest.raises(Unfit):
        asyncio.run(fetched(url))


@pytest.mark.parametrize("answer", [RedirectResponse("http://192.0.2.1/x"), Response(status_code=404)])
def test_neither_redirects_nor_errors_are_files(answer: Response) -> None:
    with running(answer) as url, pytest.raises(Unfit, match="status"):
        asyncio.run(fetched(f"{url}/x"))


def test_a_list_of_media_opens_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(mp4(64, 48, 1.0))
    (tmp_path / "film.ts").write_bytes(mp4(64, 48, 1.0))
    asked: list[str] = []

    async def film(scope: object, receive: object, send: object) -> None:
        asked.append("asked")
        await PlainTextResponse("")(scope, receive, send)  # type: ignore[arg-type]

    with running(film) as url:
        for where in (tmp_path / "film.ts", f"file://{tmp_path}/film.mp4", f"{url}/film.ts"):
            playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{where}\n#EXT-X-ENDLIST\n".encode()
            with pytest.raises(Unfit):
                look_at_film(playlist)
            with pytest.raises(Wrong):
                sound_seconds(playlist, "audio")
    assert asked == []


@pytest.mark.parametrize("text", [None, "", "a b", "YQ==\n", "data:image/png;base64,YQ==", "-_-_", "Yé=="])
def test_base64_is_read_strictly(text: object) -> None:
    with pytest.raises(Unfit):
        from_base64(text)


def test_a_data_uri_tells_its_type() -> None:
    assert from_data_uri("data:IMAGE/png;charset=x;base64,YQ==") == ("image/png", b"a")
    with pytest.raises(Unfit):
        from_data_uri("data:image/png,a")
