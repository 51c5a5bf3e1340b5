"""One service of one identity or policy: who used it, and which policies give it, from what is kept or from the source."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import IamtuiError
from ..model.document import Document, Gap, Kind
from ..model.fact import Fact, State, absent, known
from ..model.freshness import is_stale
from ..source.base import Cancelled, Step

if TYPE_CHECKING:
    from ..model.usage import GrantingPolicy, ServiceEntity
    from .answers import Row
    from .reading import Reader

T = TypeVar("T")
ENTITIES = "iam:GetServiceLastAccessedDetailsWithEntities"
GRANTING = "iam:ListPoliciesGrantingServiceAccess"


def entities(
    reader: Reader, arn: str, service: str, account: str, cancelled: Cancelled
) -> Generator[Step, None, Fact[tuple[ServiceEntity, ...]]]:
    """Who used a service by way of a group or policy."""
    from ..source.decode import decode_entities

    ask = getattr(reader.source, "service_entities", None)
    items = ask(arn, service, cancelled) if ask is not None else None
    return (yield from _told(reader, Kind.LAST_ACCESSED_ENTITIES, ENTITIES, f"{arn}#{service}", account, items, decode_entities))


def granting(
    reader: Reader, arn: str, service: str, account: str, cancelled: Cancelled
) -> Generator[Step, None, Fact[tuple[GrantingPolicy, ...]]]:
    """The policies that give an identity a service, as AWS tells."""
    from ..source.decode import decode_granting

    def decode(document: Document) -> tuple[GrantingPolicy, ...] | Gap:
        found = decode_granting(document)
        return found if isinstance(found, Gap) else found.get(service.lower(), ())

    ask = getattr(reader.source, "granting_policies", None)
    items = ask(arn, service, cancelled) if ask is not None else None
    return (yield from _told(reader, Kind.GRANTING_POLICIES, GRANTING, f"{arn}#{service}", account, items, decode))


def _told(
    reader: Reader,
    kind: Kind,
    action: str,
    key: str,
    account: str,
    items: Iterator[Any] | None,
    decode: Callable[[Document], T | Gap],
) -> Generator[Step, None, Fact[T]]:
    """What is kept while it is fresh; else asked, and what is kept when asking gives nothing."""
    kept = reader.cache.document(account, kind, key) if reader.cache is not None else None
    before: Fact[T] = absent(State.NOT_LOADED, action, detail="not read before, and the network is forbidden" if reader.offline else "")
    if kept is not None:
        answer = decode(kept)
        if not isinstance(answer, Gap):
            before = known(answer, action, kept.as_of)
            if not is_stale(kind, kept.as_of, reader.book.now()):
                return before
    if items is None:
        return before
    fact = before
    try:
        for item in items:
            if isinstance(item, Step):
                yield item
                continue
            answer = decode(item) if isinstance(item, Document) else item
            if isinstance(answer, Gap):
                reader.book.note_gap(answer)
                fact = before if before.is_known else absent(answer.state, answer.action or action, answer.at, answer.reason)
                continue
            fact = known(answer, action, item.as_of)
            if reader.cache is not None:
                reader.cache.put_document(account, item)
    except IamtuiError as error:
        reader.book.failed(error)
        fact = before if before.is_known else absent(State.FAILED, action, reader.book.now(), error.message)
    return fact


def own_grants(row: Row, service: str) -> tuple[str, ...]:
    """Policies that give anything of a service, by the documents that were read, with the way they came."""
    from ..analysis.grants import grants
    from ..analysis.permissions import summarize
    from ..model.identity import Group, Role, User

    if not isinstance(row.item, User | Role | Group):
        return ()
    summary = summarize(grants(row.item, row.snapshot))
    return next((found.grants for found in summary.services if found.prefix == service), ())
