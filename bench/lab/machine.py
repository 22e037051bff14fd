"""What a figure depends on besides the program: the machine, and what else it had to do."""
import os
import platform
import time
from pathlib import Path

BUSY_LOAD = 0.5  # processors that other programs keep busy: more makes times unsteady


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


def describe():
    """{name: value}"""
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
        "load at the start": f"{os.getloadavg()[0]:.1f}",
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


def busy_at_start():
    """A sentence when the machine is loaded, else None."""
    load = os.getloadavg()[0]
    if load < BUSY_LOAD:
        return None
    return (f"the machine is loaded (load average {load:.1f}): times will be unsteady and many "
            "verdicts 'cannot tell'; counts and memory hold")
