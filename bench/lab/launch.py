"""Starts a program on an allocator and says what it took."""
import os
import signal
import subprocess
import tempfile
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


def launch(launcher, command, environment, *, folder=None, stdin=os.devnull,
           timeout_s=TIMEOUT_S, output=subprocess.PIPE):
    """`launcher` is the program of bench/launch.c. A program that does not end in time is killed,
    with all that it started."""
    with tempfile.TemporaryDirectory(prefix="eddy-launch-") as scratch, open(stdin, "rb") as source:
        report = Path(scratch, "report")
        with subprocess.Popen([launcher, report, *command], cwd=folder, env=environment,
                              stdin=source, stdout=output, stderr=subprocess.PIPE,
                              start_new_session=True) as child:
            try:
                written, errors = child.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                written, errors = child.communicate()
                errors += f"no end after {timeout_s} s\n".encode()
            except BaseException:
                os.killpg(child.pid, signal.SIGKILL)
                raise
        figures = report.read_text().split() if report.exists() else [0] * 4
        return Finished(child.returncode, written or b"", errors, Usage(*map(float, figures)))
