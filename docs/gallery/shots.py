"""One telling request for every endpoint: what the gallery shows. Data only.

`@name` stands for a file of `material`, as on the command line. Requests are short and small where their endpoint lets
them be, and have a seed where it takes one, so that the page comes out the same each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KLING = "fal-ai/kling-video"
LONGCAT = "fal-ai/longcat-video"
LUMA = "fal-ai/luma-dream-machine"
MINIMAX = "fal-ai/minimax"
PIXVERSE = "fal-ai/pixverse"

CLONED = "voice-0123456789ab"  # stands for the id that voice-clone gives, which is another one each time

AVATAR: dict[str, dict[str, Any]] = {
    "fal-ai/longcat-single-avatar/audio-to-video": {
        "audio_url": "@welcome.mp3",
        "prompt": "A woman with red hair, close-up, in a kitchen in the evening, talks to the camera",
        "seed": 3,
    },
    "fal-ai/longcat-single-avatar/image-audio-to-video": {
        "image_url": "@portrait.png",
        "audio_url": "@welcome.mp3",
        "prompt": "A woman welcomes her guests",
        "seed": 3,
    },
}

KLING_SHOTS: dict[str, dict[str, Any]] = {
    f"{KLING}/v2.1/standard/image-to-video": {
        "prompt": "Slow dolly forward along the path, wind in the grass, clouds drift over the peaks",
        "image_url": "@mountain-path.jpg",
    },
    f"{KLING}/v2.1/pro/image-to-video": {
        "prompt": "Truck right along the harbour, the water glitters",
        "image_url": "@harbour.png",
    },
    f"{KLING}/v2.1/master/image-to-video": {
        "prompt": "It rains in the street, the lights flicker, the camera pushes in slowly",
        "image_url": "@city.png",
    },
    f"{KLING}/v2.1/master/text-to-video": {
        "prompt": "A lighthouse on a cliff above the sea at night, stormy, rain, slow push in",
    },
    f"{KLING}/v2/master/image-to-video": {
        "prompt": "Snow falls, the camera orbits to the left",
        "image_url": "@fox.png",
    },
    f"{KLING}/v2/master/text-to-video": {
        "prompt": "A hot air balloon rises over a green valley at sunrise, crane up",
    },
    f"{KLING}/v1.6/standard/image-to-video": {
        "prompt": "Handheld, the sea breeze moves the palm tree",
        "image_url": "@dog.png",
    },
    f"{KLING}/v1.6/pro/image-to-video": {
        "prompt": "Night falls over the path",
        "image_url": "@mountain-path.jpg",
        "tail_image_url": "@night.jpg",
    },
    f"{KLING}/v1.5/pro/image-to-video": {
        "prompt": "The camera pulls out while the train passes through the valley",
        "image_url": "@train.png",
    },
    f"{KLING}/v1.6/standard/text-to-video": {
        "prompt": "A train crosses the mountains in autumn, tracking shot to the right",
    },
    f"{KLING}/v1.6/pro/text-to-video": {
        "prompt": "A sunflower in a garden in summer, wind, crane up",
        "aspect_ratio": "9:16",
    },
    f"{KLING}/v1.5/pro/text-to-video": {
        "prompt": "A castle on a hill in the moonlight, tilt up",
        "aspect_ratio": "1:1",
    },
    f"{KLING}/v1/standard/text-to-video": {
        "prompt": "A skyline at dusk, a plane passes",
        "camera_control": "forward_up",
    },
    f"{KLING}/v1/standard/image-to-video": {
        "prompt": "The balloon drifts over the hills",
        "image_url": "@balloon.png",
        "static_mask_url": "@ground-mask.png",
        "dynamic_masks": [
            {
                "mask_url": "@balloon-mask.png",
                "trajectories": [{"x": 400, "y": 280}, {"x": 620, "y": 190}, {"x": 880, "y": 250}],
            }
        ],
    },
    f"{KLING}/v1.6/standard/elements": {
        "prompt": "The bear and the robot walk along a beach at sunset",
        "input_image_urls": ["@bear.png", "@robot.png"],
    },
    f"{KLING}/v1.6/pro/elements": {
        "prompt": "The bear and the robot have tea in a garden, slow push in",
        "input_image_urls": ["@bear.png", "@robot.png", "@teapot.png"],
    },
    f"{KLING}/v1/standard/effects": {"input_image_urls": ["@bear.png", "@robot.png"], "effect_scene": "hug"},
    f"{KLING}/v1.5/pro/effects": {"input_image_urls": ["@bear.png", "@robot.png"], "effect_scene": "heart_gesture"},
    f"{KLING}/v1.6/standard/effects": {"input_image_urls": ["@teapot.png"], "effect_scene": "squish"},
    f"{KLING}/v1.6/pro/effects": {"input_image_urls": ["@bear.png"], "effect_scene": "bloombloom"},
    f"{KLING}/lipsync/audio-to-video": {"video_url": "@speaker.mp4", "audio_url": "@welcome.mp3"},
    f"{KLING}/lipsync/text-to-video": {
        "video_url": "@speaker.mp4",
        "text": "We open at nine. Come in and see for yourself.",
        "voice_id": "commercial_lady_en_f-v1",
    },
}

LONGCAT_SHOTS: dict[str, dict[str, Any]] = {
    f"{LONGCAT}/image-to-video/480p": {
        "prompt": "The fox looks up, snow falls softly, the camera pushes in",
        "image_url": "@fox.png",
        "num_frames": 61,
        "seed": 1,
    },
    f"{LONGCAT}/image-to-video/720p": {
        "prompt": "Clouds drift, wind in the grass, the camera cranes up",
        "image_url": "@mountain-path.jpg",
        "num_frames": 91,
        "seed": 2,
        "video_output_type": "PRORES4444 (.mov)",
    },
    f"{LONGCAT}/text-to-video/480p": {
        "prompt": "A whale swims under water, rays of light, slow push in",
        "num_frames": 61,
        "seed": 3,
    },
    f"{LONGCAT}/text-to-video/720p": {
        "prompt": "A rocket launches from the desert at dawn, tilt up",
        "num_frames": 91,
        "seed": 4,
    },
    f"{LONGCAT}/distilled/image-to-video/480p": {
        "prompt": "The car passes, waves roll in, tracking shot to the right",
        "image_url": "@car.png",
        "num_frames": 61,
        "seed": 5,
        "video_output_type": "VP9 (.webm)",
    },
    f"{LONGCAT}/distilled/image-to-video/720p": {
        "prompt": "Rain sets in over the harbour, the camera pulls back",
        "image_url": "@harbour.png",
        "num_frames": 91,
        "seed": 6,
    },
    f"{LONGCAT}/distilled/text-to-video/480p": {
        "prompt": "A campfire and a tent by a lake at night, smoke rises",
        "num_frames": 46,
        "seed": 7,
        "video_output_type": "GIF (.gif)",
    },
    f"{LONGCAT}/distilled/text-to-video/720p": {
        "prompt": "An astronaut floats in space before a planet, the camera orbits",
        "num_frames": 91,
        "seed": 8,
    },
}

LUMA_SHOTS: dict[str, dict[str, Any]] = {
    f"{LUMA}/ray-2-flash/image-to-video": {
        "prompt": "The night is over, and the sun comes out over the path",
        "image_url": "@night.jpg",
        "end_image_url": "@mountain-path.jpg",
    },
    f"{LUMA}/ray-2-flash": {"prompt": "A sailing boat on the sea at noon, waves", "loop": True},
    f"{LUMA}/ray-2": {"prompt": "Two horses gallop over a prairie at sunset, tracking shot", "aspect_ratio": "21:9"},
    LUMA: {"prompt": "A deer stands by a lake in the morning mist, slow push in", "aspect_ratio": "3:4"},
    f"{LUMA}/image-to-video": {
        "prompt": "The neon signs flicker, rain",
        "image_url": "@city.png",
        "loop": True,
    },
    f"{LUMA}/ray-2-flash/reframe": {"video_url": "@dog.mp4", "aspect_ratio": "9:16"},
    f"{LUMA}/ray-2/reframe": {"video_url": "@train.mp4", "aspect_ratio": "21:9"},
    f"{LUMA}/ray-2-flash/modify": {
        "video_url": "@train.mp4",
        "prompt": "Make it a pencil drawing",
        "mode": "flex_2",
    },
    f"{LUMA}/ray-2/modify": {"video_url": "@boat.mp4", "prompt": "A moonlit night in winter", "mode": "reimagine_1"},
}

MAGI_SHOTS: dict[str, dict[str, Any]] = {
    "fal-ai/magi-distilled/image-to-video": {
        "prompt": "The camera pans left over the coast while the sun sets",
        "image_url": "@car.png",
        "resolution": "480p",
        "seed": 1,
    },
    "fal-ai/magi-distilled": {
        "prompt": "A butterfly over a flowering meadow in the morning, wind",
        "resolution": "480p",
        "seed": 2,
    },
    "fal-ai/magi-distilled/extend-video": {
        "prompt": "The camera pushes in on the boat, it begins to rain",
        "video_url": "@boat.mp4",
        "start_frame": 72,
        "resolution": "480p",
        "seed": 3,
    },
}

MINIMAX_SHOTS: dict[str, dict[str, Any]] = {
    f"{MINIMAX}/hailuo-02/pro/image-to-video": {
        "prompt": "Crane up over the path towards the peaks, clouds drift",
        "image_url": "@mountain-path.jpg",
    },
    f"{MINIMAX}/video-01": {"prompt": "An elephant walks through the savanna at sunset, tracking shot"},
    f"{MINIMAX}/video-01/image-to-video": {
        "prompt": "The train goes on, leaves blow through the valley",
        "image_url": "@train.png",
    },
    f"{MINIMAX}/video-01-live": {"prompt": "A drawn rabbit hops over a meadow in the morning"},
    f"{MINIMAX}/video-01-live/image-to-video": {
        "prompt": "She looks up and smiles, her hair moves in the wind",
        "image_url": "@portrait.png",
    },
    f"{MINIMAX}/video-01-director": {"prompt": "[Truck left, Pan right] A ship leaves the harbour at dawn"},
    f"{MINIMAX}/video-01-director/image-to-video": {
        "prompt": "[Push in, Tilt up] The balloon rises",
        "image_url": "@balloon.png",
    },
    f"{MINIMAX}/video-01-subject-reference": {
        "prompt": "The robot walks through a forest in the snow",
        "subject_reference_image_url": "@robot.png",
    },
    f"{MINIMAX}/speech-02-hd": {
        "text": "The tide is out, <#0.4#> and the boats lie on the sand. Who would have thought that it is so late!",
        "voice_setting": {"voice_id": "Calm_Woman", "speed": 0.95, "emotion": "happy"},
        "output_format": "url",
    },
    f"{MINIMAX}/speech-02-turbo": {
        "text": "Der Zug nach Hamburg fährt heute von Gleis sieben.",
        "voice_setting": {"voice_id": "Elegant_Man"},
        "audio_setting": {"format": "flac", "sample_rate": 44100},
        "language_boost": "German",
        "output_format": "url",
    },
    f"{MINIMAX}/voice-clone": {
        "audio_url": "@sample.mp3",
        "noise_reduction": True,
        "text": "So this is how I sound when somebody else does the talking.",
    },
    f"{MINIMAX}/voice-delete": {"voice_id": CLONED},
    f"{MINIMAX}/image-01": {
        "prompt": "A lighthouse on an island at dusk, a sailing boat passes",
        "aspect_ratio": "16:9",
        "num_images": 2,
    },
    f"{MINIMAX}/image-01/subject-reference": {
        "prompt": "The bear stands in a kitchen in the morning",
        "image_url": "@bear.png",
        "aspect_ratio": "4:3",
    },
}

PIXVERSE_SHOTS: dict[str, dict[str, Any]] = {
    f"{PIXVERSE}/v4.5/image-to-video": {
        "prompt": "Clouds drift, slow push in",
        "image_url": "@mountain-path.jpg",
        "resolution": "540p",
        "style": "anime",
        "seed": 1,
    },
    f"{PIXVERSE}/v4.5/text-to-video": {
        "prompt": "A robot dances on a stage, spotlights, the camera orbits",
        "resolution": "540p",
        "style": "3d_animation",
        "seed": 2,
    },
    f"{PIXVERSE}/v4.5/text-to-video/fast": {
        "prompt": "A castle on a mountain, a dragon flies past, afternoon",
        "resolution": "540p",
        "style": "comic",
        "seed": 3,
    },
    f"{PIXVERSE}/v4.5/image-to-video/fast": {
        "prompt": "It rains, the camera trucks left",
        "image_url": "@city.png",
        "resolution": "540p",
        "style": "cyberpunk",
        "seed": 4,
    },
    f"{PIXVERSE}/v4/image-to-video/fast": {
        "prompt": "The teapot turns slowly, studio light",
        "image_url": "@teapot.png",
        "resolution": "540p",
        "aspect_ratio": "1:1",
        "style": "clay",
        "seed": 5,
    },
    f"{PIXVERSE}/v4.5/transition": {
        "prompt": "From the harbour to the city",
        "first_image_url": "@harbour.png",
        "last_image_url": "@city.png",
        "resolution": "540p",
        "seed": 6,
    },
    f"{PIXVERSE}/extend": {
        "video_url": "@train.mp4",
        "prompt": "The camera goes on to the right, it begins to snow",
        "resolution": "540p",
        "seed": 7,
    },
    f"{PIXVERSE}/extend/fast": {
        "video_url": "@boat.mp4",
        "prompt": "The camera pulls out over the lake",
        "resolution": "540p",
        "seed": 8,
    },
    f"{PIXVERSE}/sound-effects": {"video_url": "@dog.mp4", "prompt": "Waves, gulls, a dog barks twice"},
    f"{PIXVERSE}/lipsync": {
        "video_url": "@speaker.mp4",
        "text": "Good morning, and welcome aboard.",
        "voice_id": "Emily",
    },
}

OTHERS: dict[str, dict[str, Any]] = {
    "rushes/camera": {"image_url": "@mountain-path.jpg", "x": 0.4, "yaw": 6.0, "zoom": 0.25},
    "fal-ai/bytedance/seedance/v1/lite/image-to-video": {
        "prompt": "The sun goes down over the harbour, the water glitters",
        "image_url": "@harbour.png",
        "resolution": "480p",
        "camera_fixed": True,
        "seed": 1,
    },
    "fal-ai/veo2/image-to-video": {
        "prompt": "Whip pan right, then hold; wind in the grass",
        "image_url": "@mountain-path.jpg",
    },
    "fal-ai/wan-i2v": {
        "prompt": "Slow push in, smoke drifts over the coast road",
        "image_url": "@car.png",
        "resolution": "480p",
        "seed": 1,
    },
    "fal-ai/wan-pro/image-to-video": {
        "prompt": "Dutch angle, the camera rolls slowly, snow falls",
        "image_url": "@fox.png",
        "seed": 2,
    },
    "fal-ai/wan-pro/text-to-video": {
        "prompt": "A windmill in a field of lavender in summer, wind, aerial shot",
        "seed": 3,
    },
    "fal-ai/decart/lucy-5b/image-to-video": {
        "prompt": "The dog looks out over the sea, waves, dolly in",
        "image_url": "@dog.png",
        "sync_mode": True,
    },
    "fal-ai/ltx-video/image-to-video": {
        "prompt": "Bubbles of light drift up, the camera orbits the teapot",
        "image_url": "@teapot.png",
        "seed": 9,
    },
}

SHOTS: Mapping[str, Mapping[str, Any]] = {
    **AVATAR,
    **KLING_SHOTS,
    **LONGCAT_SHOTS,
    **LUMA_SHOTS,
    **MAGI_SHOTS,
    **MINIMAX_SHOTS,
    **PIXVERSE_SHOTS,
    **OTHERS,
}
