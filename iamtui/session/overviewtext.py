"""The Summary in words: the same for the command line and the screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ..analysis.charts import buckets, in_ascii, numbers, spark
from ..analysis.words import iso, relative
from ..model.fact import State
from ..model.overview import Chart, Item, Line, Missing, Overview, Standing

COLUMNS = ("severity", "what", "count", "when", "more", "who and what")
CSV_COLUMNS = (
    "topic",
    "section",
    "standing",
    "severity",
    "count",
    "complete",
    "what",
    "examples",
    "when",
    "looked at",
    "missing",
    "more",
    "command",
)
MOST_ITEMS = 50
"""Items of a line in JSON; `count` tells how many there are."""
_STATE = {
    Standing.PARTLY: "in part",
    Standing.NOT_READ: "not read",
    Standing.READING: "…",
    Standing.COMPUTING: "…",
}


def state_word(line: Line) -> str:
    """`critical`, or how a line stands that found nothing: `none`, `in part`, `not read`, `denied`, `failed`, `…`."""
    return line.severity.value if line.severity is not None else _STATE.get(line.standing, line.standing.value)


def count_word(line: Line) -> str:
    """`21`, `21+` where not all was looked at; nothing where nothing was found."""
    return f"{line.count:,}{'+' if line.missing else ''}" if line.items else ""


def when_word(line: Line, now: datetime) -> str:
    return relative(line.when, now) if line.when is not None else ""


def examples(line: Line, *, several: bool = False, most: int = 3) -> str:
    """Who and what of the first; for a line without items how far it was looked, or why not."""
    if line.items:
        shown = list(dict.fromkeys(_item_words(item) for item in line.items))[:most]
        where = len({item.account for item in line.items if item.account})
        ahead = f"in {where} {'account' if where == 1 else 'accounts'}: " if several and where else ""
        return ahead + "; ".join(shown)
    match line.standing:
        case Standing.COMPUTING | Standing.READING:
            return line.standing.value
        case Standing.NONE:
            return line.looked
    if line.standing is Standing.PARTLY:
        return f"none in {line.looked}; {'; '.join(missing_words(gap) for gap in line.missing[:2])}"
    return "; ".join(_with_todo(gap.words, gap) for gap in line.missing[:2])


def _item_words(item: Item) -> str:
    return f"{item.name} {item.words}".strip()


def missing_words(gap: Missing) -> str:
    """`policies of resources: not read; :exposure reads them`."""
    state = Standing.NOT_READ.value if gap.state is State.NOT_LOADED else gap.state.value
    return _with_todo(gap.words if state in gap.words else f"{gap.words}: {state}", gap)


def _with_todo(words: str, gap: Missing) -> str:
    return f"{words}; {gap.todo}" if gap.todo else words


def row(line: Line, now: datetime, *, several: bool = False) -> list[str]:
    """Cells of COLUMNS."""
    return [state_word(line), line.title, count_word(line), when_word(line, now), f":{line.drill}", examples(line, several=several)]


def headline(overview: Overview) -> str:
    """`3 critical, 8 high, 2 medium, 3 low; 2 not read`."""
    counted = Counter(line.severity.value for line in overview.lines if line.severity is not None)
    told = ", ".join(f"{counted[name]} {name}" for name in ("critical", "high", "medium", "low") if counted[name])
    open_ones = Counter(
        line.standing.value for line in overview.lines if line.standing not in (Standing.FOUND, Standing.NONE, Standing.PARTLY)
    )
    parts = [told or ("nothing stands out" if not open_ones else ""), *(f"{count} {word}" for word, count in open_ones.items())]
    partly = sum(1 for line in overview.lines if line.missing and line.standing in (Standing.FOUND, Standing.PARTLY))
    return "; ".join(part for part in (*parts, f"{partly} looked at in part" if partly else "") if part)


def command(line: Line) -> str:
    """What asks the same without a screen."""
    verb, _, rest = line.drill.partition(" ")
    match verb:
        case "users" | "roles" | "groups" | "policies" | "findings":
            return f"iamtui list {verb} {_shell(rest)}".strip()
        case "review":
            return "iamtui review show"
        case "problems":
            return "iamtui summary --format json"
        case _:
            return f"iamtui {verb} {_shell(rest)}".strip()


def _shell(words: str) -> str:
    import shlex

    return " ".join(shlex.quote(word) for word in words.split())


def complete(overview: Overview) -> bool:
    """Whether everything was looked at."""
    return all(not line.missing and line.standing in (Standing.FOUND, Standing.NONE) for line in overview.lines)


# -- for programs ----------------------------------------------------------------------------------------------------


def csv_row(line: Line) -> list[str]:
    """Cells of CSV_COLUMNS."""
    return [
        line.topic,
        line.section,
        line.standing.value,
        line.severity.value if line.severity is not None else "",
        str(line.count) if line.standing in (Standing.FOUND, Standing.NONE, Standing.PARTLY) else "",
        "no" if line.missing or line.standing in (Standing.READING, Standing.COMPUTING) else "yes",
        line.title,
        "; ".join(dict.fromkeys(_item_words(item) for item in line.items[:3])),
        iso(line.when) if line.when is not None else "",
        line.looked,
        "; ".join(missing_words(gap) for gap in line.missing),
        f":{line.drill}",
        command(line),
    ]


def line_json(line: Line) -> dict[str, Any]:
    return {
        "topic": line.topic,
        "section": line.section,
        "title": line.title,
        "standing": line.standing.value,
        "severity": line.severity.value if line.severity is not None else None,
        "count": line.count if line.standing in (Standing.FOUND, Standing.NONE, Standing.PARTLY) else None,
        "by_account": dict(Counter(item.account for item in line.items if item.account)),
        "when": iso(line.when) if line.when is not None else None,
        "items": [
            {
                "name": item.name,
                "what": item.words,
                "severity": item.severity.value,
                "arn": item.arn or None,
                "account": item.account or None,
                "at": iso(item.at) if item.at is not None else None,
            }
            for item in line.items[:MOST_ITEMS]
        ],
        "looked_at": line.of,
        "looked": line.looked,
        "missing": [{"state": gap.state.value, "what": gap.words, "todo": gap.todo or None} for gap in line.missing],
        "source": line.source,
        "as_of": iso(line.as_of) if line.as_of is not None else None,
        "more": f":{line.drill}",
        "command": command(line),
    }


def chart_json(chart: Chart) -> dict[str, Any]:
    """`values`: null where nobody can tell, which is not 0."""
    return {
        "chart": chart.id,
        "title": chart.title,
        "values": [{"at": label, "count": value} for label, value in zip(chart.labels, chart.values, strict=True)],
        "apart": dict(chart.apart),
        "span": chart.span,
        "note": chart.note,
        "source": chart.source,
    }


def overview_json(overview: Overview) -> dict[str, Any]:
    return {
        "accounts": list(overview.accounts),
        "finished": overview.finished,
        "lines": [line_json(line) for line in overview.lines],
        "charts": [chart_json(chart) for chart in overview.charts],
    }


# -- charts ----------------------------------------------------------------------------------------------------------


def chart_line(chart: Chart, *, plain: bool = False) -> tuple[str, str, str]:
    """(title, signs, numbers) of a chart in one line."""
    words = numbers(chart) if chart.over_time else buckets(chart)
    return chart.title, spark(chart.values, plain=plain), in_ascii(words) if plain else words


def bars(chart: Chart, width: int, *, plain: bool = False) -> list[tuple[str, str, str]]:
    """(label, bar, number), one for each label and for what stands apart."""
    most = max((value for value in (*chart.values, *(count for _, count in chart.apart)) if value), default=0)
    full = "#" if plain else "█"
    rows: Sequence[tuple[str, int | None]] = [*zip(chart.labels, chart.values, strict=True), *chart.apart]
    return [
        (
            in_ascii(label) if plain else label,
            full * max(1, value * width // most) if value else "",
            f"{value:,}" if value is not None else State.NOT_LOADED.value,
        )
        for label, value in rows
    ]
