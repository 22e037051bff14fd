"""Exact counts of executed instructions, by valgrind's callgrind.

A program runs with an allocator preloaded. Counting is on inside one of its functions only, by
default `count_here`, and a profile is written after each call of it: so start and warm-up cost
nothing in the figures."""
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from lab.launch import TIMEOUT_S

FUNCTION = "count_here"


class CountFailed(SystemExit):
    """Some allocators do not run under valgrind. Not caught, it ends the program."""


@dataclass
class Profile:
    by_object: Counter = field(default_factory=Counter)   # {path: instructions}
    by_address: Counter = field(default_factory=Counter)  # {(path, address): instructions}

    def outside(self, program):
        """Instructions in the libraries that the program called, and in what these called."""
        return self.by_object.total() - self.by_object[str(Path(program).resolve())]


def available():
    return shutil.which("valgrind") is not None


def count(command, allocator, calls, addresses=False, function=FUNCTION):
    """The profiles of all calls of the function, in their order: so many at least."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        try:
            result = subprocess.run(
                ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}",
                 f"--toggle-collect={function}", f"--dump-after={function}",
                 "--compress-strings=no", "--compress-pos=no",
                 f"--dump-instr={'yes' if addresses else 'no'}", *map(str, command)],
                env=allocator.environment(), capture_output=True, text=True, check=False,
                timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as late:
            raise CountFailed(f"callgrind on {allocator.name}: no end after {TIMEOUT_S} seconds") \
                from late
        if result.returncode != 0:
            raise CountFailed(f"callgrind on {allocator.name}: {result.stderr.strip()}")
        parts = sorted(Path(folder).glob("out.*"), key=lambda path: int(path.suffix[1:]))
        if len(parts) < calls:
            raise CountFailed(f"callgrind on {allocator.name}: {len(parts)} profiles, not {calls}")
        return [parse(part.read_text()) for part in parts]


COST = re.compile(r"(?:0x([0-9a-f]+) )?\d+ (\d+)$")


def parse(text):
    """One profile, written without compression. A cost line that follows `calls=` is the callee's
    and counted there."""
    profile = Profile()
    current = ""
    of_callee = False
    for line in text.splitlines():
        if line.startswith("ob="):
            current = line[3:]
        elif line.startswith("calls="):
            of_callee = True
        elif cost := COST.match(line):
            if not of_callee:
                instructions = int(cost[2])
                profile.by_object[current] += instructions
                if cost[1]:
                    profile.by_address[current, int(cost[1], 16)] += instructions
            of_callee = False
    return profile
