#!/usr/bin/env python3
"""The multi-threaded benchmarks of bench/threads/: the first allocator against the others.

    bench/threads.py                                     Eddy, libc and the installed peers
    bench/threads.py --only larson,ring --threads 2      two benchmarks, two threads
    bench/threads.py eddy old=/tmp/libeddy.so            two builds of Eddy

The allocators take turns. A time is the median over the runs; a ratio, with its 99 % interval, is
that to the best of the other allocators on that benchmark. Memory is what became resident, over
the bytes in live blocks at their peak."""
import argparse
import csv
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from lab import allocators, runs
from lab.statistics import Ratio, geometric_mean, ratio_of_medians

THREADS_LEAST = {
    "larson": 1, "phases": 1, "pareto": 1, "sh6": 1, "sh8": 1, "ring": 1, "xmalloc": 2,
    "asymmetric": 2, "cache_scratch": 1, "cache_thrash": 1, "scale": 1,
}
BARE = "scale_bare"
PRODUCER_CONSUMER = ("xmalloc", "asymmetric")

# Below this, stacks and the like outweigh what the benchmark allocates.
LIVE_KIB_LEAST = 2048


def memory_over_live(rows):
    """None where hardly anything is alive."""
    live = median(runs.column(rows, "live_kib"))
    if live < LIVE_KIB_LEAST:
        return None
    return median(row["peak_kib"] - row["base_kib"] for row in rows) / live


def memory_goal(name, rows):
    """The ratio of memory_over_live that is wanted at most."""
    if name in PRODUCER_CONSUMER:
        return 1.3 + 4096 / median(runs.column(rows, "live_kib"))
    return 1.5


@dataclass(frozen=True)
class Verdict:
    """A benchmark at one number of threads: the first allocator against the best of the others."""
    times: dict  # {allocator: median}
    best: allocators.Allocator
    ratio: Ratio
    memory: float
    memory_is_over: bool


def judge(name, rows_of, time):
    """`rows_of` is {allocator: rows}."""
    times = {who: median(runs.column(rows, time)) for who, rows in rows_of.items()}
    first, *others = times
    best = min(others, key=times.get)
    ratio = ratio_of_medians(runs.column(rows_of[first], time), runs.column(rows_of[best], time))
    memory = memory_over_live(rows_of[first])
    over = memory is not None and memory > memory_goal(name, rows_of[first])
    return Verdict(times, best, ratio, memory, over)


def print_verdicts(threads, verdicts, chosen, time):
    print(f"\n{threads} threads, {time}")
    names = "".join(f"{who.name:>10}" for who in chosen)
    print(f"{'':14}{names}   {chosen[0].name + ' / best':20} {'best':10} memory / live")
    for name, verdict in verdicts.items():
        times = "".join(f"{verdict.times[who]:>10.1f}" for who in chosen)
        ratio = verdict.ratio
        interval = f"{ratio.value:5.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"
        memory = "-" if verdict.memory is None else f"{verdict.memory:.2f}"
        goal = "  above the goal" if verdict.memory_is_over else ""
        print(f"{name:14}{times}   {interval:20} {verdict.best.name:10} {memory:>6}{goal}")
    mean = geometric_mean([verdict.ratio.value for verdict in verdicts.values()])
    print(f"{'geo. mean':14}{'':{10 * len(chosen)}}   {mean:5.2f}")


def print_efficiency(rows_of, counts, chosen):
    """Throughput of `scale` at N threads over N times that at one, relative to the bare list's."""
    def efficiency(name, who, count):
        throughput = {n: median(runs.column(rows_of[name, n][who], "pairs_per_s"))
                      for n in (1, count)}
        return throughput[count] / throughput[1] / count

    print("\nefficiency of scale, over that of a bare list in the same turns")
    for count in counts:
        bare = median(efficiency(BARE, who, count) for who in chosen)
        relative = "".join(f"  {who.name} {efficiency('scale', who, count) / bare:.2f}"
                           for who in chosen)
        print(f"{count} threads: bare list {bare:.2f}{relative}")


def write_rows(path, rows_of):
    rows = [row for of_allocator in rows_of.values() for rows in of_allocator.values()
            for row in rows]
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def measure(chosen, options):
    """{(benchmark, threads): {allocator: rows}}"""
    names = [*options.only, BARE] if "scale" in options.only else options.only
    points = {(name, count): runs.Point(options.programs / "threads" / name,
                                        (f"--threads={count}",))
              for count in options.threads for name in names
              if count >= THREADS_LEAST.get(name, 1)}
    rows = runs.interleave(list(points.values()), chosen, options.runs)
    return {pair: {who: rows[point, who] for who in chosen} for pair, point in points.items()}


def main():
    cores = os.cpu_count()
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("allocator", nargs="*", help="eddy, libc, a peer, or NAME=PATH")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(THREADS_LEAST),
                        metavar="NAME,...", help=f"of {', '.join(THREADS_LEAST)}")
    parser.add_argument("--threads", type=lambda text: [int(n) for n in text.split(",")],
                        default=[n for n in (1, 2, 4, 8, 16) if n <= 2 * cores],
                        help="numbers of threads (default: 1,2,4,8,16 up to twice the cores)")
    parser.add_argument("--runs", type=int, default=5, help="of each (default: 5)")
    parser.add_argument("--cpu", action="store_true",
                        help="compare processor time, which says less but is less disturbed")
    parser.add_argument("--programs", type=Path, default=runs.PROGRAMS,
                        help="folder of the benchmark programs")
    parser.add_argument("--tsv", type=Path, help="write the rows of all runs to this file")
    options = parser.parse_args()
    if unknown := set(options.only) - set(THREADS_LEAST):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}")
    chosen = [allocators.by_name(name) for name in options.allocator] or \
        [allocators.eddy(), allocators.LIBC, *allocators.find_peers()]
    if len(chosen) < 2:
        parser.error("one allocator alone compares with nothing")

    time = "cpu_ns_per_pair" if options.cpu else "ns_per_pair"
    try:
        rows_of = measure(chosen, options)
    except runs.BenchmarkFailed as failure:
        sys.exit(str(failure))
    if options.tsv:
        write_rows(options.tsv, rows_of)

    ratios = []
    for count in options.threads:
        verdicts = {name: judge(name, rows_of[name, count], time)
                    for name in options.only if (name, count) in rows_of}
        ratios += [verdict.ratio.value for verdict in verdicts.values()]
        print_verdicts(count, verdicts, chosen, time)
    print(f"\ngeometric mean of all: {geometric_mean(ratios):.3f}")
    if "scale" in options.only and 1 in options.threads:
        print_efficiency(rows_of, [n for n in options.threads if 1 < n <= cores], chosen)


if __name__ == "__main__":
    main()
