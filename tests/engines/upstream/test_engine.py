"""The engine with the recipes that come with Rushes, real processes and files, and stubs for the two models."""

from __future__ import annotations

import fcntl
import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from rushes.calls import UpstreamCall
from rushes.engines.engine import Cancelled, Progress, Unable
from rushes.engines.residence import Residence
from rushes.engines.upstream import gpus
from rushes.engines.upstream.engine import UpstreamEngine
from tests.engines.upstream.standing import Standing, is_alive, ours, picture_file, stand

SECRETS = {"FAL_KEY": "nobody-may-see", "RUSHES_RUNNER_KEY": "nobody-may-see", "PATH": "/usr/bin:/bin"}


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Standing:
    return stand(tmp_path_factory.mktemp("standing"))


@pytest.fixture
def engine(standing: Standing) -> UpstreamEngine:
    standing.forget()
    return UpstreamEngine("one", standing.setup("magi-distilled"), Residence(), SECRETS)


def told(prompt: str = "a boat", **more: object) -> UpstreamCall:
    values: dict[str, object] = {"width": 64, "height": 48, "frames": 96, "made": 96, "fps": 24, "seed": 7, "steps": 16}
    return UpstreamCall(**{"task": "t2v", "prompt": prompt, **values, **more})  # type: ignore[arg-type]


def silent(_: Progress) -> None:
    pass


def never() -> bool:
    return False


def after(seconds: float) -> Callable[[], bool]:
    ends = time.monotonic() + seconds
    return lambda: time.monotonic() > ends


def refused(engine: UpstreamEngine, call: UpstreamCall) -> Unable:
    with pytest.raises(Unable) as caught:
        engine.generate(call, silent, never)
    return caught.value


def test_says_who_makes_the_films(engine: UpstreamEngine) -> None:
    maker = engine.load()
    assert (maker.engine, maker.model, maker.version) == ("upstream", "MAGI-1 4.5B distilled fp8", "own")
    assert not maker.stand_in


def test_every_dial_reaches_the_program(engine: UpstreamEngine, standing: Standing, tmp_path: Path) -> None:
    prompt = "--a 'quoted' {prompt} $(touch x) \"é\"\nline"
    image = picture_file(tmp_path, 320, 160)
    steps: list[Progress] = []
    film = engine.generate(told(prompt, task="i2v", image=image, frames=100, made=120), steps.append, never)
    assert (film.width, film.height, film.frames) == (64, 48, 100)
    ran = standing.record[0]
    assert ran["prompt"] == prompt
    runtime = ran["config"]["runtime_config"]
    asked = [runtime[name] for name in ("num_frames", "video_size_w", "video_size_h", "num_steps", "seed")]
    assert asked == [120, 64, 48, 16, 7]
    assert ran["picture"][:3] == [48, 64, 3]  # cropped to the shape, not stretched: the grey edge is gone at the sides
    assert [(one.done, one.total, one.noun) for one in steps] == [(n, 5, "steps") for n in range(1, 6)]


def test_the_program_gets_no_key_and_only_the_gpus_it_may_use(standing: Standing, engine: UpstreamEngine) -> None:
    setup = standing.setup("magi-distilled", devices=["3"])
    UpstreamEngine("one", setup, Residence(), SECRETS).generate(told(), silent, never)
    variables = standing.record[0]["variables"]
    assert "nobody-may-see" not in str(variables)
    assert variables["CUDA_VISIBLE_DEVICES"] == "3"
    assert variables["HF_HUB_OFFLINE"] == "1"
    assert standing.record[0]["cwd"] == variables["RUSHES_FILM_FOLDER"]
    assert variables["TMPDIR"].startswith(variables["RUSHES_FILM_FOLDER"])


def test_nothing_is_left_of_a_film_once_it_is_read(engine: UpstreamEngine) -> None:
    film = engine.generate(told(), silent, never)
    folder = Path(film.path).parent
    assert folder.exists()
    film.then(iter(()))
    assert not folder.exists()


@pytest.mark.parametrize(
    ("order", "words", "remedy"),
    [
        ("crash=3", "program on this server failed", "exit code"),
        ("oom", "too little memory", "CUDA out of memory"),
        ("nogpu", "no device", "NVIDIA driver"),
        ("empty", "no usable film", "left none of"),
    ],
)
def test_what_goes_wrong_is_told_by_kind(engine: UpstreamEngine, order: str, words: str, remedy: str) -> None:
    unable = refused(engine, told(f"stub:{order}"))
    assert words in str(unable.error)
    assert remedy in unable.remedy
    assert "/" not in str(unable.error)
    assert unable.blame == "here"


def test_the_next_film_comes_after_one_that_failed(engine: UpstreamEngine) -> None:
    refused(engine, told("stub:crash"))
    assert engine.generate(told(), silent, never).frames == 96


def test_its_lines_are_logged_without_paths(engine: UpstreamEngine, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "rushes.engines.upstream"):
        engine.generate(told("stub:wordy"), silent, never)
    assert "…/model.safetensors" in caplog.text
    assert "secret-place" not in caplog.text
    assert "\x1b" not in caplog.text
    assert "InferBatch" not in caplog.text


def test_cancel_ends_all_that_was_started(engine: UpstreamEngine, standing: Standing) -> None:
    with pytest.raises(Cancelled):
        engine.generate(told("stub:fork stub:deaf stub:slow=60"), silent, after(2.0))
    left = [ran["left"] for ran in standing.record if "left" in ran]
    assert left
    assert not any(map(is_alive, left))
    assert not ours(standing.folder)


def test_a_program_that_takes_too_long_is_ended(standing: Standing) -> None:
    engine = UpstreamEngine("one", standing.setup("magi-distilled", timeout_s=1.5), Residence(), SECRETS)
    unable = refused(engine, told("stub:slow=60"))
    assert "timeout_s" in unable.remedy
    assert not ours(standing.folder)


def test_a_program_that_writes_too_much_is_ended(standing: Standing) -> None:
    engine = UpstreamEngine("one", standing.setup("magi-distilled", disk_gb=0.05), Residence(), SECRETS)
    assert "disk_gb" in refused(engine, told("stub:large")).remedy


def test_a_full_disk_is_told_before_anything_starts(standing: Standing) -> None:
    standing.forget()
    engine = UpstreamEngine("one", standing.setup("magi-distilled", disk_gb=1e9), Residence(), SECRETS)
    assert "make room" in refused(engine, told()).remedy
    assert not standing.record


def test_what_breaks_the_models_rules_is_refused(engine: UpstreamEngine) -> None:
    assert "width is 60 and must be divisible by 16" in refused(engine, told(width=60)).remedy
    assert "has no task 'at2v'" in refused(engine, told(task="at2v")).remedy


def test_what_is_not_there_is_told_to_each_job(standing: Standing) -> None:
    setup = standing.setup("magi-distilled", source=None)
    engine = UpstreamEngine("one", setup, Residence(), SECRETS)
    assert engine.load().model
    assert "rushes runner prepare one" in refused(engine, told()).remedy


def test_a_gpu_that_is_too_small_is_refused(standing: Standing, tmp_path: Path) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '0, GPU-abc, NVIDIA Tiny, 8192'\n")
    tool.chmod(0o755)
    variables = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    engine = UpstreamEngine("one", standing.setup("magi-distilled"), Residence(), variables)
    assert "NVIDIA Tiny has 9 GB, and 22 GB are needed" in refused(engine, told()).remedy
    engine = UpstreamEngine("one", standing.setup("magi-distilled", devices=["4"]), Residence(), variables)
    assert "there is no GPU 4" in refused(engine, told()).remedy


def test_a_gpu_that_another_deployment_works_on_is_waited_for(standing: Standing, tmp_path: Path) -> None:
    tool, uuid = tmp_path / "nvidia-smi", f"GPU-{uuid4()}"
    tool.write_text(f"#!/bin/sh\necho '0, {uuid}, NVIDIA Large, 81920'\n")
    tool.chmod(0o755)
    variables = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    engine = UpstreamEngine("one", standing.setup("magi-distilled"), Residence(), variables)
    (turn,) = gpus.turns(("0",), gpus.present(variables), Path(tempfile.gettempdir()))
    standing.forget()
    try:
        with turn.open("a") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            with pytest.raises(Cancelled):
                engine.generate(told(), silent, after(1.0))
            assert not standing.record
        assert engine.generate(told(), silent, never).frames == 96
    finally:
        turn.unlink()


def test_others_on_its_gpu_make_room(standing: Standing) -> None:
    residence, left = Residence(), []
    residence.enter("other", "cuda:0", 1, lambda: left.append("other"))
    UpstreamEngine("one", standing.setup("magi-distilled"), residence, SECRETS).generate(told(), silent, never)
    assert left == ["other"]


def test_room_is_made_on_the_gpu_itself_whatever_this_process_calls_it(standing: Standing) -> None:
    residence, left = Residence(), []
    for number in (0, 2):
        residence.enter(f"on {number}", f"cuda:{number}", 1, lambda number=number: left.append(number))  # type: ignore[misc]
    variables = {**SECRETS, "CUDA_VISIBLE_DEVICES": "2,3"}
    UpstreamEngine("one", standing.setup("magi-distilled"), residence, variables).generate(told(), silent, never)
    assert left == [0]  # the first that is visible is GPU 2
    assert standing.record[-1]["variables"]["CUDA_VISIBLE_DEVICES"] == "2"


def test_a_folder_that_cannot_be_written_is_told(standing: Standing, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    engine = UpstreamEngine("one", standing.setup("magi-distilled", folder=tmp_path / "file"), Residence(), SECRETS)
    unable = refused(engine, told())
    assert "file" in unable.remedy
    assert str(tmp_path) not in str(unable.error)


def test_several_gpus_get_a_process_each(standing: Standing, engine: UpstreamEngine) -> None:
    engine.generate(told(), silent, never)
    one = standing.record[0]
    setup = standing.setup("magi-distilled", variant="24B-quant", devices=["0", "1"])
    UpstreamEngine("one", setup, Residence(), SECRETS).generate(told(), silent, never)
    two = standing.record[1]
    assert "WORLD_SIZE" not in one["variables"]
    assert (two["variables"]["WORLD_SIZE"], two["variables"]["CUDA_VISIBLE_DEVICES"]) == ("2", "0,1")
    assert [ran["config"]["engine_config"]["cp_size"] for ran in (one, two)] == [1, 2]
    model = two["config"]["model_config"]
    assert (model["num_layers"], model["half_channel_vae"], model["x_rescale_factor"]) == (48, True, 0.1)
    assert two["config"]["engine_config"]["fp8_quant"] is True
