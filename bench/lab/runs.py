"""Runs benchmark programs on several allocators in turn, so that a slow minute of the machine
hits all of them."""
import csv
import random
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.allocators import ROOT

PROGRAMS = ROOT / "build" / "release" / "bench"
SEED = 1


class BenchmarkFailed(Exception):
    """Carries the command and what it wrote to stderr."""


@dataclass(frozen=True)
class Point:
    """One scenario: a program and the options that choose one value on each of its axes."""
    program: Path
    options: tuple[str, ...]

    def __str__(self):
        return " ".join([self.program.name, *(option[2:] for option in self.options)])


def _output(command, allocator=None):
    environment = allocator.environment() if allocator else None
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        on = f" on {allocator.name}" if allocator else ""
        raise BenchmarkFailed(f"{' '.join(map(str, command))}{on}: {result.stderr.strip()}")
    return result.stdout


def points(program, arguments):
    """The points that the arguments choose: what the program itself lists."""
    lines = _output([program, *arguments, "--list"]).splitlines()
    return [Point(Path(program), tuple(line.split())) for line in lines]


def scenario_points(scenario, programs):
    """Of `PROGRAM OPTION...`; the short set when there are no options."""
    program, *arguments = shlex.split(scenario)
    return points(programs / program, arguments or ["--quick"])


def run(point, allocator, arguments=()):
    """One process; its row as a dict, numbers as float and `-` as None."""
    text = _output([point.program, *point.options, *arguments], allocator)
    row, = csv.DictReader(text.splitlines(), delimiter="\t")
    return {name: _value(value) for name, value in row.items()}


def _value(text):
    if text == "-":
        return None
    try:
        return float(text)
    except ValueError:
        return text


def interleave(all_points, allocators, runs, arguments=(), progress=True):
    """{(point, allocator): [row, ...]}, `runs` of each, the allocators in shuffled turns."""
    generator = random.Random(SEED)
    rows = {(point, allocator): [] for point in all_points for allocator in allocators}
    for turn in range(runs):
        for point in all_points:
            for allocator in generator.sample(allocators, len(allocators)):
                rows[point, allocator].append(run(point, allocator, arguments))
        if progress and sys.stderr.isatty():
            print(f"run {turn + 1} of {runs}", end="\r", file=sys.stderr, flush=True)
    return rows


def column(rows, name):
    return [row[name] for row in rows]
