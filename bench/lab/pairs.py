"""Exact instructions that an allocator executes per malloc+free pair: all those outside the
program, which calls nothing but malloc and free. Of a program that holds its allocator, all."""
from lab import callgrind
from lab.programs import Program

PROBE = Program("pairs", "{build}/pairs lifo 64:1:1")  # which shows whose malloc it takes
PAIRS = 2000       # counted in each case at least
ROUNDS_LEAST = 10  # what happens once in some rounds shows as well
ORDERS = ("lifo", "fifo", "random", "half")


def per_pair(program, allocator, cases, order="lifo", holds_allocator=False):
    """{(size, burst): instructions per pair} for cases (size, burst), all in one process, the
    blocks of each burst freed in that order."""
    rounds = {case: max(PAIRS // case[1], ROUNDS_LEAST) for case in cases}
    arguments = [f"{size}:{burst}:{rounds[size, burst]}" for size, burst in cases]
    profiles = callgrind.count([program, order, *arguments], allocator, len(cases))
    counts = [profile.by_object.total() if holds_allocator else profile.outside(program)
              for profile in profiles]
    return {case: count / (rounds[case] * case[1])
            for case, count in zip(cases, counts, strict=True)}
