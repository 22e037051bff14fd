#!/usr/bin/env python3
"""Run benchmark programs on Eddy and, with EDDY_BENCH_GATE=1, judge what they say.

    bench/gate.py churn batch                      the rows of a short run; nothing is judged
    EDDY_BENCH_GATE=1 bench/gate.py                all programs against libc
    EDDY_BENCH_GATE=1 EDDY_BENCH_BASE=/tmp/before.so bench/gate.py churn
    bench/gate.py --record                         write bench/recorded.tsv anew

The gate runs Eddy and a baseline in turn. It fails when the middle of the ratios of their times,
turn by turn, exceeds the recorded one by more than 10 % plus the noise of both, at most 30 %; the
recorded ratio to libc stands in bench/recorded.tsv, that to another build of Eddy is 1. Against a
build of Eddy it also compares what can be counted. A scenario that fails is measured a second time,
twice as long, and only then believed."""
import argparse
import csv
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from lab import allocators, callgrind, pairs, runs
from lab.statistics import geometric_mean_ratio, ratio_of_turns

PROGRAMS = ("churn", "pingpong", "batch", "interleaved", "multisize", "realloc_growth", "sweep")
# Beside the short set of a program: blocks that outlive the next burst, idle gaps, the other orders,
# and threads that hand each burst on or take turns.
MORE = {"churn": ("--size=1024 --burst=10000 --order=random --survivors=5",
                  "--size=1024 --burst=10000 --order=lifo --gap=1",
                  "--size=1024 --burst=10000 --order=fifo,half",
                  "--size=64,1024 --burst=10000 --order=lifo --threads=2 --handoff=yes,turns")}
RECORDED = Path(__file__).with_name("recorded.tsv")

MARGIN = 0.10
# However noisy a point is: one that takes half as long again is noticed.
NOISE_MOST = 0.30
COUNTED = ("slow_entries", "pages_made", "extensions", "system_calls", "faults")
# Per 1,000 pairs: what a count may differ by from run to run without meaning anything.
COUNT_MARGIN = 0.1
# Instructions are exact; what is allowed here are the rare ones, such as timed housekeeping.
INSTRUCTION_MARGIN = 0.02
INSTRUCTION_CASES = [(size, burst) for size in (16, 64, 256, 1024) for burst in (1, 10, 100)]


@dataclass(frozen=True)
class Recorded:
    ratio: float = 1.0
    noise: float = 0.0


class Gate:
    """`recorded` is {scenario: Recorded}, or None for a baseline that is Eddy itself."""

    def __init__(self, candidate, base, recorded):
        self.candidate, self.base, self.recorded = candidate, base, recorded

    def measure(self, points, count):
        return runs.interleave(points, [self.candidate, self.base], count)

    def times(self, rows, point):
        return [runs.column(rows[point, allocator], "ns_per_pair")
                for allocator in (self.candidate, self.base)]

    def ratio(self, rows, point):
        return ratio_of_turns(*self.times(rows, point))

    def faults(self, rows, point):
        """What is wrong with a point, in words."""
        recorded = Recorded() if self.recorded is None else self.recorded.get(str(point))
        if recorded is None:
            return [f"not in {RECORDED.name}; bench/gate.py --record"]
        ratio = self.ratio(rows, point)
        most = recorded.ratio * (1 + MARGIN + min(ratio.noise + recorded.noise, NOISE_MOST))
        slow = [f"takes x{ratio.value:.2f} of {self.base.name}, at most x{most:.2f}"]
        return slow * (ratio.value > most) + self.count_faults(rows, point)

    def count_faults(self, rows, point):
        faults = []
        for name in COUNTED:
            found, allowed = (self.rates(rows[point, allocator], name)
                              for allocator in (self.candidate, self.base))
            if None in found + allowed:
                continue
            most = max(allowed) * (1 + MARGIN) + COUNT_MARGIN
            if median(found) > most:
                faults.append(f"{median(found):.2f} {name} per 1,000 pairs, at most {most:.2f}")
        return faults

    @staticmethod
    def rates(rows, name):
        return [None if row[name] is None else 1000 * row[name] / row["pairs"] for row in rows]

    def judge(self, points, count):
        """The faults of all points, {name: [fault, ...]}."""
        rows = self.measure(points, count)
        suspects = [point for point in points if self.faults(rows, point)]
        for point in points:
            ratio = self.ratio(rows, point)
            again = "  (measured again)" if point in suspects else ""
            print(f"x{ratio.value:<6.2f}+-{ratio.noise:<6.2f}{point}{again}", flush=True)
        whole = geometric_mean_ratio([self.times(rows, point) for point in points])
        print(f"x{whole.value:.3f} ({whole.low:.3f} to {whole.high:.3f}) in the geometric mean")
        rows = self.measure(suspects, 2 * count) if suspects else {}
        return {str(point): faults for point in suspects if (faults := self.faults(rows, point))}

    def instruction_faults(self, program):
        found, allowed = (mean(pairs.per_pair(program, allocator, INSTRUCTION_CASES).values())
                          for allocator in (self.candidate, self.base))
        most = allowed * (1 + INSTRUCTION_MARGIN)
        print(f"{found:.1f} instructions per pair, at most {most:.1f}")
        return {"instructions": [f"{found:.1f} per pair, at most {most:.1f}"]} \
            if found > most else {}


def points_of(build, program):
    return [point for more in ("", *MORE.get(program, ()))
            for point in runs.points(build, program, (*runs.QUICK, *more.split()), runs.QUICK)]


def read_recorded():
    with RECORDED.open(encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    return {row["scenario"]: Recorded(float(row["ratio"]), float(row["noise"]))
            for row in csv.DictReader(lines, delimiter="\t")}


def write_recorded(gate, points, count):
    rows = gate.measure(points, count)
    with RECORDED.open("w", encoding="utf-8") as file:
        print("# ns per pair on Eddy / on libc; made by: bench/gate.py --record", file=file)
        print("scenario\tratio\tnoise", file=file)
        for point in points:
            ratio = gate.ratio(rows, point)
            print(f"{point}\t{ratio.value:.3f}\t{ratio.noise:.3f}", file=file)


def report(points, allocator):
    """A row of each point, nothing judged."""
    for point in points:
        row = point.run(allocator, effort=runs.QUICK)
        print(f"{row['ns_per_pair']:>10.1f} ns per pair  {point}", flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="*", help=f"of {', '.join(PROGRAMS)}")
    parser.add_argument("--library", type=Path, action="append",
                        help="a library to preload instead of the release build's")
    parser.add_argument("--setting", action="append", default=[], metavar="NAME=VALUE",
                        help="an environment variable for Eddy, not for the baseline")
    parser.add_argument("--programs", type=Path, default=runs.PROGRAMS,
                        help="folder of the benchmark programs")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--record", action="store_true")
    return parser.parse_args()


def choose_base():
    """The baseline, and what is recorded for a Gate."""
    library = os.environ.get("EDDY_BENCH_BASE")
    if library is None:
        return allocators.LIBC, read_recorded()
    return allocators.from_library(library, "the baseline"), None


def run_gate(options, candidate, points):
    base, recorded = choose_base()
    gate = Gate(candidate, base, recorded)
    faults = gate.judge(points, options.runs)
    if base is not allocators.LIBC and callgrind.available():
        faults |= gate.instruction_faults(options.programs / "pairs")
    for name, texts in faults.items():
        print(f"FAILED {name}: {'; '.join(texts)}")
    return bool(faults)


def main():
    options = parse_arguments()
    libraries = options.library or [allocators.eddy().libraries[0]]
    settings = tuple(tuple(setting.split("=", 1)) for setting in options.setting)
    candidate = allocators.Allocator("eddy", tuple(libraries), settings)
    points = [point for program in options.program or PROGRAMS
              for point in points_of(options.programs, program)]
    try:
        if options.record:
            write_recorded(Gate(candidate, allocators.LIBC, {}), points, options.runs)
        elif os.environ.get("EDDY_BENCH_GATE") == "1":
            sys.exit(run_gate(options, candidate, points))
        else:
            report(points, candidate)
    except runs.BenchmarkFailed as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    main()
