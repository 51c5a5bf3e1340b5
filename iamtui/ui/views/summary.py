"""Summary: who this is, at a glance, with every fact's state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...analysis.lists import is_root
from ...model.identity import Role, User
from ...session import Row
from ...text import visible
from ..render.documents import Line
from ..render.facts import detail, origin_words
from .base import Cancelled, View, fact_line, heading

_SAID_ABOVE = frozenset(("account", "arn", "unique-id"))
_REVIEWED = frozenset(("mark", "owner"))
"""Told only where there is something to tell."""

_LABELS = {
    "mfa": "MFA",
    **{f"key{n}-{what}": f"Key {n} {what}" for n in (1, 2) for what in ("age", "used", "active", "where", "service", "region")},
}

ROOT_WORDS = "The root user may do everything in its account; no IAM policy limits it, only organisation policies do"


def is_root_user(item: object) -> bool:
    return isinstance(item, User) and is_root(item)


_WHEN_ASKED = ("last-accessed", "unused-services")
"""Told once anybody's last-accessed details were asked for; the Last used tab says the rest."""


class SummaryView(View):
    """Every column of the list, the tags, and the grants in one glance."""

    def open(self) -> None:
        self.host.note("")
        self.host.show_text(self._lines())
        role = self.row.item
        if isinstance(role, Role) and role.max_session is None and self.host.entered:
            session, row = self.session, self.row

            def job(cancelled: Cancelled) -> Iterable[Row]:
                yield session.load_role(row, cancelled)

            self.host.work("role", job)

    def answered(self, question: object, value: Any, finished: bool) -> None:
        if isinstance(value, Row):
            self.row = value
            self.host.show_text(self._lines(), keep_place=True)

    def _lines(self) -> list[Line]:
        row, now = self.row, self.now
        item = row.item
        kind = self.session.kind_of(row)
        columns = self.session.listing(kind).columns
        lines: list[Line] = [
            fact_line("ARN", visible(getattr(item, "arn", ""))),
            fact_line(
                "Unique id", visible(getattr(item, "unique_id", "")) or ("none: root has none" if is_root_user(item) else "not told")
            ),
        ]
        account = f"{row.snapshot.account} {' '.join(row.snapshot.aliases)}".strip()
        lines.append(fact_line("Account", visible(account)))
        standing = self.session.standing(row)
        if standing is not None:
            from ..render.review import standing_lines

            lines.extend([[], heading("Decided"), *standing_lines(standing, now), []])
        for column in columns[1:]:
            if column.id in _SAID_ABOVE or (column.detail_only and column.id in _WHEN_ASKED):
                continue
            fact = column.fact(item, row.snapshot)
            if column.id in _REVIEWED and not fact.value:
                continue
            words, style = detail(fact, now)
            label = _LABELS.get(column.id, column.id.replace("-", " ").capitalize())
            lines.append(fact_line(label, words, style))
        lines.append([])
        lines.extend(self._grants())
        if isinstance(item, User | Role) and item.tags:
            lines.extend([[], heading("Tags")])
            lines.extend(fact_line(visible(key)[:20], visible(value)) for key, value in item.tags)
        if isinstance(item, Role) and item.instance_profiles:
            lines.extend([[], heading("Instance profiles")])
            lines.extend([[(visible(profile.name or profile.arn), "")] for profile in item.instance_profiles])
        if isinstance(item, Role) and item.description:
            lines.extend([[], heading("Description"), [(visible(item.description), "")]])
        return lines

    def _grants(self) -> list[Line]:
        if is_root_user(self.row.item):
            return [heading("Policies"), [(ROOT_WORDS, "severity-medium")]]
        grants = self.session.grants(self.row)
        if not grants:
            return [heading("Policies"), [("No policy reaches it: it may do nothing but what resource policies allow", "state-absent")]]
        lines: list[Line] = [heading("Policies")]
        for grant in grants:
            if not grant.policy_name:
                lines.append(
                    fact_line("(unknown)", f"through group {visible(grant.group)}, which is not in what was read", "state-denied", 36)
                )
                continue
            way = f"through group {visible(grant.group)}" if grant.group else grant.via.value
            style = "severity-medium" if grant.policy_name == "AdministratorAccess" else ""
            lines.append(fact_line(visible(grant.policy_name)[:36], way, style, 36))
        return lines

    def provenance(self) -> list[Line]:
        kind = self.session.kind_of(self.row)
        lines: list[Line] = [heading("Where each fact comes from"), []]
        for column in self.session.listing(kind).columns:
            fact = column.fact(self.row.item, self.row.snapshot)
            if column.id in _REVIEWED and not fact.value:
                continue
            lines.append([(f"{column.id:<16} ", "label"), (visible(fact.state.value), ""), (f"  {origin_words(fact)}", "state-absent")])
            lines.append([(" " * 17 + visible(column.help), "state-absent")])
        return lines
