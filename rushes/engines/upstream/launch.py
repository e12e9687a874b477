"""Starts a model's script with other values for some of the constants that are written in it.

For scripts that keep what a caller may choose (a seed, a negative prompt) where no option reaches it. Runs in the
model's own environment, which may be older than ours: nothing but the standard library of Python 3.8.

    python launch.py CONSTANTS.json SCRIPT.py ARGUMENT...

A constant that the script doesn't assign exactly once is an error, so that a new version of it can't ignore us.
"""

from __future__ import annotations

import ast
import json
import os
import sys
from typing import Any


def with_constants(tree: ast.Module, constants: dict[str, Any]) -> ast.Module:
    """Put the constants' values where a name is assigned a plain value, at any depth. Raises SystemExit."""
    found = dict.fromkeys(constants, 0)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.value, ast.Constant):
            name = getattr(node.targets[0], "id", None)
            if name in constants:
                found[name] += 1
                node.value = ast.copy_location(ast.Constant(constants[name]), node.value)
    # Twice is as wrong as never: nobody can tell which of them counts.
    wrong = [name for name, count in found.items() if count != 1]
    if wrong:
        raise SystemExit(f"launch: the script assigns {wrong[0]} {found[wrong[0]]} times, not once")
    return tree


def main(constants_file: str, script: str, *arguments: str) -> None:
    """Run the script as if it had been started itself."""
    with open(constants_file, encoding="utf-8") as file:
        constants = json.load(file)
    with open(script, "rb") as source:
        tree = with_constants(ast.parse(source.read(), script), constants)
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(os.path.abspath(script))  # our own folder's names are none of its modules
    names = {"__name__": "__main__", "__file__": script, "__builtins__": __builtins__}
    exec(compile(tree, script, "exec"), names)  # noqa: S102  the operator's own script is what this is for


if __name__ == "__main__":
    main(*sys.argv[1:])
