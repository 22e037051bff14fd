"""Resident memory over time, through bursts and the idle time that follows (bench/tide.c)."""
import csv
from concurrent.futures import ThreadPoolExecutor

from lab.launch import launch

NAME = "tide"


def measure(build, allocators, idle_ms=3000):
    """Rows of all allocators. They run at the same time: most of it is sleep, and memory does not
    depend on speed."""
    def of_one(allocator):
        finished = launch(build / "launch", [build / NAME, str(idle_ms)], allocator.environment())
        text = finished.expect_success(NAME, allocator).output.decode()
        return [row | {"allocator": allocator.name}
                for row in csv.DictReader(text.splitlines(), delimiter="\t")]

    with ThreadPoolExecutor(len(allocators)) as pool:
        return [row for rows in pool.map(of_one, allocators) for row in rows]
