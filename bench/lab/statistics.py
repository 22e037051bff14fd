"""Medians of few and noisy values, and what can be said of their ratio."""
import math
import random
from dataclasses import dataclass
from functools import cache
from statistics import median

CONFIDENCE = 0.99


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


@dataclass(frozen=True)
class Ratio:
    """A ratio of medians with its confidence interval."""
    value: float
    low: float
    high: float

    @property
    def noise(self):
        """Half the width of the interval, relative to the ratio."""
        return (self.high - self.low) / 2 / self.value

    def verdict(self, margin):
        """Of the numerator, a time: what the whole interval says beyond the margin."""
        if self.high < 1 / (1 + margin):
            return "faster"
        if self.low > 1 + margin:
            return "slower"
        return "cannot tell"


def ratio_of_medians(numerators, denominators):
    """The interval is that of the Mann-Whitney test, on the ratios of all pairs. It holds for any
    distribution: on a busy machine times have two peaks and long tails. Fewer than five values on
    either side say nothing: the interval is unbounded."""
    value = median(numerators) / median(denominators)
    outside = _ratios_outside(len(numerators), len(denominators))
    if outside == 0:
        return Ratio(value, 0, math.inf)
    ratios = sorted(a / b for a in numerators for b in denominators)
    return Ratio(value, ratios[outside - 1], ratios[-outside])


RESAMPLES = 1000
SEED = 1


def geometric_mean_ratio(scenarios):
    """Of [(numerators, denominators), ...], the runs of each scenario: the geometric mean of the
    ratios of medians. The interval is by bootstrap: each scenario's runs are drawn again, with
    replacement, RESAMPLES times. Few values would make such an interval too short for one
    scenario; the mean over many is near a normal distribution, for which it holds."""
    generator = random.Random(SEED)
    value = geometric_mean([median(above) / median(below) for above, below in scenarios])
    if any(len(above) < 5 or len(below) < 5 for above, below in scenarios):
        return Ratio(value, 0, math.inf)
    logs = [[list(map(math.log, values)) for values in pair] for pair in scenarios]
    sums = sorted(sum(_median_of_redrawn(above, generator) - _median_of_redrawn(below, generator)
                      for above, below in logs) for _ in range(RESAMPLES))
    low, high = (math.exp(sums[index] / len(scenarios)) for index in _tails(RESAMPLES))
    return Ratio(value, min(low, value), max(high, value))


def _median_of_redrawn(values, generator):
    return median(generator.choices(values, k=len(values)))


def _tails(count):
    """The indices of the sorted values that the interval begins and ends with."""
    outside = int(count * (1 - CONFIDENCE) / 2)
    return outside, count - 1 - outside


@cache
def _ratios_outside(m, n):
    """How many of the m * n ratios, at either end, the interval reaches to."""
    tail = math.comb(m + n, n) * (1 - CONFIDENCE) / 2
    below = 0
    for u in range(m * n):
        below += _arrangements(m, n, u)
        if below > tail:
            return u
    return 0


@cache
def _arrangements(m, n, u):
    """Of all orders of m and n values, those in which u pairs stand the wrong way round."""
    if u < 0 or m == 0 or n == 0:
        return int(u == 0)
    return _arrangements(m - 1, n, u - n) + _arrangements(m, n - 1, u)
