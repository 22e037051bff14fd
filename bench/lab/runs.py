"""Runs scenarios on several allocators in turn, so that a slow moment of the machine hits all of
them. Everything that measures goes through `take_turns`."""
import contextlib
import os
import random
import shlex
import subprocess
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from lab.allocators import ROOT
from lab.launch import BenchmarkFailed, Launched, launch
from lab.progress import Progress, say

PROGRAMS = ROOT / "build" / "release" / "bench"
CREW = "threads"  # the folder of the programs that crew.h is the frame of
QUICK = ("--quick",)
# These change what a program answers, and the driver would not understand it.
NOT_FOR_USERS = {"--help", "--list", "--no-header", "--on-demand", "--samples", "--settle"}
SEED = 1

# What a turn asks for: SAMPLES undisturbed ones of each process. If they do not come in PATIENCE_S
# for each of them, or none at all within HOPE_S, as many of any kind, however long they take: with
# few processes side by side a turn measures what it does with many. Two threads hardly ever find
# both processors undisturbed, so of those nobody asks for such samples.
SAMPLES = 6
PATIENCE_S, HOPE_S = 0.05, 0.1


@cache
def full_speed(build):
    """What the probe of bench/common/speed.h takes, in ns, while nobody disturbs it."""
    return int(subprocess.run([build / "speed"], capture_output=True, text=True,
                              check=True).stdout)


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

    @property
    def is_single(self):
        """One thread, in rounds that can be as short as one likes."""
        return not self.is_of_crew and all(option == "--threads=1" for option in self.options
                                           if option.startswith(("--threads=", "--rounds=")))

    def option(self, name):
        return next(option.split("=")[1] for option in self.options
                    if option.startswith(f"--{name}="))

    def command(self, effort):
        # The options after the effort: where both say the same, the user's choice holds.
        return [self.program, *effort, *self.options]

    def run(self, allocator, more_environment=None, effort=None):
        """One process; its row as a dict, numbers as float and `-` as None."""
        environment = allocator.environment() | (more_environment or {})
        command = self.command(self.effort if effort is None else effort)
        return self.row(launch(self.build / "launch", command, environment), allocator)

    def row(self, finished, allocator):
        """Of a process that may have answered before."""
        row, = finished.rows(str(self), allocator, "ns_per_pair", begin=-2)
        usage = {"elapsed_s": finished.usage.elapsed_s, "cpu_s": finished.usage.cpu_s}
        return {name: _value(value) for name, value in row.items()} | usage

    def start(self, allocator):
        """A process that takes its samples on demand."""
        command = self.command((*self.effort, f"--on-demand={full_speed(self.build)}"))
        return Launched(self.build / "launch", command, allocator.environment(),
                        stdin=subprocess.PIPE)

    def turn(self, allocators):
        """A process on each, side by side: they take their samples in turn, so that all meet the
        same moods of the machine. [(allocator, its row or why there is none), ...]"""
        with contextlib.ExitStack() as stack:
            processes = {}
            for allocator in allocators:
                copy = stack.enter_context(allocator.copied())
                processes[allocator] = stack.enter_context(self.start(copy))
                processes[allocator].answer()  # when it is warm
            take_samples(list(processes.values()), PATIENCE_S if self.is_single else 0)
            return [(allocator, attempt(self.row, process.finish(), allocator))
                    for allocator, process in processes.items()]


def attempt(run, *arguments):
    """What it returns; a failure is returned as well."""
    try:
        return run(*arguments)
    except BenchmarkFailed as failure:
        return failure


def take_samples(processes, patience_s):
    """bench/common/sampling.h says what is asked for."""
    generator = random.Random(SEED)

    def in_turn():
        return generator.sample(processes, len(processes))

    if not _take_undisturbed(processes, in_turn, patience_s * len(processes)):
        for _ in range(SAMPLES):
            for process in in_turn():
                process.ask("a")


def _take_undisturbed(processes, in_turn, patience_s):
    """Whether all got as many as they need."""
    taken = dict.fromkeys(processes, 0)
    start = last = time.monotonic()
    while min(taken.values()) < SAMPLES:
        if time.monotonic() >= min(start + patience_s, last + HOPE_S):
            return False
        before = sum(taken.values())
        for process in in_turn():
            if taken[process] < SAMPLES:
                taken[process] = process.ask("u")
        if sum(taken.values()) > before:
            last = time.monotonic()
    return True


def _value(text):
    if text == "-":
        return None
    try:
        return float(text)
    except ValueError:
        return text


def points(build, name, arguments, effort=()):
    """The points of a program that the arguments choose. Options that are no axes belong to each
    of them."""
    for argument in arguments:
        if _name(argument) in NOT_FOR_USERS:
            raise BenchmarkFailed(f"{name}: {argument} is not for scenarios")
    if name.startswith(CREW + "/"):
        return _crew_points(build, name, arguments, effort)
    found = [tuple(line.split()) for line in _list(build, name, arguments)]
    axes = {_name(option) for options in found for option in options}
    rest = tuple(argument for argument in arguments
                 if _name(argument) not in axes and argument not in QUICK)
    return [Point(build, name, (*options, *rest), tuple(effort)) for options in found]


def _name(argument):
    return argument.partition("=")[0]


def _list(build, name, arguments):
    """A line for each point, by the program itself."""
    result = subprocess.run([build / name, *arguments, "--list"], capture_output=True, text=True,
                            check=False)
    if result.returncode != 0:
        raise BenchmarkFailed(f"{name} {shlex.join(arguments)}: {result.stderr.strip()}")
    return result.stdout.splitlines()


def _crew_points(build, name, arguments, effort):
    """These programs have one axis only: --threads=N,N... Numbers that one cannot do with are left
    out, unless there are no others."""
    given = [argument for argument in arguments if _name(argument) == "--threads"]
    counts = given[-1].partition("=")[2] if given else f"{min(2, os.cpu_count())}"
    rest = tuple(argument for argument in arguments if argument not in given)
    found, refused = [], []
    for count in counts.split(","):
        options = (f"--threads={count}", *rest)
        listed = attempt(_list, build, name, options)
        if isinstance(listed, BenchmarkFailed):
            refused.append(listed)
        else:
            found.append(Point(build, name, options, tuple(effort)))
    if not found:
        raise refused[0]
    for reason in refused:
        say(f"left out: {reason}")
    return found


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


def take_turns(contests, turns, run, watch, go_on=lambda _turn: True):
    """`contests` is [(point, allocators), ...], `turns` the range of those of a point. `run(point,
    allocators)` makes a row on each of them, [(allocator, row), ...], and `watch(turn, point,
    allocator, row)` sees it. The allocators of a point run side by side or one upon the other, in
    another order each turn. A turn begins only where `go_on(turn)` says so."""
    generator = random.Random(SEED)
    ranges = [turns(point) for point, _ in contests]
    first = min((its.start for its in ranges), default=0)
    last = max((its.stop for its in ranges), default=0)
    for turn in range(first, last):
        for (point, allocators), its_turns in zip(contests, ranges, strict=True):
            if turn in its_turns and go_on(turn):
                for allocator, row in run(point, generator.sample(allocators, len(allocators))):
                    watch(turn, point, allocator, row)


def interleave(all_points, allocators, turns, progress=True):
    """{(point, allocator): [row, ...]}, `turns` of each."""
    rows = {(point, allocator): [] for point in all_points for allocator in allocators}
    with Progress(shown=progress) as bar:
        for point in all_points:
            bar.plan(point, len(allocators) * turns)

        def watch(_turn, point, allocator, row):
            if isinstance(row, BenchmarkFailed):
                raise row
            rows[point, allocator].append(row)
            bar.step(point, f"on {allocator.name}")

        take_turns([(point, allocators) for point in all_points], lambda _: range(turns),
                   lambda point, order: point.turn(order), watch)
    return rows


def column(rows, name):
    return [row[name] for row in rows]
