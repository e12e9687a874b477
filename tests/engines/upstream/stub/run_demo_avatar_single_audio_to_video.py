"""Stands in for the avatar's script: reads what the real one reads, keeps its constants where that keeps them."""

import argparse
import json
import os
import sys
import wave
from pathlib import Path

import av
import numpy as np

sys.path.insert(0, os.environ["PYTHONPATH"])
from stubbing import bar, misbehave, orders, record, refuse, write_film


def generate(args):
    """Make one film, a segment after the other."""
    save_fps = 16
    num_frames = 93
    num_cond_frames = 13
    if args.resolution == "480p":
        height, width = 480, 832
    elif args.resolution == "720p":
        height, width = 768, 1280
    with open(args.input_json, encoding="utf-8") as file:
        input_data = json.load(file)
    prompt = input_data["prompt"]
    negative_prompt = "Close-up, static"
    raw_speech_path = input_data["cond_audio"]["person1"]
    rank = int(os.environ["RANK"])
    global_seed = 42
    seed = global_seed + rank
    for place in ("../LongCat-Video/vae/config.json", "avatar_single/config.json", "vocal_separator/Kim_Vocal_2.onnx"):
        if not os.path.exists(os.path.join(args.checkpoint_dir, place)):
            refuse(f"{place} is not there")
    if args.context_parallel_size != int(os.environ["WORLD_SIZE"]) or args.model_type != "avatar-v1.0":
        refuse("context parallel size")
    with wave.open(raw_speech_path) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
        heard = [sound.getnchannels(), sound.getframerate(), sound.getnframes(), int(np.abs(samples).max(initial=0))]
    film = num_frames + (args.num_segments - 1) * (num_frames - num_cond_frames)
    if heard[2] * save_fps != film * heard[1]:
        refuse(f"the sound has {heard[2]} samples, the film {film} frames")
    told = {}
    if args.stage_1 == "ai2v":
        with av.open(input_data["cond_image"]) as image:
            picture = next(image.decode(video=0)).to_ndarray(format="rgb24")
        height, width = picture.shape[:2]
        told["picture"] = [*picture.shape]
    elif "cond_image" in input_data:
        refuse("a picture where none is wanted")
    asked = orders(prompt)
    os.makedirs(args.output_dir, exist_ok=True)
    Path("audio_temp_file").mkdir(exist_ok=True)
    if rank == 0:
        record(args=vars(args), input=input_data, seed=seed, negative=negative_prompt, heard=heard, **told)
    misbehave(asked)
    for segment in range(args.num_segments):
        if rank:
            continue
        print(f"Generating segment {segment + 1}/{args.num_segments}...", flush=True)
        bar("Denoising", args.num_inference_steps, asked)
        name = f"{args.stage_1}_demo_1" if segment == 0 else f"video_continue_{segment + 1}"
        frames = num_frames + segment * (num_frames - num_cond_frames)
        write_film(os.path.join(args.output_dir, f"{name}.mp4"), frames, width, height, save_fps, asked)


parser = argparse.ArgumentParser()
parser.add_argument("--input_json", type=str)
parser.add_argument("--output_dir", type=str)
parser.add_argument("--resolution", type=str, default="480p", choices=["480p", "720p"])
parser.add_argument("--num_segments", type=int, default=1)
parser.add_argument("--num_inference_steps", type=int, default=50)
parser.add_argument("--text_guidance_scale", type=float, default=4.0)
parser.add_argument("--audio_guidance_scale", type=float, default=4.0)
parser.add_argument("--stage_1", type=str, default="ai2v", choices=["ai2v", "at2v"])
parser.add_argument("--context_parallel_size", type=int, default=1)
parser.add_argument("--checkpoint_dir", type=str)
parser.add_argument("--model_type", type=str, default="avatar-v1.0")
if __name__ == "__main__":
    generate(parser.parse_args())
