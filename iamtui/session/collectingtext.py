"""How a reading of many accounts goes, in words."""

from __future__ import annotations

from .collecting import FRESH, Progress
from .sweeptext import length_words


def progress_words(progress: Progress) -> str:
    """`accounts: 37 of 100, 6 at once, 12 a minute, 5 min left, 2 denied`; short enough for a line."""
    if progress.what:
        return f"{progress.what}{f': {progress.total:,} so far' if progress.total else ''}"
    parts = [f"accounts: {progress.done:,} of {progress.total:,}"]
    if progress.in_flight:
        parts.append(f"{progress.in_flight} at once")
    if progress.rate:
        parts.append(f"{progress.rate:,.0f} a minute")
    if progress.left is not None:
        parts.append(f"{length_words(progress.left)} left")
    return ", ".join([*parts, *_refused(progress)])


def end_words(progress: Progress, folder: str) -> str:
    """What came of it, and how to look at it."""
    parts = [f"{progress.read + progress.partly:,} read"]
    if progress.fresh:
        parts.append(f"{progress.fresh:,} read within the last {FRESH.total_seconds() / 3600:.0f} h (--again reads them again)")
    parts += _refused(progress)
    parts += [f"{count:,} {what}" for count, what in ((progress.closed, "suspended or closed"), (progress.excluded, "excluded")) if count]
    told = f"{progress.total + progress.closed + progress.excluded:,} accounts: {', '.join(parts)}"
    rest = progress.total - progress.done
    if progress.broken:
        return f"{told}; ended early with {rest:,} to read: {progress.broken}. The same command goes on"
    if progress.stopped:
        return f"{told}; stopped with {rest:,} to read, the same command goes on"
    return f"{told}. Open them: iamtui --from {folder}"


def _refused(progress: Progress) -> list[str]:
    return [
        f"{count:,} {words}"
        for count, words in ((progress.partly, "partly"), (progress.denied, "denied"), (progress.failed, "failed"))
        if count
    ]


__all__ = ["end_words", "progress_words"]
