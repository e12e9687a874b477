"""A job's way to have its results signed: the gateway's answers, as the step `work.sign` understands them."""

from __future__ import annotations

from dataclasses import dataclass

from rushes.engines.engine import Cancelled
from rushes.jobs.protocol import ClaimAnswer, SignerAnswer
from rushes.media.provenance import NotSigned
from rushes.runners.client import Refused, RunnerClient

_GONE = 410


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
            raise NotSigned(str(refusal)) from refusal

    def sign(self, claim: bytes) -> bytes:
        """Return the signature of a claim."""
        try:
            return self.client.sign(self.job, claim)
        except Refused as refusal:
            if refusal.status == _GONE:
                raise Cancelled from refusal
            raise NotSigned(str(refusal)) from refusal
