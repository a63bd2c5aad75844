"""A number as a text states it, and the numbers that a source may be read to have."""

from __future__ import annotations

from dataclasses import dataclass

# A round number is that far at most from the exact one that it stands for.
_ROUNDED_WITHIN = 0.1


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it stands in a text: ``readings`` are the values that must all be there, one reading or another;
    ``floor`` marks "thousands" without a number, ``about`` a round number.
    """

    readings: tuple[tuple[float, ...], ...]
    text: str
    start: int
    end: int
    percent: bool = False
    floor: bool = False
    about: bool = False


@dataclass(frozen=True, slots=True)
class Amounts:
    """Every value that a source may be read to have, and whether it speaks of shares of a hundred."""

    values: frozenset[float]
    percent: bool

    def has(self, number: Number) -> bool:
        """Whether the number is among them."""
        if number.percent and not (self.percent or any(0 < each < 1 for each in self.values)):
            return False
        return any(all(self._holds(value, number) for value in reading) for reading in number.readings)

    def _holds(self, value: float, number: Number) -> bool:
        if any(abs(value - each) <= 1e-3 * abs(each) * (each < 1) + 1e-9 * abs(each) for each in self.values):
            return True
        if number.percent and any(abs(value / 100 - each) < 0.004 for each in self.values if each < 1):
            return True
        if self.percent and value < 1 and value * 100 in self.values:
            return True
        if number.floor:
            return any(value <= each < 1000 * value for each in self.values)
        return number.about and any(_rounds(each, value) for each in self.values)


def _rounds(exact: float, value: float) -> bool:
    """Whether a number with zeros at its end is another one rounded."""
    if value < 10 or not exact or abs(exact - value) > _ROUNDED_WITHIN * exact:
        return False
    digits = f"{value:.0f}".rstrip("0")
    size = len(f"{value:.0f}") - len(digits)
    return size > 0 and round(exact, -size) == value
