"""`iamtui story`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..analysis.story import Beat, Story
from ..analysis.words import exact
from ..errors import Exit
from ..model.event import WindowState
from ..session import ListKind, Session
from ..session.export import csv_table
from ..source.base import EventQuery
from .opening import find_trail, not_found, open_session, read_all, say_problems, settings_of
from .output import data, markdown_text, print_json, print_table, words

_MARK = {Beat.SCENE: "▸ ", Beat.EVENT: "  ", Beat.FOLD: "  · ", Beat.ROUTINE: "· ", Beat.QUIET: "… "}


def tell_story(options: Mapping[str, Any], target: str, form: str, *, follow: bool) -> int:
    """Print what one actor did, in order. `target`: a name, an ARN, an access key or the id of an event. Exit 4 when not all was read."""
    session = open_session(options, settings_of(options))
    find_trail(session)
    read_all(session)
    if session.info.kind != "live" or (not session.offline and not session.has_events()):
        for _ in session.load_events(EventQuery(regions=session.info.regions)):
            pass
    story = _story(session, target, follow=follow)
    _print(story, form)
    for sentence in story.followed:
        words(f"with {sentence}")
    if story.undated:
        words(f"{story.undated:,} events without a time are left out")
    say_problems(session)
    partial = session.events_lost or any(window.state is not WindowState.COVERED for window in session.windows())
    return int(Exit.PARTIAL if partial else Exit.FINE)


def _story(session: Session, target: str, *, follow: bool) -> Story:
    matches = session.find(target)
    if matches:
        return session.story(matches[0].row, follow=follow)
    # Somebody who is in no list: known from events alone, by name, ARN, key or address.
    for column in ("access-key", "actor-arn", "origin", "actor"):
        found = session.select(ListKind.EVENTS, f'{column}:="{target}"')
        if len(found):
            return session.story(found.row(0), follow=follow)
    raise not_found(
        session, f"{target} is nowhere in what has been read", "a name, an ARN, an access key, an address or the id of an event"
    )


def _print(story: Story, form: str) -> None:
    moments = story.moments
    if form == "json":
        print_json(
            {
                "about": story.about,
                "events": story.events,
                "followed": story.followed,
                "addresses": story.addresses,
                "regions": story.regions,
                "moments": [
                    {
                        "kind": m.beat.value,
                        "from": m.at,
                        "to": m.until,
                        "who": m.who,
                        "what": m.words,
                        "class": m.severity.value if m.severity else "",
                        "why": m.why,
                        "events": m.count,
                        "event_id": m.event.event_id if m.event else "",
                    }
                    for m in moments
                ],
            }
        )
        return
    rows = [[exact(m.at), m.severity.value if m.severity else "", m.who, _MARK[m.beat] + m.words, "; ".join(m.why)] for m in moments]
    if form == "csv":
        data(
            csv_table(["time", "class", "who", "what", "why"], [[*row[:3], m.words, row[4]] for row, m in zip(rows, moments, strict=True)])
        )
    elif form == "markdown":
        data(
            f"# {markdown_text(story.about)}: {story.events:,} calls\n\n| time (UTC) | class | who | what | why |\n|---|---|---|---|---|\n"
        )
        for row, moment in zip(rows, moments, strict=True):
            data("| " + " | ".join(markdown_text(part) for part in (*row[:3], moment.words, row[4])) + " |\n")
    else:
        print_table(["TIME (UTC)", "CLASS", "WHO", "WHAT", "WHY IT STANDS OUT"], rows)
