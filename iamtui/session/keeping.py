"""What a session keeps on disk and finds there again, and bundles of what was read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NotFoundError
from ..model.account import Snapshot, World
from ..model.coverage import Coverage, Covered
from ..model.document import Document, Gap, Kind
from ..model.event import Event
from ..source.base import Cancelled, EventQuery, Source, SourceInfo

if TYPE_CHECKING:
    from ..store.cache import Cache

SIDE_KINDS = (
    Kind.ACCESS_KEYS,
    Kind.POLICY_VERSION,
    Kind.ROLE,
    Kind.RESOURCE_POLICIES,
    Kind.ORGANIZATION,
    Kind.ANALYZERS,
    Kind.ANALYZER_FINDINGS,
)
"""Kinds kept one by one beside the lists, and read back one by one."""

ONE_BY_ONE = (*SIDE_KINDS, Kind.LAST_ACCESSED, Kind.LAST_ACCESSED_ENTITIES, Kind.GRANTING_POLICIES)
"""Kinds beside the lists; those that are not read back at a start are looked up when somebody asks for them."""


def read_back(cache: Cache, info: SourceInfo, *, offline: bool) -> tuple[World, list[Document], list[Event], Coverage]:
    """The world as it was left: of the account this connection led to, else (offline) of every account on disk; its events, and what
    of the trail they are all of.

    Documents are those of SIDE_KINDS. A snapshot written by another version of the model is decoded again from the raw
    answers it came from.
    """
    account = cache.account_of(info.connection) if info.connection else None
    accounts = [account] if account else (list(cache.accounts()) if offline else [])
    snapshots: list[Snapshot] = []
    documents: list[Document] = []
    events: list[Event] = []
    covered: list[Covered] = []
    for name in accounts:
        snapshot = cache.snapshot(name) or _decoded_again(cache, name)
        if snapshot is not None:
            snapshots.append(snapshot)
        for kind in SIDE_KINDS:
            documents.extend(cache.documents(name, kind))
        for row in cache.event_rows(name):
            events.extend(row.events)
            if row.covered is not None:
                covered.append(row.covered)
    return World(snapshots=tuple(snapshots)), documents, events, Coverage.of(covered)


def _decoded_again(cache: Cache, account: str) -> Snapshot | None:
    from ..source.decode import Assembler

    assembler = Assembler()
    for document in cache.documents(account):
        if document.kind is not Kind.EVENTS and document.kind not in ONE_BY_ONE:
            assembler.add(document)
    return assembler.world().snapshot(account)


def keep_account(cache: Cache, info: SourceInfo, world: World, documents: Sequence[Document]) -> None:
    """Keep the lists (decoded, for the next start) and the raw answers (for bundles) of a finished refresh."""
    for snapshot in world.snapshots:
        cache.put_snapshot(snapshot.account, snapshot)
    if info.connection and len(world.snapshots) == 1:
        cache.remember_account(info.connection, world.snapshots[0].account)
    groups: dict[tuple[str, Kind, str], list[Document]] = {}
    for document in documents:
        account = document.account or (world.snapshots[0].account if world.snapshots else "")
        groups.setdefault((account, document.kind, document.key), []).append(document)
    for (account, kind, key), pages in groups.items():
        cache.replace_documents(account, kind, key, pages)


def collect(
    source: Source | None, cache: Cache | None, world: World, info: SourceInfo, path: Path, now: datetime, cancelled: Cancelled
) -> int:
    """Write a bundle. From the cache what was read before (live), else the source's own documents (evidence, demo)."""
    from ..source.decode import redact_document
    from ..store.bundle import write_bundle

    gaps: list[Gap] = list(world.gaps) + [gap for snapshot in world.snapshots for gap in snapshot.gaps]

    def everything() -> Iterator[Document]:
        if cache is not None:
            for snapshot in world.snapshots:
                yield from cache.documents(snapshot.account)
            return
        if source is None:
            return
        told_already: set[str] = set()
        for item in source.account(cancelled):
            if isinstance(item, Document) and item.kind is not Kind.OTHER:
                if item.kind is Kind.LAST_ACCESSED:
                    told_already.add(item.key)
                yield item
        if info.kind == "demo":  # evidence has them among its files, and of a live account they are in the cache once they were asked for
            yield from (item for item in source.surroundings(cancelled) if isinstance(item, Document))
        for snapshot in world.snapshots:
            for arn in (*(u.arn for u in snapshot.users), *(r.arn for r in snapshot.roles)):
                if arn in told_already:
                    continue
                for told in source.last_accessed(arn, "ACTION_LEVEL", cancelled):
                    if isinstance(told, Document):
                        yield told
        for answer in source.events(EventQuery(), cancelled):
            if isinstance(answer, Document):
                yield answer

    if not world.snapshots and info.kind != "evidence":  # CloudTrail files alone are worth a bundle too
        raise NotFoundError("There is nothing to collect: no account has been read", "open an account first, or see iamtui info")
    return write_bundle(path, (redact_document(document) for document in everything()), gaps, source=info.kind, created=now)


__all__ = ["ONE_BY_ONE", "SIDE_KINDS", "collect", "keep_account", "read_back"]
