"""Few and noisy times, and what can be said of their ratio."""
import math
import random
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement
from statistics import fmean, median

CONFIDENCE = 0.99
# A visit looks at a scenario after so many turns and adds some where it cannot tell yet. Who looks
# more than once is wrong more often. So each interval holds for a little more: then all hold
# together at 99 %.
LOOKS = (10, 20, 40)
CONFIDENCE_AT_A_LOOK = 0.996
DRAWS = 600
DRAWS_OUTSIDE = round(DRAWS * (1 - CONFIDENCE) / 2)  # at either end


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


@dataclass(frozen=True)
class Ratio:
    """A ratio of times with its confidence interval."""
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


def ratio_of_turns(numerators, denominators):
    """Of two allocators' times, turn by turn: the middle of the ratios. What a turn suffered from
    the machine is in both times, and no more in their ratio. The interval is that of Wilcoxon's
    signed rank test, on the logarithms: it holds for any distribution in which a ratio is as likely
    as its inverse, if both are equally fast. Fewer than eight turns prove nothing that way, and
    then it is that of the Mann-Whitney test on the ratios of all pairs, for which five are enough.
    Fewer than these say nothing: the interval is unbounded."""
    logs = _logs(numerators, denominators)
    confidence = _confidence(len(logs))
    outside = _outside(_signed_ranks(len(logs)), confidence)
    if outside:
        found = sorted(_means_of_two(logs))
    else:
        outside = _outside(_arrangements(len(numerators), len(denominators)), confidence)
        found = sorted(math.log(a / b) for a in numerators for b in denominators)
    value = math.exp(_middle(logs))
    if not outside:
        return Ratio(value, 0, math.inf)
    low, high = math.exp(found[outside - 1]), math.exp(found[-outside])
    return Ratio(value, min(low, value), max(high, value))


def _logs(numerators, denominators):
    return [math.log(a / b) for a, b in zip(numerators, denominators, strict=True)]


def _means_of_two(logs):
    return [(a + b) / 2 for a, b in combinations_with_replacement(logs, 2)]


def _middle(logs):
    """After Hodges and Lehmann: nearly as precise as the mean, and as hard to mislead as the
    median, nearly."""
    return median(_means_of_two(logs))


TURNS_LEAST = 5  # fewer can tell nothing apart


def geometric_mean_ratio(scenarios):
    """Of [(numerators, denominators), ...], the turns of each scenario: the geometric mean of the
    ratios. The interval is that of a bootstrap: how far the mean of the scenarios' median ratios
    scatters when the turns of each are drawn anew. It lies between the lowest and the highest that
    was seen, which is too narrow for few turns of a single scenario; and that has its own."""
    ratios = [ratio_of_turns(*pair) for pair in scenarios]
    if len(ratios) == 1:
        return ratios[0]
    value = geometric_mean([ratio.value for ratio in ratios])
    if any(math.isinf(ratio.high) for ratio in ratios):
        return Ratio(value, 0, math.inf)
    logs = [_logs(*pair) for pair in scenarios]
    drawn = sorted(fmean(median([turns[turn] for turn in again])
                         for turns, again in zip(logs, draw, strict=True))
                   for draw in _draws(tuple(map(len, logs))))
    low, high = math.exp(drawn[DRAWS_OUTSIDE]), math.exp(drawn[-1 - DRAWS_OUTSIDE])
    return Ratio(value, min(low, value), max(high, value))


@cache
def _draws(counts):
    """DRAWS times, for scenarios of so many turns: which turns of each are drawn. That takes most of
    the time, and depends on no times."""
    generator = random.Random(1)
    return [[generator.choices(range(count), k=count) for count in counts] for _ in range(DRAWS)]


def _confidence(turns):
    return CONFIDENCE if turns < LOOKS[0] else CONFIDENCE_AT_A_LOOK


def _outside(frequencies, confidence):
    """`frequencies` are those of a test's statistic, 0, 1, 2 ..., if there is no difference. How
    many of the sorted values, at either end, the interval reaches to."""
    tail = sum(frequencies) * (1 - confidence) / 2
    below = 0
    for statistic, frequency in enumerate(frequencies):
        below += frequency
        if below > tail:
            return statistic
    return 0


@cache
def _signed_ranks(count):
    """Of all choices among the ranks 1 to count: how many have the sum 0, 1, 2 ..."""
    sums = [1]
    for rank in range(1, count + 1):
        longer = sums + [0] * rank
        sums = [frequency + (longer[value - rank] if value >= rank else 0)
                for value, frequency in enumerate(longer)]
    return sums


@cache
def _arrangements(m, n):
    """Of all orders of m and n values: in how many 0, 1, 2 ... pairs stand the wrong way round."""
    if m == 0 or n == 0:
        return [1]
    sums = [0] * (m * n + 1)
    for shift, shorter in ((n, _arrangements(m - 1, n)), (0, _arrangements(m, n - 1))):
        for pairs, frequency in enumerate(shorter):
            sums[pairs + shift] += frequency
    return sums
