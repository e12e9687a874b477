"""Stands in for MAGI-1's command line: reads what the real one reads, asserts what it asserts, writes a film."""

import argparse
import json
import os
import sys

import av
import numpy as np

sys.path.insert(0, os.environ["PYTHONPATH"])
from stubbing import bar, misbehave, orders, record, refuse, write_film

MODEL = {"model_name", "num_layers", "hidden_size", "ffn_hidden_size", "num_attention_heads", "num_query_groups",
         "kv_channels", "layernorm_epsilon", "apply_layernorm_1p", "x_rescale_factor", "half_channel_vae",
         "params_dtype", "patch_size", "t_patch_size", "in_channels", "out_channels", "cond_hidden_ratio",
         "caption_channels", "caption_max_length", "xattn_cond_hidden_ratio", "cond_gating_ratio",
         "gated_linear_unit"}  # fmt: skip
RUNTIME = {"cfg_number", "cfg_t_range", "prev_chunk_scales", "text_scales", "noise2clean_kvrange",
           "clean_chunk_kvrange", "clean_t", "seed", "num_frames", "video_size_h", "video_size_w", "num_steps",
           "window_size", "fps", "chunk_width", "t5_pretrained", "t5_device", "vae_pretrained", "scale_factor",
           "temporal_downsample_factor", "load"}  # fmt: skip
ENGINE = {"distributed_backend", "distributed_timeout_minutes", "pp_size", "cp_size", "cp_strategy",
          "ulysses_overlap_degree", "fp8_quant", "distill_nearly_clean_chunk_threshold", "shortcut_mode", "distill",
          "kv_offload", "enable_cuda_graph"}  # fmt: skip

parser = argparse.ArgumentParser()
parser.add_argument("--config_file", type=str)
parser.add_argument("--mode", type=str, choices=["t2v", "i2v", "v2v"], required=True)
parser.add_argument("--prompt", type=str, required=True)
parser.add_argument("--image_path", type=str)
parser.add_argument("--prefix_video_path", type=str)
parser.add_argument("--output_path", type=str, required=True)
given = parser.parse_args()
with open(given.config_file) as file:
    config = json.load(file)
for table, names in (("model_config", MODEL), ("runtime_config", RUNTIME), ("engine_config", ENGINE)):
    if set(config[table]) != names:
        refuse(f"{table}: {set(config[table]) ^ names}")
model, runtime, engine = config["model_config"], config["runtime_config"], config["engine_config"]
wide, tall, frames, steps = (runtime[n] for n in ("video_size_w", "video_size_h", "num_frames", "num_steps"))
np.random.seed(runtime["seed"])
if wide % 16 or tall % 16 or frames % 24 or steps % runtime["window_size"] or steps % 4:
    refuse(f"{wide}x{tall}, {frames} frames, {steps} steps")
if engine["cp_size"] * engine["pp_size"] != int(os.environ.get("WORLD_SIZE", "1")):
    refuse("cp_size * pp_size is not the number of processes")
if runtime["cfg_number"] != 1 or type(steps) is not int or type(model["half_channel_vae"]) is not bool:
    refuse("cfg_number: 1 for distilled weights")
for place in (runtime["t5_pretrained"], runtime["vae_pretrained"], os.environ["SPECIAL_TOKEN_PATH"]):
    if not os.path.exists(place):
        refuse(f"{place} is not there")
weights = "inference_weight" + (".fp8" if engine["fp8_quant"] else "") + ".distill"
if not os.listdir(os.path.join(runtime["load"], weights)):
    refuse("Ckpt directory does not exist or is empty")

seen = {}
made, known = frames, 0
if given.mode == "i2v":
    with av.open(given.image_path) as image:
        picture = next(image.decode(video=0)).to_ndarray(format="rgb24")
    seen["picture"] = [*picture.shape, int(picture[0, 0, 0]), int(picture[-1, -1, 0])]
    known = 1
if given.mode == "v2v":
    with av.open(given.prefix_video_path, format="mp4") as film:
        shown = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
        seen["prefix"] = [float(one.mean()) for one in shown]
        seen["prefix_size"], seen["prefix_fps"] = [*shown[0].shape], float(film.streams.video[0].average_rate)
    known = len(shown[:32]) // 4
if known:  # whole chunks of 6 latent frames, less what was given but for a single picture
    latent = -(-(frames // 4 + known) // 6) * 6
    made = 4 * (latent - (known if known > 1 else 0))
if not os.environ.get("MASTER_ADDR") or not os.environ.get("MASTER_PORT"):
    refuse("MASTER_ADDR expected, but not set")
asked = orders(given.prompt)
if os.environ.get("RANK", "0") == "0":
    record(config=config, prompt=given.prompt, mode=given.mode, made=made, **seen)
misbehave(asked)
if os.environ.get("RANK", "0") == "0":
    bar("InferBatch 0", frames // 24, asked)
    write_film(given.output_path, made, wide, tall, runtime["fps"], asked)
