#!/usr/bin/env python3
"""What `./eddy bench --out FOLDER` left, as Markdown: the subject against the best peer of each
scenario.

    bench/against_best.py docs/results

Times are medians of the turns that both ran in; a ratio is that of their times turn by turn. The
last column has the ratio of processor times, to the peer that needs least, in the family `threads`:
those programs do the same work in every process. Below the table stand the geometric means of both
columns."""
import argparse
import sys
from pathlib import Path
from statistics import median

from lab.results import Results
from lab.statistics import geometric_mean
from lab.suite import CREWS
from lab.table import format_interval, format_time, short

COLUMNS = ("scenario", "time", "best peer", "ratio, 99 % interval", "processor time")


def print_row(cells):
    print("| " + " | ".join(cells) + " |")


def processor_time(results, scenario):
    """The ratio; None where each process did as much as there was time for."""
    if results.groups[scenario] != CREWS:
        return None
    return results.ratio(scenario, results.best_peer(scenario, "cpu_s"), "cpu_s").value


def print_scenario(results, scenario):
    """Both ratios."""
    best, column = results.best_peer(scenario), results.time_column(scenario)
    time, cpu = results.ratio(scenario, best), processor_time(results, scenario)
    own_time, best_time = (format_time(median(times), column)
                           for times in results.turns(scenario, best))
    print_row((short(scenario), own_time, f"{best_time}, {best}", format_interval(time),
               "-" if cpu is None else f"{cpu:.2f}"))
    return time.value, cpu


def mean_and_most(ratios):
    return f"{geometric_mean(ratios):.2f}, at most {max(ratios):.2f}"


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
    crews = [cpu for cpu in cpus if cpu is not None]
    print(f"\n{len(scenarios)} scenarios, geometric means: time "
          f"{mean_and_most(times)}"
          + (f"; processor time {mean_and_most(crews)}" if crews else ""))


if __name__ == "__main__":
    main()
