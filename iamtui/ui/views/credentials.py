"""Groups and credentials of a user: password, MFA, both keys, keys by id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ...analysis.words import exact, relative
from ...model.credentials import Credentials
from ...model.fact import Fact, State
from ...model.identity import User
from ...session import CredentialView
from ...text import visible
from ..render.cells import STATE_STYLE
from ..render.documents import Line
from ..render.facts import detail, origin_words
from .base import Cancelled, View, fact_line, heading

if TYPE_CHECKING:
    from ...session.reviewitems import Part


class CredentialsView(View):
    """From the credential report of all users; key ids are asked for this user alone."""

    def open(self) -> None:
        view = self.session.credentials(self.row)
        self._show(view)
        if view.keys.state is State.NOT_LOADED and isinstance(self.row.item, User) and self.row.item.unique_id:
            self.refresh()

    def refresh(self) -> None:
        row, session = self.row, self.session

        def job(cancelled: Cancelled) -> Iterable[CredentialView]:
            yield session.load_access_keys(row, cancelled)

        self.host.work("keys", job)

    def answered(self, question: object, value: Any, finished: bool) -> None:
        if isinstance(value, CredentialView):
            self._show(value)

    def _show(self, view: CredentialView) -> None:
        self._view = view
        self.host.note(f"credential report: {origin_words(view.report)}")
        lines: list[Line] = []
        report = view.report.value
        if report is None:
            words, style = detail(view.report, self.now)
            lines.extend([heading("Password and MFA"), [(words, style)]])
        else:
            lines.extend(self._report(report))
        lines.extend([[], heading("Access keys by id")])
        keys = view.keys.value
        if keys is None:
            words, style = detail(view.keys, self.now)
            lines.append([(words, style)])
        elif not keys:
            lines.append([("none: the user has no access key", "")])
        for key in keys or ():
            state = "active" if key.active else "inactive"
            used, style = detail(key.last_used, self.now)
            place = " ".join(p for p in (key.last_used_service, key.last_used_region) if p)
            made = f"made {exact(key.created)} ({relative(key.created, self.now)})" if key.created else "age not told"
            lines.append([(f"{visible(key.key_id)}  ", "strong"), (f"{state}  {made}", "")])
            lines.append([("    last used ", "label"), (used, style), (f"  {visible(place)}" if place else "", "")])
        user = self.row.item
        if isinstance(user, User):
            lines.extend([[], heading("Groups")])
            lines.extend([[(visible(name), "")] for name in user.groups] or [[("none", "")]])
        self.host.show_text(lines, keep_place=True)

    def _report(self, report: Credentials) -> list[Line]:
        now = self.now
        lines: list[Line] = [heading("Password and MFA")]
        for label, fact in (
            ("Console password", report.password_enabled),
            ("Last sign-in", report.password_last_used),
            ("Password changed", report.password_last_changed),
            ("Next rotation", report.password_next_rotation),
            ("MFA", report.mfa),
        ):
            words, style = detail(fact, now)
            if fact is report.mfa and fact.value is False:
                style = "severity-high"
            lines.append(fact_line(label, words, style))
        for number, slot in enumerate(report.keys, 1):
            lines.extend([[], heading(f"Access key {number}")])
            if not slot.last_rotated.is_known and slot.last_rotated.state is State.NOT_APPLICABLE:
                lines.append([("no key in this place", "state-absent")])
                continue
            slot_facts: tuple[tuple[str, Fact[Any]], ...] = (
                ("Active", slot.active),
                ("Made or rotated", slot.last_rotated),
                ("Last used", slot.last_used),
                ("Region", slot.last_used_region),
                ("Service", slot.last_used_service),
            )
            for label, told in slot_facts:
                words, style = detail(told, now)
                lines.append(fact_line(label, words, style))
        return lines

    def parts(self) -> Sequence[Part]:
        """The user's keys."""
        from ...session.reviewitems import key_parts

        return tuple(key_parts(self.row.item, self.row.snapshot, self.session.marks))

    def provenance(self) -> list[Line]:
        view = self._view
        return [
            heading("Credentials"),
            [
                ("report  ", "label"),
                (visible(view.report.state.value), STATE_STYLE.get(view.report.state, "")),
                (f"  {origin_words(view.report)}", ""),
            ],
            [
                ("key ids ", "label"),
                (visible(view.keys.state.value), STATE_STYLE.get(view.keys.state, "")),
                (f"  {origin_words(view.keys)}", ""),
            ],
            [("AWS makes a new report at most every four hours", "state-absent")],
        ]
