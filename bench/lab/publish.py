"""docs/results, and the results table of README.md: made from the rows there, and by nothing
else."""
import shutil
from dataclasses import dataclass

from lab.allocators import ROOT, Role
from lab.results import FILES, FINISHED, MEAN_MARGIN
from lab.statistics import geometric_mean
from lab.suite import (
    COUNTED_BURSTS, COUNTED_SIZES, CREWS, GROUPS, LOADS, OVER, OWN, REAL, WITHIN)
from lab.table import SIZE_WORDS, format_interval

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


@dataclass(frozen=True)
class Line:
    title: str
    count: int           # of scenarios
    form: str            # how a value is written
    values: dict         # {allocator: value}
    verdict: str = "-"   # of the subject against the best of its peers


def _verdict(results, group, column, values):
    """A time, or a size: in words and with its interval."""
    peers = {name: values[name] for name in results.names(Role.PEER) if values.get(name)}
    if not peers or not values.get(results.subject):
        return "-"
    best = min(peers, key=peers.get)
    ratio = results.mean_ratio(_ran_by_all(results, group), best, column)
    word = ratio.verdict(MEAN_MARGIN)
    return (f"{format_interval(ratio)} of {TITLES.get(best, best)}: "
            f"{SIZE_WORDS[word] if column == 'peak_kib' else word}")


def _lines(results):
    everyone = results.names(Role.SUBJECT, Role.PEER)

    def of_group(title, group, column, form, divisor=1):
        means = {name: _mean(results, name, group, column) for name in everyone}
        values = {name: mean and mean / divisor for name, mean in means.items()}
        return Line(f"{group}, {title}", len(_ran_by_all(results, group)), form, values,
                    _verdict(results, group, column, values))

    yield Line("instructions per malloc and free, 16 to 512 B", len(COUNTED), "{:.0f}",
               {name: _instructions(results, name) for name in everyone})
    for group in (WITHIN, OVER, LOADS, CREWS):
        yield of_group("ns per pair", group, "ns_per_pair", "{:.1f}")
    yield of_group("processor time", REAL, "cpu_s", "{:.2f} s")
    for group in (LOADS, REAL):
        yield of_group("peak MiB", group, "peak_kib", "{:.1f}", 1024)
    yield Line("MiB after bursts of 52 MiB and 3 idle seconds", 1, "{:.1f}",
               {name: rows[-1]["rss_kib"] / 1024 for name, rows in results.tide.items()})


def table(results):
    """The Markdown between the marks."""
    names = results.names(Role.SUBJECT, Role.PEER)
    machine = results.machine
    runs = f"; medians of {results.runs()}" if results.rows else ""
    left_out = ("; [left_out.csv](docs/results/left_out.csv) says what was not measured"
                if results.left_out else "")
    lines = [f"`{machine['command']}`, {len(results.scenarios())} scenarios, {machine['date']}: "
             f"{machine['processor']}, {machine['processors']} processors, "
             f"{machine['memory']}, {machine['system']}, Linux {machine['kernel']}, huge pages "
             f"{machine['huge pages']}{runs}. Other work kept "
             f"{machine[FINISHED]} processors busy. Geometric means over "
             f"the scenarios that all of them ran{left_out}.", "",
             "| | scenarios | " + " | ".join(TITLES.get(name, name) for name in names)
             + " | against the best |",
             "|---" * (len(names) + 3) + "|"]
    for line in _lines(results):
        if any(line.values.values()):
            cells = [line.form.format(line.values[name]) if line.values.get(name) else "-"
                     for name in names]
            lines.append(f"| {line.title} | {line.count} | " + " | ".join(cells)
                         + f" | {line.verdict} |")
    return "\n".join(lines) + "\n"


def parts(text):
    """What stands before, between and after the marks."""
    before, _, rest = text.partition(BEGIN)
    between, _, after = rest.partition(END)
    return before, between, after


def is_whole(results):
    """Whether a visit that nobody interrupted left them, with every family of scenarios."""
    return FINISHED in results.machine and {*GROUPS} - {OWN} <= {*results.groups.values()}


def publish(results, folder):
    """What a whole visit left in the folder takes the place of what was published before, unless
    it is just that."""
    shown = table(results)
    FOLDER.mkdir(exist_ok=True)
    for name in FILES if folder != FOLDER else ():
        (FOLDER / name).unlink(missing_ok=True)
        if (folder / name).exists():
            shutil.copy(folder / name, FOLDER)
    before, _, after = parts(README.read_text(encoding="utf-8"))
    README.write_text(before + BEGIN + shown + END + after, encoding="utf-8")
