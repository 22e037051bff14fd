"""docs/results, and the results table of README.md: made from the rows there, and by nothing
else."""
import shutil

from lab.allocators import ROOT, Role
from lab.results import FILES
from lab.statistics import geometric_mean
from lab.suite import (
    COUNTED_BURSTS, COUNTED_SIZES, CREWS, LOADS, OVER, REAL, WITHIN)

FOLDER = ROOT / "docs" / "results"
README = ROOT / "README.md"
BEGIN, END = "<!-- made by ./eddy bench --publish -->\n", "<!-- end -->\n"
COUNTED = [f"pairs size={size} burst={burst}" for size in COUNTED_SIZES if size <= 512
           for burst in COUNTED_BURSTS if burst <= 100]
TITLES = {"eddy": "Eddy", "libc": "glibc"}


def _ran_by_all(results, group):
    everyone = results.names(Role.SUBJECT, Role.PEER)
    return [scenario for scenario in results.scenarios(group)
            if all((scenario, one) in results.rows for one in everyone)]


def _mean(results, name, group, column):
    """The geometric mean of the medians over the scenarios that all ran; None without any."""
    medians = [results.median(scenario, name, column) for scenario in _ran_by_all(results, group)]
    return geometric_mean(medians) if medians else None


def _instructions(results, name):
    """None where valgrind could not count."""
    counts = [results.instructions.get((scenario, name)) for scenario in COUNTED]
    return None if None in counts else geometric_mean(counts)


def _lines(results):
    """(title, over how many scenarios, how a value is written, {allocator: value})"""
    everyone = results.names(Role.SUBJECT, Role.PEER)

    def means(group, column):
        return {name: _mean(results, name, group, column) for name in everyone}

    yield ("instructions per malloc and free, 16 to 512 B", len(COUNTED), "{:.0f}",
           {name: _instructions(results, name) for name in everyone})
    for group in (WITHIN, OVER, LOADS, CREWS):
        yield (f"{group}, ns per pair", len(_ran_by_all(results, group)), "{:.1f}",
               means(group, "ns_per_pair"))
    yield (f"{REAL}, processor time", len(_ran_by_all(results, REAL)), "{:.2f} s",
           means(REAL, "cpu_s"))
    for group in (LOADS, REAL):
        mib = {name: value and value / 1024 for name, value in means(group, "peak_kib").items()}
        yield f"{group}, peak MiB", len(_ran_by_all(results, group)), "{:.1f}", mib
    yield ("MiB after bursts of 52 MiB and 3 idle seconds", 1, "{:.1f}",
           {name: rows[-1]["rss_kib"] / 1024 for name, rows in results.tide.items()})


def table(results):
    """The Markdown between the marks."""
    names = results.names(Role.SUBJECT, Role.PEER)
    machine = results.machine
    runs = f"; {results.runs()} of each" if results.rows else ""
    left_out = ("; [left_out.csv](docs/results/left_out.csv) says what was not measured"
                if results.left_out else "")
    lines = [f"`{machine['command']}`, {len(results.scenarios())} scenarios, {machine['date']}: "
             f"{machine['processor']}, {machine['processors']} processors, "
             f"{machine['memory']}, {machine['system']}, Linux {machine['kernel']}, huge pages "
             f"{machine['huge pages']}{runs}. Other work kept "
             f"{machine['processors busy with other work']} processors busy. Geometric means over "
             f"the scenarios that all of them ran{left_out}.", "",
             "| | scenarios | " + " | ".join(TITLES.get(name, name) for name in names) + " |",
             "|---" * (len(names) + 2) + "|"]
    for title, count, form, values in _lines(results):
        if any(values.values()):
            cells = [form.format(values[name]) if values.get(name) else "-" for name in names]
            lines.append(f"| {title} | {count} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def parts(text):
    """What stands before, between and after the marks."""
    before, _, rest = text.partition(BEGIN)
    between, _, after = rest.partition(END)
    return before, between, after


def publish(results, folder):
    """What a whole visit left in the folder takes the place of what was published before."""
    FOLDER.mkdir(exist_ok=True)
    for name in FILES:
        (FOLDER / name).unlink(missing_ok=True)
        if (folder / name).exists():
            shutil.copy(folder / name, FOLDER)
    before, _, after = parts(README.read_text(encoding="utf-8"))
    README.write_text(before + BEGIN + table(results) + END + after, encoding="utf-8")
