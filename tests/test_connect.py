"""`rushes.connect()`: fal_client is pointed at a server, imported before or after; the environment says where."""

import os
import subprocess
import sys

import pytest

import rushes

NAMES = "c.RUN_URL_FORMAT, c.QUEUE_URL_FORMAT, c.REALTIME_URL_FORMAT, c.REST_URL, c.CDN_URL"
SHOW = f"print({NAMES}, os.environ.get('FAL_KEY'))"
HOST = "127.0.0.1:8787"
AT_8787 = f"http://{HOST}/run/ http://{HOST}/queue/ ws://{HOST}/run/ http://{HOST}/rest http://{HOST}/cdn"


def shown(code: str, **environment: str) -> str:
    """Run code in a process of its own, since connecting is for a whole process; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", f"import os, sys\n{code}"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_before_the_import() -> None:
    assert shown(f"import rushes; rushes.connect(); import fal_client.client as c; {SHOW}") == f"{AT_8787} None"


def test_after_the_import() -> None:
    assert shown(f"import fal_client.client as c, rushes; rushes.connect(); {SHOW}") == f"{AT_8787} None"


def test_the_environment_says_where_and_who() -> None:
    code = f"import rushes; rushes.connect(); import fal_client.client as c; {SHOW}"
    told = shown(code, RUSHES_URL="https://studio.example/rushes/", RUSHES_KEY="a:b")
    assert told.split()[2] == "wss://studio.example/rushes/run/"
    assert told.split()[-1] == "a:b"


def test_arguments_win() -> None:
    code = f"import rushes; rushes.connect('http://h:1', 'c:d'); import fal_client.client as c; {SHOW}"
    told = shown(code, RUSHES_URL="http://other:2", RUSHES_KEY="a:b", FAL_KEY="e:f")
    assert told.split()[1] == "http://h:1/queue/"
    assert told.split()[-1] == "c:d"


def test_a_client_that_was_used_before_forgets_its_key() -> None:
    code = (
        "import fal_client, rushes; rushes.connect(key='a:b'); fal_client.sync_client._auth;"
        "rushes.connect(key='c:d'); print(fal_client.sync_client._auth.token)"
    )
    assert shown(code) == "c:d"


def test_loopback_is_kept_off_web_proxies_and_other_hosts_are_not() -> None:
    code = "import rushes; rushes.connect('{}'); print(os.environ['NO_PROXY'])"
    assert shown(code.format("http://[::1]:8787"), NO_PROXY="a.example") == "a.example,::1"
    assert shown(code.format("http://localhost:1"), NO_PROXY="localhost") == "localhost"
    assert shown(code.format("http://studio.example"), NO_PROXY="a.example") == "a.example"


def test_what_either_spelling_of_no_proxy_kept_off_stays_off() -> None:
    code = "import rushes, urllib.request as u; rushes.connect('http://localhost:1'); print(u.getproxies()['no'])"
    assert shown(code, NO_PROXY="a.example") == "a.example,localhost"
    assert shown(code, no_proxy="b.example") == "b.example,localhost"


def test_a_url_without_a_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match=r"starts with http:// or https://.*got 'localhost:8787'"):
        rushes.connect("localhost:8787")


def test_without_the_client_the_error_says_what_to_install() -> None:
    code = "sys.modules['fal_client'] = None\nimport rushes\ntry: rushes.connect()\nexcept ImportError as e: print(e)"
    assert shown(code).endswith("pip install fal-client")


def test_importing_the_package_loads_nothing_else() -> None:
    loaded = shown("before = set(sys.modules); import rushes; print(*(set(sys.modules) - before))").split()
    standard = {"__future__", "importlib", "warnings", "types"}
    assert {name.partition(".")[0] for name in loaded} - standard - {
        name for name in loaded if name.startswith("_")
    } == {"rushes"}


def test_connect_stays_a_function_whoever_imports_its_module() -> None:
    assert shown("import rushes.connect, rushes.cli.env; print(callable(rushes.connect))") == "True"
