"""Plots as SVG, drawn here: there without a script, and in the page's own colours. No numbers are made here."""

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

WIDTH, HEIGHT = 320, 90
"""Of the drawing's own units; a page scales it."""

Point = tuple[datetime, float | None]


def plot(
    title: str, lines: Sequence[Sequence[Point]], begins: datetime, ends: datetime, most: float
) -> Markup:
    """Lines from `begins` to `ends`, from 0 to `most`; a line is broken where there is no value, and a
    dot where there is but one.
    """
    drawn = Markup().join(
        Markup('<polyline class="line{}" points="{}"/>').format(
            n,
            " ".join(
                _place(at, value, begins, ends, most) for at, value in (part * 2 if len(part) == 1 else part)
            ),
        )
        for n, line in enumerate(lines)
        for part in _unbroken(line)
    )
    return Markup(
        '<svg class="plot" viewBox="-3 -3 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(WIDTH + 6, HEIGHT + 6, title, drawn)


def _unbroken(line: Sequence[Point]) -> list[list[tuple[datetime, float]]]:
    parts: list[list[tuple[datetime, float]]] = [[]]
    for at, value in line:
        if value is None:
            parts.append([])
        else:
            parts[-1].append((at, value))
    return [part for part in parts if part]


def _place(at: datetime, value: float, begins: datetime, ends: datetime, most: float) -> str:
    x = WIDTH * (at - begins) / (ends - begins)
    y = HEIGHT * (1 - min(value, most) / most) if most else HEIGHT
    return f"{x:.1f},{y:.1f}"
