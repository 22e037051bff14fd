"""The figures of the report: which there are, and what each draws."""
import re
from dataclasses import dataclass

from lab import suite
from lab.allocators import Role
from lab.suite import GROUPS, SCALE_BARE
from lab.svg import Axis, Chart
from lab.table import CLOCKS, format_time, short

SWEEP = re.compile(r"sweep size=(\d+) burst=(\d+) order=(\w+)")
KIB_PER_MIB = 1024


@dataclass(frozen=True)
class Figure:
    """`key` names it in the page, for the test that looks for all of them."""
    key: str
    title: str
    chart: Chart


def series(results):
    """{allocator: its number among the colours}; a reference comes last."""
    names = [*results.names(Role.SUBJECT, Role.PEER, Role.BEFORE), *references(results)]
    return {name: number for number, name in enumerate(names)}


def references(results):
    """The lower bounds that were measured."""
    known = set(results.names(*Role))
    return sorted({name for _, name in results.rows} - known
                  | {SCALE_BARE} & {scenario.split()[0] for scenario in results.groups})


def overview(results):
    """Of each group: time against memory, relative to the subject."""
    for group in GROUPS:
        scenarios = results.scenarios(group)
        if not scenarios:
            continue
        chart = Chart(f"{group}: time against memory", Axis("time, relative", log=True),
                      Axis("peak memory, relative", log=True))
        chart.dot(0, (1, 1, f"{results.subject}: 1, 1"))
        for name, number in series(results).items():
            if name not in results.rivals:
                continue
            time, memory = (results.mean_ratio(scenarios, name, column)
                            for column in (None, "peak_kib"))
            if time:
                x, y = 1 / time.value, 1 / memory.value
                text = f"{name}: {x:.2f} of {results.subject}'s time, {y:.2f} of its memory"
                chart.dot(number, (x, y, text), (1 / time.high, 1 / time.low)
                          if time.low > 0 else None)
        yield Figure(f"overview {group}", f"{group} ({len(scenarios)})", chart)


def scenario(results, name):
    """One scenario: time against memory, and the range of the times."""
    column = results.time_column(name)
    chart = Chart(f"{name}: time against memory",
                  Axis("seconds" if column == "cpu_s" else "ns per pair", log=True),
                  Axis("peak MiB", log=True))
    for allocator, number in series(results).items():
        times = results.values(name, allocator, column)
        if not times:
            continue
        time = results.time(name, allocator)
        memory = results.median(name, allocator, "peak_kib") / KIB_PER_MIB
        text = f"{allocator}: {format_time(time, column)}, {memory:.1f} MiB"
        chart.dot(number, (time, memory, text), (min(times), max(times)))
    return Figure(f"scenario {name}", short(name) + CLOCKS.get(column, ""), chart)


AMPLITUDES = (  # (what it shows, column, a log axis, per 1,000 pairs, divided by)
    ("ns per pair", "ns_per_pair", True, False, 1),
    ("faults per 1,000 pairs", "faults", False, True, 1),
    ("MiB resident afterwards", "rss_kib", True, False, KIB_PER_MIB),
)


def amplitudes(results):
    """Curves over the number of blocks in a burst, for each size and order."""
    curves = {}
    for name in results.groups:
        if match := SWEEP.fullmatch(name):
            size, burst, order = match.groups()
            curves.setdefault((int(size), order), []).append((int(burst), name))
    for (size, order), points in sorted(curves.items()):
        if len(points) < 2:
            continue
        for title, column, log, relative, divisor in AMPLITUDES:
            chart = Chart(f"{size} B, {order}: {title}", Axis("blocks in a burst", log=True),
                          Axis(title, log=log))
            figure = results.per_1000_pairs if relative else results.median
            for allocator, number in series(results).items():
                values = [(burst, figure(name, allocator, column))
                          for burst, name in sorted(points)]
                found = [(burst, value / divisor, f"{allocator}, {burst:,} x {size} B: "
                          f"{value / divisor:.4g} {title}")
                         for burst, value in values if value is not None]
                if found:
                    chart.line(number, found)
            yield Figure(f"amplitude {size} {order} {column}", f"{size} B, {order}: {title}", chart)


def scaling(results):
    """Throughput over the number of threads."""
    crews = dict.fromkeys(name.split()[0] for name in results.groups
                          if re.fullmatch(r"\w+ threads=\d+", name))
    for program in crews:
        curves = results.scaling(program)
        threads = sorted({count for curve in curves.values() for count, _ in curve})
        if len(threads) < 2 or program == SCALE_BARE:
            continue
        chart = Chart(f"{program}: throughput", Axis("threads", log=True, ticks=tuple(threads)),
                      Axis("million pairs per second"))
        for allocator, number in series(results).items():
            if allocator in curves:
                chart.line(number, [(count, value / 1e6, f"{allocator}, {count} threads: "
                                     f"{value / 1e6:.4g} million pairs per second")
                                    for count, value in curves[allocator]])
        yield Figure(f"scaling {program}", program, chart)


def instructions(results):
    """Of a malloc and a free, over the size of the blocks."""
    for burst in suite.COUNTED_BURSTS:
        chart = Chart(f"instructions, bursts of {burst}", Axis("bytes", log=True),
                      Axis("instructions per pair", log=True))
        for allocator, number in series(results).items():
            counts = [(size, results.instructions.get((f"pairs size={size} burst={burst}",
                                                       allocator)))
                      for size in suite.COUNTED_SIZES]
            found = [(size, count, f"{allocator}, {burst} x {size} B: {count:.1f}")
                     for size, count in counts if count is not None]
            if found:
                chart.line(number, found)
        if chart.lines:
            yield Figure(f"instructions {burst}", f"bursts of {burst:,}", chart)


def tide(results):
    """Resident memory over time."""
    if not results.tide:
        return
    chart = Chart("resident memory over time", Axis("seconds"), Axis("MiB resident"))
    for allocator, number in series(results).items():
        rows = results.tide.get(allocator, [])
        if rows:
            # Only the last point has a mark, or the marks would hide the lines.
            chart.line(number, [(row["ms"] / 1000, row["rss_kib"] / KIB_PER_MIB,
                                 f"{allocator} at the end: {row['rss_kib'] / KIB_PER_MIB:.1f} MiB"
                                 if row is rows[-1] else "") for row in rows])
    yield Figure("tide", "three bursts, then idle", chart)
