"""Models with random weights, made on the device itself: twice, as the library has them and as the engine runs them.

Both have the same weights in the same memory, so that even 16 billion parameters fit twice. Weights are drawn so that
every layer has a say and no number leaves its type: a kernel that computes something else shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import diffusers
import torch
from accelerate import init_empty_weights
from gpu_cases import Case
from tokenizers import Tokenizer, pre_tokenizers, processors
from tokenizers.models import Unigram
from torch import nn
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    CLIPVisionModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
    UMT5Config,
    UMT5EncoderModel,
)

from rushes.engines.diffusers.device import probe
from rushes.engines.diffusers.layouts import LAYOUTS
from rushes.engines.diffusers.loading import settle
from rushes.engines.diffusers.plan import Plan, plan_of
from rushes.engines.longcat.config import NetworkConfig
from rushes.engines.longcat.kernels import dense_on
from rushes.engines.longcat.network import Network
from rushes.routing import DiffusersDeployment

TYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
CLASSES = {
    "WanImageToVideoPipeline": ("WanTransformer3DModel", "AutoencoderKLWan"),
    "LTXImageToVideoPipeline": ("LTXVideoTransformer3DModel", "AutoencoderKLLTXVideo"),
}
AS_ON_A_GPU: Mapping[str, Any] = {"dtype": "bfloat16", "fused": True, "channels_last": True}
"""What a deployment on a CPU must be told to do what one on a GPU does by itself."""

diffusers.logging.set_verbosity_error()


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pipelines, or two networks, with the same weights: as the library has it, and as the engine runs it."""

    plain: Any
    ours: Any
    plan: Plan | None = None


def pipelines(case: Case, device: str | None) -> Pair:
    """Make two pipelines; the second is settled by the plan that a deployment has by default on this device."""
    torch.manual_seed(0)
    found, layout = probe(device), LAYOUTS[case.layout]
    transformer, autoencoder = (getattr(diffusers, name) for name in CLASSES[case.layout])
    parts = _parts(case, autoencoder)
    counts = case.counts or {
        name: sum(one.numel() for one in part.parameters())
        for name, part in (parts | {"transformer": empty(lambda: transformer(**case.network))}).items()
        if isinstance(part, nn.Module)
    }
    setting = DiffusersDeployment(engine="diffusers", model="random", **({} if found.kind == "cuda" else AS_ON_A_GPU))
    plan = plan_of(found, counts, layout.exact, setting, masked=layout.masked, fuses=layout.fuses)
    dtype = TYPES[plan.dtype]
    for name, part in parts.items():
        if isinstance(part, nn.Module):
            part.to(device=plan.device, dtype=torch.float32 if name in layout.exact else dtype).requires_grad_(False)
    plain = empty(lambda: transformer(**case.network))
    draw(plain, torch.device(plan.device), dtype, tuple(transformer._keep_in_fp32_modules or ()))
    twin = share(plain, empty(lambda: transformer(**case.network)))
    kind = getattr(diffusers, case.layout)
    made = kind(transformer=plain.eval(), **parts)
    own = autoencoder(**case.parts["vae"]).eval().requires_grad_(False)  # laid out in another way, so not shared
    own.load_state_dict(parts["vae"].state_dict())
    own.to(device=plan.device, dtype=parts["vae"].dtype)
    ours = kind(transformer=twin.eval(), **(parts | {"vae": own}))
    settle(ours, plan)
    # Said last: the library also takes what was last chosen for any model as the choice for those without one.
    plain.set_attention_backend("native")
    for pipe in (made, ours):
        pipe.set_progress_bar_config(disable=True)
    return Pair(made, ours, plan)


def own_networks(case: Case, device: str | None, *, compiled: bool) -> Pair:
    """Make our own network twice: by torch's attention as it comes, and as a deployment on this device runs it."""
    where = torch.device(probe(device).name)
    config = NetworkConfig(**case.network, sparsity=case.sparsity)
    plain = empty(lambda: Network(config))
    draw(plain, where, torch.bfloat16)
    ours = share(plain, empty(lambda: Network(config)))
    ours.dense = dense_on(where, torch.bfloat16)
    if compiled:
        ours.compile_blocks()
    return Pair(plain.eval(), ours.eval())


def empty(make: Callable[[], Any]) -> Any:
    """Make a model whose parameters take no memory yet; what it computed for itself is there."""
    with init_empty_weights(include_buffers=False):
        return make()


def draw(model: nn.Module, device: torch.device, dtype: torch.dtype, exact: tuple[str, ...] = ()) -> None:
    """Give an empty model random weights on the device; parts named in `exact` stay in float32."""
    dice = torch.Generator(device).manual_seed(0)
    for path, parameter in list(model.named_parameters()):
        kept = torch.float32 if set(path.split(".")) & set(exact) else dtype
        value = torch.empty(parameter.shape, device=device, dtype=kept)
        centre, spread = _spread(path, parameter)
        value.normal_(centre, spread, generator=dice)
        owner, name = _owner(model, path)
        owner._parameters[name] = nn.Parameter(value, requires_grad=False)
    for path, buffer in list(model.named_buffers()):
        owner, name = _owner(model, path)
        owner._buffers[name] = buffer.to(device)


def share(source: nn.Module, model: Any) -> Any:
    """Give an empty model another one's weights, in the same memory."""
    for path, parameter in source.named_parameters():
        owner, name = _owner(model, path)
        owner._parameters[name] = parameter
    for path, buffer in source.named_buffers():
        owner, name = _owner(model, path)
        owner._buffers[name] = buffer
    return model


def _spread(path: str, parameter: torch.Tensor) -> tuple[float, float]:
    """Return the mean and the deviation that a parameter is drawn with."""
    if "table" in path:
        return 0.0, 0.3  # how strongly layers count
    if parameter.ndim >= 2:
        return 0.0, (parameter.numel() / parameter.shape[0]) ** -0.5  # as large behind it as before
    return (1.0, 0.1) if path.endswith("weight") else (0.0, 0.02)


def _owner(model: nn.Module, path: str) -> tuple[nn.Module, str]:
    module, _, name = path.rpartition(".")
    return model.get_submodule(module), name


def _parts(case: Case, autoencoder: Any) -> dict[str, Any]:
    """Make what a pipeline has beside its transformer; all of it is used before or after the steps."""
    text = dict(case.parts["text_encoder"])
    parts: dict[str, Any] = {
        "vae": autoencoder(**case.parts["vae"]).eval(),
        "tokenizer": _tokenizer(),
        "scheduler": _scheduler(case),
    }
    if case.layout.startswith("LTX"):
        return parts | {"text_encoder": T5EncoderModel(T5Config(**text)).eval()}
    vision: Mapping[str, Any] = case.parts["image_encoder"]
    size = vision["image_size"]
    return parts | {
        "text_encoder": UMT5EncoderModel(UMT5Config(**text)).eval(),
        "image_encoder": CLIPVisionModel(CLIPVisionConfig(**vision)).eval(),
        "image_processor": CLIPImageProcessorPil(size=size, crop_size=size),
    }


def _scheduler(case: Case) -> Any:
    if case.layout.startswith("LTX"):
        return diffusers.FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=True,
            base_shift=0.95,
            max_shift=2.05,
            base_image_seq_len=1024,
            max_image_seq_len=4096,
            shift_terminal=0.1,
        )
    return diffusers.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=case.shift
    )


def _tokenizer() -> PreTrainedTokenizerFast:
    """Make one for printable ASCII, letter by letter."""
    letters = [(chr(code), -2.0) for code in range(33, 127)]
    made = Tokenizer(Unigram([("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *letters], unk_id=2))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
