"""The rows of a laboratory run: written as they are made, read back for everything that is shown,
so that what is shown is what is kept.

    rows.csv           one row per process
    allocators.csv     what was compared: version, file, checksum
    machine.csv        where and when
    tide.csv           resident memory over time
    instructions.csv   exact counts per malloc+free pair
    left_out.csv       what was not measured, and why

What failed in mid-visit leaves rows behind, too few to say anything: these are not read back."""
import csv
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median

from lab.allocators import Role
from lab.statistics import geometric_mean_ratio, ratio_of_turns
from lab.suite import GROUPS, OWN, REAL, program_of

ROW = ("turn", "group", "scenario", "allocator", "ns_per_pair", "elapsed_s", "cpu_s", "pairs",
       "rounds", "undisturbed", "slow_entries", "pages_made", "extensions", "system_calls",
       "faults", "rss_kib", "peak_kib", "live_kib", "base_kib")
TEXTS = {"group", "scenario", "allocator", "phase"}
TABLES = {
    "rows": ROW,
    "allocators": ("name", "role", "version", "file", "sha256"),
    "machine": ("name", "value"),
    "tide": ("allocator", "ms", "phase", "rss_kib"),
    "instructions": ("scenario", "allocator", "per_pair"),
    "left_out": ("program", "allocator", "reason"),
}
REPORT = "report.html"
FILES = (*(f"{table}.csv" for table in TABLES), REPORT)  # all that a visit leaves
FINISHED = "processors busy with other work"  # of machine.csv: written at the end of a visit
LIVE_KIB_LEAST = 2048
# Differences below these are of no interest: of one scenario, and of the mean over many.
MARGIN, MEAN_MARGIN = 0.02, 0.01


def _path(folder, table):
    return Path(folder, f"{table}.csv")


class Writer:
    """The CSV files of one folder. Each row is on disk once it is written. What an earlier visit
    left is removed: a file that this one does not write would be taken for its own."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            Path(self.folder, name).unlink(missing_ok=True)
        self.files = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for file, _ in self.files.values():
            file.close()

    def write(self, table, row):
        if table not in self.files:
            file = open(_path(self.folder, table), "w", encoding="utf-8", newline="")
            writer = csv.DictWriter(file, TABLES[table], extrasaction="ignore",
                                    lineterminator="\n")
            writer.writeheader()
            self.files[table] = file, writer
        file, writer = self.files[table]
        writer.writerow(row)
        file.flush()


def _read(folder, table):
    path = _path(folder, table)
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _numbers(row):
    """A column that the program did not fill is None."""
    return {name: value if name in TEXTS else float(value) if value else None
            for name, value in row.items()}


@dataclass
class Results:
    machine: dict
    allocators: list             # of dicts, in the order in which they are shown
    groups: dict                 # {scenario: group}
    rows: dict                   # {(scenario, allocator): [row, ...]}
    tide: dict = field(default_factory=dict)          # {allocator: [row, ...]}
    instructions: dict = field(default_factory=dict)  # {(scenario, allocator): per pair}
    left_out: list = field(default_factory=list)      # of dicts

    @classmethod
    def load(cls, folder):
        rows, groups, tide = defaultdict(list), {}, defaultdict(list)
        left_out = _read(folder, "left_out")
        failed = {(one["program"], one["allocator"]) for one in left_out}
        for row in map(_numbers, _read(folder, "rows")):
            if (program_of(row["scenario"], row["group"]), row["allocator"]) in failed:
                continue
            rows[row["scenario"], row["allocator"]].append(row)
            groups[row["scenario"]] = row["group"]
        for row in map(_numbers, _read(folder, "tide")):
            tide[row["allocator"]].append(row)
        return cls(
            machine={row["name"]: row["value"] for row in _read(folder, "machine")},
            allocators=_read(folder, "allocators"), groups=groups, rows=dict(rows),
            tide=dict(tide),
            instructions={(row["scenario"], row["allocator"]): float(row["per_pair"])
                          for row in _read(folder, "instructions")},
            left_out=left_out)

    def names(self, *roles):
        return [one["name"] for one in self.allocators if Role(one["role"]) in roles]

    @property
    def subject(self):
        return self.names(Role.SUBJECT)[0]

    @property
    def rivals(self):
        return self.names(Role.PEER, Role.BEFORE)

    def present(self):
        """The names of those of whom there is any figure."""
        return {name for _, name in (*self.rows, *self.instructions)} | self.tide.keys()

    def scenarios(self, group=None):
        """Those that the subject ran."""
        return [name for name, its_group in self.groups.items()
                if its_group in ([group] if group else GROUPS)
                and (name, self.subject) in self.rows]

    def runs(self):
        """How many a figure is the median of, in words; none: nothing."""
        counts = sorted(len(self.shared_turns(name)) for name in self.groups)
        if not counts:
            return ""
        fewest, most = counts[0], counts[-1]
        return f"{most} runs" if fewest == most else f"{fewest} to {most} runs"

    def is_whole_program(self, scenario):
        """Whose pairs of malloc and free nobody counted."""
        return self.groups[scenario] in (REAL, OWN)

    def time_column(self, scenario):
        return "cpu_s" if self.is_whole_program(scenario) else "ns_per_pair"

    def shared_turns(self, scenario):
        """Those that every allocator ran in. A rival once told apart runs no more, and the turns
        after that have fewer processes side by side, in better times. So whatever stands beside
        another's is taken from these turns."""
        return sorted(set.intersection(*({row["turn"] for row in rows}
                                         for rows in self._of_scenario[scenario])))

    @cached_property
    def _of_scenario(self):
        """{scenario: [the rows of an allocator, ...]}"""
        found = defaultdict(list)
        for (scenario, _), rows in self.rows.items():
            found[scenario].append(rows)
        return found

    def shared_rows(self, scenario, allocator):
        shared = self.shared_turns(scenario)
        return [row for row in self.rows.get((scenario, allocator), ()) if row["turn"] in shared]

    def values(self, scenario, allocator, column):
        return [row[column] for row in self.shared_rows(scenario, allocator)]

    def median(self, scenario, allocator, column):
        """None where there is no such figure."""
        values = [value for value in self.values(scenario, allocator, column) if value is not None]
        return median(values) if values else None

    def time(self, scenario, allocator):
        return self.median(scenario, allocator, self.time_column(scenario))

    def per_1000_pairs(self, scenario, allocator, column):
        values = [1000 * row[column] / row["pairs"] for row in
                  self.shared_rows(scenario, allocator) if row[column] is not None
                  and row["pairs"]]
        return median(values) if values else None

    def turns(self, scenario, rival, column=None, among=None):
        """The values of the subject and of a rival in the turns that both ran in."""
        column = column or self.time_column(scenario)
        own, other = ({row["turn"]: row[column] for row in self.rows[scenario, name]
                       if among is None or row["turn"] in among}
                      for name in (self.subject, rival))
        both = sorted(own.keys() & other.keys())
        return [own[turn] for turn in both], [other[turn] for turn in both]

    def ratio(self, scenario, rival, column=None):
        """Of the subject's times over a rival's, with its interval."""
        return ratio_of_turns(*self.turns(scenario, rival, column))

    def best_peer(self, scenario, column=None):
        """The peer with the smallest median; None when none ran it."""
        column = column or self.time_column(scenario)
        medians = {name: self.median(scenario, name, column) for name in self.names(Role.PEER)}
        present = {name: value for name, value in medians.items() if value is not None}
        return min(present, key=present.get) if present else None

    def shared(self, scenarios, rival):
        return [scenario for scenario in scenarios if (scenario, rival) in self.rows]

    def mean_ratio(self, scenarios, rival, column=None):
        """The geometric mean over the scenarios that the rival ran as well; None for none. Of as
        many turns of each: those that stopped because they showed a difference saw too large a
        one."""
        turns = {scenario: self.shared_turns(scenario)
                 for scenario in self.shared(scenarios, rival)}
        count = min(map(len, turns.values()), default=0)
        pairs = [self.turns(scenario, rival, column, shared[:count])
                 for scenario, shared in turns.items()]
        return geometric_mean_ratio(pairs) if pairs else None

    def verdicts(self, rival):
        """{scenario: verdict}"""
        return {scenario: self.ratio(scenario, rival).verdict(MARGIN)
                for scenario in self.shared(self.scenarios(), rival)}

    def undecided(self, scenario):
        """The rivals that times cannot tell from the subject."""
        if scenario not in self.scenarios():
            return []
        return [rival for rival in self.rivals if (scenario, rival) in self.rows
                and self.ratio(scenario, rival).verdict(MARGIN) == "cannot tell"]

    def memory_over_live(self, scenario, allocator):
        """What became resident over the bytes in live blocks, at their peaks; None where hardly
        anything is alive, and stacks and the like would outweigh it."""
        rows = [row for row in self.shared_rows(scenario, allocator)
                if row["live_kib"] is not None and row["live_kib"] >= LIVE_KIB_LEAST]
        return median((row["peak_kib"] - row["base_kib"]) / row["live_kib"]
                      for row in rows) if rows else None

    def scaling(self, program):
        """{allocator: [(threads, pairs per second), ...]} of a program of bench/threads; that of
        the bare list under the name of its program."""
        curves = defaultdict(list)
        for scenario, allocator in self.rows:
            match = re.fullmatch(rf"({program}|{program}_bare) threads=(\d+)", scenario)
            if match:
                threads = int(match[2])
                name = allocator if match[1] == program else match[1]
                curves[name].append((threads, threads * 1e9 / self.time(scenario, allocator)))
        return {name: sorted(curve) for name, curve in curves.items()}
