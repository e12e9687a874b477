"""What `rushes env` exports, and how a shell gets back what it had."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.gateway.hosts import HOSTS
from rushes.intercept.exports import before, kept_off, lines, redirecting, trusting, undo
from rushes.intercept.upstream import spares

PROXY = "http://127.0.0.1:8788"


def shell(script: str, environment: dict[str, str]) -> str:
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=True, env=environment)
    return done.stdout.decode()


def held(text: str, environment: dict[str, str]) -> dict[str, str]:
    """The environment of a program that starts after the lines."""
    told = shell(text + "exec env -0", environment)
    pairs = (line.partition("=") for line in told.split("\0") if line)
    return {name: value for name, _, value in pairs if name not in ("PWD", "SHLVL", "_", "OLDPWD")}


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40))
def test_values_are_quoted_for_the_shell(value: str) -> None:
    assert held(lines({"A": value}, {}), {})["A"] == value


def test_undo_brings_back_what_was_there_and_prints_no_secret() -> None:
    shell_before = {"FAL_KEY": "real:secret of fal's own $x", "NO_PROXY": "corp"}
    text = lines({"FAL_KEY": "ours", "NO_PROXY": "x", "HTTPS_PROXY": PROXY}, shell_before)
    assert "secret" not in text
    now = held(text, shell_before)
    assert (now["FAL_KEY"], now["HTTPS_PROXY"]) == ("ours", PROXY)
    assert before(now) == shell_before
    assert held(undo(now), now) == shell_before


def test_exports_on_top_of_exports_keep_what_was_there_first_and_take_back_what_is_gone() -> None:
    first = held(lines({"FAL_KEY": "one", "HTTPS_PROXY": PROXY}, {"FAL_KEY": "real"}), {"FAL_KEY": "real"})
    second = held(lines({"FAL_KEY": "two"}, first), first)
    assert second["FAL_KEY"] == "two"
    assert "HTTPS_PROXY" not in second
    assert held(undo(second), second) == {"FAL_KEY": "real"}


def test_a_list_of_names_that_somebody_tampered_with_runs_nothing() -> None:
    assert undo({"RUSHES_EXPORTED": "$(id) ;id A"}) == "unset A\nunset RUSHES_EXPORTED\n"


@pytest.mark.parametrize(
    "entry", ["*", "fal.run", ".fal.run", "queue.fal.run:443", "run", ".ai", "*.fal.media", "V3.fal.media", "*l.run"]
)
def test_what_would_let_fals_hosts_pass_by_is_dropped(entry: str) -> None:
    assert kept_off(f"corp.example, {entry} ,10.0.0.0/8") == "corp.example,10.0.0.0/8,127.0.0.1,localhost"


def test_entries_apart_by_spaces_are_entries_too() -> None:
    assert kept_off("corp.example fal.run\t.fal.ai b.example") == "corp.example,b.example,127.0.0.1,localhost"


@given(st.lists(st.sampled_from(["*", "fal.ai", ".run", "corp", "localhost", "a.b", "", " ", "media:443", "*.ai"])))
def test_no_list_spares_a_host_of_fals(entries: list[str]) -> None:
    spared = kept_off(",".join(entries)).split(",")
    assert {"127.0.0.1", "localhost"} <= set(spared)
    assert not [(entry, host) for entry in spared for host in HOSTS if spares(entry, host, 443)]


def test_a_proxy_that_sockets_would_prefer_is_outbid() -> None:
    assert "wss_proxy" not in redirecting(PROXY, {})
    assert redirecting(PROXY, {"SOCKS_PROXY": "socks5://corp"})["wss_proxy"] == PROXY


def test_roots_that_a_shell_had_stay_trusted() -> None:
    values = trusting(Path("/d/bundle.pem"), Path("/d/ca.pem"), {"CURL_CA_BUNDLE": Path("/d/curl_ca_bundle.pem")})
    assert values["NODE_EXTRA_CA_CERTS"] == "/d/ca.pem"
    assert values["CURL_CA_BUNDLE"] == "/d/curl_ca_bundle.pem"
