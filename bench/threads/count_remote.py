#!/usr/bin/env python3
"""Count what a free by another thread costs, exactly, by callgrind: the instructions of the thread
that frees and of the one that allocated, together, relative to a free by the thread itself.

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
    """The counts of own blocks, those of another thread's, and what a free of the latter costs in
    frees of the former."""
    own, other = (per_block(program, allocator, freer, case) for freer in ("own", "other"))
    # What the owner has to do for it shows in its mallocs.
    remote_free = other["free"] + other["malloc"] - own["malloc"]
    return own, other, remote_free / own["free"]


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
    print(f"{'instructions per block':34}{'own thread':>16}{'other thread':>18}\n{'':34}"
          f"{'malloc':>9}{'free':>7}{'malloc':>11}{'free':>7}   a free by another / by its own")
    for allocator in chosen:
        for case in CASES:
            own, other, ratio = compare(program, allocator, case)
            print(f"{allocator.name:10} {case:23}{own['malloc']:9.1f}{own['free']:7.1f}"
                  f"{other['malloc']:11.1f}{other['free']:7.1f}{ratio:9.2f}",
                  flush=True)


if __name__ == "__main__":
    main()
