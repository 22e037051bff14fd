"""Exact instructions of the library in a scenario's rounds, per malloc+free pair."""
from lab import callgrind

ROUNDS = 10


def can_count(point):
    """With several threads the waiting would count as well, and a crew has no rounds."""
    return point.is_single and callgrind.available()


def instructions_per_pair(point, allocator):
    effort = ("--rounds=1", f"--samples={ROUNDS}")
    pairs = point.run(allocator, effort=effort)["pairs"]
    profiles = callgrind.count([point.program, *effort, *point.options], allocator, ROUNDS,
                               function="run_round")
    return sum(profile.outside(point.program) for profile in profiles[-ROUNDS:]) / pairs
