"""Real programs, and commands of the user's own."""
import os
import shutil
import tempfile
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


class OneUponTheOther:
    """A turn of what runs as a whole: yields (allocator, its row or why there is none)."""

    def turn(self, allocators):
        for allocator in allocators:
            yield allocator, attempt(self.run, allocator)


@dataclass(frozen=True)
class ProgramPoint(OneUponTheOther):
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


@dataclass(frozen=True)
class CommandPoint(OneUponTheOther):
    """The user's command, in his folder and environment; what it prints is not kept."""
    command: tuple[str, ...]
    build: Path

    def __str__(self):
        return " ".join(self.command)

    def run(self, allocator, more_environment=None):
        environment = allocator.environment() | (more_environment or {})
        finished = launch(Path(self.build, "launch"), self.command, environment)
        return row_of(finished.expect_success(str(self), allocator).usage)
