"""Prompts -> the text encoder's states, as the network wants them: 512 tokens, padded.

Tokenizer and encoder (UMT5) are those of transformers; they are only called here.
"""

from __future__ import annotations

import html
from typing import Any

import torch

from rushes.engines.longcat.network import Text

MAX_TOKENS = 512


def tidied(prompt: str) -> str:
    """Resolve HTML's entities, which are sometimes written twice, and make every run of white space one space."""
    return " ".join(html.unescape(html.unescape(prompt)).split())


class Prompts:
    """Encodes prompts on a device; between two uses the encoder waits at `home`."""

    def __init__(self, tokenizer: Any, encoder: Any, device: torch.device, home: torch.device) -> None:
        self._tokenizer, self._encoder, self._device, self._home = tokenizer, encoder, device, home

    def encode(self, *prompts: str) -> Text:
        """Encode several at once, (len(prompts), 512, width); what goes beyond 512 tokens is cut off."""
        told = self._tokenizer(
            [tidied(prompt) for prompt in prompts],
            padding="max_length",
            max_length=MAX_TOKENS,
            truncation=True,
            add_special_tokens=True,
            return_attention_mask=True,
            return_tensors="pt",
        )
        mask = told["attention_mask"]
        self._encoder.to(self._device)
        try:
            states = self._encoder(told["input_ids"].to(self._device), mask.to(self._device)).last_hidden_state
        finally:
            self._encoder.to(self._home)
        return Text(states, tuple(int(length) for length in mask.sum(dim=1)))
