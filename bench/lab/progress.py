"""What is said while the laboratory works: lines, and a live bar with the time left; that on a
terminal only."""
import shutil
import sys
import time

BAR = 20  # characters


def say(text):
    print(f"eddy: {text}", file=sys.stderr, flush=True)


class Kind:
    """Steps that take about equally long: `expected_s` each, as long as none is done."""

    def __init__(self, expected_s):
        self.expected_s, self.spent_s = expected_s, 0
        self.left = self.done = 0

    def seconds_left(self):
        each_s = self.spent_s / self.done if self.done else self.expected_s
        return self.left * each_s


class Progress:
    """Whatever is to be done is planned first, if only roughly, so that the time left is that of
    everything."""

    def __init__(self, shown=True, stream=sys.stderr, clock=time.monotonic):
        self.stream, self.clock = stream, clock
        self.shown = shown and stream.isatty()
        self.kinds = {}
        self.start = self.last = clock()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.clear()

    def plan(self, kind, steps, expected_s=0):
        """So many are left of a kind; a later plan replaces an earlier one."""
        self.kinds.setdefault(kind, Kind(expected_s)).left = steps

    def step(self, kind, detail=""):
        now = self.clock()
        its = self.kinds[kind]
        its.spent_s += now - self.last
        its.done += 1
        its.left = max(its.left - 1, 0)
        self.last = now
        if self.shown:
            text = f"{self.line()}  {kind} {detail}"[:shutil.get_terminal_size().columns - 1]
            print(end=f"\r\033[K{text}", file=self.stream, flush=True)

    def clear(self):
        if self.shown:
            print(end="\r\033[K", file=self.stream, flush=True)

    def seconds_left(self):
        return sum(kind.seconds_left() for kind in self.kinds.values())

    def line(self):
        left_s, passed_s = self.seconds_left(), self.last - self.start
        share = passed_s / (passed_s + left_s) if passed_s else 0
        minutes, seconds = divmod(round(left_s), 60)
        bar = ("#" * int(BAR * share)).ljust(BAR, ".")
        return f"[{bar}] {share:4.0%}, {minutes}:{seconds:02} left"
