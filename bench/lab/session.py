"""One visit to the laboratory: check, measure in turns, count, write, show."""
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from lab import callgrind, machine, origin, page, pairs, runs, suite, table, tide
from lab.allocators import ROOT, Role, from_library
from lab.callgrind import CountFailed
from lab.counted import can_count, instructions_per_pair
from lab.launch import BenchmarkFailed
from lab.programs import CommandPoint, ProgramPoint
from lab.progress import Progress, say
from lab.results import FINISHED, MARGIN, REPORT, Results, Writer
from lab.statistics import LOOKS, TURNS_LEAST

RUNS = LOOKS[0]  # of each scenario on each allocator; more where these cannot tell
# Of each real program: so many prove something turn by turn, and they need no more, since what runs
# at the same time on one processor differs by little else than the allocator.
RUNS_OF_PROGRAMS = 8
# With --quick: so long after the start turns begin, but for the fewest that prove something, and
# counts where times cannot decide. A minute, and a little of it, is left for what comes then.
QUICK_TURNS_S, QUICK_COUNTS_S = 120, 165
# How long steps take, roughly, before the first one is done.
CHECK_S, RUN_S, PROGRAM_S, ADDED_S, TIDE_S, COUNT_S, UNDECIDED_S = 0.1, 0.05, 1.5, 3, 6, 4, 20


@dataclass
class Session:
    chosen: list    # of allocators, the subject first
    build: object   # the folder of the programs
    writer: Writer
    bar: Progress
    quick: bool = False
    start: float = field(default_factory=time.monotonic)
    left_out: set = field(default_factory=set)  # {(program, allocator)}: those that failed

    def in_time(self, quick_s):
        return not self.quick or time.monotonic() < self.start + quick_s

    def contests(self, points):
        """[(point, allocators), ...]"""
        return [(point, self.allocators_of(point)) for point in points]

    def allocators_of(self, point):
        if suite.group_of(point) == suite.REFERENCE:
            return self.chosen[:1]
        present = [one for one in self.chosen if self.takes_part(point, one)]
        if program_of(point) not in suite.BARE_LIST_SERVES:
            return present
        return [*present, from_library(self.build / "barelist.so", suite.BARE_LIST, Role.REFERENCE)]

    def takes_part(self, point, allocator):
        return (program_of(point), allocator.name) not in self.left_out

    def taking_part(self, program):
        return [one for one in self.chosen if (program, one.name) not in self.left_out]

    def fail(self, program, allocator, failure):
        """From now on the program is not run on the allocator."""
        self.left_out.add((program, allocator.name))
        self.leave_out(program, allocator.name, failure)

    def leave_out(self, program, allocator, reason):
        """Said at once, and kept: a mean is over what is there."""
        text = " ".join(str(reason).replace(f"{ROOT}/", "").split())
        self.writer.write("left_out", {"program": program, "allocator": allocator, "reason": text})
        self.say(f"left out: {text}")

    def say(self, text):
        self.bar.clear()
        say(text)

    def check_origins(self, contests):
        """One run of each program on each allocator, which shows whose malloc it is and brings the
        files into memory. Commands of one's own run one upon the other here, too."""
        first = {}
        for point, allocators in contests:
            first.setdefault(program_of(point), (point, allocators))
        to_check = [(point, one) for point, allocators in first.values() for one in allocators
                    if one.role is not Role.REFERENCE]
        self.bar.plan("checking", len(to_check))
        own = any(isinstance(point, CommandPoint) for point, _ in to_check)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            checked = (map if own else pool.map)(_check, to_check)
            for (point, allocator), failure in zip(to_check, checked, strict=True):
                if failure:
                    self.fail(program_of(point), allocator, failure)
                self.bar.step("checking", f"{point} on {allocator.name}")

    def measure(self, points, options):
        self.check_origins(self.contests(points) + [(probe, self.chosen)
                                                    for probe in probes(options, self.build)])
        self.take(self.contests(points), lambda point: range(turns_of(point, options)))
        if options.runs is None:
            self.add_turns(points)
        self.bar.plan("more turns", 0)

    def add_turns(self, points):
        """For the rivals that times cannot tell from the subject yet. Real programs and commands of
        one's own take too long."""
        short = [point for point in points if isinstance(point, runs.Point)]
        for looked, look in pairwise(LOOKS):
            results = Results.load(self.writer.folder)
            undecided = [(point, self.undecided(results, point)) for point in short]
            self.bar.plan("more turns", 0)
            self.take([(point, allocators) for point, allocators in undecided if allocators],
                      lambda _, added=range(looked, look): added)

    def undecided(self, results, point):
        """The subject and those that cannot be told from it; nobody when all can."""
        names = results.undecided(str(point))
        return [one for one in self.allocators_of(point)
                if one.name in (results.subject, *names)] if names else []

    def take(self, contests, turns):
        for point, allocators in contests:
            self.bar.plan(point, len(turns(point)) * len(allocators))

        def run(point, allocators):
            if not self.takes_part(point, self.chosen[0]):
                return []  # nobody to compare the others with
            return point.turn([one for one in allocators if self.takes_part(point, one)])

        def watch(turn, point, allocator, row):
            self.bar.step(point, f"on {allocator.name}")
            if isinstance(row, BenchmarkFailed):
                self.fail(program_of(point), allocator, row)
            else:
                self.writer.write("rows", row | {
                    "turn": turn, "group": suite.group_of(point), "scenario": point,
                    "allocator": allocator.name})

        runs.take_turns(contests, turns, run, watch,
                        lambda turn: turn < TURNS_LEAST or self.in_time(QUICK_TURNS_S))
        for point, _ in contests:
            self.bar.plan(point, 0)

    def watch_tide(self):
        self.say("watching memory through bursts and the idle time after them")
        for allocator, rows in tide.measure(self.build, self.taking_part(tide.NAME)):
            if isinstance(rows, BenchmarkFailed):
                self.fail(tide.NAME, allocator, rows)
                continue
            for row in rows:
                self.writer.write("tide", row)
        self.bar.step(tide.NAME)

    def count_pairs(self):
        if not callgrind.available():
            self.leave_out(pairs.PROBE.name, "", "instructions: valgrind is not installed")
            return
        self.say("counting the instructions of malloc and free")
        cases = [(size, burst) for size in suite.COUNTED_SIZES for burst in suite.COUNTED_BURSTS]

        def count(allocator):
            try:
                return pairs.per_pair(self.build / "pairs", allocator, cases)
            except CountFailed as failure:
                return failure

        present = self.taking_part(pairs.PROBE.name)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for allocator, counts in zip(present, pool.map(count, present), strict=True):
                if isinstance(counts, CountFailed):
                    self.fail(pairs.PROBE.name, allocator, counts)
                    continue
                for (size, burst), per_pair in counts.items():
                    self.write_count(f"pairs size={size} burst={burst}", allocator, per_pair)
                self.bar.step(suite.COUNTED, f"of {allocator.name}")

    def write_count(self, scenario, allocator, per_pair):
        self.writer.write("instructions", {"scenario": scenario, "allocator": allocator.name,
                                           "per_pair": f"{per_pair:.2f}"})

    def count_undecided(self, points):
        """Where times cannot tell the subject from the best peer, the instructions of both."""
        results = Results.load(self.writer.folder)
        undecided = []
        for point in points:
            if isinstance(point, runs.Point) and can_count(point):
                rival = undecided_rival(results, str(point))
                undecided += [(point, one) for one in self.chosen
                              if rival and one.name in (results.subject, rival)]
        if not undecided:
            return
        self.say(f"counting where times cannot decide: {len(undecided) // 2} scenarios")
        self.bar.plan("counting", len(undecided))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            counts = pool.map(self.count_one, undecided)
            for (point, allocator), count in zip(undecided, counts, strict=True):
                self.bar.step("counting", f"{point} on {allocator.name}")
                if isinstance(count, float):
                    self.write_count(point, allocator, count)
                else:  # its times stand
                    self.leave_out(suite.COUNTED, allocator.name, f"{point}: {count}")

    def count_one(self, pair):
        if not self.in_time(QUICK_COUNTS_S):
            return BenchmarkFailed("no time was left")
        try:
            return instructions_per_pair(*pair)
        except (CountFailed, BenchmarkFailed) as failure:
            return failure


def program_of(point):
    return suite.program_of(str(point), suite.group_of(point))


def undecided_rival(results, scenario):
    """The best peer when times cannot tell the subject from it, else None."""
    if scenario not in results.scenarios():
        return None
    rival = results.best_peer(scenario)
    undecided = rival and results.ratio(scenario, rival).verdict(MARGIN) == "cannot tell"
    return rival if undecided else None


def _check(pair):
    point, allocator = pair
    try:
        with allocator.copied() as copy:
            origin.check(point, copy)
    except BenchmarkFailed as failure:
        return failure
    return None


def probes(options, build):
    """What shows whose malloc the programs take that run in no turns."""
    found = {tide.NAME: tide.PROBE, suite.COUNTED: pairs.PROBE}
    return [ProgramPoint(probe, probe.name, build) for word, probe in found.items()
            if asked_for(options, word)]


def turns_of(point, options):
    """At first."""
    return options.runs or (RUNS_OF_PROGRAMS if isinstance(point, ProgramPoint) else RUNS)


def plan(bar, points, allocators, options):
    """Roughly, so that the time left is that of all that is to come."""
    bar.plan("checking", len(set(map(program_of, points))) * allocators, CHECK_S)
    for point in points:
        bar.plan(point, turns_of(point, options) * allocators,
                 RUN_S if isinstance(point, runs.Point) else PROGRAM_S)
    if options.runs is None:
        bar.plan("more turns", 1, ADDED_S * len(points))
    if asked_for(options, tide.NAME):
        bar.plan(tide.NAME, 1, TIDE_S)
    if asked_for(options, suite.COUNTED):
        bar.plan(suite.COUNTED, allocators, COUNT_S)
    bar.plan("counting", 1, UNDECIDED_S)


def shown_path(path):
    """Without the folder that this repository happens to lie in."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def describe(writer, chosen, facts, options):
    for one in chosen:
        writer.write("allocators", {
            "name": one.name, "role": one.role.value, "file": shown_path(one.file),
            "version": one.version(), "sha256": one.checksum()})
    for name, value in facts.items():
        writer.write("machine", {"name": name, "value": value})
    writer.write("machine", {"name": "command", "value": options.asked})


def asked_for(options, word):
    return word in options.scenario if options.scenario else not options.command


def choose_scenarios(options):
    """Those that are measured in turns."""
    if options.command:
        return []
    words = options.scenario or suite.standard(options.quick)
    return [scenario for word in words if word not in (tide.NAME, suite.COUNTED)
            for scenario in suite.expand(word, options.quick)]


def choose_points(options, scenarios, build):
    if options.command:
        return [CommandPoint(options.command, build)]
    return suite.points(scenarios, build, options.quick)


def show(results, out):
    paint = table.painter(sys.stdout)
    parts = [table.against(results, results.best_peer, "against the best peer", paint)]
    for before in results.names(Role.BEFORE):
        parts.append(table.against(results, lambda scenario, rival=before:
                                   rival if (scenario, rival) in results.rows else None,
                                   f"against {before}", paint))
    parts += [table.summary(results, paint), table.bare_list(results),
              table.scaling(results, "scale", suite.SCALE_BARE),
              table.instructions(results), table.tide(results)]
    print("\n\n".join(filter(None, map("\n".join, parts))))
    report = Path(out, REPORT)
    report.write_text(page.render(results), encoding="utf-8")
    say(f"pictures: {report}")


def hold(options, chosen, out):
    """The whole; `options` as bench/laboratory.py reads them. Returns the results."""
    build = options.build / "bench"
    scenarios = choose_scenarios(options)
    points = choose_points(options, scenarios, build)
    if warning := machine.warning(machine.look()):
        say(f"warning: {warning}")
    facts = machine.describe(options.build)
    load = machine.Load()
    with Writer(out) as writer, Progress() as bar:
        describe(writer, chosen, facts, options)
        plan(bar, points, len(chosen), options)
        session = Session(chosen, build, writer, bar, options.quick and options.runs is None)
        for name in suite.not_installed(scenarios, build):
            session.leave_out(name, "", f"{name} is not installed")
        session.measure(points, options)
        others = load.others()
        if asked_for(options, tide.NAME):
            session.watch_tide()
        if asked_for(options, suite.COUNTED):
            session.count_pairs()
        session.count_undecided(points)
        writer.write("machine", {"name": FINISHED, "value": f"{others:.1f}"})
    results = Results.load(out)
    if results.subject not in results.present():
        raise SystemExit(f"eddy: nothing was measured on {results.subject}, for the reasons above")
    if warning := machine.warning(others):
        say(f"warning, of the whole time: {warning}")
    show(results, out)
    return results
