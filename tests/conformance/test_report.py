import io
import json

from rich.console import Console

from rushes.conformance.report import Finding, as_json, counts, print_table

FINDINGS = [
    Finding("R-11", "No query", "failed", sent="GET /x", got="200 a?b", expected="no query"),
    Finding("R-12", "No alias", "passed"),
    Finding("S-03", "Deadline", "not applicable", why="nothing sleeps [here]"),
]


def test_json_tells_each_rule_and_the_sums() -> None:
    told = json.loads(as_json("http://127.0.0.1:1", FINDINGS))
    assert told["url"] == "http://127.0.0.1:1"
    assert told["counts"] == {"passed": 1, "failed": 1, "not applicable": 1} == counts(FINDINGS)
    assert [rule["rule"] for rule in told["rules"]] == ["R-11", "R-12", "S-03"]
    assert told["rules"][0]["expected"] == "no query"


def test_the_table_tells_what_happened_below_a_failure_and_why_a_rule_was_not_tried() -> None:
    out = io.StringIO()
    print_table(FINDINGS, Console(file=out, width=140))
    text = out.getvalue()
    for part in ("sent: GET /x", "got: 200 a?b", "expected: no query", "nothing sleeps [here]"):
        assert part in text
    assert text.strip().endswith("1 passed, 1 failed, 1 not applicable")
