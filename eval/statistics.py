"""How sure a mean is, and a difference: bootstrap intervals and permutation tests, the same for the same seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 10_000
LEVEL = 0.95
# Resamples of fewer groups than this differ too little from each other: then the values themselves are resampled.
LEAST_GROUPS = 10
# How many random numbers are held at a time: 32 MB of them.
_AT_ONCE = 4_000_000
# Up to so many differences all their signs are tried: 2¹³ ways are fewer than RESAMPLES.
_EXACT = 13
# For so few groups the draws are kept, 24 MB of them; of more, values of so few kinds are drawn by kind.
_KEPT = 300
_KINDS = 50
# Sums that differ by less than this are the same sum, added in another order.
_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class Difference:
    """How much larger the second of two runs is than the first, on the same questions.

    ``low`` to ``high`` is the 95 % interval of ``difference``, ``p`` the probability of one as large by chance, ``n``
    how many pairs there are, ``failed`` how many were left out because one of their two values is missing.
    """

    difference: float
    low: float
    high: float
    p: float
    n: int
    failed: int

    @property
    def is_difference(self) -> bool:
        """Whether it is more than chance: the test and the interval both say so, at 5 %."""
        return self.p < 1 - LEVEL and not self.low <= 0 <= self.high


def count_failed(values: Sequence[float | None]) -> int:
    """How many values are None or not a number."""
    return sum(not _is_number(value) for value in values)


def mean_interval(
    values: Sequence[float | None], *, groups: Sequence[Hashable] | None = None, seed: int = 0
) -> tuple[float, float, float]:
    """The mean of the values and its 95 % interval: (mean, low, high), all NaN where there is no value.

    The interval is the percentile bootstrap's (Efron and Tibshirani 1993, chapter 13), of 10,000 resamples. None and
    NaN are left out (``count_failed`` says how many). ``groups`` names what each value belongs to, such as its article:
    then whole groups are resampled (Davison and Hinkley 1997, section 3.8), since questions on one article are answered
    well or badly together; of fewer than 10 groups the values are. Of equal values the interval has no width.
    """
    kept, owners = _kept(values, groups)
    if not len(kept):
        return (math.nan, math.nan, math.nan)
    means = _resampled_means(*_by_group(kept, owners), seed)
    low, high = _percentiles(means)
    return (float(kept.mean()), low, high)


def interval_of(
    statistic: Callable[[NDArray[np.intp]], float],
    n: int,
    *,
    groups: Sequence[Hashable] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval (low, high) of a statistic of a sample of ``n``, given as indices of it.

    ``groups`` as in ``mean_interval``. Resamples for which the statistic is NaN are left out; NaN where all are.
    """
    rng = np.random.default_rng(seed)
    numbers = _numbered(groups)
    members = [np.flatnonzero(numbers == number) for number in range(numbers.max() + 1)] if len(numbers) else []
    found = []
    for _ in range(resamples if n else 0):
        drawn = rng.integers(0, len(members) or n, len(members) or n)
        found.append(statistic(np.concatenate([members[each] for each in drawn]) if members else drawn))
    values = np.array([value for value in found if not math.isnan(value)])
    return _percentiles(values) if len(values) else (math.nan, math.nan)


def paired_difference(
    a: Sequence[float | None],
    b: Sequence[float | None],
    *,
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Difference:
    """The mean of ``b`` less that of ``a``, values at the same place being of the same question.

    The interval is the bootstrap's as in ``mean_interval``, ``p`` of the two-sided paired randomisation test: how often
    the mean is as far from 0 when every difference takes either sign at random (Fisher 1935; Smucker, Allan and
    Carterette 2007 for retrieval). All signs are tried of up to 13 differences, 10,000 at random of more. ``groups`` as
    in ``mean_interval``: a group takes one sign. Raises ValueError when ``a`` and ``b`` have not as many values.
    """
    pairs = [
        second - first if first is not None and second is not None else None for first, second in zip(a, b, strict=True)
    ]
    kept, owners = _kept(pairs, groups)
    if not len(kept):
        return Difference(math.nan, math.nan, math.nan, math.nan, 0, len(pairs))
    sums, sizes = _by_group(kept, owners)
    low, high = _percentiles(_resampled_means(sums, sizes, seed))
    p = _randomised(sums, np.random.default_rng(seed))
    return Difference(float(kept.mean()), low, high, p, len(kept), len(pairs) - len(kept))


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _kept(
    values: Sequence[float | None], groups: Sequence[Hashable] | None
) -> tuple[Floats, Sequence[Hashable] | None]:
    if groups is not None and len(groups) != len(values):
        raise ValueError(f"{len(values)} values were given with {len(groups)} groups")
    places = [place for place, value in enumerate(values) if _is_number(value)]
    kept = np.array([values[place] for place in places], dtype=np.float64)
    return kept, [groups[place] for place in places] if groups is not None else None


def _by_group(values: Floats, groups: Sequence[Hashable] | None) -> tuple[Floats, Floats]:
    """The sum and the size of each group; every value is one where there are no groups, or too few of them."""
    numbers = _numbered(groups)
    if not len(numbers):
        return values, np.ones(len(values))
    sums = np.bincount(numbers, weights=values).astype(np.float64)
    return sums, np.bincount(numbers).astype(np.float64)


def _numbered(groups: Sequence[Hashable] | None) -> NDArray[np.intp]:
    """The number of each value's group, from 0; none where there are fewer than LEAST_GROUPS of them."""
    known: dict[Hashable, int] = {}
    numbers = [known.setdefault(group, len(known)) for group in groups or ()]
    return np.array(numbers if len(known) >= LEAST_GROUPS else [], dtype=np.intp)


def _resampled_means(sums: Floats, sizes: Floats, seed: int) -> Floats:
    """The means of RESAMPLES resamples of groups, shape (RESAMPLES,)."""
    kinds, counts = np.unique(np.stack([sums, sizes]), axis=1, return_counts=True)
    if kinds.shape[1] == 1:
        return np.full(RESAMPLES, kinds[0, 0] / kinds[1, 0])
    if len(sums) <= _KEPT:
        drawn = _drawn(len(sums), seed)
        return np.asarray((drawn @ sums) / (drawn @ sizes))
    rng = np.random.default_rng(seed)
    if kinds.shape[1] <= _KINDS:
        # Most are equal, as hits and misses are: how often each kind is drawn is multinomial.
        times = rng.multinomial(len(sums), counts / len(sums), size=RESAMPLES)
        return np.asarray((times @ kinds[0]) / (times @ kinds[1]))
    means = [
        sums[places].sum(axis=1) / sizes[places].sum(axis=1)
        for rows in _portions(len(sums))
        for places in [rng.integers(0, len(sums), (rows, len(sums)), dtype=np.int32)]
    ]
    return np.concatenate(means)


@lru_cache(maxsize=4)
def _drawn(n: int, seed: int) -> Floats:
    """How often each of ``n`` is drawn in each resample, shape (RESAMPLES, n): many measures share them."""
    places = np.random.default_rng(seed).integers(0, n, (RESAMPLES, n)) + np.arange(RESAMPLES)[:, None] * n
    return np.bincount(places.ravel(), minlength=RESAMPLES * n).reshape(RESAMPLES, n).astype(np.float64)


def _randomised(sums: Floats, rng: np.random.Generator) -> float:
    """The share of ways to give the sums signs that lie as far from 0 as theirs, the given one among them."""
    sums = sums[sums != 0]
    reached = abs(float(sums.sum())) - _SAME
    if len(sums) <= _EXACT:
        signs = (np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums))) & 1
        return float(np.mean(np.abs((2.0 * signs - 1) @ sums) >= reached))
    extreme = 0
    for rows in _portions(len(sums)):
        signs = rng.integers(0, 2, (rows, len(sums)), dtype=np.int8)
        extreme += int(np.sum(np.abs(2 * (signs @ sums) - sums.sum()) >= reached))
    return (extreme + 1) / (RESAMPLES + 1)


def _portions(width: int) -> Iterator[int]:
    """How many resamples of ``width`` to draw at a time, RESAMPLES in all."""
    rows = max(1, min(RESAMPLES, _AT_ONCE // max(width, 1)))
    for done in range(0, RESAMPLES, rows):
        yield min(rows, RESAMPLES - done)


def _percentiles(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
