"""Resident memory over time, through bursts and the idle time that follows (bench/tide.c)."""
from concurrent.futures import ThreadPoolExecutor

from lab.launch import launch
from lab.programs import Program
from lab.runs import attempt

NAME = "tide"
IDLE_MS = 3000
PROBE = Program(NAME, "{build}/tide 0")  # which shows whose malloc it takes


def rows(build, allocator):
    finished = launch(build / "launch", [build / NAME, str(IDLE_MS)], allocator.environment())
    return [row | {"allocator": allocator.name}
            for row in finished.rows(NAME, allocator, "rss_kib")]


def measure(build, allocators):
    """[(allocator, its rows or why there are none), ...]. They run at the same time: most of it is
    sleep, and memory does not depend on speed."""
    with ThreadPoolExecutor(len(allocators) or 1) as pool:
        found = list(pool.map(lambda one: attempt(rows, build, one), allocators))
    return list(zip(allocators, found, strict=True))
