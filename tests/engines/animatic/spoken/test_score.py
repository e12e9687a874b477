import random

import numpy as np
import pytest

from rushes.engines.animatic.spoken.character import Character
from rushes.engines.animatic.spoken.formants import sing
from rushes.engines.animatic.spoken.letters import clauses
from rushes.engines.animatic.spoken.score import STEP_S, Score, score


def written(text: str, **changes: float) -> Score:
    (clause,) = clauses(text)
    given = {"speed": 1.0, "semitones": 0.0, **changes}
    return score(clause, Character(), speed=given["speed"], semitones=given["semitones"], dice=random.Random(1))


def test_curves_are_as_long_as_the_clause() -> None:
    sheet = written("Good evening to all of you.")
    assert len(sheet.pitch) == len(sheet.voice) == sheet.formants.shape[1]
    assert len(sheet.pitch) * STEP_S == pytest.approx(sheet.seconds, abs=STEP_S)


def test_a_question_rises_and_a_statement_falls() -> None:
    question, statement = written("Are you going home?"), written("You are going home.")
    last = slice(-len(question.pitch) // 4, None)
    assert question.pitch[last].max() > question.pitch[: len(question.pitch) // 4].mean()
    assert statement.pitch[last].mean() < statement.pitch[: len(statement.pitch) // 4].mean()


def test_semitones_transpose_the_whole_melody() -> None:
    assert np.allclose(written("Hello there.", semitones=12.0).pitch, 2 * written("Hello there.").pitch)


def test_a_stop_is_closed_before_it_bursts() -> None:
    sheet = written("tea")
    burst = sheet.bursts[0]
    assert burst.sharp
    assert burst.start_s > 0.02


def test_formants_move_from_vowel_to_vowel() -> None:
    sheet = written("we are")
    assert sheet.formants[0].max() > 1.5 * sheet.formants[0].min()


@pytest.mark.parametrize("sample_rate", [8_000, 48_000])
def test_a_score_is_sung_at_any_rate_with_its_length(sample_rate: int) -> None:
    sheet = written("She sells sea shells.")
    samples = sing(sheet, Character(), sample_rate, np.random.default_rng(1))
    assert len(samples) == round(sheet.seconds * sample_rate)
    assert 0.05 < samples.std() < 0.5
    assert np.abs(samples).max() < 0.95
    assert samples.dtype == np.float32
