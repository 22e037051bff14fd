"""The standard scenarios, in groups: what stands for what, and how long each is measured."""
import os
from dataclasses import dataclass

from lab import runs
from lab.programs import PROGRAMS, CommandPoint, ProgramPoint

EFFORT = ("--sample-ms=1",)
# A crew's work without --rounds takes up to a second; for a sample less is enough.
CREW_ROUNDS = {"asymmetric": 100, "cache_scratch": 500, "cache_thrash": 500, "larson": 2,
               "pareto": 2, "phases": 2, "ring": 400, "scale": 200, "scale_bare": 200,
               "sh6": 8, "sh8": 8, "xmalloc": 200}
THREADS_LEAST = {"xmalloc": 2, "asymmetric": 2}

# What is counted on every allocator, exactly.
COUNTED = "instructions"
COUNTED_SIZES, COUNTED_BURSTS = (16, 64, 256, 512, 1024, 4096), (1, 10, 100, 1000)

PAGE_BYTES = 60_000  # a burst up to this size fits into a page, with room for rounding
BARE_LIST, BARE_LIST_SERVES = "bare list", {"sweep"}  # one size, one thread
SCALE_BARE = "scale_bare"  # the same load on a list of its own, whoever serves malloc

WITHIN, OVER = "bursts within a page", "bursts over many pages"
LOADS, CREWS, REAL, OWN = "loads", "several threads", "real programs", "own command"
GROUPS = (WITHIN, OVER, LOADS, CREWS, REAL, OWN)
REFERENCE = "reference"  # a lower bound, not compared


@dataclass(frozen=True)
class Scenarios:
    full: tuple[str, ...]
    quick: tuple[str, ...]


def thread_counts(least, quick):
    """1, 2, 4 ... up to the processors, without --quick up to twice as many."""
    most = max(os.cpu_count() * (1 if quick else 2), 2)
    return ",".join(str(n) for n in (1, 2, 4, 8, 16, 32, 64) if least <= n <= most)


def crew_scenarios(quick):
    names = ("larson", "xmalloc", "scale", SCALE_BARE) if quick else CREW_ROUNDS
    return tuple(f"{name} --threads={thread_counts(THREADS_LEAST.get(name, 1), quick)}"
                 for name in names)


SWEEP = Scenarios(
    ("sweep --size=16,64,256,1024 --burst=1,10,100,1000,10000,100000 --order=lifo,random",),
    ("sweep --size=64 --burst=1,100,10000,100000 --order=lifo",
     "sweep --size=1024 --burst=1,100,10000 --order=lifo"))
LOAD = Scenarios(
    ("churn --quick", "churn --size=64,1024 --burst=10000 --order=random --survivors=5 --gap=0 "
     "--threads=1 --handoff=no",
     "churn --size=64,1024 --burst=10000 --order=lifo --survivors=0 --gap=100 --threads=1 "
     "--handoff=no",
     "churn --size=64,1024 --burst=10000 --order=lifo --survivors=0 --gap=0 --threads=2 "
     "--handoff=yes,turns",
     "pingpong --quick", "batch --quick", "interleaved --quick", "multisize --quick",
     # Up to 1 MiB by the step, who copies takes minutes for one round.
     "realloc_growth --growth=double --max=16384,1048576 --arrays=8 --threads=1,2",
     "realloc_growth --growth=step --max=16384,65536 --arrays=8 --threads=1,2"),
    ("pingpong --size=64 --levels=1000 --threads=1", "batch --size=64 --batch=1000 --in-flight=8 "
     "--threads=1", "interleaved --size=64,1024 --slots=20000 --threads=1",
     "multisize --mix=mixed,phases --max=2048 --burst=10000 --threads=1",
     "realloc_growth --growth=double --max=16384 --arrays=8 --threads=1",
     "churn --size=64 --burst=10000 --order=lifo --survivors=0 --gap=0 --threads=2 "
     "--handoff=yes"))
REAL_PROGRAMS = Scenarios(tuple(program.name for program in PROGRAMS), ())


def group_of(point):
    if str(point).split()[0] == SCALE_BARE:
        return REFERENCE
    if isinstance(point, CommandPoint):
        return OWN
    if isinstance(point, ProgramPoint):
        return REAL
    if point.is_of_crew:
        return CREWS
    if point.name != "sweep":
        return LOADS
    within = int(point.option("size")) * int(point.option("burst")) <= PAGE_BYTES
    return WITHIN if within else OVER


def program_of(scenario, group):
    """The name of what is left out as a whole where it fails."""
    return scenario if group == OWN else scenario.split()[0]


def families(quick):
    """{word for the command line: scenarios}"""
    def chosen(scenarios):
        return scenarios.quick if quick else scenarios.full

    return {"bursts": chosen(SWEEP), "loads": chosen(LOAD), "threads": crew_scenarios(quick),
            "programs": chosen(REAL_PROGRAMS)}


def standard(quick):
    """The scenarios of `./eddy bench`, as its command line could name them."""
    return [scenario for family in families(quick).values() for scenario in family]


def expand(word, quick):
    """What one SCENARIO of the command line stands for: a family; or, of a program without options,
    its share of the standard scenarios, or else its own short set; or just itself."""
    names = (word, SCALE_BARE) if word == "scale" else (word,)
    of_program = [[scenario for scenario in standard(short) if scenario.split()[0] in names]
                  for short in (quick, False)]
    of_family = [families(short).get(word) for short in (quick, False)]
    return next(filter(None, (*of_family, *of_program)), [word])


def _word(scenario):
    """The program's."""
    return next(iter(scenario.split()), "")


def not_installed(scenarios, build):
    """The names of the real programs among them that this machine lacks."""
    words = set(map(_word, scenarios))
    return [program.name for program in PROGRAMS
            if program.name in words and not program.installed(build)]


def points(scenarios, build, quick):
    """Those of programs that are installed."""
    found = [point for scenario in scenarios for point in _points_of(scenario, build, quick)]
    return list(dict.fromkeys(found))


def _points_of(scenario, build, quick):
    word, known = _word(scenario), dict.fromkeys(map(_word, standard(False)))
    if word not in known:  # other programs lie in that folder, too
        raise SystemExit(f"no scenario '{word}'; there are {', '.join(known)}, tide, {COUNTED} and "
                         f"the families {', '.join(families(quick))}")
    for program in PROGRAMS:
        if program.name == word:
            return [ProgramPoint(program, word, build)] if program.installed(build) else []
    if word in CREW_ROUNDS:
        effort = (f"--rounds={CREW_ROUNDS[word]}",)
        return runs.scenario_points(scenario, build, effort)
    return runs.scenario_points(scenario, build, EFFORT)
