#!/usr/bin/env python3
"""Count what a free by another thread costs, exactly, by callgrind: the instructions of the thread
that frees and of the one that allocated, together, relative to a free by the thread itself; and
those of a free of what a thread left that has ended.

    bench/threads/count_remote.py                          Eddy, libc and the installed peers
    bench/threads/count_remote.py eddy old=/tmp/libeddy.so
"""
import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lab import allocators, callgrind, runs  # noqa: E402

# As in remote.c.
THREADS = 2
BURST = 1000

ROUNDS = 20
CASES = {"one class, in order": ("fifo", "one"), "random sizes and order": ("random", "mixed")}


def per_block(program, allocator, freer, case):
    """Instructions per malloc and per free: the profiles come in turns, each thread allocates, then
    each frees."""
    command = [program, freer, *CASES[case], str(ROUNDS)]
    profiles = callgrind.count(command, allocator, 2 * THREADS * ROUNDS)
    sums = {"malloc": 0, "free": 0}
    for turn, profile in enumerate(profiles):
        frees = turn % (2 * THREADS) >= THREADS
        sums["free" if frees else "malloc"] += profile.outside(program)
    return {name: total / (THREADS * ROUNDS * BURST) for name, total in sums.items()}


def compare(program, allocator, case):
    """The counts of own blocks, of another thread's and of an ended one's, and what a free of
    these costs in frees of own ones."""
    counts = {freer: per_block(program, allocator, freer, case)
              for freer in ("own", "other", "left")}
    own, other, left = counts.values()
    # What the owner has to do for it shows in its mallocs.
    remote_free = other["free"] + other["malloc"] - own["malloc"]
    return counts, {"other": remote_free / own["free"], "left": left["free"] / own["free"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("allocator", nargs="*", help="eddy, libc, a peer, or NAME=PATH")
    parser.add_argument("--programs", type=Path, default=runs.PROGRAMS,
                        help="folder of the benchmark programs")
    options = parser.parse_args()
    if not callgrind.available():
        sys.exit("valgrind is missing (Debian: apt-get install valgrind)")
    chosen = [allocators.by_name(name) for name in options.allocator] or \
        [allocators.eddy(), allocators.LIBC, *allocators.find_peers()]

    program = options.programs / "threads" / "remote"
    print(f"{'instructions per block':34}{'own thread':>16}{'other thread':>18}"
          f"{'a free of it':>15}{'ended thread':>16}{'a free of it':>15}\n{'':34}"
          f"{'malloc':>9}{'free':>7}{'malloc':>11}{'free':>7}{'in own ones':>15}"
          f"{'free':>16}{'in own ones':>15}")
    for allocator in chosen:
        for case in CASES:
            counts, ratios = compare(program, allocator, case)
            own, other, left = counts.values()
            print(f"{allocator.name:10} {case:23}{own['malloc']:9.1f}{own['free']:7.1f}"
                  f"{other['malloc']:11.1f}{other['free']:7.1f}{ratios['other']:15.2f}"
                  f"{left['free']:16.1f}{ratios['left']:15.2f}", flush=True)


if __name__ == "__main__":
    main()
