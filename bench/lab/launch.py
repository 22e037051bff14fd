"""Starts a program on an allocator and says what it took."""
import contextlib
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

    def expect_success(self, name, allocator):
        if self.status != 0:
            errors = self.errors.decode(errors="replace").strip()[-SHOWN_ERRORS:]
            raise BenchmarkFailed(f"{name} on {allocator.name}: status {self.status}. {errors}")
        return self


class Launched:
    """A program that runs. `launcher` is the program of bench/launch.c. One that is waited for in
    vain is killed, with all that it started; so is one that is left without `finish`. The time runs
    while it is waited for alone: one that hangs uses up its own, and nobody else's."""

    def __init__(self, launcher, command, environment, *, folder=None, stdin=os.devnull,
                 timeout_s=TIMEOUT_S, output=subprocess.PIPE):
        self.timeout_s = timeout_s
        self.hung = False
        self.scratch = tempfile.TemporaryDirectory(prefix="eddy-launch-")
        self.report = Path(self.scratch.name, "report")
        with contextlib.ExitStack() as files:
            source = stdin if stdin is subprocess.PIPE else files.enter_context(open(stdin, "rb"))
            self.child = subprocess.Popen(
                [launcher, self.report, *command], cwd=folder, env=environment, stdin=source,
                stdout=output, stderr=subprocess.PIPE, start_new_session=True, bufsize=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.kill()
            self.child.communicate()
        self.scratch.cleanup()

    def kill(self):
        os.killpg(self.child.pid, signal.SIGKILL)

    def give_up(self):
        self.hung = True
        self.kill()

    def answer(self):
        """The next number that the program writes, waited for; infinite when there is none."""
        deadline = time.monotonic() + self.timeout_s
        line = b""
        while not line.endswith(b"\n"):
            left_s = max(deadline - time.monotonic(), 0)
            if not select.select([self.child.stdout], [], [], left_s)[0]:
                self.give_up()
            byte = self.child.stdout.read(1)
            if not byte:
                return math.inf
            line += byte
        return int(line)

    def ask(self, demand):
        """A program that takes samples on demand; its answer."""
        with contextlib.suppress(BrokenPipeError):
            self.child.stdin.write(demand.encode())
        return self.answer()

    def finish(self):
        try:
            written, errors = self.child.communicate(timeout=self.timeout_s)
        except subprocess.TimeoutExpired:
            self.give_up()
            written, errors = self.child.communicate()
        if self.hung:
            errors += f"hung: nothing came for {self.timeout_s} s\n".encode()
        figures = self.report.read_text().split() if self.report.exists() else [0] * 4
        return Finished(self.child.returncode, written or b"", errors, Usage(*map(float, figures)))


def launch(launcher, command, environment, **options):
    """The whole run of a program."""
    with Launched(launcher, command, environment, **options) as launched:
        return launched.finish()
