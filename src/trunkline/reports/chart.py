"""One figure of a report by one key, or by two: as lines of a terminal, as SVG, as PNG.

Everything is computed in whole numbers and ratios of them, so the same report gives the same bytes. Letters are those of
DejaVu Sans Mono, which typst has: all are equally wide, so what stands beside what is known without measuring.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from html import escape
from pathlib import Path
from typing import Final

from trunkline.core.currency import get_currency
from trunkline.core.errors import Invalid
from trunkline.core.money import RoundingMode, round_ratio, scaled_text
from trunkline.reports.report import Report
from trunkline.reports.rules import Column, Grouping, Key, KeyValue, Kind, Sums, find_column

LABELS_MAX: Final = 40  # of bars; of time, as many as there are
SERIES_MAX: Final = 8  # more cannot be told apart
DAYS_MAX: Final = 3660
NONE: Final = "—"

# Okabe and Ito's colours, which people of every colour vision tell apart; the last is for what was before.
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")


@dataclass(frozen=True, slots=True)
class Series:
    """What one line or one colour of bars shows: a figure for each label, None where there is none."""

    name: str
    values: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure in units of 10^-decimals, by labels, in one or more series. `is_time`: labels follow each other."""

    title: str
    note: str  # what is left out; empty if nothing is
    measure: str
    decimals: int  # of the values
    shown_decimals: int
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    is_time: bool

    def text(self, value: int | None) -> str:
        """A value as people read it, thousands grouped."""
        if value is None:
            return NONE
        units = round_ratio(value, 10 ** (self.decimals - self.shown_decimals), RoundingMode.HALF_UP)
        whole, point, part = scaled_text(abs(units), self.shown_decimals, least=self.shown_decimals).partition(".")
        return f"{'-' if units < 0 else ''}{int(whole):,}{point}{part}"


def chart_of(report: Report, measure: str, *, title: str) -> Chart:
    """The chart of a column of the report, the first if `measure` is empty. The first key is the axis, a second the series.

    Where periods are compared, both stand beside each other. Of more labels or series than can be read the greatest are
    kept. Raises Invalid `chart_keys`, `unknown_column`.
    """
    column = find_column(measure, report.columns) if measure else report.columns[0]
    if len(report.keys) not in (1, 2) or (len(report.keys) == 2 and report.compared is not None):
        raise Invalid(
            "chart_keys",
            "A chart shows a figure by one key, or by two where no periods are compared.",
            hint="Use --by day, or --by day,account.",
        )
    cells = _cells(report, column)
    labels, series = (list(dict.fromkeys(each)) for each in zip(*cells, strict=True)) if cells else ([], [])
    is_time = report.keys[0] in (Key.DAY, Key.HOUR)
    if is_time:
        labels = _every_moment(report.keys[0], labels)
    kept_labels = (
        labels if is_time else _greatest(labels, [(label, value) for (label, _), value in cells.items()], LABELS_MAX)
    )
    kept_series = _greatest(series, [(name, value) for (_, name), value in cells.items()], SERIES_MAX)
    note = ", ".join(
        f"the {len(kept)} greatest of {len(every)}"
        for kept, every in ((kept_labels, labels), (kept_series, series))
        if len(kept) < len(every)
    )
    is_money = column.kind is Kind.MONEY
    nothing = _figure(column, Sums())  # where there is no row there were no calls
    return Chart(
        title=title,
        note=note,
        measure=f"{column.title} {report.currency}" if is_money else column.title,
        decimals=column.decimals,
        shown_decimals=get_currency(report.currency).minor_units if is_money else column.decimals,
        labels=tuple(_label(each) for each in kept_labels),
        series=tuple(
            Series(_label(name), tuple(cells.get((label, name), nothing) for label in kept_labels))
            for name in kept_series
        ),
        is_time=is_time,
    )


def _cells(report: Report, column: Column) -> dict[tuple[KeyValue, KeyValue], int | None]:
    """The figure of each label and series, in the order of the rows."""
    cells: dict[tuple[KeyValue, KeyValue], int | None] = {}
    for row in report.rows():
        if row.before is None:
            cells[row.values[0], row.values[1] if len(row.values) > 1 else ""] = _figure(column, row.sums)
        else:
            cells[row.values[0], "now"] = _figure(column, row.sums)
            cells[row.values[0], "before"] = _figure(column, row.before)
    return cells


def _figure(column: Column, sums: Sums) -> int | None:
    scaled, is_there = column.scaled(sums)
    return int(scaled) if is_there else None


def _every_moment(key: Grouping, labels: Sequence[KeyValue]) -> list[KeyValue]:
    """The hours of a day, or all days from the first to the last: also those on which nothing was."""
    if key is Key.HOUR or not labels:
        return [f"{hour:02}:00" for hour in range(24)]
    days = sorted(date.fromisoformat(str(label)) for label in labels)
    if (days[-1] - days[0]).days > DAYS_MAX:  # a clock that was wrong: nobody wants to see the years between
        return [day.isoformat() for day in days]
    return [(days[0] + timedelta(days=n)).isoformat() for n in range((days[-1] - days[0]).days + 1)]


def _greatest(names: Sequence[KeyValue], values: Sequence[tuple[KeyValue, int | None]], limit: int) -> list[KeyValue]:
    """The names of the greatest magnitudes, in the order in which they stand."""
    if len(names) <= limit:
        return list(names)
    weights = dict.fromkeys(names, 0)
    for name, value in values:
        weights[name] += abs(value or 0)
    kept = set(sorted(names, key=lambda name: -weights[name])[:limit])
    return [name for name in names if name in kept]


def _label(value: KeyValue) -> str:
    return NONE if value is None else str(value)


# The terminal.

BLOCKS: Final = " ▏▎▍▌▋▊▉"
LABEL_WIDTH_MAX: Final = 32


def text_lines(chart: Chart, *, width: int) -> Iterator[str]:
    """The chart as horizontal bars, a line each, not wider than `width` as long as numbers and names leave room."""
    yield chart.title
    yield chart.measure + (f" ({chart.note})" if chart.note else "")
    has_names = len(chart.series) > 1
    rows = [
        (label if place == 0 else "", series.name if has_names else "", series.values[number])
        for number, label in enumerate(chart.labels)
        for place, series in enumerate(chart.series)
    ]
    label_width, name_width = (
        min(max(map(len, each), default=0), LABEL_WIDTH_MAX)
        for each in ([row[0] for row in rows], [row[1] for row in rows])
    )
    value_width = max((len(chart.text(row[2])) for row in rows), default=0)
    room = max(width - label_width - name_width - value_width - (3 if has_names else 2), 8)
    greatest = max((abs(row[2] or 0) for row in rows), default=0)
    for label, name, value in rows:
        name_cell = f"{name[:name_width]:<{name_width}} " if has_names else ""
        bar = _bar(value, greatest, room)
        yield f"{label[:label_width]:<{label_width}} {name_cell}{chart.text(value):>{value_width}} {bar}".rstrip()


def _bar(value: int | None, greatest: int, room: int) -> str:
    """A bar in eighths of a letter; what is below zero is drawn of another shade."""
    if not value or not greatest:
        return ""
    eighths = max(round_ratio(8 * room * abs(value), greatest, RoundingMode.HALF_UP), 1)
    if value < 0:
        return "░" * max(eighths // 8, 1)
    return "█" * (eighths // 8) + (BLOCKS[eighths % 8] if eighths % 8 else "")


# The drawing. Lengths are in pixels of SVG.

WIDTH: Final = 960
FONT: Final = 12
LETTER: Final = Fraction(FONT * 602, 1000)  # the width of a letter of DejaVu Sans Mono
MARGIN: Final = 20
LEGEND: Final = 50  # the top of its first line
LEGEND_LINE: Final = 18
PLOT_HEIGHT: Final = 320
BAR: Final = 16
GAP: Final = 8
TICKS: Final = 5
DOTS_MAX: Final = 62  # of a line; closer ones would be a band


@dataclass(frozen=True, slots=True)
class Style:
    """The colours of a drawing."""

    background: str
    text: str
    axis: str
    grid: str
    series: tuple[str, ...]
    is_fixed: bool  # whether the picture has a size of its own


PRINT: Final = Style("#ffffff", "#222222", "#444444", "#dddddd", COLOURS, is_fixed=True)
# On a page the picture is as wide as its place, and its letters have the page's colour, in the light as in the dark.
PAGE: Final = Style(
    "none",
    "currentColor",
    "rgb(128 128 128 / 0.9)",
    "rgb(128 128 128 / 0.3)",
    tuple("currentColor" if colour == "#000000" else colour for colour in COLOURS),
    is_fixed=False,
)


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to pixels along an axis, and the round values at which it is marked."""

    low: int
    high: int
    step: int
    begin: Fraction
    end: Fraction

    def __call__(self, value: int) -> Fraction:
        return self.begin + (self.end - self.begin) * Fraction(value - self.low, self.high - self.low)

    def ticks(self) -> range:
        return range(self.low, self.high + 1, self.step)


def _scale(chart: Chart, begin: Fraction, end: Fraction) -> Scale:
    """An axis from round value to round value, zero among them; steps are 1, 2 or 5 times a power of ten."""
    values = [value for series in chart.series for value in series.values if value is not None]
    low, high = min([0, *values]), max([0, *values])
    least = 10 ** (chart.decimals - chart.shown_decimals)  # what the text of a mark can tell apart
    step = next(
        each
        for power in range(40)
        for each in (least * 10**power, 2 * least * 10**power, 5 * least * 10**power)
        if each * TICKS >= high - low
    )
    low, high = low // step * step, -(-high // step) * step
    return Scale(low, high if high > low else low + step, step, begin, end)


def as_svg(chart: Chart, style: Style = PRINT) -> str:
    """The chart as a picture: lines over time, bars over anything else, with axis, marks and legend."""
    legend, top = _legend(chart, style)
    body, height = _lines_body(chart, top, style) if chart.is_time else _bars_body(chart, top, style)
    size = f'width="{WIDTH}" height="{height}" ' if style.is_fixed else 'role="img" '
    measure = chart.measure + (f" ({chart.note})" if chart.note else "")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}viewBox="0 0 {WIDTH} {height}" '
        f'font-family="\'DejaVu Sans Mono\', monospace" font-size="{FONT}">',
        f"<title>{_escape(chart.title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="{style.background}"/>',
        _text(Fraction(MARGIN), Fraction(24), _cut(chart.title, Fraction(WIDTH - 2 * MARGIN)), style, weight="bold"),
        _text(Fraction(MARGIN), Fraction(42), measure, style),
        *legend,
        *body,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def as_png(svg: str, *, ppi: int = 144) -> bytes:
    """A picture as PNG, set by typst with its own fonts."""
    import typst

    folder = Path(__file__).parent
    compiler = typst.Compiler(str(folder / "chart.typ"), root=str(folder), ignore_system_fonts=True)
    png = compiler.compile(format="png", ppi=ppi, sys_inputs={"svg": svg})
    if not isinstance(png, bytes):
        raise TypeError("a chart is one page")
    return png


def _legend(chart: Chart, style: Style) -> tuple[list[str], int]:
    """What the colours are, in as many lines as it takes, and where the plot may begin."""
    parts: list[str] = []
    left, top = Fraction(MARGIN), LEGEND
    for place, series in enumerate(chart.series if len(chart.series) > 1 else ()):
        name = _cut(series.name, Fraction(WIDTH, 3))
        width = 14 + LETTER * len(name)
        if left > MARGIN and left + width > WIDTH - MARGIN:
            left, top = Fraction(MARGIN), top + LEGEND_LINE
        parts.append(f'<rect x="{_px(left)}" y="{top}" width="10" height="10" fill="{style.series[place]}"/>')
        parts.append(_text(left + 14, Fraction(top + 9), name, style))
        left += width + 16
    return parts, top + (24 if parts else 8)


def _marks(chart: Chart, scale: Scale) -> list[tuple[int, str]]:
    """The round values of an axis and their texts, without decimals where all are whole."""
    one = 10**chart.decimals
    is_whole = scale.step % one == 0
    return [(value, f"{value // one:,}" if is_whole else chart.text(value)) for value in scale.ticks()]


def _lines_body(chart: Chart, top: int, style: Style) -> tuple[list[str], int]:
    bottom = Fraction(top + PLOT_HEIGHT)
    scale = _scale(chart, bottom, Fraction(top))
    marks = _marks(chart, scale)
    left = MARGIN + LETTER * max(len(mark) for _, mark in marks) + 8
    right = Fraction(WIDTH - MARGIN)
    parts = []
    for value, mark in marks:
        parts.append(_line(left, scale(value), right, scale(value), style.axis if value == 0 else style.grid))
        parts.append(_text(left - 8, scale(value) + 4, mark, style, anchor="end"))
    count = len(chart.labels)
    room = (right - left) / max(count, 1)
    middle = [left + room * n + room / 2 for n in range(count)]
    every = -(-(LETTER * max((len(label) for label in chart.labels), default=1) + 12) // room) if count else 1
    for number in range(0, count, int(every)):
        parts.append(_line(middle[number], bottom, middle[number], bottom + 4, style.axis))
        parts.append(_text(middle[number], bottom + 18, chart.labels[number], style, anchor="middle"))
    for place, series in enumerate(chart.series):
        points = [(middle[n], None if value is None else scale(value)) for n, value in enumerate(series.values)]
        parts += _drawn(points, style.series[place], has_dots=count <= DOTS_MAX)
    return parts, int(bottom) + 34


def _drawn(points: Sequence[tuple[Fraction, Fraction | None]], colour: str, *, has_dots: bool) -> list[str]:
    """A line through the points, broken where there is none."""
    parts, path = [], ""
    is_open = False
    for x, y in points:
        if y is not None:
            path += f"{'L' if is_open else 'M'}{_px(x)} {_px(y)}"
        is_open = y is not None
    if path:
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"/>')
    if has_dots:
        parts += [f'<circle cx="{_px(x)}" cy="{_px(y)}" r="3" fill="{colour}"/>' for x, y in points if y is not None]
    return parts


def _bars_body(chart: Chart, top: int, style: Style) -> tuple[list[str], int]:
    widest = Fraction(WIDTH, 3)
    names = [_cut(label, widest) for label in chart.labels]
    left = MARGIN + LETTER * max((len(name) for name in names), default=0) + 8
    values = [value for series in chart.series for value in series.values]
    right = WIDTH - MARGIN - LETTER * max((len(chart.text(value)) for value in values), default=0) - 6
    scale = _scale(chart, left, right)
    group = BAR * len(chart.series) + GAP
    bottom = top + group * len(names) + GAP
    parts = []
    for value, mark in _marks(chart, scale):
        x = scale(value)
        parts.append(_line(x, Fraction(top), x, Fraction(bottom), style.axis if value == 0 else style.grid))
        parts.append(_text(x, Fraction(bottom + 16), mark, style, anchor="middle"))
    for number, name in enumerate(names):
        begin = top + GAP + group * number
        parts.append(_text(left - 8, begin + Fraction(group - GAP, 2) + 4, name, style, anchor="end"))
        for place, series in enumerate(chart.series):
            parts += _drawn_bar(chart, scale, series.values[number], begin + BAR * place, style, place)
    return parts, bottom + 30


def _drawn_bar(chart: Chart, scale: Scale, value: int | None, top: int, style: Style, place: int) -> list[str]:
    zero, end = scale(0), scale(value or 0)
    low, high = min(zero, end), max(zero, end)
    bar = f'<rect x="{_px(low)}" y="{top + 1}" width="{_px(high - low)}" height="{BAR - 2}" fill="{style.series[place]}"/>'
    return [bar, _text(high + 4, Fraction(top + BAR - 4), chart.text(value), style)]


def _escape(text: str) -> str:
    """Text as XML takes it: without control characters, with its own signs written out."""
    return escape("".join(letter if letter.isprintable() else " " for letter in text))


def _px(length: Fraction) -> str:
    """A length with at most two decimals."""
    return scaled_text(round_ratio(100 * length.numerator, length.denominator, RoundingMode.HALF_UP), 2)


def _cut(text: str, room: Fraction) -> str:
    letters = max(int(room / LETTER), 1)
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _line(x1: Fraction, y1: Fraction, x2: Fraction, y2: Fraction, colour: str) -> str:
    return f'<line x1="{_px(x1)}" y1="{_px(y1)}" x2="{_px(x2)}" y2="{_px(y2)}" stroke="{colour}"/>'


def _text(x: Fraction, y: Fraction, text: str, style: Style, *, anchor: str = "start", weight: str = "normal") -> str:
    given = ("" if anchor == "start" else f' text-anchor="{anchor}"') + (
        "" if weight == "normal" else f' font-weight="{weight}"'
    )
    return f'<text x="{_px(x)}" y="{_px(y)}"{given} fill="{style.text}">{_escape(text)}</text>'
