import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.files.acl import Acl, Decision, Rule, acl_from, decision

DECISIONS: st.SearchStrategy[Decision] = st.sampled_from(["allow", "forbid", "hide"])
USERS = st.sampled_from(["ann", "bob", "cy"])
ACLS = st.builds(Acl, DECISIONS, st.lists(st.builds(Rule, USERS, DECISIONS), max_size=4).map(tuple))


@pytest.mark.parametrize(
    ("account", "found"),
    [("owner", "allow"), ("bob", "allow"), ("cy", "hide"), ("eve", "forbid"), (None, "forbid")],
)
def test_a_rule_counts_before_the_default_and_the_owner_may_always(account: str | None, found: Decision) -> None:
    acl = Acl("forbid", (Rule("bob", "allow"), Rule("cy", "hide"), Rule("owner", "forbid")))
    assert decision(acl, account, "owner") == found


def test_without_a_list_everybody_may() -> None:
    assert decision(None, None, "owner") == "allow"


@given(ACLS, st.one_of(st.none(), USERS))
def test_the_last_rule_for_an_account_counts(acl: Acl, account: str | None) -> None:
    for_it = [rule.decision for rule in acl.rules if rule.user == account]
    assert decision(acl, account, "owner") == [acl.default, *for_it][-1]


@given(ACLS)
def test_an_open_list_lets_everybody_in(acl: Acl) -> None:
    if acl.is_open:
        assert {decision(acl, reader, "owner") for reader in (None, "ann", "bob", "eve")} == {"allow"}


@given(st.one_of(st.none(), ACLS))
def test_what_is_written_reads_the_same(acl: Acl | None) -> None:
    assert acl_from(json.loads(json.dumps(asdict(acl) if acl else None))) == acl
