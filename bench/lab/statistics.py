"""Medians of few and noisy values, and what can be said of their ratio."""
import math
import random
from dataclasses import dataclass
from statistics import median

RESAMPLES = 1000
CONFIDENCE = 0.95


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
    """The interval is a bootstrap, with a fixed seed: the same values say the same twice."""
    generator = random.Random(1)

    def resampled(values):
        return median(generator.choices(values, k=len(values)))

    ratios = sorted(resampled(numerators) / resampled(denominators) for _ in range(RESAMPLES))
    tail = int(RESAMPLES * (1 - CONFIDENCE) / 2)
    return Ratio(median(numerators) / median(denominators), ratios[tail], ratios[-1 - tail])
