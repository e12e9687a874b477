"""What `rushes doctor` finds about the settings: folder, database, port, deployments, keys, inference servers.

Nothing is made, changed or paid for; a database is read and not opened for writing.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from rushes.app import DATABASE_FILE
from rushes.cli.checks import Check, disk
from rushes.cli.env import answers
from rushes.cli.folder import written_url
from rushes.engines.checkpoints import cache
from rushes.families import served
from rushes.routing import DeploymentBase
from rushes.runners.deployments import complaints
from rushes.settings import Settings

SKEW_S = 60.0  # that the clock of a file server may be ahead
# Words by which an engine's `health` says that its server is not well.
BAD_NEWS = ("does not answer", "refused", "which is not", "it answered")


def setup(settings: Settings) -> Iterator[Check]:
    """Look at everything that the settings name."""
    yield _folder(settings.data)
    yield disk("data disk", settings.data)
    yield disk("weights", cache(os.environ), needed=False)
    yield _database(settings.data / DATABASE_FILE)
    yield _port(settings)
    found = complaints(settings, served(test_endpoints=settings.test_endpoints), os.environ)
    for line in found:
        yield Check("problem", "settings", line)
    if not found:
        count, routes = len(settings.deployments), len(settings.routes)
        yield Check("ok", "settings", f"{count} deployments, {routes} routes")
    for name, setting in settings.deployments.items():
        yield from _keys(name, setting)
        yield from _server(name, setting)


def _folder(data: Path) -> Check:
    there = data.absolute()
    try:
        while not there.exists():
            there = there.parent
    except OSError as error:
        return Check("problem", "data", f"{data}: {error.strerror}", "choose another folder with data")
    told = str(data.absolute()) + ("" if there == data.absolute() else " (made at the first start)")
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Check("problem", "data", told, f"{there} can't be written: give this user the right, or set data")
    if data.is_dir() and _newest(data) > time.time() + SKEW_S:
        return Check("warning", "data", told, "files in it are from the future: the clock went back; set it")
    return Check("ok", "data", told)


def _newest(folder: Path) -> float:
    newest = 0.0
    for one in folder.iterdir():
        with suppress(OSError):  # a running server's file that is gone again, or a link that leads nowhere
            newest = max(newest, one.stat().st_mtime)
    return newest


def _database(path: Path) -> Check:
    if not os.path.exists(path):  # which takes a path that can't be looked at for one that isn't there
        return Check("ok", "database", "made at the first start")
    # One that nobody has open is read as it lies, since SQLite would else leave files of its own beside it.
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=5.0)) as database:
            (count,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        return Check("problem", "database", f"{path}: {error}", "restore it from a backup, or move it away")
    return Check("ok", "database", f"{path.name}, {count} tables and indexes")


def _port(settings: Settings) -> Check:
    url = written_url(settings.data)
    if url and answers(url):
        return Check("ok", "port", f"a server of this folder runs at {url}")
    told = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the server sets it: a port whose last connections still fade away is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return Check("problem", "port", f"{told}: {error.strerror or error}", "end what uses it, or set port")
    return Check("ok", "port", f"{told} is free")


def _keys(name: str, setting: DeploymentBase) -> Iterator[Check]:
    """Say how many keys there are; one that is missing is among the complaints, and none is ever shown."""
    try:
        keys = setting.secrets(os.environ)
    except ValueError:
        return
    if keys:
        yield Check("ok", "keys", f"{name}: {len(keys)} {'key' if len(keys) == 1 else 'keys'}")


def _server(name: str, setting: DeploymentBase) -> Iterator[Check]:
    """Ask an inference server how it is, where the engine can."""
    package = f"rushes.engines.{setting.package}"
    module = f"{package}.health"
    # Only engines that ask a server have such a module; its package has to be there to be looked into.
    if find_spec(package) is None or find_spec(module) is None:
        return
    told = str(import_module(module).look(setting, os.environ))
    if any(words in told for words in BAD_NEWS):
        yield Check("problem", "server", f"{name}: {told}", "start it, or set url, model or key as it has them")
    else:
        yield Check("ok", "server", f"{name}: {told}")
