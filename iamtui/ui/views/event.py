"""One CloudTrail event: who did what, to what, from where, with what result; and the record."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ...analysis.classing import classify
from ...analysis.words import exact, relative
from ...model.event import Event
from ...text import visible
from ..render.cells import Cell
from ..render.documents import Line, json_lines
from ..widgets.table import TableColumn
from .base import View, heading

_Field = tuple[str, str, str, str]
"""(label, value, target of Enter, style)"""


_AROUND = timedelta(minutes=10)


class EventView(View):
    """Fields as a table, so that Enter on the actor or a target goes there."""

    def open(self) -> None:
        self._fields = self._read()
        self.host.note("Enter on actor, key, role session or target goes there · the whole record is on the next tab")
        fields = self._fields
        columns = (TableColumn("field", "FIELD", 14, 0), TableColumn("value", "VALUE", 40, 0))
        self.host.show_table(
            columns,
            len(fields),
            lambda row, column: Cell(fields[row][0], "state-absent") if column == 0 else Cell(visible(fields[row][1]), fields[row][3]),
            lambda row: f"{row}:{fields[row][0]}",
        )

    def _read(self) -> list[_Field]:
        event = self.row.item
        assert isinstance(event, Event)
        actor = event.actor
        when = f"{exact(event.time)} ({relative(event.time, self.now)})" if event.time else "not in the record"
        if event.time_from:
            when += f", from {event.time_from}: the record has no eventTime"
        style = {"denied": "effect-deny", "failed": "state-failed"}.get(event.outcome.value, "")
        outcome = " ".join(p for p in (event.outcome.value, event.error_code) if p)
        weight, reasons = self._class(event)
        behind, way = self._behind(event)
        fields = [
            ("time", when, "", ""),
            ("event", f"{event.name}  ({event.source})", f":events event:={event.name}", "strong"),
            ("outcome", outcome, "", style),
            ("message", event.error_message, "", style),
            *weight,
            ("actor", f"{actor.name or 'not told'}  ({actor.kind.value})", actor.arn or actor.unique_id, "strong"),
            behind,
            *(("target", target, target, "") for target in event.targets),
            ("origin", event.ip, f":events origin:={event.ip}" if event.ip else "", ""),
            *way,
            ("actor ARN", actor.arn, actor.arn, ""),
            ("actor told by", actor.concluded, "", "state-absent"),
            ("session", actor.session_name, "", ""),
            ("sts identity", actor.source_identity, actor.source_identity, ""),
            ("access key", actor.access_key_id, actor.access_key_id, ""),
            ("key made", event.session_key_id, event.session_key_id, ""),
            ("user agent", event.user_agent, "", ""),
            ("Region", event.region, "", ""),
            ("account", event.account, "", ""),
            ("access", {True: "read", False: "write", None: "not told"}[event.read_only], "", ""),
            *reasons,
            *self._others(event),
            ("event id", event.event_id, "", ""),
            ("read from", event.origin, "", "state-absent"),
        ]
        return [field for field in fields if field[1]]

    def _others(self, event: Event) -> list[_Field]:
        """Lists that lead on from here: the same actor, the same key, the minutes around."""
        actor = event.actor
        fields: list[_Field] = []
        if actor.arn:
            fields.append(("same actor", "all events of it", f':events actor-arn:="{actor.arn}"', ""))
        if actor.access_key_id:
            fields.append(("same key", "all events signed with it", f':events access-key:="{actor.access_key_id}"', ""))
        if event.targets:
            fields.append(("same target", f"all events on {event.targets[0]}", f':events targets:="{event.targets[0]}"', ""))
        if event.time is not None:
            since, until = event.time - _AROUND, event.time + _AROUND
            around = f":events time:>={since:%Y-%m-%dT%H:%M:%S} time:<={until:%Y-%m-%dT%H:%M:%S}"
            fields.append(("± 10 minutes", "all events around it", around, ""))
        return fields

    def _class(self, event: Event) -> tuple[list[_Field], list[_Field]]:
        """How much it matters with the weightiest reason, and the other reasons; nothing for what only reads."""
        found = classify(event, self.row.snapshot)
        if found.severity is None:
            return [], []
        style = {"critical": "severity-high", "high": "severity-high", "medium": "severity-medium"}.get(found.severity.value, "")
        first, *others = found.why or ("",)
        abouts = found.about.split(", ") if found.about else []
        about = f':events about:"{abouts[0]}"' if abouts else ""
        reasons = [("class because", why, "", "state-absent") for why in others]
        for number, name in enumerate(abouts):
            tactic = f" (ATT&CK: {found.tactic})" if found.tactic and not number else ""
            reasons.append(("about", name + tactic, f':events about:"{name}"', "state-absent"))
        return [("class", f"{found.severity.value}: {first}" if first else found.severity.value, about, style)], reasons

    def _behind(self, event: Event) -> tuple[_Field, list[_Field]]:
        """Who is behind the call, and the way back to them; enter on a step goes to the event that made the session."""
        chain = self.session.chain(event)
        fields: list[_Field] = []
        for link in chain.links:
            made = link.made
            when = f" {made.time:%m-%d %H:%M:%S}" if made.time else ""
            who = made.actor.name or made.actor.arn or made.actor.kind.value
            fields.append(("← session by", f"{who}{when}, {made.name}" + (f" from {made.ip}" if made.ip else ""), made.event_id, ""))
        if chain.concluded:
            fields.append(("behind told by", chain.concluded, "", "state-absent"))
        if chain.missing:
            fields.append(("not known", chain.missing, "", "state-absent"))
        if chain.hint:
            fields.append(("no proof", chain.hint, "", "state-absent"))
        style = "strong" if chain.whole else "state-absent"
        return ("behind it", chain.words, chain.origin.arn if chain.whole else "", style), fields

    def activate(self, key: str) -> None:
        label, value, target, _ = self._fields[int(key.partition(":")[0])]
        if target:
            self.host.go(target)
        else:
            self.host.page(label, [[(visible(value), "")]])

    def copy_json(self) -> str:
        return self.row.item.record if isinstance(self.row.item, Event) else ""

    def provenance(self) -> list[Line]:
        return event_provenance(self.row.item)


class RecordView(View):
    """The record as it was written, secrets dropped."""

    def open(self) -> None:
        self.host.note("Session tokens, passwords and secret values were dropped when the event was read")
        event = self.row.item
        self.host.show_text(json_lines(event.record) if isinstance(event, Event) else [])

    def copy_json(self) -> str:
        return self.row.item.record if isinstance(self.row.item, Event) else ""

    def provenance(self) -> list[Line]:
        return event_provenance(self.row.item)


def event_provenance(event: Any) -> list[Line]:
    """Where an event was read from."""
    return [
        heading("CloudTrail event"),
        [(visible(f"read from {event.origin or 'not told'}"), "")],
        [(visible(f"event id {event.event_id or 'none'}"), "")],
    ]
