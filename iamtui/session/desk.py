"""The ledger as a session knows it, and the facts of now about what was decided about."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from ..analysis.reviewing import Folded
    from ..model.account import Snapshot
    from ..model.review import Entry, Evidence, Subject
    from ..store.ledger import Ledger


class Desk:
    """A ledger as this session knows it: all entries, folded. Other instances' rows come in with every look."""

    def __init__(self, path: Path | None) -> None:
        from ..store.ledger import Ledger

        self.lock = threading.RLock()
        self.ledger: Ledger = Ledger(path)
        self.entries: list[Entry] = []
        self._seq = 0
        self._folded: Folded | None = None

    def look(self, known: Mapping[str, Entry] | None = None) -> bool:
        """Take in what is new; whether there was anything. Raises LedgerError."""
        with self.lock:
            found, self._seq = self.ledger.since(self._seq, known)
            if found:
                self.entries.extend(found)
                self._folded = None
            return bool(found)

    def add(self, entries: Sequence[Entry]) -> None:
        """Write, and take in what others wrote meanwhile. Raises LedgerError; then nothing was written."""
        with self.lock:
            self.ledger.add(entries)
            self.look({entry.id: msgspec.structs.replace(entry, evidence=()) for entry in entries})

    @property
    def folded(self) -> Folded:
        from ..analysis.reviewing import fold

        with self.lock:
            if self._folded is None:
                self._folded = fold(self.entries)
            return self._folded


class Finder:
    """The facts of now about what was decided about, by subject. A subject that is not found has no evidence."""

    def __init__(self, snapshots: Sequence[Snapshot], findings: Sequence[Any] | None, now: datetime) -> None:
        from ..analysis.grounds import key_of
        from ..analysis.lists import account_rows

        self._now = now
        self._snapshots = {snapshot.account: snapshot for snapshot in snapshots}
        self._findings = findings
        self._items: dict[str, tuple[Any, Snapshot]] = {}
        for snapshot in snapshots:
            for item in (*account_rows(snapshot), *snapshot.roles, *snapshot.groups, *snapshot.policies):
                key = key_of(item, snapshot)
                if key:
                    self._items[key] = (item, snapshot)
        for finding in findings or ():
            held = self._snapshots.get(finding.account) or next(iter(self._snapshots.values()), None)
            if held is not None:
                self._items[key_of(finding, held)] = (finding, held)

    def item(self, key: str) -> tuple[Any, Snapshot] | None:
        return self._items.get(key)

    def evidence(self, subject: Subject) -> Evidence | None:
        from ..analysis.grants import grants
        from ..analysis.grounds import evidence_of, grant_evidence, grant_subject, keys_of
        from ..model.review import SubjectKind

        if subject.kind in (SubjectKind.IDENTITY, SubjectKind.POLICY, SubjectKind.FINDING):
            held = self._items.get(subject.key)
            return evidence_of(held[0], held[1], self._now) if held is not None else None
        held = self._items.get(f"{subject.arn}#{subject.unique_id}")
        if held is None:
            return None
        identity, snapshot = held
        if subject.kind is SubjectKind.KEY:
            return next((evidence for one, evidence in keys_of(identity, snapshot) if one.key == subject.key), None)
        return next(
            (grant_evidence(g) for g in grants(identity, snapshot) if grant_subject(identity, snapshot, g).key == subject.key), None
        )

    def gone(self, subject: Subject) -> bool:
        """Whether a subject is not there although everything was read that would hold it."""
        from ..model.account import GROUPS, POLICIES, ROLES, USERS
        from ..model.review import SubjectKind

        snapshot = self._snapshots.get(subject.account)
        if snapshot is None or (subject.kind is SubjectKind.FINDING and self._findings is None):
            return False
        return all(snapshot.section(name).complete for name in (USERS, ROLES, GROUPS, POLICIES))
