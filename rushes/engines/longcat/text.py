"""Prompts -> the text encoder's states, as the network wants them: 512 tokens, padded.

Tokenizer and encoder (UMT5) are those of transformers; they are only called here.
"""

from __future__ import annotations

import html
from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor

from rushes.engines.longcat.network import Text

MAX_TOKENS = 512
KEPT = 4  # prompts whose states are kept, 4 MB each: a long film asks for the same two again and again


def tidied(prompt: str) -> str:
    """Resolve HTML's entities, which are sometimes written twice, and make every run of white space one space."""
    return " ".join(html.unescape(html.unescape(prompt)).split())


class Prompts:
    """Encodes prompts on a device; between two uses the encoder waits at `home`."""

    def __init__(self, tokenizer: Any, encoder: Any, device: torch.device, home: torch.device) -> None:
        self._tokenizer, self.encoder, self._device, self._home = tokenizer, encoder, device, home
        self._kept: OrderedDict[str, tuple[Tensor, int]] = OrderedDict()

    def encode(self, *prompts: str) -> Text:
        """Encode several, (len(prompts), 512, width), on the device; what goes beyond 512 tokens is cut off."""
        asked = [tidied(one) for one in prompts]
        new = [one for one in dict.fromkeys(asked) if one not in self._kept]
        if new:
            self.encoder.to(self._device)
            try:
                # One by one, so that a prompt's states don't depend on what is encoded with it.
                fresh = {one: self._encoded(one) for one in new}
            finally:
                self.encoder.to(self._home)
        else:
            fresh = {}
        # Taken out and put back last, so that what was asked for longest ago is dropped first.
        held = {one: fresh.get(one) or self._kept.pop(one) for one in dict.fromkeys(asked)}
        self._kept.update(held)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return Text(torch.cat([held[one][0] for one in asked]), tuple(held[one][1] for one in asked))

    def _encoded(self, prompt: str) -> tuple[Tensor, int]:
        """Return the states, (1, 512, width), and how many tokens come before the padding."""
        told = self._tokenizer(
            [prompt],
            padding="max_length",
            max_length=MAX_TOKENS,
            truncation=True,
            add_special_tokens=True,
            return_attention_mask=True,
            return_tensors="pt",
        )
        mask = told["attention_mask"]
        states = self.encoder(told["input_ids"].to(self._device), mask.to(self._device)).last_hidden_state
        return states, int(mask.sum())
