"""Laboratory runs made up from known speeds and the noise of real machines, so that what is said of
them can be held against what is true."""
import random
from itertools import pairwise

from lab.results import Results
from lab.suite import LOADS

SUBJECT, RIVAL = "eddy", "rival"


def quiet(generator, _turn):
    """A per cent or so, at times a process with bad luck."""
    return generator.lognormvariate(0, 0.01) * (1.1 if generator.random() < 0.03 else 1)


def two_peaked(generator, _turn):
    """Another program on the same processor, or none, and a long tail."""
    return generator.choice((1, 1.3)) * generator.lognormvariate(0, 0.03) \
        * (1 + generator.expovariate(20))


def drifting(generator, turn):
    """A machine that grows busier from turn to turn."""
    return (1 + 0.05 * turn) * generator.lognormvariate(0, 0.02)


def moody(generator, turn):
    """A neighbour on the same machine: what runs in his busy moments takes half as long again."""
    busy = random.Random(turn).random() < 0.4
    return (1.5 if busy else 1) * generator.lognormvariate(0, 0.01)


def lucky(generator, _turn):
    """Each process has its addresses, and its luck with them."""
    return generator.lognormvariate(0, 0.1)


NOISES = {noise.__name__: noise for noise in (quiet, two_peaked, drifting, moody, lucky)}


def row(scenario, turn, time):
    return {"turn": turn, "group": LOADS, "scenario": scenario, "ns_per_pair": time,
            "peak_kib": 1000.0}


def visit(true_ratios, noise, looks, seed):
    """Results in which the subject takes true_ratios[scenario] of the rival's time. After each look
    but the last one, turns are added where the times cannot tell, as a session does."""
    generator = random.Random(seed)
    scenarios = {f"load number={number}": ratio for number, ratio in enumerate(true_ratios)}
    allocators = [{"name": SUBJECT, "role": "subject"}, {"name": RIVAL, "role": "peer"}]
    results = Results({}, allocators, dict.fromkeys(scenarios, LOADS), {})

    def take(names, turns):
        for name in names:
            for turn in turns:
                for allocator, factor in ((SUBJECT, scenarios[name]), (RIVAL, 1)):
                    time = 10 * factor * noise(generator, turn)
                    results.rows.setdefault((name, allocator), []).append(row(name, turn, time))

    take(scenarios, range(looks[0]))
    for looked, look in pairwise(looks):
        take([name for name in scenarios if results.undecided(name)], range(looked, look))
    return results
