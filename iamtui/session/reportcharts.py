"""Pictures of a report as inline SVG: bars and lines with their numbers written beside them, told apart without colour, with words
for those who do not see them. They hold text and shapes, no script, no style of their own and no reference to anything."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from ..model.practice import Kept
from ..text import visible
from .reportdata import CONFLICT, DECISIONS, OPEN, Figures, PracticeLine, Report

WIDTH = 760
_LEFT, _BAR, _STEP = 290, 232, 26
_MOST = 12
"""Campaigns in a picture; the table has all."""


def esc(text: str) -> str:
    """Text of whatever origin as HTML text or the value of an attribute: nothing in it is markup, a link, or obeyed by a terminal."""
    return html.escape(visible(text))


def short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _svg(ident: str, height: int, title: str, words: str, shapes: Iterator[str]) -> str:
    """A picture with its words."""
    return (
        f'<figure class="picture" tabindex="0"><figcaption>{esc(title)}</figcaption><svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-labelledby="{ident}-t {ident}-d"><title id="{ident}-t">{esc(title)}</title><desc id="{ident}-d">{esc(words)}</desc>'
        f"{''.join(shapes)}</svg></figure>\n"
    )


def _label(x: float, y: float, words: str, *, end: bool = False, kind: str = "") -> str:
    anchor = ' text-anchor="end"' if end else ""
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{anchor}{style}>{esc(words)}</text>'


def _box(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" class="{kind}"/>'


# -- shares ----------------------------------------------------------------------------------------------------------


def decisions(report: Report) -> str:
    """All items as one bar, by what was decided."""
    total = report.figures.items
    parts = [(one.value, one.name.lower(), report.figures.count(one)) for one in DECISIONS]
    parts += [("in conflict", CONFLICT, report.figures.conflicts), ("open", OPEN, report.figures.open)]
    words = f"Of {total:,} items: " + ", ".join(f"{name} {count:,}" for name, _, count in parts)
    return _svg("c-decisions", 132, "Decisions", words, _stacked(parts, total)) if total else ""


def _stacked(parts: Sequence[tuple[str, str, int]], total: int) -> Iterator[str]:
    x, y, height = 0.0, 4.0, 40.0
    for _, kind, count in parts:
        width = count * WIDTH / total
        if count:
            yield _box(x, y, width, height, f"k-{kind}")
            yield _texture(kind, x, y, width, height)
            if width >= 40:
                yield _label(x + 6, y + 26, f"{count:,}", kind="on")
        x += width
    for place, (name, kind, count) in enumerate(parts):
        left, top = (place % 4) * WIDTH / 4, 64 + (place // 4) * 32
        yield _box(left, top, 22, 16, f"k-{kind}")
        yield _texture(kind, left, top, 22, 16)
        yield _label(left + 30, top + 13, f"{name} {count:,} ({count * 100 / total:.0f} %)")


def _texture(kind: str, x: float, y: float, width: float, height: float) -> str:
    """Lines that tell a part from its neighbours where colours are not seen."""
    lines: list[str] = []
    if kind in ("reduce", CONFLICT):
        lines += [f"M{x + at:.1f} {y:.1f}v{height:.1f}" for at in range(4, int(width), 8)]
    if kind in ("exception", CONFLICT):
        lines += [f"M{x:.1f} {y + at:.1f}h{width:.1f}" for at in range(4, int(height), 8)]
    if kind == "ask":
        lines += [f"M{x + at:.1f} {y + height / 2:.1f}h3" for at in range(3, int(width) - 3, 8)]
    return f'<path d="{"".join(lines)}" class="texture"/>' if lines else ""


def progress(report: Report) -> str:
    """How much of each list is decided."""
    bars = [(pane, done, total, f"{done:,} of {total:,}", "done") for pane, done, total in report.panes]
    words = ", ".join(f"{pane}: {told} decided" for pane, _, _, told, _ in bars)
    return _svg("c-lists", len(bars) * _STEP + 6, "Decided by list", words, _bars(bars)) if bars else ""


def practices(found: Sequence[PracticeLine]) -> str:
    """How far each practice is kept; what cannot be told is no bar that looks like one that was kept."""
    bars = []
    for one in found:
        score = one.score
        if score.kept is Kept.UNKNOWN:
            told, kind = score.kept.value, "unsure"
        else:
            told, kind = f"{score.kept.value} {int(score.held * 100 / score.of)} %, {score.offenders:,} offenders", "done"
        bars.append((f"{one.number}. {one.title}", score.held, score.of, told, kind))
    words = "; ".join(f"{name}: {told}" for name, _, _, told, _ in bars)
    return _svg("c-practices", len(bars) * _STEP + 6, "Practices", words, _bars(bars)) if bars else ""


def _bars(bars: Sequence[tuple[str, int, int, str, str]]) -> Iterator[str]:
    for place, (name, done, total, told, kind) in enumerate(bars):
        y = place * _STEP + 4
        yield _label(_LEFT - 10, y + 14, short(name, 38), end=True)
        yield _box(_LEFT, y, _BAR, 18, "track" if kind == "done" else "track unsure")
        if done and total and kind == "done":
            yield _box(_LEFT, y, done * _BAR / total, 18, kind)
        yield _label(_LEFT + _BAR + 10, y + 14, short(told, 32))


# -- trends ----------------------------------------------------------------------------------------------------------

_TOP, _FOOT, _SIDE, _END = 16, 130, 46, 190


def trend(found: Sequence[Figures]) -> str:
    """Items, decided and open ones of campaign after campaign; a picture only where there are two."""
    chosen = found[-_MOST:]
    if len(chosen) < 2:
        return ""
    lines = [
        ("items", "l-items", [one.items for one in chosen]),
        ("decided", "l-decided", [one.decided for one in chosen]),
        ("open", "l-open", [one.open for one in chosen]),
    ]
    words = "; ".join(f"{one.name}: {one.items:,} items, {one.decided:,} decided, {one.open:,} open" for one in chosen)
    return _svg("c-trend", 170, "Items by campaign", words, _lines([one.name for one in chosen], lines, None))


def practice_trend(found: Sequence[Figures]) -> str:
    """Practices kept at the end of campaign after campaign; those that did not record them are a hole."""
    chosen = found[-_MOST:]
    held = [one.kept for one in chosen]
    if sum(value is not None for value in held) < 2:
        return ""
    untold = [sum(s.kept is Kept.UNKNOWN for s in one.scores) if one.scores is not None else None for one in chosen]
    words = "; ".join(f"{one.name}: {'not recorded' if one.kept is None else f'{one.kept} kept'}" for one in chosen)
    lines = [("kept", "l-decided", held), ("cannot be told", "l-open", untold)]
    most = max(len(one.scores) for one in chosen if one.scores is not None)
    return _svg("c-kept", 170, "Practices kept by campaign", words, _lines([one.name for one in chosen], lines, most))


def _lines(names: Sequence[str], lines: Sequence[tuple[str, str, Sequence[int | None]]], most: int | None) -> Iterator[str]:
    top = most or max([value for _, _, values in lines for value in values if value is not None] + [1])
    span = (WIDTH - _SIDE - _END) / (len(names) - 1)

    def at(place: int, value: int) -> tuple[float, float]:
        return _SIDE + place * span, _FOOT - value * (_FOOT - _TOP) / top

    for value in (0, top):
        yield f'<path d="M{_SIDE} {at(0, value)[1]:.1f}H{WIDTH - _END}" class="axis"/>'
        yield _label(_SIDE - 8, at(0, value)[1] + 5, f"{value:,}", end=True)
    each = max(int(span / 9), 6)
    for place, name in enumerate(names):
        yield f'<text x="{at(place, 0)[0]:.0f}" y="{_FOOT + 22 + 16 * (place % 2 if span < 90 else 0)}" text-anchor="middle">{esc(short(name, each))}</text>'
    taken: list[float] = []
    for name, kind, values in lines:
        points = [(at(place, value), value) for place, value in enumerate(values) if value is not None]
        if not points:
            continue
        yield f'<path d="{_path(values, at)}" class="line {kind}"/>'
        for (x, y), value in points:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="{kind}"/>'
            if len(names) <= 6 and y > 0 and value != points[-1][1]:
                yield _label(x + 7 if x == _SIDE else x - 4, max(y - 8, 11), f"{value:,}", kind="small")
        (x, y), last = points[-1]
        while any(abs(y - other) < 15 for other in taken):
            y = y - 15 if y > 40 else y + 15
        taken.append(y)
        yield _label(WIDTH - _END + 14, y + 5, f"{name} {last:,}")


def _path(values: Sequence[int | None], at: object) -> str:
    """A line through what is known, broken where nothing is."""
    found, going = "", False
    for place, value in enumerate(values):
        if value is None:
            going = False
            continue
        x, y = at(place, value)  # type: ignore[operator]
        found += f"{'L' if going else 'M'}{x:.1f} {y:.1f}"
        going = True
    return found
