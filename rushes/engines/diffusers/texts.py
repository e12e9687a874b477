"""Encoded prompts that are kept, since a text encoder is large and the negative prompt nearly always the same.

Kept in the machine's memory, a few megabytes each, the one used longest ago leaves first. A film whose texts are all
known never calls the encoder, so it isn't even moved to the device where parts wait outside.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor


class Texts:
    """The encoded prompts of one pipeline. `encoded` counts those that the encoder was called for."""

    def __init__(self, pipe: Any, most: int, tokens: int) -> None:
        self._pipe, self._most, self._tokens = pipe, most, tokens
        self._kept: OrderedDict[str, tuple[Tensor, Tensor | None]] = OrderedDict()
        self.encoded = 0

    def given(self, prompt: str, negative: str, *, guided: bool) -> dict[str, Tensor]:
        """Return what a pipeline is given in place of prompts: embeddings (1, N, C), and masks (1, N)."""
        found: dict[str, Tensor] = {}
        wanted = {"": prompt, "negative_": negative} if guided else {"": prompt}
        device = self._pipe._execution_device  # which is looked for in all modules
        for prefix, text in wanted.items():
            embeds, mask = self.of(text, device)
            found[f"{prefix}prompt_embeds"] = embeds
            if mask is not None:
                found[f"{prefix}prompt_attention_mask"] = mask
        return found

    def of(self, text: str, device: torch.device) -> tuple[Tensor, Tensor | None]:
        """Return a text's embeddings (1, N, C), and its mask (1, N) or None, on a device."""
        kept = self._kept.pop(text, None)
        if kept is None:
            kept = self._encode(text, device)
        if self._most:
            self._kept[text] = kept
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        embeds, mask = kept
        return embeds.to(device, non_blocking=True), None if mask is None else mask.to(device, non_blocking=True)

    def _encode(self, text: str, device: torch.device) -> tuple[Tensor, Tensor | None]:
        self.encoded += 1
        with torch.no_grad():
            made = self._pipe.encode_prompt(
                prompt=text, do_classifier_free_guidance=False, max_sequence_length=self._tokens, device=device
            )
        mask = made[1] if len(made) > 2 else None  # pipelines with masks give one for each text
        return _aside(made[0]), None if mask is None else _aside(mask)


def _aside(tensor: Tensor) -> Tensor:
    """Copy to the machine's memory, so that it comes back fast."""
    here = tensor.detach().cpu()
    return here.pin_memory() if tensor.device.type == "cuda" else here
