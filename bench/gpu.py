"""How fast full-size models run on this machine's GPU, beside plain diffusers: `python bench/gpu.py [--only wan-480p]`.

Models of the published sizes are made on the GPU with random weights, since speed doesn't depend on their values; each
runs as a deployment would run it and as plain diffusers does, in turns, with the same steps, type of numbers and
passes. Each case is a process of its own, so that one that runs out of memory ends alone, and is written to the file of
results as soon as it is done: run the same line again, and it goes on where it stopped (`--slice-s` is how long it may
take in one go). `--tiny` runs the same code on models that a CPU runs in seconds, which measures nothing and proves
all of it; without a GPU that is what happens. `--table` writes the table in docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gpu_cases import FULL, TINY, Case

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- measured: written by bench/gpu.py --table -->", "<!-- end of what was measured -->"
RESULTS = "gpu.json"
LEAST_S = 20  # less is left of a slice for nothing
TRIES = 2  # of a case that never came to its end
HEAD = ("model", "plain, s/step", "Rushes, s/step", "ratio", "share of matrix rate", "peak memory, plain / Rushes",
        "difference of a pass", "chosen")  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run what is left, or print the table."""
    options = _options(arguments)
    tiny = options.tiny or not _has_gpu()
    if options.case:
        return _measure_here(_case(options.case, tiny), options)
    results = options.out / RESULTS
    if options.table:
        return _write_table(results)
    if tiny and not options.tiny:
        print("This machine has no CUDA GPU: tiny models on the CPU instead, which measures nothing.", flush=True)
    wanted = [case for case in (TINY if tiny else FULL) if not options.only or case.name in options.only.split(",")]
    if not wanted:
        print(f"--only {options.only} names none of: {', '.join(case.name for case in FULL)}", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    left = _run_all(wanted, results, options, tiny=tiny)
    state = _read(results)
    print("\n".join(_table([state[case.name] for case in wanted if case.name in state])))
    if left:
        print(f"\nLeft for the next run of the same line: {', '.join(left)}")
    return 1 if any(_is_wrong(state.get(case.name, {})) for case in wanted) else 0


def _run_all(cases: list[Case], results: Path, options: argparse.Namespace, *, tiny: bool) -> list[str]:
    """Run the cases that have no result yet, while the slice lasts; return the names of those that are left."""
    ends, left = time.monotonic() + options.slice_s, []
    for case in cases:
        state = _read(results)
        if not _is_due(state.get(case.name), tiny=tiny, again=options.again):
            continue
        remaining = ends - time.monotonic()
        if remaining < LEAST_S or remaining < case.seconds < options.slice_s:
            left.append(case.name)
            continue
        print(f"{case.title} ...", flush=True)
        tries = int(state.get(case.name, {}).get("tries", 0)) + 1
        row = _in_its_own_process(case, remaining, options, tiny=tiny)
        if row is None and tries < TRIES:
            row = {"unfinished": True}
        elif row is None:
            row = {"error": f"it never came to its end in {options.slice_s:g} s"}
        if "unfinished" in row:
            left.append(case.name)
        _write(results, case.name, row | {"name": case.name, "title": case.title, "tries": tries, "tiny": tiny})
    return left


def _in_its_own_process(case: Case, seconds: float, options: argparse.Namespace, *, tiny: bool) -> Any:
    """Return what the case's own process found, None where it had to be ended."""
    answer = options.out / f"{case.name}.json"
    answer.unlink(missing_ok=True)
    line = [sys.executable, __file__, "--case", case.name, "--out", str(options.out), "--slice-s", f"{seconds:.0f}"]
    line += ["--tiny"] if tiny else []
    line += ["--device", options.device] if options.device else []
    try:
        code = subprocess.run(line, timeout=seconds, check=False).returncode
    except subprocess.TimeoutExpired:
        return None
    if not answer.is_file():
        return {"error": f"its process ended with {code}"}
    row = json.loads(answer.read_text())
    answer.unlink()
    return row


def _measure_here(case: Case, options: argparse.Namespace) -> int:
    """Measure one case in this process, and write what was found for the process that asked."""
    # torch and diffusers take seconds; the process that hands out the cases needs neither.
    import torch  # noqa: PLC0415
    from gpu_measure import as_row, measure  # noqa: PLC0415

    answer = options.out / f"{case.name}.json"
    try:
        row = as_row(measure(case, options.device or ("cpu" if options.tiny else None), options.slice_s * 0.9))
    except torch.OutOfMemoryError as error:
        row = {"error": f"out of memory: {str(error).splitlines()[0]}"}
    except (RuntimeError, ValueError) as error:
        row = {"error": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
        print(f"{case.name}: {error}", file=sys.stderr)
    answer.write_text(json.dumps(row))
    return 0


def _is_due(row: Mapping[str, Any] | None, *, tiny: bool, again: bool) -> bool:
    return row is None or again or "unfinished" in row or bool(row.get("tiny")) != tiny


def _is_wrong(row: Mapping[str, Any]) -> bool:
    return bool(row.get("error")) or row.get("equal") is False


def _table(rows: list[Mapping[str, Any]]) -> list[str]:
    """Return a Markdown table."""
    if not rows:
        return ["Not measured on a GPU yet."]
    lines = [f"| {' | '.join(HEAD)} |", "|---|--:|--:|--:|--:|--:|--:|---|"]
    lines += [f"| {' | '.join(_cells(row))} |" for row in rows]
    devices = sorted({f"{row['device']}, torch {row['torch']}" for row in rows if row.get("device")})
    rates = sorted({f"{row['rate'] / 1e12:,.3g}" for row in rows if row.get("rate")})
    if devices:
        lines += ["", f"On {'; '.join(devices)}; its matrix units' measured rate: {' to '.join(rates)} TFLOP/s."]
    if any(row.get("tiny") for row in rows):
        lines.append("Seconds, ratios and shares of tiny models on a CPU measure nothing; the differences count.")
    return lines


def _cells(row: Mapping[str, Any]) -> list[str]:
    if "ratio" not in row:
        why = "unfinished" if "unfinished" in row else str(row.get("error", "")).replace("|", "/")
        return [str(row["title"]), *["–"] * (len(HEAD) - 2), why]
    memory = [f"{row[name] / 1e9:.1f} GB" if row[name] else "–" for name in ("plain_bytes", "ours_bytes")]
    return [
        str(row["title"]),
        f"{row['plain']:.3g}",
        f"{row['ours']:.3g}",
        f"{row['ratio']:.2f}",
        f"{row['plain_share']:.0%} → {row['share']:.0%}",
        " / ".join(memory),
        f"{row['pass_relative']:.1e}{'' if row['equal'] else ' (too large)'}",
        str(row["chosen"]),
    ]


def _write_table(results: Path) -> int:
    """Write the table of all results from a GPU to the page."""
    rows = [row for row in _read(results).values() if not row.get("tiny")]
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or END not in rest:
        print(f"{PAGE} has no place for the table: {BEGIN} ... {END}", file=sys.stderr)
        return 2
    order = [case.name for case in FULL]
    rows.sort(key=lambda row: order.index(row["name"]) if row["name"] in order else len(order))
    PAGE.write_text(before + BEGIN + "\n" + "\n".join(_table(rows)) + "\n" + END + after)
    print("\n".join(_table(rows)))
    return 0


def _read(results: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(results.read_text()) if results.is_file() else {}
    return found


def _write(results: Path, name: str, row: Mapping[str, Any]) -> None:
    """Add a result; the file is whole at every moment."""
    aside = results.with_suffix(".part")
    aside.write_text(json.dumps(_read(results) | {name: row}, indent=1))
    aside.replace(results)


def _case(name: str, tiny: bool) -> Case:
    return next(case for case in (TINY if tiny else FULL) if case.name == name)


def _has_gpu() -> bool:
    if find_spec("torch") is None:
        raise SystemExit("this needs torch and diffusers: pip install 'rushes[diffusers]'")
    import torch  # noqa: PLC0415  # takes seconds

    return torch.cuda.is_available()


def _options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names of cases, with commas between")
    parser.add_argument("--slice-s", type=float, default=480, help="seconds that this run may take (480)")
    parser.add_argument("--out", type=Path, default=Path("out/gpu"), help="folder of the results (out/gpu)")
    parser.add_argument("--device", default="", help="where to run, as cuda:1; else the first GPU")
    parser.add_argument("--tiny", action="store_true", help="tiny models on the CPU")
    parser.add_argument("--again", action="store_true", help="measure again what has a result")
    parser.add_argument("--table", action="store_true", help="write the table in docs/performance.md from the results")
    parser.add_argument("--case", default="", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
