"""Real programs, and commands of the user's own."""
import contextlib
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab.allocators import ROOT
from lab.launch import launch
from lab.runs import attempt

LOADS = ROOT / "test" / "programs" / "loads"


@dataclass(frozen=True)
class Program:
    """`command` runs in an empty folder; `{loads}` and `{build}` in it are replaced."""
    name: str
    command: str
    stdin: str = os.devnull
    needs: tuple = ()  # commands besides the first word of `command`
    environment: dict = field(default_factory=dict)

    def words(self, build):
        return self.command.format(loads=LOADS, build=build).split()

    def installed(self, build):
        return all(map(shutil.which, (self.words(build)[0], *self.needs)))

    def launch(self, build, environment):
        """`environment` is what is added to a small one, the same for every user."""
        with tempfile.TemporaryDirectory(prefix="eddy-programs-") as folder:
            small = {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C", "TZ": "UTC"}
            return launch(Path(build, "launch"), self.words(build),
                          small | self.environment | environment, folder=folder,
                          stdin=self.stdin.format(loads=LOADS))


PROGRAMS = (
    Program("python", "/usr/bin/python3 {loads}/python.py",
            environment={"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}),
    Program("gcc", "sh {loads}/gcc.sh", needs=("gcc", "awk")),
    Program("git", "sh {loads}/git.sh", needs=("git", "awk")),
    Program("perl", "perl {loads}/perl.pl"),
    Program("sqlite", "sqlite3 :memory:", stdin="{loads}/sqlite.sql"),
    Program("lua", "lua5.4 {loads}/lua.lua"),
    Program("node", "node {loads}/node.js"),
    Program("redis", "sh {loads}/redis.sh", needs=("redis-server", "redis-benchmark", "awk")),
    Program("objects", "{build}/objects"),
)


def row_of(usage):
    """A command is judged by the processor time of all its processes, which other programs on the
    machine disturb less than the time that passes."""
    return asdict(usage)


@contextlib.contextmanager
def one_processor():
    """What is started meanwhile runs on one processor only."""
    all_of_them = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(all_of_them)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_of_them)


def run_copied(point, allocator):
    with allocator.copied() as copy:
        return allocator, attempt(point.run, copy)


@dataclass(frozen=True)
class ProgramPoint:
    """A program of the table as a scenario."""
    program: Program = field(compare=False)
    name: str
    build: Path

    def __str__(self):
        return self.name

    def run(self, allocator, more_environment=None):
        environment = allocator.environment({}) | (more_environment or {})
        finished = self.program.launch(self.build, environment)
        return row_of(finished.expect_success(self.name, allocator).usage)

    def turn(self, allocators):
        """All at the same time on one processor, which changes from one to the other every few
        milliseconds: so all meet the same moods of the machine, and what counts is the processor
        time of each. [(allocator, its row or why there is none), ...]"""
        with one_processor(), ThreadPoolExecutor(len(allocators) or 1) as pool:
            return list(pool.map(lambda one: run_copied(self, one), allocators))


@dataclass(frozen=True)
class CommandPoint:
    """The user's command, in his folder and environment; what it prints is not kept."""
    command: tuple[str, ...]
    build: Path

    def __str__(self):
        return " ".join(self.command)

    def run(self, allocator, more_environment=None):
        environment = allocator.environment() | (more_environment or {})
        finished = launch(Path(self.build, "launch"), self.command, environment,
                          output=subprocess.DEVNULL)
        return row_of(finished.expect_success(str(self), allocator).usage)

    def turn(self, allocators):
        """One upon the other: nobody knows whether two can run at the same time, and the time that
        passes is shown, too."""
        for allocator in allocators:
            yield run_copied(self, allocator)
