"""report.html: everything in one file, without a script and without anything from elsewhere."""
from html import escape

from lab import figures
from lab.allocators import Role
from lab.machine import BUSY
from lab.results import FINISHED, MARGIN, MEAN_MARGIN
from lab.suite import GROUPS
from lab.svg import shape
from lab.table import CLOCKS, SIZE_WORDS, format_interval, format_time, short

# Told apart by hue and lightness, and by shape: also without colour vision, and on both grounds.
LIGHT = ("#0b62c4", "#6b6b6b", "#c8500a", "#00805a", "#a3219c", "#8a6d00", "#c11f3a", "#3f7f9f",
         "#5a4fcf", "#7a4a21")
DARK = ("#5cb3ff", "#b5b5b5", "#ff9a52", "#3fd0a0", "#ee82e6", "#e2c341", "#ff7a8a", "#8fd0ea",
        "#a79dff", "#d6a578")
COUNTS = (("slow entries", "slow_entries"), ("pages made", "pages_made"),
          ("extensions", "extensions"), ("system calls", "system_calls"))

STYLE = """
:root{color-scheme:light dark;--ground:#fff;--ink:#1b1f24;--faint:#5b6570;--rule:#d9dee3;
--good:#0a6b3d;--bad:#b3261e;--band:#f5f7f9;LIGHT}
@media(prefers-color-scheme:dark){:root{--ground:#14181d;--ink:#e6eaee;--faint:#a0abb6;
--rule:#333b44;--good:#57d699;--bad:#ff8a80;--band:#1b2027;DARK}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:1160px;background:var(--ground);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .3rem}
p{margin:.3rem 0 .8rem;max-width:46rem}.faint{color:var(--faint)}
.warning{border-left:4px solid var(--bad);padding:.3rem .8rem;background:var(--band)}
.legend{position:sticky;top:0;z-index:1;display:flex;flex-wrap:wrap;gap:.1rem .9rem;
padding:.4rem 0;margin:0;background:var(--ground);border-bottom:1px solid var(--rule);
font-size:.9rem;list-style:none}
.legend svg{width:14px;height:14px;vertical-align:-2px;margin-right:.3rem}
.grid-of-figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,320px),1fr));
gap:1rem}
figure{margin:0;min-width:0}figcaption{font-size:.9rem;overflow-wrap:anywhere}
figure svg{display:block;width:100%;height:auto;background:var(--band);border-radius:6px}
svg text{font:10.5px system-ui,sans-serif;fill:var(--faint)}svg .middle{text-anchor:middle}
svg .end{text-anchor:end}.grid{stroke:var(--rule);fill:none;stroke-width:1}
.line{fill:none;stroke-width:1.6}.line.s0{stroke-width:3}.range{stroke-width:1.2;opacity:.6}
.mark{stroke:var(--band);stroke-width:1}
.wide{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;margin:.5rem 0}
td,th{padding:.2rem .6rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--rule)}
th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:var(--ground)}
tbody tr:nth-child(even) td:first-child{background:var(--band)}td.text,th.text{text-align:left}
thead th{vertical-align:bottom}tbody tr:nth-child(even){background:var(--band)}
@media(max-width:600px){body{padding:.7rem}td:first-child,th:first-child{white-space:normal;
min-width:9rem;max-width:9rem;overflow-wrap:break-word;font-size:.8rem}td.text{white-space:normal;
overflow-wrap:anywhere;min-width:5rem}}
.faster,.smaller{color:var(--good);font-weight:600}.slower,.larger{color:var(--bad);font-weight:600}
code{overflow-wrap:anywhere;font-size:.9em}summary{cursor:pointer;padding:.3rem 0}
""".strip()


def _style(count):
    def variables(colours):
        return "".join(f"--s{i}:{colours[i % len(colours)]};" for i in range(count))

    classes = "".join(f".line.s{i},.range.s{i}{{stroke:var(--s{i})}}.mark.s{i}{{fill:var(--s{i})}}"
                      for i in range(count))
    return STYLE.replace("LIGHT", variables(LIGHT)).replace("DARK", variables(DARK)) + classes


def _cell(text, tag="td", **attributes):
    shown = "".join(f' {name.replace("_", "-").lstrip("-")}="{escape(str(value))}"'
                    for name, value in attributes.items())
    return f"<{tag}{shown}>{escape(str(text))}</{tag}>"


def _table(head, rows):
    """`rows` are lists of cells; a head's words are texts."""
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return (f'<div class="wide"><table><thead><tr>{"".join(_cell(word, "th") for word in head)}'
            f"</tr></thead><tbody>{body}</tbody></table></div>")


def _figures(found):
    return '<div class="grid-of-figures">' + "".join(
        f'<figure data-figure="{escape(one.key)}"><figcaption>{escape(one.title)}</figcaption>'
        f"{one.chart.render()}</figure>" for one in found) + "</div>"


def _section(title, text, content):
    return f"<section><h2>{escape(title)}</h2><p class=faint>{escape(text)}</p>{content}</section>"


def _drawn(title, text, found):
    found = list(found)
    return _section(title, text, _figures(found)) if found else ""


def _legend(results):
    items = "".join(
        f'<li><svg viewBox="-6 -6 12 12" aria-hidden="true"><path class="mark s{number}" '
        f'd="{shape(number)}"/></svg>{escape(name)}</li>'
        for name, number in figures.series(results).items())
    return f'<ul class="legend">{items}</ul>'


def _verdict_cells(ratio, margin, words, figure, **place):
    verdict = words[ratio.verdict(margin)]
    return [_cell(f"{ratio.value:.2f}", data_figure=figure, **place),
            _cell(format_interval(ratio).partition(" ")[2].strip("()") or "-",
                  data_figure=f"{figure}-interval", **place),
            _cell(verdict, _class=f"text {verdict}", data_figure=f"{figure}-verdict", **place)]


TIME_WORDS = {word: word for word in SIZE_WORDS}


def _summary(results):
    rows = []
    for rival in results.rivals:
        scenarios = results.shared(results.scenarios(), rival)
        if not scenarios:
            continue
        verdicts = list(results.verdicts(rival).values())
        rows.append([_cell(rival)]
                    + _verdict_cells(results.mean_ratio(scenarios, rival), MEAN_MARGIN, TIME_WORDS,
                                     "mean-time", data_allocator=rival)
                    + _verdict_cells(results.mean_ratio(scenarios, rival, "peak_kib"),
                                     MEAN_MARGIN, SIZE_WORDS, "mean-memory", data_allocator=rival)
                    + [_cell(verdicts.count(word), data_figure=f"count {word}",
                             data_allocator=rival) for word in ("faster", "cannot tell", "slower")])
    if not rows:
        return ""
    return _section(
        "In short", f"{results.subject} over each, geometric means of the ratios over all "
        "scenarios, 99 % intervals. Below 1 it is faster, or smaller.",
        _table(("", "time", "interval", "", "memory", "interval", "", "faster in", "cannot tell",
                "slower in"), rows))


def _scenario_row(results, name):
    column = results.time_column(name)
    best = results.best_peer(name)
    yield _cell(short(name) + CLOCKS.get(column, ""))
    if best:
        yield _cell(best, _class="text")
        yield from _verdict_cells(results.ratio(name, best), MARGIN, TIME_WORDS, "ratio",
                                  data_scenario=name, data_allocator=best)
        yield _cell(str(len(results.turns(name, best)[0])), data_scenario=name,
                    data_allocator=best, data_figure="turns")
    else:
        yield '<td colspan="5"></td>'
    for allocator in results.names(*Role):
        yield _cell(format_time(results.time(name, allocator), column), data_scenario=name,
                    data_allocator=allocator, data_figure="time")
    for allocator in results.names(*Role):
        peak = results.median(name, allocator, "peak_kib")
        yield _cell("-" if peak is None else f"{peak / 1024:.1f}", data_scenario=name,
                    data_allocator=allocator, data_figure="peak")


def _times(results):
    names = results.names(*Role)
    head = ["", "best peer", f"{results.subject} over it", "interval", "", "turns", *names,
            *(f"{name}, peak MiB" for name in names)]
    parts = []
    for group in GROUPS:
        rows = [list(_scenario_row(results, name)) for name in results.scenarios(group)]
        if rows:
            parts.append(f"<h3>{escape(group)}</h3>{_table(head, rows)}")
    return _section("Every figure", "Medians over the turns that all ran in; time per malloc and "
                    "free, or the processor time of a program. A ratio is the middle of those of "
                    "all turns of the two: of so many. In those after the tenth fewer processes "
                    "ran side by side, and it may be another (docs/benchmarking.md).",
                    "".join(parts)) if parts else ""


def _count_row(results, name):
    yield _cell(short(name))
    for _, column in COUNTS:
        value = results.per_1000_pairs(name, results.subject, column)
        yield _cell("-" if value is None else f"{value:.2f}", data_scenario=name,
                    data_allocator=results.subject, data_figure=column)
    for allocator in results.names(*Role):
        value = results.per_1000_pairs(name, allocator, "faults")
        yield _cell("-" if value is None else f"{value:.2f}", data_scenario=name,
                    data_allocator=allocator, data_figure="faults")
    for allocator in results.names(*Role):
        value = results.instructions.get((name, allocator))
        yield _cell("" if value is None else f"{value:.1f}", data_scenario=name,
                    data_allocator=allocator, data_figure="instructions")
    for allocator in results.names(*Role):
        value = results.memory_over_live(name, allocator)
        yield _cell("" if value is None else f"{value:.2f}", data_scenario=name,
                    data_allocator=allocator, data_figure="over-live")


def _counts(results):
    names = results.names(*Role)
    rows = [list(_count_row(results, name)) for name in results.scenarios()
            if not results.is_whole_program(name)]
    head = ["", *(f"{results.subject}, {title}" for title, _ in COUNTS),
            *(f"{name}, faults" for name in names),
            *(f"{name}, instructions per pair" for name in names),
            *(f"{name}, memory over live bytes" for name in names)]
    return _section("The counts that explain them", "Per 1,000 pairs of malloc and free. "
                    "Instructions were counted where times could not tell.",
                    _table(head, rows)) if rows else ""


def _whole_program_row(results, name):
    yield _cell(short(name))
    for allocator in results.names(*Role):
        elapsed = results.median(name, allocator, "elapsed_s")
        yield _cell("-" if elapsed is None else format_time(elapsed, "elapsed_s"),
                    data_scenario=name, data_allocator=allocator, data_figure="elapsed")
    for allocator in results.names(*Role):
        faults = results.median(name, allocator, "faults")
        yield _cell("-" if faults is None else f"{faults:.0f}", data_scenario=name,
                    data_allocator=allocator, data_figure="all-faults")


def _whole_programs(results):
    names = results.names(*Role)
    rows = [list(_whole_program_row(results, name)) for name in results.scenarios()
            if results.is_whole_program(name)]
    head = ["", *(f"{name}, elapsed" for name in names), *(f"{name}, faults" for name in names)]
    return _section("What whole programs took beside", "All their processes together. Real "
                    "programs run on all allocators at the same time, so that only processor time "
                    "compares them; of a command of your own the time elapsed does, too.",
                    _table(head, rows)) if rows else ""


def _left_out(results):
    rows = [[_cell(one["program"]), _cell(one["allocator"] or "all", _class="text"),
             _cell(one["reason"], _class="text")] for one in results.left_out]
    return _section("Left out", "A mean over scenarios is one over those that ran.",
                    _table(("", "with", "because"), rows)) if rows else ""


def _origin(results):
    machine = _table(("", ""), [[_cell(name), _cell(value, _class="text")]
                                for name, value in results.machine.items()])
    compared = _table(("", "version", "file", "SHA-256"),
                      [[_cell(one["name"]), *(_cell(one[column], _class="text")
                                              for column in ("version", "file", "sha256"))]
                       for one in results.allocators])
    return _section("Where and what", "The rows of every run lie beside this page as CSV files; "
                    "docs/benchmarking.md says how they were made.", machine + compared)


def _warning(results):
    others = float(results.machine.get(FINISHED, 0))
    if others < BUSY:
        return ""
    return (f'<p class="warning">Other programs kept {others:.1f} of '
            f'{escape(results.machine.get("processors", "?"))} processors busy during these runs: '
            "times are unsteady, counts and memory hold.</p>")


_WHERE = "{date}, {processor}, {processors} processors, {system}"


def render(results):
    series = figures.series(results)
    where = ", ".join(filter(None, (_WHERE.format_map(results.machine), results.runs())))
    scenarios = [figures.scenario(results, name) for name in results.scenarios()]
    body = "".join((
        f"<h1>{escape(results.subject)} against the allocators of one machine</h1>",
        f'<p class="faint">{escape(where)}</p>',
        _warning(results), _legend(results), _summary(results),
        _drawn("Time against memory", "Geometric means relative to "
               f"{results.subject}, which lies at 1, 1. Left is faster, down is smaller; bars are "
               "99 % intervals.", figures.overview(results)),
        _drawn("Bursts", "All blocks of a burst are allocated, then all are freed, again and "
               "again.", figures.amplitudes(results)),
        _drawn("Instructions", "Of one malloc and one free, inside the allocator: counted exactly, "
               "the same on every machine.", figures.instructions(results)),
        _drawn("Scaling", "Pairs of malloc and free per second, all threads together.",
               figures.scaling(results)),
        _drawn("Memory over time", "Bursts of 100,000 blocks, and the idle time after them.",
               figures.tide(results)),
        _drawn("Every scenario", "Time against memory. Left is faster, down is smaller; bars "
               "reach from the fastest run to the slowest.", scenarios),
        _times(results), _counts(results), _whole_programs(results),
        _left_out(results), _origin(results)))
    return ('<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>{escape(results.subject)}: benchmarks</title>"
            f"<style>{_style(len(series))}</style></head><body>{body}</body></html>\n")
