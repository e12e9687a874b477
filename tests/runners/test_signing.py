"""A runner's way to the gateway's signature: what the gateway refuses, as the step that signs understands it."""

import pytest

from rushes.engines.engine import Cancelled
from rushes.media.provenance import NotSigned
from rushes.runners.client import RunnerClient
from rushes.runners.signing import GatewaySigning
from tests.runners.live import Live
from tests.runners.moody import JOB


def test_where_nobody_signs_there_is_no_signer_and_a_stale_job_is_dropped(live: Live) -> None:
    client = RunnerClient(live.url, live.services.keys.runner_key)
    signing = GatewaySigning(client, JOB)
    assert signing.signer() is None
    with pytest.raises(Cancelled):
        signing.sign(b"claim")
    client.close()


def test_a_refusal_is_told_to_callers_without_the_servers_own_words(live: Live) -> None:
    client = RunnerClient(live.url, "a wrong key")
    with pytest.raises(NotSigned, match=r"its log says why$") as told:
        GatewaySigning(client, JOB).signer()
    assert "key" not in str(told.value).replace("signing key", "")
    client.close()
