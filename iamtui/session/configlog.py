"""What AWS Config told so far: items by resource, recorders by Region. Grows only; safe to read from any thread."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..model.document import Document, Gap, Kind
from ..model.fact import State

if TYPE_CHECKING:
    from ..model.configitem import ConfigItem, Recorder


class ConfigLog:
    """Items are kept once, whichever answer or file they came in; a recorder's two answers are joined.

    version: grows with everything that is new
    gaps:    refusals, by unique id ("" for what is about no single resource)
    asked:   unique ids whose history was asked of a live account
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[tuple[str, str], dict[tuple[object, ...], ConfigItem]] = {}
        self._recorders: dict[tuple[str, str, str], Recorder] = {}
        self.gaps: dict[str, tuple[Gap, ...]] = {}
        self.asked: set[str] = set()
        self.version = 0

    def take(self, document: Document) -> tuple[str, ...]:
        """Keep what one answer or file tells; what in it could not be read, in words. Raises what broken JSON raises."""
        from ..source.decode.config_items import decode_config_items, decode_recorders

        if document.kind in (Kind.CONFIG_RECORDERS, Kind.GUARDS):
            self._join(decode_recorders(document))
            return ()
        items, broken = decode_config_items(document)
        with self._lock:
            for item in items:
                held = self._items.setdefault((item.account, item.resource_id or item.arn), {})
                held[item.captured, item.state_id, item.region, item.status] = item
            self.asked |= {document.key} if document.key and document.origin.source == "live" else set()
            self.version += 1
        return broken

    def _join(self, recorders: Iterable[Recorder]) -> None:
        import msgspec

        with self._lock:
            for new in recorders:
                key = (new.account, new.region, new.name)
                old = self._recorders.get(key)
                if old is not None:
                    told = {name: value for name, value in msgspec.structs.asdict(new).items() if value not in (None, "")}
                    new = msgspec.structs.replace(old, **told)
                self._recorders[key] = new
            self.version += 1

    def refuse(self, gap: Gap) -> None:
        """Keep a refusal beside the resource it is about; a later answer of the same call takes its place."""
        with self._lock:
            rest = tuple(g for g in self.gaps.get(gap.key, ()) if (g.action, g.region) != (gap.action, gap.region))
            self.gaps[gap.key] = (*rest, gap)
            self.version += 1

    def forgive(self, key: str) -> None:
        """Before a resource is asked about again."""
        with self._lock:
            self.gaps.pop(key, None)

    def items(self) -> Mapping[tuple[str, str], tuple[ConfigItem, ...]]:
        """By (account, unique id), in no order."""
        with self._lock:
            return {key: tuple(held.values()) for key, held in self._items.items()}

    def recorders(self, account: str) -> tuple[Recorder, ...]:
        """Of one account, by Region."""
        with self._lock:
            found = [one for one in self._recorders.values() if one.account in ("", account)]
        return tuple(sorted(found, key=lambda one: (one.region, one.state is not State.KNOWN)))
