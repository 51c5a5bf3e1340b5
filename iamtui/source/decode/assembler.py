"""Folds documents and gaps into the world of all open accounts."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import msgspec

from ...model import account as parts
from ...model.account import DocumentNote, Section, Snapshot, World
from ...model.accounts import KnownAccount
from ...model.credentials import AccessKey, Credentials
from ...model.document import Document, Gap, Kind, Origin
from ...model.fact import State
from ...model.identity import Role
from .accounts import account_gap, decode_accounts, joined
from .credentials import decode_access_keys, decode_report
from .folding import bare_policy, enriched, with_version
from .inventory import Inventory, decode_inventory, decode_policy_version, decode_roles
from .wire import BROKEN, account_of, mend, partition_of, reason_of, text

UNKNOWN_ACCOUNT = "unknown"

_LISTS = (parts.USERS, parts.GROUPS, parts.ROLES, parts.POLICIES)
_WIRE_NAME = {"UserDetailList": parts.USERS, "GroupDetailList": parts.GROUPS, "RoleDetailList": parts.ROLES, "Policies": parts.POLICIES}
_FILTER_LIST = {
    "User": parts.USERS,
    "Group": parts.GROUPS,
    "Role": parts.ROLES,
    "LocalManagedPolicy": parts.POLICIES,
    "AWSManagedPolicy": parts.POLICIES,
}
_SECTION_OF_KIND = {
    Kind.CREDENTIAL_REPORT: parts.CREDENTIALS,
    Kind.ACCOUNT_SUMMARY: parts.SUMMARY,
    Kind.ACCOUNT_ALIASES: parts.ALIASES,
    Kind.PASSWORD_POLICY: parts.PASSWORD_POLICY,
}
_SUMMARY_WORD = {parts.USERS: "Users", parts.ROLES: "Roles", parts.GROUPS: "Groups", parts.POLICIES: "Policies"}
_SAVE_WHOLE = "save it whole: aws iam get-account-authorization-details --output json"
_SHOWN_LATER = {
    Kind.ANALYZERS,
    Kind.ANALYZER_FINDINGS,
    Kind.CONFIG_ITEMS,
    Kind.CONFIG_RECORDERS,
    Kind.RESOURCE_POLICIES,
    Kind.ORGANIZATION,
    Kind.SIMULATION,
    Kind.GUARDS,
}


class _Account:
    """The growing picture of one account."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.partition = "aws"
        self.lists: dict[str, dict[str, tuple[datetime, Any]]] = {name: {} for name in _LISTS}
        self.sorted: dict[str, tuple[Any, ...]] = dict.fromkeys(_LISTS, ())
        self.counts: dict[str, int] = {}  # as the account summary counts: without AWS managed policies
        self.dirty: set[str] = set()
        self.sections: dict[str, Section] = {}
        self.filters_done: set[str] = set()
        self.credentials: dict[str, Credentials] = {}
        self.access_keys: dict[str, tuple[AccessKey, ...]] = {}
        self.plain: dict[str, Any] = {}
        self.gaps: list[Gap] = []
        self.seen_twice = 0

    def put(self, name: str, item: Any, as_of: datetime) -> None:
        held = self.lists[name].get(item.arn)
        if held is not None:
            self.seen_twice += 1
            if held[0] > as_of:
                return
        self.lists[name][item.arn] = (as_of, item)
        self.dirty.add(name)

    def section(self, name: str, state: State, document: Document | Gap, *, complete: bool, detail: str = "") -> None:
        before = self.sections.get(name)
        as_of = document.as_of if isinstance(document, Document) else document.at
        if before is not None and before.state is State.KNOWN:
            if state is not State.KNOWN:
                self.sections[name] = msgspec.structs.replace(before, complete=False, detail=detail)
                return
            if before.as_of and as_of:
                as_of = min(before.as_of, as_of)
        self.sections[name] = Section(state, as_of, document.origin, complete, detail)

    def snapshot(self) -> Snapshot:
        for name in self.dirty:
            self.sorted[name] = tuple(
                sorted((item for _, item in self.lists[name].values()), key=lambda item: (item.name.casefold(), item.arn))
            )
            self.counts[name] = sum(not (name == parts.POLICIES and item.aws_managed) for item in self.sorted[name])
        self.dirty.clear()
        sections, uncounted = self._counted()
        return Snapshot(
            account=self.account,
            partition=self.partition,
            credentials=dict(self.credentials),
            access_keys=dict(self.access_keys),
            sections=sections,
            gaps=(*self.gaps, *uncounted),
            users=self.sorted[parts.USERS],
            groups=self.sorted[parts.GROUPS],
            roles=self.sorted[parts.ROLES],
            policies=self.sorted[parts.POLICIES],
            **self.plain,
        )

    def _counted(self) -> tuple[dict[str, Section], list[Gap]]:
        """Sections, those that claim to be whole held against the account summary: an answer saved with a filter has empty
        lists and looks like one of an account that has nothing."""
        sections, gaps = dict(self.sections), []
        summary = self.plain.get("summary", {})
        for name, word in _SUMMARY_WORD.items():
            told, section = summary.get(word), sections.get(name)
            if not told or section is None or not section.complete:
                continue
            read = self.counts.get(name, 0)
            if read < told:
                reason = f"the account summary counts {told} {name}, {read} were read"
                sections[name] = msgspec.structs.replace(section, complete=False, detail=reason)
                gaps.append(
                    Gap(Kind.AUTHORIZATION, State.NOT_LOADED, reason, account=self.account, hint=_SAVE_WHOLE, origin=section.origin)
                )
        return sections, gaps


class Assembler:
    """`add` what a source yields, ask for the `world` as often as wanted: it costs only what has changed.

    Documents of one account are merged; where an ARN comes twice, the answer with the newer date stays. An account without
    any ARN or id in its documents is called `unknown`.
    """

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}
        self._notes: list[DocumentNote] = []
        self._gaps: list[Gap] = []
        self._known: dict[str, KnownAccount] = {}
        self._known_from: Origin | None = None
        self._only = ""

    def add(self, item: Document | Gap) -> None:
        """Never raises on content: what cannot be read becomes a gap and a note."""
        if isinstance(item, Gap):
            self._add_gap(item)
            return
        try:
            self._add_document(item)
        except BROKEN as error:
            self._broken(item, reason_of(error))

    def world(self) -> World:
        snapshots = tuple(self._named(a.snapshot()) for a in self._accounts.values())
        return World(snapshots, tuple(self._notes), (*self._gaps, *self._missing()), dict(self._known))

    def _named(self, snapshot: Snapshot) -> Snapshot:
        known = self._known.get(snapshot.account)
        return msgspec.structs.replace(snapshot, name=known.name) if known is not None and known.name else snapshot

    def _missing(self) -> list[Gap]:
        """Accounts that a sweep was to read and that are not there."""
        return [
            account_gap(one, self._known_from)
            for number, one in self._known.items()
            if one.reading is not None and one.reading.missing and number not in self._accounts
        ]

    # -- documents ---------------------------------------------------------------------------------------------------

    def _add_document(self, document: Document) -> None:
        match document.kind:
            case Kind.AUTHORIZATION:
                self._authorization(document)
            case Kind.CREDENTIAL_REPORT:
                self._report(document)
            case Kind.ACCESS_KEYS:
                keys = decode_access_keys(document.body, document.as_of)
                account = self._account(document.account or account_of(document.key))
                owner = (
                    document.key
                    if account_of(document.key)
                    else self._user_arn(account, document.key or (keys[0].user_name if keys else ""))
                )
                account.access_keys[owner] = keys
                account.section(parts.ACCESS_KEYS, State.KNOWN, document, complete=False)
                self._note(document, account.account, len(keys))
            case Kind.POLICY_VERSION:
                self._policy_version(document)
            case Kind.ROLE:
                roles = decode_roles(document.body)
                account = self._account(next((role.account for role in roles if role.account), document.account))
                for role in roles:
                    self._enrich_role(account, role, document.as_of)
                self._note(document, account.account, len(roles))
            case Kind.OTHER:
                self._notes.append(DocumentNote(document.origin, document.kind, document.account, accepted=False, reason=document.key))
            case Kind.EVENTS | Kind.LAST_ACCESSED | Kind.LAST_ACCESSED_ENTITIES | Kind.GRANTING_POLICIES:
                self._note(document, document.account, 0)
            case Kind.ACCOUNTS:
                found = decode_accounts(document)
                for one in found:
                    self._known[one.account] = joined(self._known.get(one.account), one)
                self._known_from = document.origin
                self._note(document, document.account, len(found))
            case kind if kind in _SHOWN_LATER:
                self._note(document, document.account, 0)
            case _:
                self._single(document)

    def _single(self, document: Document) -> None:
        answer = msgspec.json.decode(mend(document.body))
        if not isinstance(answer, dict):
            raise ValueError("the answer is no JSON object")
        if document.kind is Kind.CALLER:
            account = self._account(text(answer.get("Account")) or document.account)
            account.plain["caller_arn"] = text(answer.get("Arn"))
            account.partition = partition_of(account.plain["caller_arn"])
            self._note(document, account.account, 1)
            return
        account = self._account(document.account)
        name = _SECTION_OF_KIND[document.kind]
        if document.kind is Kind.ACCOUNT_SUMMARY:
            summary = answer.get("SummaryMap")
            if not isinstance(summary, dict):
                raise ValueError("there is no SummaryMap in it")
            account.plain["summary"] = {str(k): v for k, v in summary.items() if isinstance(v, int)}
        elif document.kind is Kind.ACCOUNT_ALIASES:
            aliases = answer.get("AccountAliases")
            account.plain["aliases"] = tuple(text(a) for a in aliases if a) if isinstance(aliases, list) else ()
        else:
            policy = answer.get("PasswordPolicy")
            if policy is None:
                account.section(name, State.NEVER, document, complete=True, detail="the account has no password policy")
                self._note(document, account.account, 0)
                return
            account.plain["password_policy"] = {str(k): v for k, v in policy.items()} if isinstance(policy, dict) else {}
        account.section(name, State.KNOWN, document, complete=True)
        self._note(document, account.account, 1)

    def _authorization(self, document: Document) -> None:
        page = decode_inventory(document.body)
        if len(page.absent) == 4:
            raise ValueError("none of UserDetailList, GroupDetailList, RoleDetailList, Policies is in it")
        home = document.account or _home(page)
        account = self._account(home)
        touched: set[str] = set()
        twice = account.seen_twice
        for name, entries in (
            (parts.USERS, page.users),
            (parts.GROUPS, page.groups),
            (parts.ROLES, page.roles),
            (parts.POLICIES, page.policies),
        ):
            for entry in entries:
                owner = account if entry.account in ("", account.account) else self._account(entry.account)
                owner.put(name, entry, document.as_of)
                touched.add(owner.account)
                if owner.partition == "aws" and entry.arn.startswith("arn:aws-"):
                    owner.partition = partition_of(entry.arn)
        for number in (account.account, *(touched - {account.account})):
            self._sections_of(self._account(number), page, document)
        for reason in page.broken:
            account.gaps.append(
                Gap(Kind.AUTHORIZATION, State.FAILED, f"an item cannot be read: {reason}", account=home, origin=document.origin)
            )
        count = len(page.users) + len(page.groups) + len(page.roles) + len(page.policies)
        again = account.seen_twice - twice
        words = "was also in another answer; the newer one stays" if again == 1 else "were also in other answers; the newer ones stay"
        self._note(document, account.account, count, f"{again} of them {words}" if again else "")

    def _sections_of(self, account: _Account, page: Inventory, document: Document) -> None:
        if document.key in _FILTER_LIST:
            name = _FILTER_LIST[document.key]
            if document.complete and not page.truncated:
                account.filters_done.add(document.key)
            needed = {key for key, section in _FILTER_LIST.items() if section == name}
            account.section(name, State.KNOWN, document, complete=needed <= account.filters_done and not page.broken)
            return
        whole = document.complete and not page.truncated
        for wire, name in _WIRE_NAME.items():
            if wire not in page.absent:
                before = account.sections.get(name)
                cut_short = before is not None and before.state is State.KNOWN and not before.complete and document.part == 0
                account.section(name, State.KNOWN, document, complete=whole and not page.broken and not cut_short)
        for wire in page.absent:
            if _WIRE_NAME[wire] not in account.sections:
                account.section(_WIRE_NAME[wire], State.NOT_LOADED, document, complete=False, detail=f"the answer has no {wire}")
                self._gap_once(account, document, f"{wire} is not in it: the answer was saved with a filter")
        if page.truncated:
            self._gap_once(account, document, "the answer is truncated (IsTruncated): there is more in the account than in it")

    def _gap_once(self, account: _Account, document: Document, reason: str) -> None:
        gap = Gap(
            Kind.AUTHORIZATION,
            State.NOT_LOADED,
            reason,
            account=account.account,
            hint=_SAVE_WHOLE,
            origin=document.origin,
            at=document.as_of,
        )
        if gap not in account.gaps:
            account.gaps.append(gap)

    def _report(self, document: Document) -> None:
        rows, broken = decode_report(document.body, document.as_of)
        for row in rows:
            account = self._account(account_of(row.arn) or document.account)
            account.credentials[row.arn] = row
        owners = {account_of(row.arn) or document.account for row in rows} or {document.account}
        for owner in owners:
            self._account(owner).section(parts.CREDENTIALS, State.KNOWN, document, complete=not broken)
        first = self._account(next(iter(owners)))
        for reason in broken:
            first.gaps.append(
                Gap(Kind.CREDENTIAL_REPORT, State.FAILED, reason, account=first.account, origin=document.origin, at=document.as_of)
            )
        self._note(document, first.account, len(rows))

    def _policy_version(self, document: Document) -> None:
        version = decode_policy_version(document.body)
        arn = document.key.rsplit(":", 1)[0] if document.key.count(":") > 5 else document.key
        account = self._account(document.account or account_of(arn))
        held = account.lists[parts.POLICIES].get(arn)
        policy = held[1] if held else bare_policy(arn)
        account.lists[parts.POLICIES][arn] = (held[0] if held else document.as_of, with_version(policy, version))
        account.dirty.add(parts.POLICIES)
        self._note(document, account.account, 1)

    def _enrich_role(self, account: _Account, role: Role, as_of: datetime) -> None:
        held = account.lists[parts.ROLES].get(role.arn)
        if held is None:
            account.put(parts.ROLES, role, as_of)
            return
        better = enriched(held[1], role)
        account.lists[parts.ROLES][role.arn] = (held[0], better)
        account.dirty.add(parts.ROLES)

    def _add_gap(self, gap: Gap) -> None:
        name = _FILTER_LIST.get(gap.key, "") if gap.kind is Kind.AUTHORIZATION else _SECTION_OF_KIND.get(gap.kind, "")
        names = _LISTS if gap.kind is Kind.AUTHORIZATION and not gap.key else ((name,) if name else ())
        if not gap.account and gap.origin is not None and gap.origin.source == "evidence":
            self._gaps.append(gap)
            return
        account = self._account(gap.account)
        account.gaps.append(gap)
        for section in names:
            account.section(section, gap.state, gap, complete=False, detail=gap.action or gap.reason)

    # -- small things ------------------------------------------------------------------------------------------------

    def _account(self, number: str) -> _Account:
        """The account of that number; without one, the only account there is, else `unknown`."""
        number = number or self._only or UNKNOWN_ACCOUNT
        if number not in self._accounts:
            self._accounts[number] = _Account(number)
            known = [n for n in self._accounts if n != UNKNOWN_ACCOUNT]
            self._only = known[0] if len(known) == 1 else ""
        return self._accounts[number]

    def _user_arn(self, account: _Account, name: str) -> str:
        return next((arn for arn, (_, user) in account.lists[parts.USERS].items() if user.name == name), name)

    def _note(self, document: Document, account: str, count: int, remark: str = "") -> None:
        if document.origin.source != "live":
            self._notes.append(DocumentNote(document.origin, document.kind, account, items=count, reason=remark))

    def _broken(self, document: Document, reason: str) -> None:
        self._notes.append(DocumentNote(document.origin, document.kind, document.account, accepted=False, reason=reason))
        self._gaps.append(
            Gap(
                document.kind,
                State.FAILED,
                f"{document.origin.name}: {reason}",
                account=document.account,
                key=document.key,
                region=document.region,
                origin=document.origin,
                at=document.as_of,
            )
        )
        section = _SECTION_OF_KIND.get(document.kind)
        if section and (document.account or self._only):
            self._account(document.account).section(section, State.FAILED, document, complete=False, detail=reason)


def _home(page: Inventory) -> str:
    """The account most items of a saved answer belong to."""
    counted = Counter(
        entry.account for entries in (page.users, page.roles, page.groups, page.policies) for entry in entries if entry.account
    )
    return counted.most_common(1)[0][0] if counted else ""


__all__ = ["Assembler"]
