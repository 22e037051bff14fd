"""The results table of README.md: made from the rows of docs/results, and by nothing else."""
from statistics import median

from lab.allocators import ROOT, Role
from lab.statistics import geometric_mean
from lab.suite import (
    COUNTED_BURSTS, COUNTED_SIZES, CREWS, LOADS, OVER, REAL, WITHIN)

FOLDER = ROOT / "docs" / "results"
README = ROOT / "README.md"
BEGIN, END = "<!-- made by ./eddy bench --publish -->\n", "<!-- end -->\n"
TITLES = {"eddy": "Eddy", "libc": "glibc"}


def _mean(results, name, group, column):
    """The geometric mean of the medians over the scenarios that all ran; None without any."""
    everyone = results.names(Role.SUBJECT, Role.PEER)
    scenarios = [scenario for scenario in results.scenarios(group)
                 if all((scenario, one) in results.rows for one in everyone)]
    if not scenarios:
        return None
    return geometric_mean([results.median(scenario, name, column) for scenario in scenarios])


def _instructions(results, name):
    """None where valgrind could not count."""
    counts = [results.instructions.get((f"pairs size={size} burst={burst}", name))
              for size in COUNTED_SIZES if size <= 512 for burst in COUNTED_BURSTS if burst <= 100]
    return None if None in counts else geometric_mean(counts)


def _lines(results):
    """(title, how a value is written, {allocator: value})"""
    everyone = results.names(Role.SUBJECT, Role.PEER)

    def means(group, column):
        return {name: _mean(results, name, group, column) for name in everyone}

    yield ("instructions per malloc and free, 16 to 512 B", "{:.0f}",
           {name: _instructions(results, name) for name in everyone})
    for group in (WITHIN, OVER, LOADS, CREWS):
        yield f"{group}, ns per pair", "{:.1f}", means(group, "ns_per_pair")
    yield f"{REAL}, processor time", "{:.2f} s", means(REAL, "cpu_s")
    for group in (LOADS, REAL):
        mib = {name: value and value / 1024 for name, value in means(group, "peak_kib").items()}
        yield f"{group}, peak MiB", "{:.1f}", mib
    yield ("MiB after bursts of 52 MiB and 3 idle seconds", "{:.1f}",
           {name: rows[-1]["rss_kib"] / 1024 for name, rows in results.tide.items()})


def table(results):
    """The Markdown between the marks."""
    names = results.names(Role.SUBJECT, Role.PEER)
    machine = results.machine
    runs = int(median(len(rows) for rows in results.rows.values()))
    lines = [f"`{machine['command']}`, {len(results.scenarios())} scenarios, {machine['date']}: "
             f"{machine['processor']}, {machine['processors']} processors, "
             f"{machine['memory']}, {machine['system']}, Linux {machine['kernel']}, huge pages "
             f"{machine['huge pages']}; {runs} runs. Other work kept "
             f"{machine['processors busy with other work']} processors busy. Geometric means.", "",
             "| | " + " | ".join(TITLES.get(name, name) for name in names) + " |",
             "|---" * (len(names) + 1) + "|"]
    for title, form, values in _lines(results):
        if any(values.values()):
            cells = [form.format(values[name]) if values.get(name) else "-" for name in names]
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def parts(text):
    """What stands before, between and after the marks."""
    before, _, rest = text.partition(BEGIN)
    between, _, after = rest.partition(END)
    return before, between, after


def publish(results):
    before, _, after = parts(README.read_text(encoding="utf-8"))
    README.write_text(before + BEGIN + table(results) + END + after, encoding="utf-8")
