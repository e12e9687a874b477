import cv2
import numpy as np
import pytest

from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.style import STYLES, styled
from tests.engines.animatic.pictures import landscape, textured

SKIN = (222, 176, 148)


def cloudy() -> Picture:
    """Clouds with film grain: bright and soft, with nothing that has an outline."""
    dice = np.random.default_rng(2)
    soft = cv2.resize(dice.uniform(150, 250, (5, 8)).astype(np.float32), (640, 360), interpolation=cv2.INTER_CUBIC)
    grainy = soft + dice.normal(0.0, 7.0, (360, 640))
    return np.repeat(np.clip(grainy, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("style", ["comic", "anime"])
def test_grain_in_clouds_leaves_no_specks(style: str) -> None:
    drawn = cv2.cvtColor(styled(cloudy(), style), cv2.COLOR_RGB2GRAY)
    assert (drawn < 90).mean() < 0.0005


@pytest.mark.parametrize("style", ["comic", "anime"])
def test_outlines_are_inked(style: str) -> None:
    picture = np.full((360, 640, 3), 190, np.uint8)
    cv2.circle(picture, (320, 180), 90, (120, 160, 200), -1, cv2.LINE_AA)
    drawn = cv2.cvtColor(styled(picture, style), cv2.COLOR_RGB2GRAY)
    ring = np.zeros((360, 640), np.uint8)
    cv2.circle(ring, (320, 180), 90, 1, 7)
    assert drawn[ring == 1].min() < drawn[180, 320] - 25


def test_skin_stays_warm_among_neon_and_the_sky_turns_blue() -> None:
    picture = landscape(640, 360)
    cv2.ellipse(picture, (320, 180), (80, 110), 0, 0, 360, SKIN, -1, cv2.LINE_AA)
    night = styled(picture, "cyberpunk").astype(int)
    red, _, blue = night[180, 320]
    assert red > blue
    red, _, blue = night[20, 60]
    assert blue > red


@pytest.mark.parametrize("style", list(STYLES))
@pytest.mark.parametrize("size", [(64, 1280), (17, 9), (640, 360)])
def test_every_style_keeps_size_and_place_and_is_the_same_each_time(style: str, size: tuple[int, int]) -> None:
    picture = textured(*size)
    once, again = styled(picture, style), styled(picture, style)
    assert once.shape == picture.shape
    assert np.array_equal(once, again)
