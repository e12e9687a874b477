"""A job's way to have its results signed: the gateway's answers, as the step `work.sign` understands them."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from rushes.engines.engine import Cancelled
from rushes.jobs.protocol import ClaimAnswer, SignerAnswer
from rushes.media.provenance import NotSigned
from rushes.runners.client import Refused, RunnerClient

_GONE = 410

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GatewaySigning:
    """Asks the gateway for each signature. Raises NotSigned, Cancelled when the job is another's, GatewayAway."""

    client: RunnerClient
    job: ClaimAnswer

    def signer(self) -> SignerAnswer | None:
        """Return who signs; None where nobody does."""
        try:
            return self.client.signer()
        except Refused as refusal:
            raise _not_signed(refusal) from refusal

    def sign(self, claim: bytes) -> bytes:
        """Return the signature of a claim."""
        try:
            return self.client.sign(self.job, claim)
        except Refused as refusal:
            if refusal.status == _GONE:
                raise Cancelled from refusal
            raise _not_signed(refusal) from refusal


def _not_signed(refusal: Refused) -> NotSigned:
    # What the gateway says names its files, which are the operator's business and not the caller's.
    LOG.error("results cannot be signed: %s", refusal)
    return NotSigned("the server cannot use its signing key; its log says why")
