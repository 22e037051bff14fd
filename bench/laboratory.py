#!/usr/bin/env python3
"""Eddy against the allocators of this machine: `./eddy bench` builds what is needed and runs this.

    ./eddy bench                        the standard scenarios on Eddy and every peer found
    ./eddy bench --quick                fewer, no real programs, under three minutes
    ./eddy bench larson 'churn --size=64,1024 --burst=1000'
    ./eddy bench --before HEAD~1        another revision of Eddy as one more peer
    ./eddy bench -- make -B -j4         a command of your own, which does the same every time
    ./eddy bench --redraw DIR           tables and pictures of an earlier visit, from its rows

A SCENARIO is a program of bench/, with or without its options; a real program of test/programs/:
python, gcc, ...; `tide`, memory over time; `instructions`, exact counts; or one of the families
bursts, loads, threads, programs. Peers that are found: libc, mimalloc, jemalloc, tcmalloc,
tbbmalloc, scudo. docs/benchmarking.md says how it is measured and what the words mean."""
import argparse
import os
import shlex
import shutil
import sys
import tempfile
import time
from pathlib import Path

from lab import allocators, builds, publish, session
from lab.allocators import ROOT, Role
from lab.launch import BenchmarkFailed
from lab.progress import say
from lab.results import Results
from lab.statistics import TURNS_LEAST

# The variables that set allocators.
SETTINGS = ("EDDY_", "GLIBC_TUNABLES", "MALLOC_", "MIMALLOC_", "SCUDO_", "TBB_MALLOC_", "TCMALLOC_")

ONLY_THE_WHOLE = "only the whole is published, in docs/results: "


def parse_arguments():
    words = sys.argv[1:]
    command = ()
    if "--" in words:
        place = words.index("--")
        words, command = words[:place], tuple(words[place + 1:])
    parser = argparse.ArgumentParser(prog="./eddy bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="*", metavar="SCENARIO")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PATH.so",
                        help="one more allocator")
    parser.add_argument("--without", action="append", default=[], metavar="NAME",
                        help="leave out a peer that is found")
    parser.add_argument("--before", metavar="REV", help="a revision of Eddy, as git calls it")
    parser.add_argument("--runs", type=int, help=f"of each, at least {TURNS_LEAST} "
                        f"(default: {session.RUNS}, more where these cannot tell; real "
                        f"programs: {session.RUNS_OF_PROGRAMS})")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="where the results go (default: build/bench/DATE)")
    parser.add_argument("--redraw", type=Path, metavar="DIR",
                        help="measure nothing, show what an earlier visit left there")
    parser.add_argument("--publish", action="store_true",
                        help="write docs/results and the results table of README.md")
    parser.add_argument("--build", type=Path, metavar="DIR", default=ROOT / "build" / "release",
                        help="a build of this repository (default: build/release)")
    parser.add_argument("--install-peers", action="store_true",
                        help="install Debian's packages of the peers first: ./eddy bench does, "
                        "this program by itself installs nothing")
    options = parser.parse_intermixed_args(words)
    if options.redraw:
        check_redraw(parser, options, command)
    options.build = options.build.resolve()  # some programs run in folders of their own
    options.command = command
    options.asked = shlex.join(("./eddy", "bench", *sys.argv[1:]))
    if options.runs is not None and options.runs < TURNS_LEAST:
        parser.error(f"fewer than {TURNS_LEAST} runs prove nothing")
    if command and options.scenario:
        parser.error("either scenarios or a command")
    if options.publish and (command or options.scenario or options.quick or options.out):
        parser.error(f"{ONLY_THE_WHOLE}no command, no scenario, no --quick and no --out")
    if command and not shutil.which(command[0]):
        parser.error(f"no program '{command[0]}'; give a path or a name found in PATH")
    return options


def check_redraw(parser, options, command):
    given = [f"--{name.replace('_', '-')}" for name, value in vars(options).items()
             if name not in ("redraw", "publish", "scenario")
             and value != parser.get_default(name)]
    given += ["a scenario"] * bool(options.scenario) + ["a command"] * bool(command)
    if given:
        parser.error("--redraw measures nothing: it shows all that the folder has, and writes "
                     f"report.html there; do without {', '.join(given)}")
    if not Path(options.redraw, "machine.csv").exists():
        parser.error(f"no visit left anything in {options.redraw}")
    if options.publish and not publish.is_whole(Results.load(options.redraw)):
        parser.error(f"{ONLY_THE_WHOLE}{options.redraw} lacks a family of scenarios, or was "
                     "interrupted")


def check_names(without):
    known = (allocators.LIBC.name, *allocators.PEERS)
    for name in without:
        if name not in known:
            raise SystemExit(f"--without {name}: no such peer; there are {', '.join(known)}")


def choose_allocators(options, folder):
    check_names(options.without)
    chosen = [allocators.from_library(options.build / "libeddy.so", role=Role.SUBJECT)]
    if options.before:
        print(f"building {options.before}", file=sys.stderr)
        library = builds.revision(options.before, folder)
        chosen.append(allocators.from_library(library, options.before, Role.BEFORE,
                                              builds.commit(options.before)))
    found = [allocators.LIBC, *allocators.find_peers()]
    chosen += [peer for peer in found if peer.name not in options.without]
    absent = [name for name in allocators.PEERS
              if name not in options.without and name not in {peer.name for peer in found}]
    if absent:
        say(f"not installed: {', '.join(absent)}; --install-peers installs them")
    for word in options.peer:
        if "=" not in word:
            raise SystemExit(f"--peer {word}: give it a name, NAME=PATH")
        chosen.append(allocators.by_name(word))
    names = [one.name for one in chosen]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise SystemExit(f"two allocators are called {', '.join(doubled)}")
    return chosen


def drop_settings():
    """What is compared has its defaults, whatever the user has set for programs of his own."""
    dropped = sorted(name for name in os.environ if name.startswith(SETTINGS))
    for name in dropped:
        del os.environ[name]
    if dropped:
        say(f"measured without your {', '.join(dropped)}")


def measure(options):
    """The results, and the folder that has them."""
    drop_settings()
    out = options.out or ROOT / "build" / "bench" / time.strftime("%Y-%m-%d-%H%M%S")
    try:
        with tempfile.TemporaryDirectory(prefix="eddy-before-",
                                         ignore_cleanup_errors=True) as folder:
            chosen = choose_allocators(options, Path(folder))
            return session.hold(options, chosen, out), out
    except KeyboardInterrupt:
        sys.exit("interrupted" + (f"; the rows made so far are in {out}" if out.exists() else ""))


def main():
    options = parse_arguments()
    if options.redraw:
        results, out = Results.load(options.redraw), options.redraw.resolve()
        session.show(results, out)
    else:
        results, out = measure(options)
    if options.publish:
        publish.publish(results, out)


if __name__ == "__main__":
    try:
        main()
    except BenchmarkFailed as failure:
        sys.exit(f"eddy: {failure}")
