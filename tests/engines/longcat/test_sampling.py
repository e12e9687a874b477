"""The loop over noise levels: what of a pass is guided, and what stays as it was."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from rushes.engines.longcat.guidance import guided  # noqa: E402
from rushes.engines.longcat.network import Text  # noqa: E402
from rushes.engines.longcat.pipeline import Manner  # noqa: E402
from rushes.engines.longcat.sampling import Sampling, Watch, sample  # noqa: E402
from tests.engines.longcat.tiny import network  # noqa: E402


def texts() -> Text:
    return Text(torch.randn(2, 12, 32, generator=torch.Generator().manual_seed(0)), (5, 7))


@pytest.mark.parametrize("batched", [True, False])
def test_clean_frames_in_the_pass_count_in_the_guidances_scale_and_stay_as_they_are(batched: bool) -> None:
    made, latents = network(), torch.randn(1, 16, 3, 4, 6, generator=torch.Generator().manual_seed(1))
    asked = Sampling(latents, (1.0,), texts(), guidance=4.0, condition=1, batched=batched)
    got = sample(made, asked, Watch())
    times = torch.tensor([[0.0, 1000.0, 1000.0]]).expand(2, -1)
    output = made(latents.expand(2, -1, -1, -1, -1), times, texts(), condition=1)
    wanted = latents[:, :, 1:] + guided(output[:1], output[1:], 4.0)[:, :, 1:]
    assert torch.allclose(got[:, :, 1:], wanted, atol=1e-5)
    assert torch.equal(got[:, :, :1], latents[:, :, :1])


@pytest.mark.parametrize(("guidance", "is_heard"), [(0.0, False), (0.5, False), (1.0, False), (1.1, True), (4.0, True)])
def test_the_negative_prompt_is_heard_above_1_only(guidance: float, is_heard: bool) -> None:
    assert Manner(guidance=guidance).guided == is_heard
    assert not Manner(guidance=guidance, distilled=True).guided
