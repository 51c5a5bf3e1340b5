"""How a sweep goes, in words: the same for the command line and the screen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from .sweeping import Sweep


def progress_words(sweep: Sweep) -> str:
    """`last used: 137 of 512, 52 a minute, 7 min left, 2 denied`; short enough for a header."""
    parts = [f"last used: {sweep.done:,} of {sweep.total:,}"]
    if sweep.rate:
        parts.append(f"{sweep.rate:,.0f} a minute")
    if sweep.left is not None:
        parts.append(f"{length_words(sweep.left)} left")
    parts += list(_refused(sweep))
    if sweep.throttled:
        parts.append(f"AWS throttles, {sweep.allowed} at a time")
    return ", ".join(parts)


def short_words(sweep: Sweep) -> str:
    """`last used 137/512, 7 min left`: what a header of 80 cells has room for."""
    left = ", throttled" if sweep.throttled else f", {length_words(sweep.left)} left" if sweep.left is not None else ""
    return f"last used {sweep.done:,}/{sweep.total:,}{left}"


def end_words(sweep: Sweep) -> str:
    """What came of it, as a sentence."""
    parts = [f"{sweep.known:,} answers"]
    parts += [f"{sweep.fresh:,} known before"] if sweep.fresh else []
    parts += list(_refused(sweep))
    rest = sweep.total - sweep.done
    told = f"Last used, {sweep.total:,} identities and policies: {', '.join(parts)}"
    if sweep.broken:
        return f"{told}; ended early: {sweep.broken}"
    return f"{told}; stopped with {rest:,} to ask, the same again goes on" if sweep.stopped else told


def _refused(sweep: Sweep) -> Iterable[str]:
    for count, words in (
        (sweep.denied, "denied"),
        (sweep.failed, "failed"),
        (sweep.gone, "deleted meanwhile"),
        (sweep.missing, "not on hand"),
    ):
        if count:
            yield f"{count:,} {words}"


def length_words(span: timedelta) -> str:
    """A length of time, short: `40 s`, `7 min`, `2 h 5 min`."""
    seconds = int(span.total_seconds())
    if seconds < 90:
        return f"{max(seconds, 1)} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h {seconds % 3600 // 60} min"
