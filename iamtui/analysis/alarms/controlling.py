"""Coverage by monitoring control: what an audit ticks off is a control, of which an event is one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .coverage import Coverage, Verdict
from .healthrow import some
from .samples import controls

_BAD = (Verdict.SILENT, Verdict.PARTLY)
# What only a program gets may or may not reach somebody: that cannot be told from here.
_UNTOLD = (Verdict.UNKNOWN, Verdict.PROGRAM)


def by_control(covered: Sequence[Coverage]) -> Iterator[tuple[str, bool | None, str]]:
    """(control, whether all its events are heard, the events that are not or why it cannot be told), in the order of the controls.

    None: of no event it can be said that nobody hears, and of some nothing can be said."""
    titles = {control.id: control.title for control in controls()}
    groups: dict[str, list[Coverage]] = {}
    for one in covered:
        if one.verdict is not Verdict.NO_EVENT:
            for control in one.watched.controls:
                groups.setdefault(control, []).append(one)
    for control, events in sorted(groups.items(), key=lambda group: _order(group[0])):
        name = f"CIS {control} {titles.get(control, events[0].watched.title)}"
        bad = [one for one in events if one.verdict in _BAD]
        untold = [one for one in events if one.verdict in _UNTOLD]
        if bad:
            missing = (
                f"{len(bad)} of {len(events)} not heard: {some([one.watched.event for one in bad], 3)}" if len(events) > 1 else bad[0].words
            )
            yield name, False, missing
        elif untold:
            yield name, None, untold[0].words
        else:
            yield name, True, "heard"


def _order(control: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in control.split("."))
