import itertools
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.engines.animatic.camera import Kind, Move, read_camera

ORDINARY = 1.0


def said(prompt: str) -> list[tuple[str, int]]:
    return [(move.kind, move.sign) for move in read_camera(prompt, 1)]


def is_default(prompt: str) -> bool:
    return read_camera(prompt, 1) == read_camera("", 1)


@pytest.mark.parametrize(
    ("prompt", "kind", "sign"),
    [
        ("pan left", "pan", -1),
        ("The camera pans slowly to the right", "pan", 1),
        ("the camera pans left to right", "pan", 1),
        ("panning shot of the city", "pan", 1),
        ("pan camera left", "pan", -1),
        ("camera turns right", "pan", 1),
        ("tilt up", "tilt", 1),
        ("camera tilts down to her shoes", "tilt", -1),
        ("tilt the camera up", "tilt", 1),
        ("pan up", "tilt", 1),
        ("zoom in", "zoom", 1),
        ("Zooming out, the whole town appears", "zoom", -1),
        ("zoom-out", "zoom", -1),
        ("crash zoom on the eye", "zoom", 1),
        ("push in", "dolly", 1),
        ("slow push-in on his face", "dolly", 1),
        ("dolly in", "dolly", 1),
        ("the camera moves closer", "dolly", 1),
        ("pull out", "dolly", -1),
        ("camera pulls back to reveal the valley", "dolly", -1),
        ("dolly out", "dolly", -1),
        ("move back", "dolly", -1),
        ("the camera glides forward through the trees", "dolly", 1),
        ("truck left", "truck", -1),
        ("camera tracks right alongside the runner", "truck", 1),
        ("move the camera to the right", "truck", 1),
        ("a smooth tracking shot to the left", "truck", -1),
        ("pedestal up", "pedestal", 1),
        ("crane down", "pedestal", -1),
        ("boom up", "pedestal", 1),
        ("the camera rises above the roofs", "pedestal", 1),
        ("orbit left", "orbit", -1),
        ("arc right around the car", "orbit", 1),
        ("circle around the statue", "orbit", 1),
        ("the camera slowly circles him", "orbit", 1),
        ("slow 360 degree orbit around the vase", "orbit", 1),
        ("drone shot flying backwards over a forest", "dolly", -1),
        ("roll clockwise", "roll", 1),
        ("camera rolls counter-clockwise", "roll", -1),
        ("dutch angle", "roll", 1),
        ("handheld", "shake", 1),
        ("hand-held camera footage of a street", "shake", 1),
        ("camera shake", "shake", 1),
        ("[Truck right]", "truck", 1),
        ("A town wakes up. [Pull out]", "dolly", -1),
        ("[Shake]", "shake", 1),
        ("[Tracking shot]", "truck", 1),
        ("swish pan", "pan", 1),
        ("left whip pan", "pan", -1),
        ("crane shot descending", "pedestal", -1),
        ("a lateral move to the left", "truck", -1),
        ("camera goes down", "pedestal", -1),
        ("camera pivots right", "pan", 1),
        ("the camera spins", "roll", 1),
        ("pullback shot", "dolly", -1),
        ("the shot widens", "zoom", -1),
        ("half orbit around the car", "orbit", 1),
        ("a half-orbit to the left", "orbit", -1),
        ("180 degree orbit around the vase", "orbit", 1),
        ("the camera makes a half circle around her, clockwise", "orbit", 1),
        ("turntable shot", "orbit", 1),
        ("not in but out", "dolly", -1),
        ("Zoom, not in but out.", "zoom", -1),
        ("push, not in but out", "dolly", -1),
        ("the camera moves not in but out", "dolly", -1),
        ("pan not left but right", "pan", 1),
        ("not up but down", "tilt", -1),
        ("reveal shot", "dolly", -1),
        ("rise up", "pedestal", 1),
        ("camera left", "truck", -1),
        ("one-take steadicam, moving backward", "dolly", -1),
    ],
)
def test_a_move_is_read_with_its_direction(prompt: str, kind: str, sign: int) -> None:
    assert said(prompt) == [(kind, sign)]


@pytest.mark.parametrize(
    "prompt",
    [
        "static shot",
        "[Static shot]",
        "Static camera, leaves sway in the wind",
        "locked-off camera",
        "locked off",
        "tripod",
        "filmed on a tripod",
        "The camera remains completely still.",
        "The camera does not move.",
        "no camera movement",
        "a river flows, without any camera motion",
        "don't move the camera",
        "without moving the camera, leaves fall",
        "keep the camera still",
        "camera not moving",
        "no movement",
    ],
)
def test_a_locked_off_camera_does_not_move(prompt: str) -> None:
    assert read_camera(prompt, 1) == ()


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "a cat on a sofa",
        "eggs in a frying pan",
        "a pan of water on the stove",
        "the pan left on the stove",
        "a roll of film on a desk",
        "a rock and roll band",
        "a ball rolls left down the hill",
        "a truck driving down the road",
        "the truck left the garage",
        "a man with a tilted hat",
        "a boy tilts his head up",
        "a zoom lens on the table",
        "a woman on a zoom call",
        "a static noise fills the room",
        "dolly the sheep",
        "a man pulls out a gun",
        "she pushes in the drawer",
        "she moves closer to him",
        "waves pull back from the shore",
        "a crane lifts up a container",
        "the sun rises over the hills",
        "a boat drifts left",
        "a milkshake",
        "he shakes hands with her",
        "a handheld fan in her hand",
        "a satellite in the orbit of mars",
        "people circle around the fire",
        "she is not in but out of the room",
        "half turn of the key",
        "a half circle of stones",
        "a dog turns a full circle",
    ],
)
def test_ordinary_words_are_no_camera_moves(prompt: str) -> None:
    assert is_default(prompt)


@pytest.mark.parametrize(
    ("prompt", "moves"),
    [
        ("slow push in while panning left", [("dolly", 1), ("pan", -1)]),
        ("camera pans left and zooms in", [("pan", -1), ("zoom", 1)]),
        ("[Truck left, Pan right, Zoom in]", [("truck", -1), ("pan", 1), ("zoom", 1)]),
        ("[Pull out,Pedestal up] a town", [("dolly", -1), ("pedestal", 1)]),
        ("handheld, slow push in", [("shake", 1), ("dolly", 1)]),
        ("dolly zoom", [("dolly", 1), ("zoom", -1)]),
        ("reverse dolly zoom", [("dolly", -1), ("zoom", 1)]),
    ],
)
def test_moves_named_together_happen_together(prompt: str, moves: list[tuple[str, int]]) -> None:
    read = read_camera(prompt, 1)
    assert [(move.kind, move.sign) for move in read] == moves
    assert all((move.start, move.end) == (0.0, 1.0) for move in read)


@pytest.mark.parametrize(
    ("prompt", "moves"),
    [
        ("pan left, then tilt up", [("pan", -1), ("tilt", 1)]),
        ("pan left and right", [("pan", -1), ("pan", 1)]),
        ("zoom in followed by truck right", [("zoom", 1), ("truck", 1)]),
        ("[Push in] a man waves [Pan left]", [("dolly", 1), ("pan", -1)]),
        ("[Push in], [Pan left], [Tilt up]", [("dolly", 1), ("pan", -1), ("tilt", 1)]),
    ],
)
def test_moves_in_sequence_share_the_clip_and_blend(prompt: str, moves: list[tuple[str, int]]) -> None:
    read = read_camera(prompt, 1)
    assert [(move.kind, move.sign) for move in read] == moves
    assert read[0].start == 0.0
    assert read[-1].end == 1.0
    for one, following in itertools.pairwise(read):
        assert one.start < following.start < one.end < following.end


def test_a_static_part_of_a_sequence_holds_the_camera() -> None:
    (move,) = read_camera("[Static shot], [Push in]", 1)
    assert move.kind == "dolly"
    assert move.start > 0.4


@pytest.mark.parametrize(
    ("prompt", "unwanted"),
    [
        ("a dog runs, without zoom", {"zoom", "dolly"}),
        ("never zoom in", {"zoom", "dolly"}),
        ("don't pan", {"pan", "truck", "orbit"}),
        ("no zooming or panning", {"zoom", "dolly", "pan", "truck", "orbit"}),
        ("no panning, zooming or shaking", {"zoom", "dolly", "pan", "truck", "orbit", "shake"}),
    ],
)
@pytest.mark.parametrize("seed", range(6))
def test_a_refused_move_is_not_made_nor_one_that_looks_like_it(prompt: str, unwanted: set[str], seed: int) -> None:
    assert not {move.kind for move in read_camera(prompt, seed)} & unwanted


@pytest.mark.parametrize(
    ("prompt", "kind", "sign"),
    [
        ("no zoom, pan left", "pan", -1),
        ("instead of zooming out, pan right", "pan", 1),
        ("not a static shot, push in", "dolly", 1),
        ("don't tilt but truck left", "truck", -1),
    ],
)
def test_a_refusal_does_not_reach_the_next_clause(prompt: str, kind: str, sign: int) -> None:
    assert said(prompt) == [(kind, sign)]


@pytest.mark.parametrize("word", ["slow", "slowly", "gently", "subtle"])
def test_quiet_words_shorten_the_way(word: str) -> None:
    assert read_camera(f"{word} zoom in", 1)[0].amount < ORDINARY


@pytest.mark.parametrize("word", ["fast", "quickly", "dramatic", "rapid"])
def test_strong_words_lengthen_the_way(word: str) -> None:
    assert read_camera(f"{word} zoom in", 1)[0].amount > ORDINARY


def test_a_speed_word_belongs_to_the_move_beside_it() -> None:
    slow, plain = read_camera("slow push in while panning left", 1)
    assert slow.amount < plain.amount == ORDINARY
    assert read_camera("a fast car, pan left", 1)[0].amount == ORDINARY
    assert read_camera("[Slow push in]", 1)[0].amount < ORDINARY


def test_without_camera_words_the_seed_draws_a_gentle_move_in() -> None:
    drawn = {read_camera("a cat", seed) for seed in range(20)}
    assert len(drawn) == 20
    assert all(move.amount < ORDINARY for moves in drawn for move in moves)
    assert all(moves[0].kind == "dolly" and moves[0].sign == 1 for moves in drawn)


WORDS = st.sampled_from(
    re.findall(
        r"\S+",
        "pan tilt zoom dolly truck orbit roll no without don't then and , . [ ] left right up in out the camera slowly "
        "static shot handheld while of around clockwise é 映",
    )
)
KINDS: set[Kind] = {"pan", "tilt", "zoom", "dolly", "truck", "pedestal", "orbit", "roll", "shake"}


@given(st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=40).map(" ".join)), st.integers(0, 2**63))
def test_any_text_gives_moves_that_fit_the_clip(prompt: str, seed: int) -> None:
    moves = read_camera(prompt, seed)
    assert moves == read_camera(prompt, seed)
    for move in moves:
        assert isinstance(move, Move)
        assert move.kind in KINDS
        assert move.sign in (-1, 1)
        assert 0.1 < move.amount < 3.0
        assert 0.0 <= move.start < move.end <= 1.0


@pytest.mark.timeout(5)
def test_a_very_long_prompt_is_read_quickly() -> None:
    read_camera("camera " * 100_000, 1)
    read_camera("slowly " * 100_000 + "zoom", 1)
    read_camera("zoom slowly slowly slowly " * 50_000, 1)
    read_camera("[" * 50_000, 1)


@pytest.mark.parametrize("prompt", ["steadicam follow", "Steadicam follows her through the corridor", "steadicam shot"])
def test_a_steadicam_walks_along(prompt: str) -> None:
    assert said(prompt) == [("dolly", 1), ("truck", 1)]


def test_a_handheld_camera_that_follows_does_both() -> None:
    assert {kind for kind, _ in said("handheld follow")} == {"shake", "dolly", "truck"}


def test_half_an_orbit_goes_further_than_a_quarter() -> None:
    half, quarter = (read_camera(f"{part} orbit right", 1)[0] for part in ("half", "quarter"))
    assert half.amount > quarter.amount


@pytest.mark.parametrize("word", ["do ", "please ", "and slowly ", "the camera "])
def test_a_word_that_is_said_over_and_over_costs_no_more_than_its_length(word: str) -> None:
    began = time.perf_counter()
    for end in ("xyz zoom", "xyz orbit, then pan", "zoom"):
        read_camera((word * 27)[:81] + end, 1)
    assert time.perf_counter() - began < 2.0
