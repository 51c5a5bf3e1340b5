"""Evidence as a source: every file is read once, told by its content, and answers like AWS would have."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from ...errors import BadInputError
from ...model.document import Document, Gap, Kind, Origin
from ...model.event import Window, WindowState
from ...model.fact import State
from ..base import Cancelled, EventFile, EventQuery, Item, SourceInfo, Step, never_cancelled
from ..containers import PLAIN_TRAIL
from ..decode.wire import account_of, moment
from .kinds import Unreadable, event_file, recognise
from .opening import Opened, is_zip, peek, read, signature
from .walk import Found, walk

HELD_EVENT_BYTES = 64 << 20
"""Event files up to this sum stay in memory between two questions; what is more is read again."""

LARGE_BYTES = 48 << 20
"""Text of event files above which they belong on disk: some thirty thousand events."""

_RATIO = 12
"""How many times larger than its file the text of a zipped trail is, about."""

NAMED_STRANGERS = 20
"""Files of one kind that is nothing of an account are named one by one up to this number, then counted."""

_WANTED = "name GetAccountAuthorizationDetails JSON, a credential report, CloudTrail files or a bundle; iamtui collect writes one"
_NEEDS_ACCOUNT = (Kind.ACCOUNT_SUMMARY, Kind.ACCOUNT_ALIASES, Kind.PASSWORD_POLICY, Kind.ACCESS_KEYS)
_ADDED_TO = (Kind.ROLE, Kind.POLICY_VERSION)  # they complete what an inventory tells, so it comes first
_TELLS_ACCOUNT = (Kind.AUTHORIZATION, Kind.CREDENTIAL_REPORT, Kind.CALLER)
_TIME = re.compile(rb'"eventTime\\?"\s*:\s*\\?"([0-9]{4}-[0-9]{2}-[0-9]{2})?[T ]?([0-9]{2}:[0-9]{2}:[0-9]{2})?')
_DAY = timedelta(days=1)


def shown(path: str) -> str:
    """A path as text: bytes in it that are no UTF-8 become replacement characters."""
    return path.encode("utf-8", "replace").decode()


def origin_of(path: str) -> Origin:
    return Origin("evidence", shown(path))


class _Trail(msgspec.Struct):
    """An event document and the time it spans. `document` None when its text was let go and is read again; `dated` when
    all its events have a readable time; `size` is that of its text, about."""

    path: str
    document: Document | None
    since: datetime | None
    until: datetime | None
    count: int
    dated: bool
    size: int = 0


class _Entry(msgspec.Struct):
    """What one file held when it had that signature."""

    signature: tuple[int, int, int]
    items: list[Document | Gap]
    trails: list[_Trail]


class EvidenceSource:
    """Implements `Source` for files and folders. `bring` puts them there before they are read, where they lie elsewhere.

    Nothing here asks a network. Files are told by content, never by name; what cannot be read is a Gap that names it, and the
    rest is read. Reading again opens only files that have changed.
    """

    def __init__(self, paths: Sequence[str], bring: Callable[[Cancelled], Iterator[Step | Gap]] | None = None) -> None:
        self._bring = bring
        self.paths = tuple(os.path.expanduser(os.fspath(path)) for path in paths)
        self.info = SourceInfo(kind="evidence", connection="evidence", paths=self.paths)
        self._entries: dict[str, _Entry] = {}
        self._scanned = False
        self._held = 0
        self._large = False
        self._advice: dict[str, list[Document]] | None = None  # last-accessed answers by ARN; None: to be looked for

    # -- Source ------------------------------------------------------------------------------------------------------

    def account(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """Every document that is not about events. Those that do not tell their account come last."""
        waiting: list[Document] = []
        folders: dict[int, str] = {}
        accounts: dict[str, set[str]] = {}
        usable: set[str] = set()
        others: dict[str, Counter[str]] = {}
        for found, item in self._scan(cancelled):
            if isinstance(item, Step | Gap):
                yield item
                continue
            if item.kind is Kind.OTHER:
                if found.named:
                    yield Gap(Kind.OTHER, State.FAILED, f"{shown(found.path)}: looks like {item.key}", hint=_WANTED, origin=item.origin)
                    continue
                seen = others.setdefault(found.root, Counter())
                seen[item.key] += 1
                if seen[item.key] <= NAMED_STRANGERS:
                    yield item
                continue
            usable.add(found.root)
            if item.kind is Kind.EVENTS:
                continue
            folder = os.path.dirname(found.path)
            if item.kind in _TELLS_ACCOUNT and item.account:
                accounts.setdefault(folder, set()).add(item.account)
            if item.kind in _ADDED_TO or (item.kind in _NEEDS_ACCOUNT and not item.account):
                waiting.append(item)
                folders[id(item)] = folder
                continue
            yield item
        for document in waiting:
            near = accounts.get(folders.get(id(document), ""), set())
            alone = len(near) == 1 and not document.account and document.kind in _NEEDS_ACCOUNT
            yield msgspec.structs.replace(document, account=next(iter(near))) if alone else document
        for root, seen in others.items():
            origin = origin_of(root)
            for words, number in seen.items():
                if number > NAMED_STRANGERS:
                    reason = f"{number - NAMED_STRANGERS:,} more like this: {words}"
                    yield Document(Kind.OTHER, b"", datetime.now(UTC), origin, key=reason)
        for root in self.paths:
            origin = origin_of(root)
            if root not in usable and not cancelled() and os.path.isdir(root):
                told = _summed(others.get(root, Counter()))
                yield Gap(Kind.OTHER, State.FAILED, f"{shown(root)}: nothing of an account in it: {told}", hint=_WANTED, origin=origin)

    def surroundings(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """Nothing more: `account` yields every document there is."""
        yield from ()

    def guards(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """Nothing more: `account` yields every document there is."""
        yield from ()

    def alarm_history(self, name: str, region: str) -> Iterator[Item]:
        """Nothing: saved histories are among what `account` yields."""
        yield from ()

    def events(self, query: EventQuery, cancelled: Cancelled = never_cancelled) -> Iterator[Item | Window]:
        """Event documents, the latest first; then one Window for the whole file set.

        Files are left out only when their time does not touch the asked time, or when an identity is asked for that is not
        mentioned in them.
        """
        yield from self._ready(cancelled)
        trails = [trail for entry in self._entries.values() for trail in entry.trails]
        if not trails:
            yield Gap(
                Kind.EVENTS, State.NOT_LOADED, "no CloudTrail files are among what was opened", hint="add files or folders: --from PATH"
            )
            return
        trails.sort(key=lambda trail: trail.until or datetime.min.replace(tzinfo=UTC), reverse=True)
        names = [word.encode() for word in (query.actor_name, query.actor_arn, *query.key_ids) if word]
        plain = all(word.isascii() and word.isprintable() and not set(word) & set('"\\/') for word in (query.actor_name, *query.key_ids))
        unread = sum(isinstance(i, Gap) and i.kind in (Kind.OTHER, Kind.EVENTS) for entry in self._entries.values() for i in entry.items)
        for trail in trails:
            if cancelled():
                return
            if _outside(trail, query):
                continue
            document = trail.document
            if document is None:
                document, reason = self._again(trail)
                if document is None:
                    unread += 1
                    yield _failed(trail.path, reason)
                    continue
                if not trail.count:
                    told = _trail(trail.path, document)
                    trail.since, trail.until, trail.count, trail.dated = told.since, told.until, told.count, told.dated
            if names and plain and not any(name in document.body for name in names):
                continue
            yield document
        yield _window(trails, unread)

    def last_accessed(self, arn: str, granularity: str = "ACTION_LEVEL", cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """The newest saved answer about that ARN."""
        yield from self._ready(cancelled)
        if self._advice is None:
            found: dict[str, list[Document]] = {}
            for document in self._documents(Kind.LAST_ACCESSED):
                found.setdefault(document.key, []).append(document)
            self._advice = found
        held = self._advice.get(arn)
        if held:
            wanted = granularity.encode()
            yield max(held, key=lambda d: (d.as_of, wanted in d.body))
            return
        unnamed = len(self._advice.get("", ()))
        answers = "answer does not tell whom it is" if unnamed == 1 else "answers do not tell whom they are"
        also = f"; {unnamed} saved {answers} about" if unnamed else ""
        yield Gap(
            Kind.LAST_ACCESSED,
            State.NOT_LOADED,
            f"no last-accessed answer about it is among the files{also}",
            "iam:GenerateServiceLastAccessedDetails",
            key=arn,
            hint=f"aws iam generate-service-last-accessed-details --granularity ACTION_LEVEL --arn {shlex.quote(arn)}, "
            'then aws iam get-service-last-accessed-details --job-id ID, saved with the ARN beside it as "Arn"',
        )

    def service_entities(self, arn: str, service: str, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """The saved answer about who used a service by way of an ARN."""
        yield from self._about(
            Kind.LAST_ACCESSED_ENTITIES,
            (f"{arn}#{service}",),
            "iam:GetServiceLastAccessedDetailsWithEntities",
            f"aws iam get-service-last-accessed-details-with-entities --job-id ID --service-namespace {shlex.quote(service)}, saved with the "
            'ARN and the service beside it as "Arn" and "ServiceNamespace"',
            cancelled,
        )

    def granting_policies(self, arn: str, service: str, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """The saved answer about the policies that give an identity a service."""
        yield from self._about(
            Kind.GRANTING_POLICIES,
            (f"{arn}#{service}", arn),
            "iam:ListPoliciesGrantingServiceAccess",
            f"aws iam list-policies-granting-service-access --arn {shlex.quote(arn)} --service-namespaces {shlex.quote(service)}, saved with "
            'the ARN beside it as "Arn"',
            cancelled,
        )

    def _about(self, kind: Kind, keys: tuple[str, ...], action: str, hint: str, cancelled: Cancelled) -> Iterator[Item]:
        yield from self._ready(cancelled)
        held = [document for document in self._documents(kind) if document.key in keys]
        if held:
            yield max(held, key=lambda document: document.as_of)
        else:
            yield Gap(kind, State.NOT_LOADED, "no answer about it is among the files", action, key=keys[0], hint=hint)

    def access_keys(self, user_name: str, user_arn: str, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """The saved ListAccessKeys answer of that user."""
        yield from self._ready(cancelled)
        for document in self._documents(Kind.ACCESS_KEYS):
            if document.key == user_arn or (document.key == user_name and document.account in ("", account_of(user_arn))):
                yield msgspec.structs.replace(document, key=user_arn or user_name)
                return
        yield Gap(
            Kind.ACCESS_KEYS,
            State.NOT_LOADED,
            "no list of this user's access keys is among the files",
            "iam:ListAccessKeys",
            key=user_arn or user_name,
            hint=f"aws iam list-access-keys --user-name {shlex.quote(user_name)}",
        )

    def config_history(
        self, target: str, unique_id: str, arn: str, regions: tuple[str, ...] = (), cancelled: Cancelled = never_cancelled
    ) -> Iterator[Item]:
        """Nothing more: saved Config items are among what `account` yields."""
        return iter(())

    def role(self, role_name: str, role_arn: str, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """Nothing: saved GetRole answers are among what `account` yields."""
        return iter(())

    def policy_version(self, policy_arn: str, version_id: str = "", cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """The saved GetPolicyVersion answer of that policy."""
        yield from self._ready(cancelled)
        for document in self._documents(Kind.POLICY_VERSION):
            arn, _, version = document.key.rpartition(":")
            if arn == policy_arn and version_id in ("", version):
                yield document
                return
        version = version_id or "VERSION"
        yield Gap(
            Kind.POLICY_VERSION,
            State.NOT_LOADED,
            "the text of this policy is not among the files",
            "iam:GetPolicyVersion",
            key=f"{policy_arn}:{version_id}",
            hint=f"aws iam get-policy-version --policy-arn {shlex.quote(policy_arn)} --version-id {shlex.quote(version)}, "
            'saved with the ARN beside it as "Arn"',
        )

    def event_files(self, known: Mapping[str, tuple[int, ...]], cancelled: Cancelled = never_cancelled) -> Iterator[EventFile | Step]:
        """Every file, for the event store: those whose signature is `known` are named without being opened. Nothing is kept."""
        files = [item for item in walk(self.paths) if isinstance(item, Found)]
        for count, found in enumerate(files, 1):
            if cancelled():
                return
            try:
                mark = signature(found.path)
                if known.get(shown(found.path)) == mark:
                    yield EventFile(shown(found.path), mark)
                else:
                    yield from _events_of(found.path, mark)
            except BadInputError as error:
                yield EventFile(shown(found.path), (), reason=error.message)
            except (OSError, ValueError) as error:
                yield EventFile(shown(found.path), (), reason=str(error))
            if count % 5 == 1 or count == len(files):
                yield Step("reading files", count, len(files))

    def is_large(self, cancelled: Cancelled = never_cancelled) -> bool:
        """Whether there are more events than belong in memory."""
        for _ in self._ready(cancelled):
            pass
        return self._large or sum(trail.size for entry in list(self._entries.values()) for trail in entry.trails) > LARGE_BYTES

    # -- reading -----------------------------------------------------------------------------------------------------

    def _ready(self, cancelled: Cancelled) -> Iterator[Step]:
        """Read the files when nobody has yet."""
        if not self._scanned:
            for _, item in self._scan(cancelled):
                if isinstance(item, Step):
                    yield item

    def _documents(self, kind: Kind) -> Iterator[Document]:
        for entry in list(self._entries.values()):
            for item in entry.items:
                if isinstance(item, Document) and item.kind is kind:
                    yield item

    def _scan(self, cancelled: Cancelled) -> Iterator[tuple[Found, Document | Gap | Step]]:
        """Every file with what is in it. Events are kept aside; each is named once here without its text."""
        if self._bring is not None:
            for news in self._bring(cancelled):
                yield Found("", "", named=False), news
        gone = set(self._entries)
        files: list[Found] = []
        for item in walk(self.paths):
            if cancelled():
                return
            if isinstance(item, Found):
                files.append(item)
                continue
            place = Found(item.path, item.path, named=False)
            if item.fault:
                yield place, _failed(item.path, item.reason, item.hint)
            else:
                yield place, Document(Kind.OTHER, b"", datetime.now(UTC), origin_of(item.path), key=item.reason)
        files.sort(key=_read_late)
        self._large = self._large or _text_of(files) > LARGE_BYTES
        for count, found in enumerate(files, 1):
            if cancelled():
                return
            gone.discard(found.path)
            entry = self._entry(found)
            for answer in entry.items:
                yield found, answer
            for trail in entry.trails:
                yield found, Document(Kind.EVENTS, b"", trail.until or datetime.now(UTC), origin_of(found.path))
            if count % 50 == 0:
                yield found, Step("reading files", count, len(files))
        for path in gone:
            del self._entries[path]
        self._scanned, self._advice = True, None

    def _entry(self, found: Found) -> _Entry:
        try:
            mark = signature(found.path)
            held = self._entries.get(found.path)
            if held is not None and held.signature == mark:
                return held
            entry = _Entry(mark, [], [])
            self._fill(entry, found.path)
        except BadInputError as error:
            entry = _Entry((0, 0, 0), [_failed(found.path, error.message, error.hint)], [])
        except (OSError, ValueError) as error:
            entry = _Entry((0, 0, 0), [_failed(found.path, str(error))], [])
        self._entries[found.path] = entry
        return entry

    def _fill(self, entry: _Entry, path: str) -> None:
        if is_zip(path):
            from .bundle import is_bundle, read_bundle

            if is_bundle(path):
                for item in read_bundle(path):
                    if isinstance(item, Document) and item.kind is Kind.EVENTS:
                        entry.trails.append(_trail(path, item))  # stays in memory: a member is not read again by itself
                        self._held += len(item.body)
                    else:
                        entry.items.append(item)
                return
        if self._large:
            head = peek(path)
            if PLAIN_TRAIL.match(head):  # one of very many: that it is a trail is all that is asked now
                size = entry.signature[1] * (_RATIO if path.endswith(".gz") else 1)
                entry.trails.append(_Trail(path, None, None, None, 0, dated=False, size=size))
                return
        opened = read(path)
        found = recognise(opened.body)
        if isinstance(found, Unreadable):
            entry.items.append(_failed(path, found.reason, "save or copy it again"))
            return
        for number, told in enumerate(found):
            document = Document(
                kind=told.kind,
                body=b"" if told.kind is Kind.OTHER else told.body if told.body is not None else opened.body,
                as_of=told.as_of or opened.modified,
                origin=origin_of(path),
                account=told.account,
                key=told.key,
                part=number,
            )
            if told.kind is Kind.EVENTS:
                self._hold(entry, path, document)
            else:
                entry.items.append(document)

    def _hold(self, entry: _Entry, path: str, document: Document) -> None:
        trail = _trail(path, document)
        if (self._large or self._held + len(document.body) > HELD_EVENT_BYTES) and document.part == 0:
            trail.document = None
        else:
            self._held += len(document.body)
        entry.trails.append(trail)

    @staticmethod
    def _again(trail: _Trail) -> tuple[Document | None, str]:
        try:
            opened: Opened = read(trail.path)
        except BadInputError as error:
            return None, error.message
        return Document(Kind.EVENTS, opened.body, opened.modified, origin_of(trail.path)), ""


def _events_of(path: str, mark: tuple[int, int, int]) -> Iterator[EventFile]:
    name = shown(path)
    if is_zip(path):
        from .bundle import is_bundle, read_bundle

        bodies = []
        if is_bundle(path):
            bodies = [i.body for i in read_bundle(path) if isinstance(i, Document) and i.kind is Kind.EVENTS]
        yield EventFile(name, mark, b"\n".join(msgspec.json.format(body, indent=-1) for body in bodies) if bodies else None)
        return
    yield event_file(name, mark, read(path).body)


def _read_late(found: Found) -> bool:
    """Whether a file is probably one of a trail's many: those come last, so that the lists are there before them. A name
    decides only this order, never what a file is."""
    return found.path.endswith(".gz") or "CloudTrail" in found.path


def _text_of(files: Sequence[Found]) -> int:
    """Bytes of text in what is probably a trail's files, about."""
    total = 0
    for found in files:
        if _read_late(found):
            with contextlib.suppress(OSError):
                total += os.stat(found.path).st_size * (_RATIO if found.path.endswith(".gz") else 1)
    return total


def _trail(path: str, document: Document) -> _Trail:
    told = _TIME.findall(document.body)
    times = [stamp for stamp in told if stamp[0] and stamp[1]]
    since = moment(b"T".join(min(times)).decode()) if times else None
    until = moment(b"T".join(max(times)).decode()) if times else None
    return _Trail(path, document, since, until, len(told), dated=0 < len(told) == len(times), size=len(document.body))


def _outside(trail: _Trail, query: EventQuery) -> bool:
    """Whether no event of the file can be in the asked time. An event without a readable time may be of any."""
    if not trail.dated or trail.since is None or trail.until is None:
        return False
    return bool((query.since and trail.until < query.since - _DAY) or (query.until and trail.since > query.until + _DAY))


def _window(trails: list[_Trail], unread: int) -> Window:
    """What the files hold: COVERED means that all that was opened was read, PARTIAL that something among it could not be.

    Nothing in a file says that no other file belongs to the same hours, so the reason names the files, not the time.
    """
    files = len({trail.path for trail in trails})
    empty = sum(not trail.count for trail in trails)
    reason = f"what {files:,} {'file holds' if files == 1 else 'files hold'}"
    if empty:
        reason += f", {empty:,} of them empty"
    if unread:
        reason += f"; {unread:,} {'file' if unread == 1 else 'files'} could not be read"
    return Window(
        region="",
        state=WindowState.PARTIAL if unread else WindowState.COVERED,
        since=min((t.since for t in trails if t.since), default=None),
        until=max((t.until for t in trails if t.until), default=None),
        reason=reason,
        events=sum(trail.count for trail in trails),
    )


def _failed(path: str, reason: str, hint: str = "") -> Gap:
    return Gap(Kind.OTHER, State.FAILED, f"{shown(path)}: {reason}", hint=hint, origin=origin_of(path))


def _summed(seen: Counter[str]) -> str:
    """`3 files, plain text (2), a PNG picture`."""
    parts = [words if count == 1 else f"{words} ({count})" for words, count in seen.most_common(4)]
    more = [f"{len(seen) - 4} other kinds"] if len(seen) > 4 else []
    total = seen.total()
    return ", ".join([f"{total:,} {'file' if total == 1 else 'files'}", *parts, *more])
