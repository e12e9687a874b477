"""The sounds of speech as a table: how long each lasts, how it is made, and where its resonances lie.

Formants are those of a grown man's vocal tract (after Peterson and Barney, 1952, and Klatt, 1980, rounded); a voice
scales them. Turning them into samples is `formants`' job.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phoneme:
    """One sound. Levels from 0 to 1; `noise_hz` and `width_hz` say where its noise lies.

    `glide` is where a diphthong's formants go; a `stop` is silence first, then a burst.
    """

    length_s: float
    formants: tuple[float, float, float]
    voiced: float = 1.0
    noise: float = 0.0
    noise_hz: float = 4000.0
    width_hz: float = 2000.0
    glide: tuple[float, float, float] | None = None
    stop: bool = False

    @property
    def vowel(self) -> bool:
        """Whether it carries a syllable."""
        return self.voiced == 1.0 and not self.noise


def _stop(formants: tuple[float, float, float], voiced: float, hz: float, width: float) -> Phoneme:
    return Phoneme(0.085, formants, voiced, 0.55, hz, width, stop=True)


_AH = (640.0, 1190.0, 2390.0)
_IY, _IH = (270.0, 2290.0, 3010.0), (390.0, 1990.0, 2550.0)
_UH, _UW = (440.0, 1020.0, 2240.0), (300.0, 870.0, 2240.0)
_LIPS, _TEETH, _BACK = (300.0, 900.0, 2200.0), (320.0, 1700.0, 2600.0), (300.0, 1900.0, 2300.0)

PHONEMES: dict[str, Phoneme] = {
    "IY": Phoneme(0.13, _IY),
    "IH": Phoneme(0.09, _IH),
    "EH": Phoneme(0.11, (530.0, 1840.0, 2480.0)),
    "AE": Phoneme(0.13, (660.0, 1720.0, 2410.0)),
    "AA": Phoneme(0.14, (730.0, 1090.0, 2440.0)),
    "AO": Phoneme(0.14, (570.0, 840.0, 2410.0)),
    "AH": Phoneme(0.08, _AH),
    "UH": Phoneme(0.09, _UH),
    "UW": Phoneme(0.13, _UW),
    "ER": Phoneme(0.13, (490.0, 1350.0, 1690.0)),
    "EY": Phoneme(0.15, (480.0, 1990.0, 2570.0), glide=(340.0, 2200.0, 2850.0)),
    "AY": Phoneme(0.17, (710.0, 1200.0, 2440.0), glide=(400.0, 2050.0, 2600.0)),
    "OY": Phoneme(0.17, (550.0, 880.0, 2400.0), glide=(400.0, 1950.0, 2550.0)),
    "OW": Phoneme(0.15, (540.0, 1000.0, 2300.0), glide=(380.0, 850.0, 2250.0)),
    "AW": Phoneme(0.17, (700.0, 1230.0, 2440.0), glide=(430.0, 980.0, 2280.0)),
    "W": Phoneme(0.07, (300.0, 640.0, 2150.0), 0.7),
    "Y": Phoneme(0.06, (270.0, 2200.0, 2950.0), 0.7),
    "R": Phoneme(0.07, (330.0, 1100.0, 1450.0), 0.7),
    "L": Phoneme(0.07, (340.0, 1050.0, 2700.0), 0.7),
    "M": Phoneme(0.08, (260.0, 1000.0, 2200.0), 0.45),
    "N": Phoneme(0.075, (260.0, 1500.0, 2500.0), 0.45),
    "NG": Phoneme(0.085, (260.0, 2000.0, 2600.0), 0.45),
    "F": Phoneme(0.10, _LIPS, 0.0, 0.16, 6000.0, 5000.0),
    "V": Phoneme(0.07, _LIPS, 0.4, 0.10, 5500.0, 4500.0),
    "TH": Phoneme(0.09, _TEETH, 0.0, 0.14, 6500.0, 4000.0),
    "DH": Phoneme(0.05, _TEETH, 0.45, 0.07, 6000.0, 4000.0),
    "S": Phoneme(0.11, _TEETH, 0.0, 0.42, 7000.0, 1900.0),
    "Z": Phoneme(0.09, _TEETH, 0.35, 0.28, 6800.0, 1900.0),
    "SH": Phoneme(0.12, (300.0, 1850.0, 2600.0), 0.0, 0.46, 3300.0, 1300.0),
    "ZH": Phoneme(0.09, (300.0, 1850.0, 2600.0), 0.35, 0.28, 3200.0, 1300.0),
    "HH": Phoneme(0.06, _AH, 0.0, 0.20, 1500.0, 1500.0),
    "CH": Phoneme(0.12, (300.0, 1850.0, 2600.0), 0.0, 0.55, 3500.0, 1500.0, stop=True),
    "JH": Phoneme(0.10, (300.0, 1850.0, 2600.0), 0.30, 0.40, 3200.0, 1500.0, stop=True),
    "P": _stop(_LIPS, 0.0, 900.0, 900.0),
    "B": _stop(_LIPS, 0.30, 700.0, 700.0),
    "T": _stop(_TEETH, 0.0, 4500.0, 2500.0),
    "D": _stop(_TEETH, 0.30, 3800.0, 2200.0),
    "K": _stop(_BACK, 0.0, 2000.0, 1000.0),
    "G": _stop(_BACK, 0.30, 1800.0, 900.0),
}
