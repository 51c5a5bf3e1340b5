"""Lists inside a detail: members of a group, and who has a policy."""

from __future__ import annotations

from ...model.fact import State
from ...session import ListKind
from ...text import visible
from ..render.cells import Cell
from ..render.documents import Line
from ..render.facts import origin_words
from ..widgets.table import TableColumn
from .base import View, heading


class MembersView(View):
    """Users of a group, with the users list's own columns."""

    def open(self) -> None:
        from ..render.cells import cell

        listing = self.session.listing(ListKind.USERS)
        wanted = ("user", "mfa", "keys", "last-seen", "created")
        columns = [c for c in listing.columns if c.id in wanted]
        members = self._members = self.session.members(self.row)
        snapshot, now = self.row.snapshot, self.now
        state = listing.state
        empty = "The group has no members"
        if state.state is not State.KNOWN:
            empty = f"Users are {state.state.value}: nobody can say who is in the group"
        elif not listing.complete:
            empty = "No members among the users read so far; the list of users is not complete"
        self.host.note(f"{len(members)} members{'' if listing.complete else ' among the users that were read'}")
        self.host.show_table(
            [TableColumn(c.id, c.title, c.width, c.priority, c.kind.value in ("time", "number")) for c in columns],
            len(members),
            lambda row, column: cell(columns[column].fact(members[row], snapshot), columns[column], now),
            lambda row: members[row].arn,
            empty=empty,
        )

    def activate(self, key: str) -> None:
        self.host.go(key)

    def provenance(self) -> list[Line]:
        return [heading("Members"), [(origin_words(self.session.listing(ListKind.USERS).state), "")], [("from each user's GroupList", "")]]

    def export_rows(self) -> tuple[list[str], list[list[str]]] | None:
        return ["user", "arn"], [[user.name, user.arn] for user in self._members]


class AttachedView(View):
    """Identities that have a policy, or are limited by it."""

    def open(self) -> None:
        found = self._found = self.session.attachments(self.row)
        count = self.row.item.attachment_count  # type: ignore[union-attr]
        grants = sum(1 for a in found if not a.as_boundary)
        words = f"{grants} identities have it"
        if count is not None and count != grants:
            words += f"; AWS counts {count}, the rest was not in what was read"
        self.host.note(words)
        columns = (TableColumn("kind", "KIND", 6, 0), TableColumn("name", "IDENTITY", 30, 0), TableColumn("how", "HOW", 10, 1))

        def cells(row: int, column: int) -> Cell:
            entry = found[row]
            if column == 2:
                return Cell("boundary", "state-never") if entry.as_boundary else Cell("attached")
            return Cell(visible(entry.kind if column == 0 else entry.name))

        self.host.show_table(
            columns,
            len(found),
            cells,
            lambda row: f"{found[row].arn}|{found[row].as_boundary}",
            empty="Nothing that was read has this policy",
        )

    def activate(self, key: str) -> None:
        self.host.go(key.rpartition("|")[0])

    def export_rows(self) -> tuple[list[str], list[list[str]]] | None:
        return ["kind", "name", "arn", "as_boundary"], [[a.kind, a.name, a.arn, str(a.as_boundary).lower()] for a in self._found]
