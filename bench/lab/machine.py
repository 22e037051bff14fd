"""What a figure depends on besides the program: the machine, what else it had to do, and what the
libraries were built of."""
import os
import platform
import re
import shutil
import subprocess
import time
from pathlib import Path

from lab.allocators import ROOT

BUSY = 0.5    # processors that other programs keep busy: more makes times unsteady
LOOK_S = 1    # so long the machine is watched before anything is measured


def _read(path):
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _field(path, name):
    lines = _read(path).splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")


def _distribution():
    lines = dict(line.partition("=")[::2] for line in _read("/etc/os-release").splitlines())
    return lines.get("PRETTY_NAME", "unknown").strip('"')


def _huge_pages():
    """The setting that stands in brackets."""
    text = _read("/sys/kernel/mm/transparent_hugepage/enabled")
    return text.partition("[")[2].partition("]")[0] or "none"


def _revision():
    """What git calls these sources; nothing where they are no clone, or git is missing."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        return ""
    return subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                          capture_output=True, text=True, check=False).stdout.strip()


def _compiler(build):
    """That of a build's C sources, as CMake found it."""
    found = "".join(map(_read, build.glob("CMakeFiles/*/CMakeCCompiler.cmake")))
    return " ".join(re.findall(r'set\(CMAKE_C_COMPILER_(?:ID|VERSION) "(.*)"\)', found))


def describe(build):
    """{name: value}; `build` is the folder of the subject's."""
    processors = os.cpu_count()
    return {
        "date": time.strftime("%Y-%m-%d %H:%M %Z"),
        "processor": _field("/proc/cpuinfo", "model name") or platform.machine(),
        "processors": str(processors),
        "memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / (1 << 20):.1f} GiB",
        "system": _distribution(),
        "kernel": platform.release(),
        "huge pages": _huge_pages(),
        "frequency governor": _read(
            "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "unknown",
        "revision": _revision() or "unknown",
        "compiler": _compiler(build) or "unknown",
    }


class Load:
    """What other programs took of the machine since this was made: the processors' time that is
    neither idle nor this process's or its children's."""

    def __init__(self):
        self.before = self._look()

    @staticmethod
    def _look():
        ticks = list(map(int, _read("/proc/stat").splitlines()[0].split()[1:9]))
        own = sum(os.times()[:4]) * os.sysconf("SC_CLK_TCK")
        busy = sum(ticks) - ticks[3] - ticks[4]  # without idle and waiting for disks
        return busy - own, time.monotonic()

    def others(self):
        """In processors."""
        busy, now = self._look()
        seconds = max(now - self.before[1], 1e-9)
        ticks = os.sysconf("SC_CLK_TCK")
        return max(busy - self.before[0], 0) / ticks / seconds


def look():
    """How many processors others keep busy now. Not the load average: that remembers what was built
    for this very visit."""
    load = Load()
    time.sleep(LOOK_S)
    return load.others()


def warning(busy):
    """A sentence when others keep so many processors busy that it matters, else None."""
    if busy < BUSY:
        return None
    return (f"other programs keep {busy:.1f} processors busy: times will be unsteady and many "
            "verdicts 'cannot tell'; counts and memory hold")
