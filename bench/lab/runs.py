"""Runs scenarios on several allocators in turn, so that a slow minute of the machine hits all of
them. Everything that measures goes through `take_turns`."""
import csv
import os
import random
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from lab.allocators import ROOT
from lab.launch import BenchmarkFailed, launch
from lab.progress import Progress

PROGRAMS = ROOT / "build" / "release" / "bench"
CREW = "threads"  # the folder of the programs that crew.h is the frame of
QUICK = ("--quick",)
SEED = 1


@dataclass(frozen=True)
class Point:
    """One scenario: a benchmark program of the folder `build` and the options that choose one value
    on each of its axes. `effort` says how long it is measured."""
    build: Path
    name: str
    options: tuple[str, ...]
    effort: tuple[str, ...] = field(default=(), compare=False)

    @property
    def program(self):
        return self.build / self.name

    @property
    def is_of_crew(self):
        return self.name.startswith(CREW + "/")

    def __str__(self):
        return " ".join([self.program.name, *(option[2:] for option in self.options)])

    def option(self, name):
        return next(option.split("=")[1] for option in self.options
                    if option.startswith(f"--{name}="))

    def run(self, allocator, more_environment=None, effort=None):
        """One process; its row as a dict, numbers as float and `-` as None."""
        environment = allocator.environment() | (more_environment or {})
        # The options after the effort: where both say the same, the user's choice holds.
        command = [self.program, *(self.effort if effort is None else effort), *self.options]
        finished = launch(self.build / "launch", command, environment)
        text = finished.expect_success(str(self), allocator).output.decode()
        row, = csv.DictReader(text.splitlines(), delimiter="\t")
        usage = {"elapsed_s": finished.usage.elapsed_s, "cpu_s": finished.usage.cpu_s}
        return {name: _value(value) for name, value in row.items()} | usage


def _value(text):
    if text == "-":
        return None
    try:
        return float(text)
    except ValueError:
        return text


def points(build, name, arguments, effort=()):
    """The points of a program that the arguments choose."""
    if name.startswith(CREW + "/"):
        return _crew_points(build, name, arguments, effort)
    result = subprocess.run([build / name, *arguments, "--list"], capture_output=True, text=True,
                            check=False)
    if result.returncode != 0:
        raise BenchmarkFailed(f"{name} {shlex.join(arguments)}: {result.stderr.strip()}")
    return [Point(build, name, tuple(line.split()), tuple(effort))
            for line in result.stdout.splitlines()]


def _crew_points(build, name, arguments, effort):
    """These programs have one axis only: --threads=N,N..."""
    given = [argument for argument in arguments if argument.startswith("--threads=")]
    counts = given[-1].split("=")[1] if given else f"{min(2, os.cpu_count())}"
    rest = tuple(argument for argument in arguments if argument not in given)
    return [Point(build, name, (f"--threads={count}", *rest), tuple(effort))
            for count in counts.split(",")]


def program_name(word, build):
    """The name of a program, with its folder; None when there is no such program."""
    names = (word, f"{CREW}/{word}")
    return next((name for name in names if (build / name).is_file()), None)


def scenario_points(scenario, build, effort=None):
    """Of `PROGRAM OPTION...`; the short set when there are no options, short samples when no effort
    is given."""
    word, *arguments = shlex.split(scenario)
    name = program_name(word, build)
    if name is None:
        raise SystemExit(f"no benchmark {word} in {build}")
    quick = () if name.startswith(CREW + "/") else QUICK
    return points(build, name, arguments or quick, quick if effort is None else effort)


def take_turns(contests, turns, run, watch):
    """`contests` is [(point, allocators), ...]. `run(point, allocator)` makes one row, and
    `watch(turn, point, allocator, row)` sees it. The allocators of a point follow each other
    closely, in another order each turn."""
    generator = random.Random(SEED)
    for turn in range(turns):
        for point, allocators in contests:
            for allocator in generator.sample(allocators, len(allocators)):
                watch(turn, point, allocator, run(point, allocator))


def interleave(all_points, allocators, turns, effort=None, progress=True):
    """{(point, allocator): [row, ...]}, `turns` of each."""
    rows = {(point, allocator): [] for point in all_points for allocator in allocators}
    with Progress(len(rows) * turns, shown=progress) as bar:
        def watch(_turn, point, allocator, row):
            rows[point, allocator].append(row)
            bar.step(point, allocator.name)

        take_turns([(point, allocators) for point in all_points], turns,
                   lambda point, allocator: point.run(allocator, effort=effort), watch)
    return rows


def column(rows, name):
    return [row[name] for row in rows]
