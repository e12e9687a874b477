"""`rushes voices`: what the account has cloned."""

import asyncio
import json
import time
from pathlib import Path

import httpx2
import pytest

from rushes.accounts.voices import VoiceShelf
from rushes.cli.embedded import Running
from rushes.cli.folder import own_folder
from rushes.db.sqlite import Database
from tests.cli.words import rushes


def clone(data: Path, account: str, voice_id: str) -> None:
    with own_folder(data):
        database = Database.open(data / "rushes.db")
    asyncio.run(VoiceShelf(database, time.time).add(account, voice_id, "f" * 40, "a/clone"))
    database.close()


@pytest.mark.acceptance
def test_the_voices_of_a_data_folder_are_listed(tmp_path: Path) -> None:
    clone(tmp_path / "data", "admin", "voice-1")
    clone(tmp_path / "data", "somebody", "voice-2")
    done = rushes("voices", "--data", str(tmp_path / "data"))
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    assert line.split()[0::2] == ["voice-1", "a/clone"]


@pytest.mark.acceptance
def test_an_account_without_voices_is_told_what_makes_one(server: Running) -> None:
    headers, wanted = {"authorization": f"Key {server.key}"}, {"alias": "quiet", "account": "voiceless"}
    made = httpx2.post(f"{server.url}/v1/keys", headers=headers, json=wanted, timeout=30)
    environment = {"RUSHES_URL": server.url, "RUSHES_KEY": made.json()["key"]}
    done = rushes("voices", environment=environment)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("no voices yet")
    assert json.loads(rushes("voices", "--json", environment=environment).stdout) == []


def test_without_a_server_it_asks_for_one() -> None:
    done = rushes("voices")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Set RUSHES_URL and RUSHES_KEY, or name a data folder" in done.stderr
