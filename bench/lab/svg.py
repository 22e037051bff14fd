"""Charts as plain SVG: axes, lines, marks. Colours are classes of the page (s0, s1, ...), so that
one drawing serves the light and the dark scheme."""
import math
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 340, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 36
TICKS = 5
# A log axis spans at least this factor: otherwise noise would fill the chart.
FACTOR_LEAST = 2
SHAPES = ("M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0", "M-3.5,-3.5h7v7h-7z", "M0,-4.5l4.5,8h-9z",
          "M0,-5l5,5l-5,5l-5,-5z", "M-4,-1.5h2.5v-2.5h3v2.5h2.5v3h-2.5v2.5h-3v-2.5h-2.5z",
          "M0,4.5l4.5,-8h-9z", "M-4,-3l1,-1l3,3l3,-3l1,1l-3,3l3,3l-1,1l-3,-3l-3,3l-1,-1l3,-3z",
          "M0,-5l4.8,3.5l-1.8,5.6h-6l-1.8,-5.6z", "M-5,-2h10v4h-10z", "M-2,-5h4v10h-4z")


def shape(series):
    return SHAPES[series % len(SHAPES)]


def short_number(value):
    """Three digits at most, with k, M, G for thousands and more."""
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.3g}{letter}"
    return f"{value:.3g}"


@dataclass
class Axis:
    label: str
    log: bool = False
    ticks: tuple = ()  # those to use; without them they are chosen
    low: float = math.inf
    high: float = -math.inf

    def include(self, *values):
        self.low = min(self.low, *values)
        self.high = max(self.high, *values)

    def settle(self):
        """A linear axis begins at 0; a log one has room around its values."""
        if not self.log:
            self.low, self.high = 0, (self.high if self.high > 0 else 1) * 1.05
            return
        middle = math.sqrt(self.low * self.high)
        half = max(math.sqrt(self.high / self.low), math.sqrt(FACTOR_LEAST)) * 1.1
        self.low, self.high = middle / half, middle * half

    def share(self, value):
        """Where the value lies, from 0 to 1."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def marks(self):
        if self.ticks:
            return self.ticks
        found = self._log_marks() if self.log else self._linear_marks()
        return [value for value in found if self.low <= value <= self.high * (1 + 1e-9)]

    def _linear_marks(self):
        raw = self.high / TICKS
        unit = 10 ** math.floor(math.log10(raw))
        step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
        return [step * i for i in range(TICKS + 2)]

    def _log_marks(self):
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        spans = ((10_000, (1,)), (100, (1, 3)), (5, (1, 2, 5)))
        factors = next((factors for span, factors in spans if self.high / self.low > span),
                       (1, 1.5, 2, 3, 4, 5, 7))
        return [factor * 10.0 ** decade for decade in decades for factor in factors]


@dataclass
class Chart:
    """Points are (x, y, text): the text is shown when one points at the mark."""
    name: str
    x: Axis
    y: Axis
    lines: list = field(default_factory=list)  # (series, points)
    dots: list = field(default_factory=list)   # (series, point, range of x)

    def line(self, series, points):
        self.lines.append((series, points))
        self.x.include(*(x for x, _, _ in points))
        self.y.include(*(y for _, y, _ in points))

    def dot(self, series, point, x_range=None):
        self.dots.append((series, point, x_range))
        self.x.include(point[0], *(x_range or ()))
        self.y.include(point[1])

    def place(self, x, y):
        return (LEFT + self.x.share(x) * (WIDTH - LEFT - RIGHT),
                HEIGHT - BOTTOM - self.y.share(y) * (HEIGHT - TOP - BOTTOM))

    def render(self):
        self.x.settle()
        self.y.settle()
        parts = [*self._axes()]
        for series, points in reversed(self.lines):  # the first one on top
            parts.append(self._line(series, points))
        for series, point, x_range in reversed(self.dots):
            parts += [self._range(series, point, x_range), self._mark(series, point)]
        return (f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self.name)}">'
                + "".join(parts) + "</svg>")

    def _axes(self):
        bottom = HEIGHT - BOTTOM
        for value in self.x.marks():
            x, _ = self.place(value, self.y.low)
            yield f'<path class="grid" d="M{x:.1f},{TOP}V{bottom}"/>'
            yield f'<text x="{x:.1f}" y="{bottom + 13}" class="middle">{short_number(value)}</text>'
        for value in self.y.marks():
            _, y = self.place(self.x.low, value)
            yield f'<path class="grid" d="M{LEFT},{y:.1f}H{WIDTH - RIGHT}"/>'
            yield f'<text x="{LEFT - 4}" y="{y + 3.5:.1f}" class="end">{short_number(value)}</text>'
        middle = (LEFT + WIDTH - RIGHT) / 2
        yield (f'<text x="{middle}" y="{HEIGHT - 6}" class="middle name">'
               f'{escape(self.x.label)}</text>')
        height = (TOP + bottom) / 2
        yield (f'<text transform="translate(11 {height}) rotate(-90)" class="middle name">'
               f'{escape(self.y.label)}</text>')

    def _line(self, series, points):
        places = [self.place(x, y) for x, y, _ in points]
        path = "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in places)
        marks = "".join(self._mark(series, point) for point in points if point[2])
        return f'<path class="line s{series}" d="{path}"/>{marks}'

    def _range(self, series, point, x_range):
        if x_range is None:
            return ""
        (left, y), (right, _) = (self.place(x, point[1]) for x in x_range)
        return f'<path class="range s{series}" d="M{left:.1f},{y:.1f}H{right:.1f}"/>'

    def _mark(self, series, point):
        x, y, text = point
        left, top = self.place(x, y)
        return (f'<path class="mark s{series}" d="{shape(series)}" data-x="{x:.6g}" '
                f'data-y="{y:.6g}" transform="translate({left:.1f} {top:.1f})">'
                f'<title>{escape(text)}</title></path>')
