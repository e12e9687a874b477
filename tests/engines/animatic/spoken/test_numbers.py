import pytest

from rushes.engines.animatic.spoken.numbers import read_out


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("0", "zero"),
        ("7", "seven"),
        ("13", "thirteen"),
        ("40", "forty"),
        ("42", "forty two"),
        ("100", "one hundred"),
        ("1,234", "one thousand two hundred thirty four"),
        ("2026", "two thousand twenty six"),
        ("3.50", "three point five zero"),
        ("1000000", "one million"),
        ("007", "zero zero seven"),
        ("5000000000", "five billion"),
        ("12345678901234", "one two three four five six seven eight nine zero one two three four"),
    ],
)
def test_a_number_is_read_out(written: str, said: str) -> None:
    assert " ".join(read_out(written).split()) == said


def test_text_around_numbers_stays() -> None:
    assert " ".join(read_out("take 2 eggs, or 3").split()) == "take two eggs, or three"
