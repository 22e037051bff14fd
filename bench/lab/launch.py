"""Starts a program on an allocator and says what it took."""
import contextlib
import csv
import math
import os
import select
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 600
SHOWN_ERRORS = 2000


class BenchmarkFailed(Exception):
    """Carries the command and what it wrote to stderr."""


@dataclass(frozen=True)
class Usage:
    """What the program and the children that it waited for took."""
    peak_kib: float
    elapsed_s: float
    cpu_s: float
    faults: float


@dataclass(frozen=True)
class Finished:
    status: int
    output: bytes
    errors: bytes
    usage: Usage

    def rows(self, name, allocator, column, begin=0):
        """What it wrote from that line on: a head with this column, and rows. A library that writes
        there as well spoils it."""
        output = self.expect_success(name, allocator).output.decode(errors="replace")
        lines = output.splitlines()[begin:]
        rows = list(csv.DictReader(lines, delimiter="\t"))
        if not rows or any(row.get(column) is None for row in rows):
            raise BenchmarkFailed(f"{name} on {allocator.name}: its output is no table with "
                                  f"{column}: {' ... '.join(lines[:1] + lines[-1:])}")
        return rows

    def expect_success(self, name, allocator):
        if self.status != 0:
            errors = self.errors.decode(errors="replace").strip()[-SHOWN_ERRORS:]
            raise BenchmarkFailed(f"{name} on {allocator.name}: status {self.status}. {errors}")
        return self


class Launched:
    """A program that runs. `launcher` is the program of bench/launch.c. One that is waited for in
    vain is killed, with all that it started; so is one that is left without `finish`. The time runs
    while it is waited for alone: one that hangs uses up its own, and nobody else's. What it wrote
    to stderr is kept in a file, since a daemon that it leaves behind would keep a pipe open."""

    def __init__(self, launcher, command, environment, *, folder=None, stdin=os.devnull,
                 timeout_s=TIMEOUT_S, output=subprocess.PIPE):
        self.timeout_s = timeout_s
        self.given_up = ""  # why
        self.scratch = tempfile.TemporaryDirectory(prefix="eddy-launch-")
        self.report, self.errors = (Path(self.scratch.name, name) for name in ("report", "errors"))
        with contextlib.ExitStack() as files:
            source = stdin if stdin is subprocess.PIPE else files.enter_context(open(stdin, "rb"))
            errors = files.enter_context(self.errors.open("wb"))
            self.child = subprocess.Popen(
                [launcher, self.report, *command], cwd=folder, env=environment, stdin=source,
                stdout=output, stderr=errors, start_new_session=True, bufsize=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self.child:  # closes the pipes and waits
            if self.child.poll() is None:
                self.kill()
        self.scratch.cleanup()

    def kill(self):
        os.killpg(self.child.pid, signal.SIGKILL)

    def give_up(self, reason):
        self.given_up = reason
        self.kill()
        return math.inf

    def hang(self):
        return self.give_up(f"hung: nothing came for {self.timeout_s} s")

    def answer(self):
        """The next number that the program writes, waited for; infinite when there is none."""
        if self.given_up:
            return math.inf
        deadline = time.monotonic() + self.timeout_s
        line = b""
        while not line.endswith(b"\n"):
            left_s = max(deadline - time.monotonic(), 0)
            if not select.select([self.child.stdout], [], [], left_s)[0]:
                return self.hang()
            byte = self.child.stdout.read(1)
            if not byte:
                return math.inf
            line += byte
        try:
            return int(line)
        except ValueError:
            return self.give_up(f"wrote {line!r} where a benchmark writes numbers")

    def ask(self, demand):
        """A program that takes samples on demand; its answer."""
        with contextlib.suppress(BrokenPipeError):
            self.child.stdin.write(demand.encode())
        return self.answer()

    def finish(self):
        written = b""
        if not self.given_up:
            try:
                written = self.child.communicate(timeout=self.timeout_s)[0] or b""
            except subprocess.TimeoutExpired:
                self.hang()
        status = self.child.wait()
        errors = self.errors.read_bytes() + self.given_up.encode()
        figures = self.report.read_text().split() if self.report.exists() else [0] * 4
        return Finished(status, written, errors, Usage(*map(float, figures)))


def launch(launcher, command, environment, **options):
    """The whole run of a program."""
    with Launched(launcher, command, environment, **options) as launched:
        return launched.finish()
