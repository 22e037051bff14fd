"""A live bar with the time left; on a terminal only."""
import shutil
import sys
import time

BAR = 20  # characters


class Progress:
    """Each kind of step comes equally often and always takes about as long: the time left is that
    of the kinds seen so far, in the mean."""

    def __init__(self, steps, shown=True, stream=sys.stderr, clock=time.monotonic):
        self.left, self.done = steps, 0
        self.stream, self.clock = stream, clock
        self.shown = shown and stream.isatty()
        self.seconds = {}  # {kind: of its last step}
        self.last = clock()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.shown:
            print(end="\r\033[K", file=self.stream, flush=True)

    def step(self, *kind):
        now = self.clock()
        self.seconds[kind] = now - self.last
        self.last = now
        self.done += 1
        self.left -= 1
        if self.shown:
            print(end=f"\r\033[K{self.line(*kind)}", file=self.stream, flush=True)

    def seconds_left(self):
        return self.left * sum(self.seconds.values()) / len(self.seconds)

    def line(self, *kind):
        share = self.done / (self.done + self.left)
        minutes, seconds = divmod(round(self.seconds_left()), 60)
        bar = ("#" * int(BAR * share)).ljust(BAR, ".")
        text = f"[{bar}] {share:4.0%}, {minutes}:{seconds:02} left  {' on '.join(map(str, kind))}"
        return text[:shutil.get_terminal_size().columns - 1]
