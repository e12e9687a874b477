"""A model's source, by git, at the recipe's commit: as little of its history as the server gives."""

from __future__ import annotations

from collections.abc import Mapping

from rushes.engines.deployed import FETCH, CannotPrepare, Say
from rushes.engines.upstream.command import Failed, run_command
from rushes.engines.upstream.setup import Setup


def fetch_source(setup: Setup, environment: Mapping[str, str], say: Say) -> None:
    """Have the repository at its commit. Raises CannotPrepare."""
    source, folder = setup.recipe.source, setup.source
    quiet = {**environment, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}

    def git(*words: str) -> None:
        run_command(["git", "-C", str(folder), *words], quiet, lambda line: say(f"  {line}", passing=True))

    folder.mkdir(parents=True, exist_ok=True)
    for lock in (folder / ".git").glob("*.lock"):  # of a git that was killed; `prepare` is alone in this folder
        lock.unlink()
    try:
        git("init", "--quiet")
        try:
            git("fetch", "--progress", "--depth", "1", source.url, source.commit)
        except Failed:  # a server that gives no single commits
            git("fetch", "--progress", source.url, "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
        git("checkout", "--quiet", "--force", "--detach", source.commit)
    except FileNotFoundError:
        remedy = f"install it (apt install git), then {FETCH}; {_by_hand(setup)}"
        raise CannotPrepare(f"git is not installed; {remedy}") from None
    except Failed as failure:
        what = f"git can't fetch {source.commit[:12]} of {source.url}: {failure}"
        raise CannotPrepare(f"{what}; check the network, then {FETCH}; {_by_hand(setup)}") from None
    say(f"  source at {source.commit}")


def _by_hand(setup: Setup) -> str:
    source, place = setup.recipe.source, f"{setup.source}.own"
    command = f"git clone {source.url} {place} && git -C {place} checkout {source.commit}"
    return f'or by yourself: {command}, and set source = "{place}"'
