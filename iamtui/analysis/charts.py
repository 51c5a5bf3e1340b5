"""Counts as a row of small signs, with the numbers beside them: nothing is told by the signs alone."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.overview import Chart

BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN = "_.:-=+*#"
"""The same eight steps where a terminal has no blocks; the first is for 0."""


def spark(values: Sequence[int | None], *, plain: bool = False) -> str:
    """One sign a value: the lowest is 0 and nothing else, a blank is where nobody can tell."""
    signs = PLAIN if plain else BLOCKS
    most = max((value for value in values if value is not None), default=0)
    steps = len(signs) - 1
    return "".join(" " if v is None else signs[0] if v <= 0 else signs[max(1, -(-v * steps // most))] for v in values)


def numbers(chart: Chart) -> str:
    """`max 812, total 20,228, 30 d`, and what could not be told."""
    told = [value for value in chart.values if value is not None]
    if not told:
        return chart.note or "not read"
    parts = [f"max {max(told):,}", f"total {sum(told):,}", chart.span]
    unknown = len(chart.values) - len(told)
    if unknown:
        parts.append(f"{unknown} not read")
    return ", ".join(part for part in parts if part)


def buckets(chart: Chart) -> str:
    """`≤30d 3  ≤90d 5  older 12  never 4`: every number in words, for a chart that is not over time."""
    told = [f"{label} {value:,}" for label, value in zip(chart.labels, chart.values, strict=True) if value]
    told += [f"{words} {count:,}" for words, count in chart.apart if count]
    return "  ".join(told) if told else chart.note or "nothing"


def in_ascii(text: str) -> str:
    """A label or number without signs a plain terminal lacks."""
    return text.replace("≤", "<=").replace("·", "|").replace("…", "...")
