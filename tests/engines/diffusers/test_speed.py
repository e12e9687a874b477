"""What makes films faster makes the same films: each setting against the plain one, on tiny real weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import torch

from rushes.calls import Lora
from rushes.engines.diffusers.demands import ATTENTION
from rushes.engines.diffusers.deployed import complaint
from rushes.engines.diffusers.engine import DiffusersEngine
from rushes.engines.diffusers.plan import GB, Device, compiles, leaner, plan_of
from rushes.engines.diffusers.skipping import KNOWN, RatiosProblem, computed, read_ratios
from rushes.engines.engine import Cancelled, Progress
from rushes.routing import DiffusersDeployment
from tests.engines.diffusers.test_engine import Folders, call, engine, film

Film = np.ndarray[Any, np.dtype[np.uint8]]


def pipe_of(one: DiffusersEngine) -> Any:
    if one._loaded is None:
        one.load()
    assert one._loaded is not None
    return one._loaded.pipe


@contextmanager
def passes(one: DiffusersEngine) -> Iterator[list[int]]:
    """The sizes of the batches that the second block's attention is given."""
    sizes: list[int] = []
    blocks = getattr(pipe_of(one).transformer, "blocks", None) or pipe_of(one).transformer.transformer_blocks
    hook = blocks[1].attn1.register_forward_pre_hook(
        lambda _, given, named: sizes.append((given[0] if given else named["hidden_states"]).shape[0]), with_kwargs=True
    )
    yield sizes
    hook.remove()


def near(one: Film, other: Film, most: int = 1) -> bool:
    return one.shape == other.shape and int(np.abs(one.astype(int) - other).max()) <= most


@pytest.fixture(scope="module")
def plain(folders: Folders) -> DiffusersEngine:
    return engine(folders["picture"], warm_up=False)


@pytest.mark.parametrize(
    "setting",
    [
        {"batched_guidance": True},
        {"fused": True},
        {"channels_last": True},
        {"sliced": False},
        {"kept_texts": 0},
        {"cudnn_benchmark": True, "matmul_precision": "highest"},
        {"attention": "native"},
        {"attention": "_native_math"},
    ],
    ids=str,
)
def test_a_setting_changes_no_film(setting: dict[str, Any], plain: DiffusersEngine, folders: Folders) -> None:
    other = engine(folders["picture"], warm_up=False, **setting)
    for asked in (call(folders, steps=3), call(folders, width=64, height=48, frames=1, made=1, guidance=1.0)):
        assert near(film(other, asked), film(plain, asked))


def test_two_passes_are_one_where_that_is_set(plain: DiffusersEngine, folders: Folders) -> None:
    for layout in ("picture", "text", "expanding"):
        asked = call(folders, image=None if layout == "text" else str(folders["photograph"]), steps=3)
        joint = engine(folders[layout], warm_up=False, batched_guidance=True)
        apart = engine(folders[layout], warm_up=False, batched_guidance=False)
        with passes(joint) as of_joint, passes(apart) as of_apart:
            assert near(film(joint, asked), film(apart, asked))
        assert (of_joint, of_apart) == ([2] * 3, [1] * 6)


def test_a_film_without_guidance_makes_one_pass_for_each_step(plain: DiffusersEngine, folders: Folders) -> None:
    with passes(plain) as seen:
        film(plain, call(folders, steps=3, guidance=1.0))
        assert seen == [1] * 3
    rated = engine(folders["rated"], warm_up=False)
    with passes(rated) as seen:
        film(rated, call(folders, width=64, height=64, shift=None, guidance=3.0))
        assert seen == [2] * 2
        film(rated, call(folders, width=64, height=64, shift=None, guidance=1.0))
        assert seen == [2] * 2 + [1] * 2


def test_joint_products_take_no_memory_and_a_lora_still_counts(
    plain: DiffusersEngine, folders: Folders, tmp_path: Path
) -> None:
    from diffusers import WanImageToVideoPipeline
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    torch.manual_seed(5)
    trained = WanImageToVideoPipeline.from_pretrained(folders["picture"])
    trained.transformer.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False))
    state = get_peft_model_state_dict(trained.transformer)
    WanImageToVideoPipeline.save_lora_weights(tmp_path, transformer_lora_layers=state)
    fused = engine(folders["picture"], warm_up=False, fused=True)
    attention = pipe_of(fused).transformer.blocks[0].attn1
    assert attention.fused_projections
    assert attention.to_k.weight.untyped_storage().data_ptr() == attention.to_qkv.weight.untyped_storage().data_ptr()
    without, with_it = call(folders), call(folders, loras=(Lora(str(tmp_path)),))
    for asked in (without, with_it, without):
        assert near(film(fused, asked), film(plain, asked))
        assert attention.fused_projections == (not asked.loras)
    assert not near(film(plain, without), film(plain, with_it))


def test_texts_are_encoded_once(plain: DiffusersEngine, folders: Folders) -> None:
    kept = engine(folders["picture"], warm_up=False, kept_texts=2)
    pipe_of(kept)
    assert kept._loaded is not None
    texts = kept._loaded.ways.texts
    assert texts is not None
    counts = []
    for prompt in ("a", "a", "b", "a"):  # two are kept, the negative prompt among them
        asked = call(folders, prompt=prompt, steps=1)
        assert np.array_equal(film(kept, asked), film(plain, asked))
        counts.append(texts.encoded)
    assert counts == [2, 2, 3, 4]


def test_frames_come_while_later_ones_are_not_decoded_yet(plain: DiffusersEngine, folders: Folders) -> None:
    decoded: list[int] = []
    hook = pipe_of(plain).vae.decoder.register_forward_pre_hook(lambda *_: decoded.append(1))
    chunks = plain.generate(call(folders, frames=17, made=17, steps=1), lambda _: None, lambda: False).chunks
    assert len(next(chunks)) == 1
    assert len(decoded) == 2
    assert sum(len(one) for one in chunks) == 16
    assert len(decoded) == 5
    hook.remove()


def test_a_cancel_is_seen_while_frames_are_decoded_and_the_next_film_is_as_ever(
    plain: DiffusersEngine, folders: Folders
) -> None:
    asked = call(folders, frames=17, made=17, steps=1)
    expected = film(plain, asked)
    gone = False
    chunks = plain.generate(asked, lambda _: None, lambda: gone).chunks
    next(chunks)
    gone = True
    with pytest.raises(Cancelled):
        list(chunks)
    left = plain.generate(asked, lambda _: None, lambda: False).chunks
    next(left)
    left.close()  # type: ignore[attr-defined]
    assert np.array_equal(film(plain, asked), expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.skipif(not compiles(on_gpu=False), reason="there is no C++ compiler here")
def test_compiled_blocks_make_the_same_films_of_any_size_with_passes_left_out(
    plain: DiffusersEngine, folders: Folders
) -> None:
    faster = engine(folders["picture"], warm_up=False, compile=True)
    for asked in (
        call(folders),
        call(folders, width=80, height=32, frames=1, made=1, steps=10, acceleration="regular"),
    ):
        assert near(film(faster, asked), film(plain, asked))
    with pytest.raises(Cancelled):
        film(faster, call(folders), looks=6)
    assert near(film(faster, call(folders)), film(plain, call(folders)))
    assert faster.plan is not None
    assert faster.plan.compile


def test_a_compiler_that_fails_is_done_without(
    folders: Folders, plain: DiffusersEngine, caplog: pytest.LogCaptureFixture
) -> None:
    failing = engine(folders["picture"], warm_up=False)

    def broken(_graph: Any, _inputs: Any) -> Any:
        raise RuntimeError("no compiler today")

    pipe_of(failing).transformer.compile_repeated_blocks(backend=broken)
    assert near(film(failing, call(folders)), film(plain, call(folders)))
    assert "goes on without" in caplog.text


@pytest.mark.parametrize(
    ("threshold", "most", "of_30", "of_40"),
    [(0.06, 3, 34, 46), (0.12, 3, 28, 36), (0.12, 4, 26, 34), (0.24, 4, 24, 32), (0.24, 6, 22, 30)],
)
def test_the_passes_that_are_computed_are_those_of_the_published_list(
    threshold: float, most: int, of_30: int, of_40: int
) -> None:
    ratios = replace(KNOWN["WanImageToVideoPipeline"], threshold=threshold, most_skipped=most)
    assert [2 * sum(computed(ratios, steps)) for steps in (30, 40)] == [of_30, of_40]
    assert computed(ratios, 1) == (True,)


def test_skipped_passes_are_diffusers_own(plain: DiffusersEngine, folders: Folders) -> None:
    from diffusers import MagCacheConfig

    asked = call(folders, steps=20, frames=1, made=1)
    ratios = KNOWN["WanImageToVideoPipeline"]
    ours = film(plain, replace(asked, acceleration="regular"))
    theirs = engine(folders["picture"], warm_up=False)
    pipe_of(theirs).transformer.enable_cache(
        MagCacheConfig(
            threshold=0.12,
            max_skip_steps=3,
            retention_ratio=0.2,
            num_inference_steps=20,
            mag_ratios=list(ratios.values),
        )
    )
    assert near(ours, film(theirs, asked))
    assert not np.array_equal(ours, film(plain, asked))


def test_regular_leaves_out_the_same_steps_of_joint_passes(plain: DiffusersEngine, folders: Folders) -> None:
    joint = engine(folders["picture"], warm_up=False, batched_guidance=True)
    asked = call(folders, steps=30, frames=1, made=1, acceleration="regular")
    with passes(joint) as seen:
        assert near(film(joint, asked), film(plain, asked))
    assert seen == [2] * 14


def test_ratios_are_measured_and_gone_by(folders: Folders, tmp_path: Path) -> None:
    to = tmp_path / "ratios.json"
    asked = call(folders, image=None, steps=12, frames=1, made=1, acceleration="regular")
    measuring = engine(folders["text"], warm_up=False, calibrate=str(to))
    with passes(measuring) as seen:
        film(measuring, asked)
    assert seen == [1] * 24
    found = read_ratios(str(to))
    assert len(found.values) == 12
    assert found.values[0] == 1.0
    to.write_text(json.dumps({"ratios": [1.0] * 12, "most_skipped": 4}))
    using = engine(folders["text"], warm_up=False, ratios=str(to))
    with passes(using) as seen:
        film(using, asked)
    assert len(seen) == 2 * (2 + 2)  # two at the beginning, then each fifth
    with passes(using) as seen:
        film(using, replace(asked, acceleration="none"))
    assert len(seen) == 24


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", "[1.0]", "[1, -1]", '["1", 2]', "[1, NaN]", '{"ratios": [1, 1], "thresh": 1}',
     '{"ratios": [1, 1], "threshold": -1}', '{"ratios": [1, 1], "most_skipped": 1.5}', "[true, true]"],
)  # fmt: skip
def test_a_file_of_ratios_that_is_none_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "ratios.json"
    path.write_text(content)
    with pytest.raises(RatiosProblem, match="ratios"):
        read_ratios(str(path))


def test_distilled_weights_make_their_own_steps_and_say_so(folders: Folders) -> None:
    few = engine(folders["picture"], distilled=True)
    maker = few.load()
    assert maker.model == "tiny-picture+distilled-4-steps"
    seen: list[Progress] = []
    asked = call(folders, steps=30, guidance=5.0, shift=3.0, acceleration="regular")
    with passes(few) as made:
        first = film(few, asked, seen)
    assert made == [1] * 4
    assert "request's 30 steps and guidance 5 don't count" in seen[0].note
    assert [(one.done, one.total) for one in seen] == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert np.array_equal(first, film(few, replace(asked, steps=2, shift=9.0)))
    assert not np.array_equal(first, film(few, replace(asked, seed=8)))


def test_distilled_steps_are_where_the_operator_puts_them(folders: Folders) -> None:
    told: list[float] = []
    table = {"timesteps": [1000, 500], "shift": 3.0, "guidance": 2.0, "sampler": "euler"}
    few = engine(folders["text"], warm_up=False, distilled=table)
    hook = pipe_of(few).transformer.register_forward_pre_hook(
        lambda _, __, given: told.append(float(given["timestep"].flatten()[0])), with_kwargs=True
    )
    film(few, call(folders, image=None))
    hook.remove()
    assert told == [1000.0, 1000.0, 750.0, 750.0]


def test_distilled_weights_that_are_told_a_rate(folders: Folders) -> None:
    told: list[float] = []
    few = engine(folders["rated"], warm_up=False, distilled=True)
    hook = pipe_of(few).transformer.register_forward_pre_hook(
        lambda _, __, given: told.append(round(float(given["timestep"].max()), 2)), with_kwargs=True
    )
    film(few, call(folders, width=64, height=64, shift=None))
    hook.remove()
    assert told == [1000.0, 993.0, 987.0, 981.0, 975.0, 909.0, 725.0, 0.03]


def refusal(folder: Path, **setting: Any) -> str:
    return complaint(DiffusersDeployment(engine="diffusers", model=str(folder), **setting), {})


@pytest.mark.parametrize(
    ("layout", "setting", "words"),
    [
        ("picture", {"attention": "flash"}, "flash-attn"),
        ("picture", {"attention": "falsh"}, "no backend 'falsh'"),
        ("picture", {"attention": "_native_cudnn", "device": "cpu"}, "needs a GPU"),
        ("rated", {"attention": "_native_flash"}, "masks"),
        ("rated", {"fused": True}, "no joint products"),
        ("picture", {"fused": True, "offload": "group"}, "unset offload"),
        ("picture", {"compile": True, "offload": "group"}, "compile"),
        ("picture", {"quantisation": "nf4"}, "pip install bitsandbytes"),
        ("picture", {"ratios": "/nowhere/ratios.json"}, "/nowhere/ratios.json"),
        ("picture", {"calibrate": "/nowhere/ratios.json"}, "no folder /nowhere"),
        ("picture", {"devices": ["mps", "mps"]}, "name GPUs"),
        ("picture", {"devices": ["cuda:0", "cuda:0"]}, "named once"),
        ("picture", {"devices": 2, "offload": "model"}, "unset offload"),
        ("picture", {"devices": 2, "attention": "_native_math"}, "can't share"),
    ],
)
def test_a_setting_that_cannot_be_met_is_refused_at_the_start(
    layout: str, setting: dict[str, Any], words: str, folders: Folders
) -> None:
    assert words in refusal(folders[layout], **setting)


def test_settings_that_can_be_met_are_taken(folders: Folders) -> None:
    assert not refusal(folders["picture"], fused=True, channels_last=True, batched_guidance=True, distilled=True)
    assert not refusal(folders["picture"], attention="native", device="cpu")


def test_every_attention_backend_is_one_that_diffusers_has() -> None:
    from diffusers.models.attention_dispatch import AttentionBackendName, _AttentionBackendRegistry

    here = {one.value for one in AttentionBackendName} - {"_native_npu", "_native_xla"}
    assert set(ATTENTION) == here
    assert {name for name, one in ATTENTION.items() if one.shares} == {
        name for name in here if _AttentionBackendRegistry._is_context_parallel_available(AttentionBackendName(name))
    }


def test_what_makes_films_faster_is_chosen_by_the_device() -> None:
    hopper = Device("cuda:0", "cuda", "a GPU", 140 * GB, (9, 0))
    large: Mapping[str, int] = {"transformer": 14 * GB, "text_encoder": 6 * GB, "vae": GB // 8}
    setting = DiffusersDeployment(engine="diffusers", model="x")
    roomy = plan_of(hopper, large, ("vae",), setting)
    assert (roomy.fused, roomy.channels_last, roomy.matmul_precision, roomy.cudnn_benchmark) == (
        True,
        True,
        "high",
        True,
    )
    assert roomy.attention in ("_native_cudnn", "_flash_3")
    assert plan_of(hopper, large, ("vae",), setting, masked=True).attention == "_native_cudnn"
    assert plan_of(replace(hopper, capability=(8, 0)), large, ("vae",), setting).attention is None
    less = leaner(replace(roomy, tiling=True), hopper)
    assert less is not None
    assert (less.offload, less.fused, less.compile) == ("model", False, False)
    tight = plan_of(replace(hopper, free_bytes=24 * GB), large, ("vae",), setting)
    assert (tight.offload, tight.fused, tight.compile, tight.cudnn_benchmark) == ("group", False, False, False)
    cpu = plan_of(Device("cpu", "cpu", "cpu"), large, ("vae",), setting)
    assert (cpu.attention, cpu.compile, cpu.fused, cpu.channels_last, cpu.matmul_precision, cpu.cudnn_benchmark) == (
        None, False, False, False, "highest", False,
    )  # fmt: skip


def test_weights_that_moved_are_found_again(folders: Folders, tmp_path: Path) -> None:
    copy = shutil.copytree(folders["text"], tmp_path / "copy")
    once = engine(copy, warm_up=False, fused=True)
    first = film(once, call(folders, image=None))
    once.unload()
    assert np.array_equal(film(once, call(folders, image=None)), first)
