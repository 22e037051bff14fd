#!/usr/bin/env python3
"""What `./eddy bench --out FOLDER` left, as Markdown: the subject against the best peer of each
scenario.

    bench/against_best.py docs/results/threads

Times are medians; a ratio is that of the times turn by turn, with its interval. The last column has
the ratio of processor times, to the peer that needs least. Below the table stand the geometric means
of both columns."""
import argparse
import sys
from pathlib import Path

from lab.results import Results
from lab.statistics import geometric_mean
from lab.table import format_interval, short

COLUMNS = ("scenario", "ns", "best peer, ns", "time, 99 % interval", "processor time")


def print_row(cells):
    print("| " + " | ".join(cells) + " |")


def print_scenario(results, scenario):
    """Both ratios."""
    best, thriftiest = (results.best_peer(scenario, column) for column in (None, "cpu_s"))
    time = results.ratio(scenario, best)
    cpu = results.ratio(scenario, thriftiest, "cpu_s")
    own_ns, best_ns = (results.time(scenario, name) for name in (results.subject, best))
    print_row((short(scenario), f"{own_ns:,.1f}", f"{best_ns:,.1f}, {best}", format_interval(time),
               f"{cpu.value:.2f}"))
    return time.value, cpu.value


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--without", action="append", default=[], metavar="PROGRAM")
    options = parser.parse_args()
    results = Results.load(options.folder)
    scenarios = [scenario for scenario in results.scenarios()
                 if scenario.split()[0] not in options.without and results.best_peer(scenario)]
    if not scenarios:
        sys.exit(f"no rows of Eddy and a peer in {options.folder}; "
                 "./eddy bench --out writes them")
    print_row(COLUMNS)
    print("|---" * len(COLUMNS) + "|")
    times, cpus = zip(*(print_scenario(results, scenario) for scenario in scenarios), strict=True)
    print(f"\n{results.runs()} of each, {len(scenarios)} scenarios, geometric means: time "
          f"{geometric_mean(times):.2f}, at most {max(times):.2f}; processor time "
          f"{geometric_mean(cpus):.2f}, at most {max(cpus):.2f}")


if __name__ == "__main__":
    main()
