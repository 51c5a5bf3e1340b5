"""What a set of policies says, by service and access level: explicit denies first, a boundary as the limit it is.

A summary of documents, not an evaluation. Whether a call is allowed also depends on resource policies, organisation
policies, session policies and on conditions nobody can know in advance; the permission engine answers that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from ..model.policy import Grant, Via
from ..policy.catalogue import AccessLevel, ActionSet, Catalogue, catalogue
from ..policy.document import PolicyDocument, Statement, parse
from ..policy.wildcard import is_pattern
from .conditions import condition_words
from .scope import ALL, Scope, scope_of

NOT_AN_EVALUATION = (
    "This is what the policies say, not an evaluation: resource, organization and session policies are not weighed, and conditions are "
    "named, not judged."
)
MAX_WIDE = 50
"""Patterns with a wildcard in the service (`*:Get*`) that are expanded in one statement; AWS accepts none but `*`."""


class LevelSummary(msgspec.Struct, frozen=True):
    """One access level of a service. `actions` are the granted ones, and empty when all are (`full`)."""

    level: str
    granted: int
    total: int
    full: bool
    actions: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """`Full: Write`, `Limited: List 3/12`."""
        return f"Full: {self.level}" if self.full else f"Limited: {self.level} {self.granted}/{self.total}"


class ServiceSummary(msgspec.Struct, frozen=True):
    """What is allowed of one service.

    prefix:          `s3`
    name:            `Amazon S3`; "" for a service the catalogue does not know
    levels:          from harmless to dangerous; empty for an unknown service
    full:            all its actions
    scope:           resources in words: `All resources`, `one bucket: logs`, `Multiple (4)`
    resources:       the patterns behind it; `not …` for those a NotResource excepts
    conditions:      in words, of statements that alone give some of the actions
    conditional:     how many actions are given under conditions only
    grants:          the policies that say so
    beyond_boundary: how many of the actions no statement of the boundary allows; None without a boundary (or unread)
    """

    prefix: str
    name: str
    levels: tuple[LevelSummary, ...]
    full: bool
    scope: str
    resources: tuple[str, ...]
    conditions: tuple[str, ...]
    conditional: int
    grants: tuple[str, ...]
    beyond_boundary: int | None = None

    @property
    def granted(self) -> int:
        return sum(level.granted for level in self.levels)

    @property
    def words(self) -> str:
        """`Full access`, `Full: List, Read · Limited: Write 3/40`, or that the service is unknown."""
        if not self.levels:
            return "unknown service"
        if self.full:
            return "Full access"
        full = [level.level for level in self.levels if level.full]
        parts = [f"Full: {', '.join(full)}"] if full else []
        limited = [f"{level.level} {level.granted}/{level.total}" for level in self.levels if not level.full]
        return " · ".join(parts + ([f"Limited: {', '.join(limited)}"] if limited else []))


class DenySummary(msgspec.Struct, frozen=True):
    """One explicit Deny statement. It beats every Allow.

    grant:    the policy it is in
    label:    its Sid, or `statement 2`
    what:     actions in words
    services: prefixes it touches, empty when that is all of them (`everything`)
    """

    grant: str
    label: str
    index: int
    what: str
    services: tuple[str, ...]
    everything: bool
    actions: int
    scope: str
    conditions: tuple[str, ...]
    from_boundary: bool = False


class PermissionSummary(msgspec.Struct, frozen=True):
    """Denies come first because they win.

    services:   by prefix
    admin:      policies that allow every action on every resource without a condition, by their content
    boundaries: names of the permissions boundaries that limit all this
    complete:   False when a policy or group was not read; `notes` name it
    findings:   what is malformed or unknown in the documents
    catalogue:  version of the action catalogue
    """

    denies: tuple[DenySummary, ...]
    services: tuple[ServiceSummary, ...]
    admin: tuple[str, ...] = ()
    boundaries: tuple[str, ...] = ()
    complete: bool = True
    notes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    catalogue: str = ""


def summarize(grants: Iterable[Grant]) -> PermissionSummary:
    """The summary of everything that reaches an identity. Opens the catalogue: some 100 ms on first use."""
    return _Summary(catalogue()).of(tuple(grants))


def summarize_text(text: str, name: str = "") -> PermissionSummary:
    """The summary of one policy document; "" is a text that was not read."""
    return summarize((Grant(Via.ATTACHED, name or "this policy", document=text or None),))


def grant_label(grant: Grant) -> str:
    """`AdministratorAccess`, `s3-read (inline)`, `s3-read (group ops)`, `limits (boundary)`."""
    if not grant.policy_name:
        return f"group {grant.group}"
    way = {Via.ATTACHED: "", Via.INLINE: " (inline)", Via.BOUNDARY: " (boundary)"}.get(grant.via, f" (group {grant.group})")
    return grant.policy_name + way


def action_words(statement: Statement) -> str:
    """The actions of a statement: `every action`, `s3:Get*, s3:List*`, `every action except iam:*`."""
    if statement.not_actions:
        return f"every action except {', '.join(statement.not_actions)}"
    if any(pattern.strip("*:") == "" and pattern.startswith("*") for pattern in statement.actions):
        return "every action"
    return ", ".join(statement.actions) or "no action"


class _Allowed:
    """What has been gathered of one service."""

    __slots__ = ("anywhere", "conditions", "grants", "mask", "scopes", "unconditional")

    def __init__(self) -> None:
        self.mask = 0
        self.anywhere = 0
        self.unconditional = 0
        self.scopes: dict[Scope, None] = {}
        self.conditions: list[tuple[int, tuple[str, ...]]] = []
        self.grants: dict[str, None] = {}


class _Summary:
    def __init__(self, known: Catalogue) -> None:
        self.known = known
        self.allowed: dict[str, _Allowed] = {}
        self.unknown: dict[str, _Allowed] = {}
        self.denies: list[DenySummary] = []
        self.admin: dict[str, None] = {}
        self.notes: list[str] = []
        self.findings: dict[str, None] = {}
        self.complete = True

    def of(self, grants: tuple[Grant, ...]) -> PermissionSummary:
        boundaries: list[str] = []
        limit: dict[str, int] | None = None
        for grant, document in self._documents(grants):
            label = grant_label(grant)
            if grant.via is Via.BOUNDARY:
                boundaries.append(grant.policy_name)
                if document is None:
                    continue
                limit = self._limit(document, label)
            if document is None:
                continue
            for statement in document.statements:
                if statement.denies:
                    self._deny(statement, label, grant.via is Via.BOUNDARY)
                elif statement.allows and grant.via is not Via.BOUNDARY:
                    self._allow(statement, label)
        if boundaries:
            named = ", ".join(boundaries)
            self.notes.append(f"The permissions boundary {named} limits all of this and grants nothing by itself.")
        return PermissionSummary(
            denies=tuple(self.denies),
            services=tuple(self._services(limit)),
            admin=tuple(self.admin),
            boundaries=tuple(boundaries),
            complete=self.complete,
            notes=(*self.notes, NOT_AN_EVALUATION),
            findings=tuple(self.findings),
            catalogue=self.known.version,
        )

    def _documents(self, grants: tuple[Grant, ...]) -> Iterator[tuple[Grant, PolicyDocument | None]]:
        for grant in grants:
            label = grant_label(grant)
            if grant.document is None:
                self.complete = False
                if not grant.policy_name:
                    self.notes.append(f"The group {grant.group} was not read: what it grants is missing here.")
                elif grant.via is Via.BOUNDARY:
                    self.notes.append(f"The text of the boundary {grant.policy_name} was not read: how far it limits is not known.")
                else:
                    self.notes.append(f"The text of {label} was not read: what it says is missing here.")
                yield grant, None
                continue
            document = parse(grant.document)
            for finding in document.findings:
                self.findings[f"{label}: {finding}"] = None
            yield grant, document

    # -- statements --------------------------------------------------------------------------------------------------

    def _actions(self, statement: Statement, label: str) -> tuple[dict[str, int], dict[str, list[str]]]:
        """(known actions, patterns of services nobody knows) of a statement."""
        where = f"{label}, {statement.label}"
        named = statement.actions or statement.not_actions
        found: dict[str, int] = {}
        strange: dict[str, list[str]] = {}
        wide = 0
        for pattern in named:
            prefix, colon, name = pattern.partition(":")
            if colon and is_pattern(prefix) and pattern != "*:*":
                wide += 1
                if wide > MAX_WIDE:
                    self.findings[f"{where}: more than {MAX_WIDE} patterns with a wildcard service; the rest are not counted"] = None
                    continue
            covered = self.known.expand(pattern)
            for service, mask in covered.items():
                found[service] = found.get(service, 0) | mask
            if not covered:
                self.findings[f"{where}: {pattern} {self.known.unknown(pattern)}"] = None
                if colon and name and not is_pattern(prefix) and prefix.lower() not in self.known:
                    strange.setdefault(prefix.lower(), []).append(pattern)
        if statement.not_actions and not statement.actions:
            everything = self.known.everything()
            return {s: rest for s, full in everything.items() if (rest := full & ~found.get(s, 0))}, {}
        return found, strange

    def _allow(self, statement: Statement, label: str) -> None:
        actions, strange = self._actions(statement, label)
        words = condition_words(statement.conditions)
        if statement.not_actions:
            self.notes.append(
                f"{label}, {statement.label} allows {action_words(statement)} (NotAction): whatever AWS adds later is allowed too."
            )
        if statement.not_resources:
            self.notes.append(f"{label}, {statement.label} applies to every resource except those it names (NotResource).")
        if not statement.resources and not statement.not_resources:
            self.findings[f"{label}, {statement.label} names no resource"] = None
        if self._is_admin(statement, actions):
            self.admin[label] = None
        for service, mask in actions.items():
            self._add(self.allowed.setdefault(service, _Allowed()), service, mask, statement, words, label)
        for service in strange:
            self._add(self.unknown.setdefault(service, _Allowed()), service, 0, statement, words, label)

    @staticmethod
    def _add(entry: _Allowed, service: str, mask: int, statement: Statement, words: tuple[str, ...], label: str) -> None:
        scope = scope_of(statement, service)
        entry.mask |= mask
        entry.scopes[scope] = None
        if scope.everything:
            entry.anywhere |= mask
        if words:
            entry.conditions.append((mask, words))
        else:
            entry.unconditional |= mask
        entry.grants[label] = None

    def _is_admin(self, statement: Statement, actions: ActionSet) -> bool:
        return (
            not statement.conditions
            and not statement.not_actions
            and "*" in statement.resources
            and any(pattern in ("*", "*:*") for pattern in statement.actions)
            and bool(actions)
        )

    def _deny(self, statement: Statement, label: str, from_boundary: bool) -> None:
        actions, strange = self._actions(statement, label)
        everything = len(actions) == len(self.known.prefixes) and not statement.not_actions
        touched = () if everything else tuple(sorted({*actions, *strange}))
        self.denies.append(
            DenySummary(
                grant=label,
                label=statement.label,
                index=statement.index,
                what=action_words(statement),
                services=touched,
                everything=everything,
                actions=sum(mask.bit_count() for mask in actions.values()),
                scope=scope_of(statement, touched[0] if len(touched) == 1 else "").words(self.known),
                conditions=condition_words(statement.conditions),
                from_boundary=from_boundary,
            )
        )

    def _limit(self, document: PolicyDocument, label: str) -> dict[str, int]:
        """Actions some Allow of the boundary names, whatever its resources and conditions."""
        found: dict[str, int] = {}
        for statement in document.statements:
            if statement.allows:
                for service, mask in self._actions(statement, label)[0].items():
                    found[service] = found.get(service, 0) | mask
        return found

    # -- services ----------------------------------------------------------------------------------------------------

    def _services(self, limit: dict[str, int] | None) -> Iterator[ServiceSummary]:
        for prefix in sorted({*self.allowed, *self.unknown}):
            entry = self.allowed.get(prefix) or self.unknown[prefix]
            service = self.known.service(prefix)
            levels: list[LevelSummary] = []
            if service is not None:
                for level in AccessLevel:
                    total = service.by_level.get(level, 0)
                    granted = entry.mask & total
                    if granted:
                        full = granted == total
                        names = () if full else service.names(granted)
                        levels.append(LevelSummary(level.value, granted.bit_count(), total.bit_count(), full, names))
            patterns = tuple(dict.fromkeys(p for scope in entry.scopes for p in scope.told))
            beyond = (entry.mask & ~limit.get(prefix, 0)).bit_count() if limit is not None else None
            open_ones = [words for mask, words in entry.conditions if mask & ~entry.unconditional or not mask]
            yield ServiceSummary(
                prefix=prefix,
                name=service.name if service else "",
                levels=tuple(levels),
                full=service is not None and entry.mask == service.full,
                scope=self._scope_words(entry),
                resources=patterns,
                conditions=tuple(dict.fromkeys(phrase for words in open_ones for phrase in words)),
                conditional=(entry.mask & ~entry.unconditional).bit_count(),
                grants=tuple(entry.grants),
                beyond_boundary=beyond,
            )

    def _scope_words(self, entry: _Allowed) -> str:
        scopes = list(entry.scopes)
        if entry.mask and entry.anywhere == entry.mask:
            return ALL
        if len(scopes) == 1:
            return scopes[0].words(self.known)
        patterns = {pattern for scope in scopes for pattern in scope.patterns}
        if any(scope.excepted for scope in scopes):
            return "Multiple, some with exceptions"
        if entry.anywhere:
            return f"Multiple; {ALL.lower()} for {entry.anywhere.bit_count()} of {entry.mask.bit_count()} actions"
        return f"Multiple ({len(patterns)})"
