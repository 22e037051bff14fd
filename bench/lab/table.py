"""The results as text, for a terminal."""
import math
import os
from statistics import median

from lab.results import MARGIN, MEAN_MARGIN
from lab.suite import BARE_LIST, COUNTED_SIZES, GROUPS, OWN

COLOURS = {"faster": "32", "slower": "31", "smaller": "32", "larger": "31"}
SIZE_WORDS = {"faster": "smaller", "slower": "larger", "cannot tell": "cannot tell"}
NAME_WIDTH = 50
CLOCKS = {"cpu_s": ", processor time", "elapsed_s": ", elapsed"}
UNSAID = {"survivors=0", "gap=0", "threads=1", "handoff=no"}


def short(scenario):
    """Without the options that say that there is nothing special."""
    program, *options = scenario.split()
    if not all("=" in option for option in options):
        return scenario  # a command
    return " ".join([program, *(option for option in options if option not in UNSAID)])


def colourless(word):
    return word


def coloured(word):
    code = COLOURS.get(word.strip())
    return f"\033[{code}m{word}\033[0m" if code else word


def painter(stream):
    return coloured if stream.isatty() and "NO_COLOR" not in os.environ else colourless


def format_time(value, column):
    """With its unit: a time of `cpu_s` or `elapsed_s` is in seconds, others in ns per pair."""
    if value is None:
        return "-"
    if column in ("cpu_s", "elapsed_s"):
        return f"{value:.2f} s" if value >= 0.1 else f"{1000 * value:.1f} ms"
    return f"{value:.1f} ns"


def format_interval(ratio):
    if math.isinf(ratio.high):
        return f"{ratio.value:.2f}"
    return f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def _row(cells, paint):
    name, own, best, best_name, ratio, verdict, memory = cells
    if len(name) > NAME_WIDTH:
        name = "..." + name[3 - NAME_WIDTH:]
    return (f"  {name:<{NAME_WIDTH}} {own:>9} {best:>9} {best_name:<9} "
            f"{ratio:<20} {paint(f'{verdict:<11}')} {memory:>6}")


def _scenario_cells(results, scenario, rival, column):
    ratio = results.ratio(scenario, rival, column)
    peaks = [results.median(scenario, name, "peak_kib") for name in (results.subject, rival)]
    times = [format_time(median(times), column)
             for times in results.turns(scenario, rival, column)]
    return (short(scenario) + CLOCKS.get(column, ""), *times, rival,
            format_interval(ratio), ratio.verdict(MARGIN), f"{peaks[0] / peaks[1]:.2f}")


def _counted(results, scenario, rival):
    """Lines: what was counted because the times could not tell, and what a command's processes
    took."""
    if results.groups[scenario] == OWN:
        own, its = (results.median(scenario, name, "faults") for name in (results.subject, rival))
        yield f"      {own:,.0f} page faults, {its:,.0f} with {rival}"
    counts = [results.instructions.get((scenario, name)) for name in (results.subject, rival)]
    if None not in counts:
        yield (f"      {counts[0]:.1f} instructions per pair, {counts[1]:.1f} with {rival}")


def against(results, choose_rival, title, paint):
    """Lines: the subject against one rival for each scenario."""
    if not results.scenarios():
        return
    yield _row((title, results.subject, "rival", "", "ratio, 99 % interval", "time", "memory"),
               colourless)
    for group in GROUPS:
        scenarios = [name for name in results.scenarios(group) if choose_rival(name)]
        if scenarios:
            yield f"{group}"
        for scenario in scenarios:
            rival = choose_rival(scenario)
            columns = ("cpu_s", "elapsed_s") if group == OWN else (results.time_column(scenario),)
            for column in columns:
                yield _row(_scenario_cells(results, scenario, rival, column), paint)
            yield from _counted(results, scenario, rival)


def summary(results, paint):
    """Lines: each rival over all scenarios."""
    if not results.scenarios():
        return
    yield (f"{results.subject} against each, geometric means of the ratios over all scenarios "
           "(99 % intervals)")
    for rival in results.rivals:
        shared = results.shared(results.scenarios(), rival)
        if not shared:
            continue
        time, memory = (results.mean_ratio(shared, rival, column) for column in (None, "peak_kib"))
        words = list(results.verdicts(rival).values())
        counts = ", ".join(f"{words.count(word)} {word}"
                           for word in ("faster", "slower", "cannot tell"))
        time_word, memory_word = time.verdict(MEAN_MARGIN), SIZE_WORDS[memory.verdict(MEAN_MARGIN)]
        yield (f"  {rival:<12} time {format_interval(time):<22}{paint(f'{time_word:<12}')}"
               f" memory {format_interval(memory):<22}{paint(f'{memory_word:<12}')} {counts}")


def bare_list(results):
    """Lines: the subject against the lower bound, where that ran."""
    means = {group: results.mean_ratio(results.scenarios(group), BARE_LIST) for group in GROUPS}
    if not any(means.values()):
        return
    yield f"{results.subject}'s time over a {BARE_LIST}'s, geometric means:"
    for group, mean in means.items():
        if mean:
            yield f"  {group:<24}{format_interval(mean)}"


def scaling(results, program, bare):
    """Lines: the throughput at N threads over N times that at one, as a share of what a bare list
    reaches on the same machine."""
    curves = {name: dict(curve) for name, curve in results.scaling(program).items()}
    if 1 not in curves.get(bare, {}):
        return

    def efficiency(name, threads):
        return curves[name][threads] / curves[name][1] / threads

    yield (f"throughput of {program} at N threads over N times that at one, as a share of a bare "
           "list's")
    for threads in sorted(curves[bare])[1:]:
        shares = ", ".join(f"{name} {efficiency(name, threads) / efficiency(bare, threads):.2f}"
                           for name in [results.subject, *results.rivals]
                           if {1, threads} <= set(curves.get(name, ())))
        yield f"  {threads} threads, the bare list {efficiency(bare, threads):.2f}: {shares}"


def instructions(results):
    """Lines: exact counts, bursts of 100."""
    names = [name for name in [results.subject, *results.rivals]
             if ("pairs size=64 burst=100", name) in results.instructions]
    if not names:
        return
    yield "instructions of a malloc and a free in bursts of 100, exact"
    yield f"  {'bytes':<8}" + "".join(f" {name:>10}" for name in names)
    for size in COUNTED_SIZES:
        counts = (results.instructions[f"pairs size={size} burst=100", name] for name in names)
        yield f"  {size:<8}" + "".join(f" {count:>{max(len(name), 10)}.1f}"
                                       for name, count in zip(names, counts, strict=True))


def tide(results):
    """Lines: resident memory through bursts and the idle time after them."""
    if not results.tide:
        return
    yield "resident memory in three bursts and the idle time after them, MiB"
    for name, rows in results.tide.items():
        peak, end = max(row["rss_kib"] for row in rows), rows[-1]["rss_kib"]
        yield f"  {name:<12} at the peak {peak / 1024:6.1f}, at the end {end / 1024:6.1f}"
