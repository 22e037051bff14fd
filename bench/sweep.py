#!/usr/bin/env python3
"""The burst sweep: ns per malloc+free pair, with the caller's loop, against a bare list.

    bench/sweep.py                      Eddy, libc and the installed peers, all points
    bench/sweep.py --quick eddy libc    a quarter of the points, two allocators

The figures are medians over the runs; a ratio is the median of the ratios to the bare list in the
same run."""
import argparse
import sys
from pathlib import Path
from statistics import median

from lab import allocators, runs
from lab.statistics import geometric_mean

PAGE_BYTES = 60_000  # a burst up to this size fits into a page, with room for rounding


def option(point, name):
    return next(o.split("=")[1] for o in point.options if o.startswith(f"--{name}="))


def within_a_page(point):
    return int(option(point, "size")) * int(option(point, "burst")) <= PAGE_BYTES


class Sweep:
    def __init__(self, points, chosen, bare, rows):
        self.points, self.chosen, self.bare, self.rows = points, chosen, bare, rows

    def times(self, point, allocator):
        return runs.column(self.rows[point, allocator], "ns_per_pair")

    def ratio(self, point, allocator):
        pairs = zip(self.times(point, allocator), self.times(point, self.bare), strict=True)
        return median(time / bare for time, bare in pairs)

    def print_points(self):
        print(f"{'size':>6}{'burst':>8}{'order':>8}{'bare':>9}"
              + "".join(f"{allocator.name:>17}" for allocator in self.chosen))
        for point in self.points:
            size, burst, order = (option(point, name) for name in ("size", "burst", "order"))
            print(f"{size:>6}{burst:>8}{order:>8}{median(self.times(point, self.bare)):>9.1f}"
                  + "".join(f"{median(self.times(point, allocator)):>9.1f}"
                            f"{self.ratio(point, allocator):>7.2f}x"
                            for allocator in self.chosen))

    def print_mean(self, title, points):
        if not points:
            return
        print(f"\n{title}: geometric means over {len(points)} points")
        for allocator in [self.bare, *self.chosen]:
            time = geometric_mean([median(self.times(point, allocator)) for point in points])
            ratio = geometric_mean([self.ratio(point, allocator) for point in points])
            print(f"  {allocator.name:<12}{time:>7.1f} ns   x{ratio:.2f} of the bare list")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("allocator", nargs="*", help="eddy, libc, a peer, or NAME=PATH")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--programs", type=Path, default=runs.PROGRAMS,
                        help="folder of the benchmark programs")
    options = parser.parse_args()

    chosen = [allocators.by_name(name) for name in options.allocator] or \
        [allocators.eddy(), allocators.LIBC, *allocators.find_peers()]
    bare = allocators.from_library(options.programs / "barelist.so", "bare list")
    quick = ["--quick"] if options.quick else []
    points = runs.points(options.programs / "sweep", quick)
    try:
        rows = runs.interleave(points, [bare, *chosen], options.runs, quick)
    except runs.BenchmarkFailed as failure:
        sys.exit(str(failure))

    sweep = Sweep(points, chosen, bare, rows)
    sweep.print_points()
    sweep.print_mean("within a page", [p for p in points if within_a_page(p)])
    sweep.print_mean("over many pages", [p for p in points if not within_a_page(p)])


if __name__ == "__main__":
    main()
