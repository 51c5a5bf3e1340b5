"""Everything the other analyses claim, as findings: what an attacker would use first stands first.

Order: by severity, and within one what can be reached from outside, then ways to an administrator's rights, then what policies
give away, then what is held for nothing. A claim that the facts do not carry is not made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from ..model.account import Snapshot
from ..model.fact import State
from ..model.finding import Finding, FindingKind, Severity
from ..model.identity import Group, Identity, Role, User
from ..model.surroundings import Surroundings
from ..policy.validation import Remark, validate
from .access import NOTHING_AROUND
from .escalation.crossing import crossings
from .escalation.evaluating import Escalation, Field, Hops, escalations, hops
from .exposure import Exposure, exposures
from .reach import attached_to
from .unused import idle_words, signs

UNUSED_DAYS = 90
_MOST_EVIDENCE = 12
_KINDS = list(FindingKind)


def findings(
    snapshots: Iterable[Snapshot],
    surroundings: Surroundings = NOTHING_AROUND,
    now: datetime | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Finding, ...]:
    """All findings of the open accounts. `now` judges what is unused; without it nothing is called unused."""
    known = tuple(snapshots)
    found = [_exposed(one, known) for one in exposures(known, surroundings)]
    fields: dict[str, Field] = {}
    ways: list[Escalation] = []
    chains: list[Hops] = []
    for snapshot in known:
        if cancelled():
            return ()
        field = fields[snapshot.account] = Field(snapshot, surroundings)
        walked = escalations(field)
        ways += walked
        chains += hops(field, walked)
        found += _policies(snapshot)
        if now is not None:
            found += _unused(snapshot, field, now)
    found += _escalating(ways, chains)
    if len(known) > 1 and not cancelled():
        found += _crossing(crossings(fields, ways, chains)[0], {snapshot.account: snapshot.label for snapshot in known}, fields)
    return tuple(sorted(found, key=lambda f: (f.severity.rank, _KINDS.index(f.kind), f.subject, f.name, f.claim)))


# -- exposure --------------------------------------------------------------------------------------------------------

# What stands in why (`analysis.exposure`) -> what to do.
_REMEDIES = (
    ("NotPrincipal", "name who may instead of who may not"),
    ("open to everybody", "name the accounts or the organisation (aws:PrincipalOrgID)"),
    ("without an external id", "ask for an external id (sts:ExternalId), or name the other side's role"),
    ("confused deputy", "ask for aws:SourceAccount or aws:SourceArn"),
    ("subject", "name the repository and branch, or the client, in the subject condition"),
    ("audience", "name the audience and the subject in conditions"),
    ("deleted", "take the statement away"),
    ("canonical user", "name the account by its ARN"),
)


def _exposed(one: Exposure, snapshots: Iterable[Snapshot]) -> Finding:
    name = one.resource.split(":", 5)[-1]
    if one.kind == "role":
        name = name.rpartition("/")[2]
    evidence = [f"who: {one.who}", f"actions: {', '.join(one.actions)}", f"statement: {one.label}"]
    evidence += [f"only if {condition}" for condition in one.only_if] or ["no condition narrows it"]
    owner = one.resource.split(":")[4] if one.resource.count(":") >= 5 else ""
    return Finding(
        key=f"exposure/{one.resource}/{one.label}/{one.who}",
        severity=one.severity,
        kind=FindingKind.EXPOSURE,
        name=name,
        arn=one.resource,
        subject=one.kind,
        account=owner or next((snapshot.account for snapshot in snapshots), ""),
        claim=_opening(one),
        evidence=tuple(evidence),
        todo=next((todo for words, todo in _REMEDIES if words in one.why), "see that it is meant, and narrow it by conditions"),
        tab="trust" if one.kind == "role" else "",
        document=one.document,
        statement=one.statement,
    )


def _opening(one: Exposure) -> str:
    """What it is in front, who in brackets, because lists cut the end off."""
    short, colon, rest = one.why.partition(": ")
    return f"{short} ({one.who}){colon}{rest}"


# -- escalation ------------------------------------------------------------------------------------------------------


def _escalating(ways: Iterable[Escalation], chains: Iterable[Hops]) -> Iterator[Finding]:
    """One finding an identity: the ways it has, the surest first."""
    by: dict[str, list[Escalation]] = {}
    for way in ways:
        by.setdefault(way.identity.arn, []).append(way)
    for held in by.values():
        held.sort(key=lambda way: (bool(way.conditions), len(way.unseen), len(way.path.permissions)))
        first = held[0]
        sure = sum(1 for way in held if not way.conditions)
        others = len(held) - 1
        more = f", and {others} other {'way' if others == 1 else 'ways'}" if others else ""
        evidence = [_way_words(way) for way in held[:_MOST_EVIDENCE]]
        if len(held) > _MOST_EVIDENCE:
            evidence.append(f"and {len(held) - _MOST_EVIDENCE} more: iamtui escalations {first.identity.name}")
        yield _of_identity(
            first.identity,
            FindingKind.ESCALATION,
            Severity.HIGH if sure else Severity.MEDIUM,
            f"can become {first.ends_as}: {first.path.title}{more}",
            tuple(evidence),
            f"take {first.path.actions[0]} away, narrow its resource, or hold it by a permissions boundary",
        )
    for chain in chains:
        over = " → ".join(role.name for role in chain.roles)
        last = [f"there: {_way_words(chain.last)}"] if chain.last is not None else [f"{chain.roles[-1].name} is an administrator"]
        yield _of_identity(
            chain.identity,
            FindingKind.ESCALATION,
            Severity.HIGH if len(chain.roles) == 1 and chain.last is None else Severity.MEDIUM,
            f"ends as an administrator by assuming {over}",
            (f"assumes in turn: {over}", *last),
            f"see that {chain.roles[0].name} is meant to be assumed by it, and ask for MFA in the trust policy",
        )


def _called(names: Mapping[str, str], account: str) -> str:
    """An account by its name; an ARN of an answer that was written by hand may tell none."""
    return names.get(account) or account or "an account that is not told"


def _crossing(chains: Iterable[Hops], names: Mapping[str, str], fields: Mapping[str, Field]) -> Iterator[Finding]:
    """One finding an identity: the accounts it ends in as an administrator. Who administers his own account has less to gain."""
    by: dict[str, list[Hops]] = {}
    for chain in chains:
        by.setdefault(chain.identity.arn, []).append(chain)
    for held in by.values():
        held.sort(key=lambda chain: (bool(chain.conditions), len(chain.roles), _called(names, chain.account).casefold()))
        first = held[0]
        over = " → ".join(f"{role.name} of {_called(names, role.account)}" for role in first.roles)
        others = len({chain.account for chain in held}) - 1
        more = f", and {others} other {'account' if others == 1 else 'accounts'}" if others else ""
        evidence = [crossing_words(chain, names) for chain in held[:_MOST_EVIDENCE]]
        if len(held) > _MOST_EVIDENCE:
            evidence.append(f"and {len(held) - _MOST_EVIDENCE} more: iamtui escalations {first.identity.name}")
        home = next((account for account, field in fields.items() if first.identity.arn in field.around), first.identity.account)
        own = home in fields and first.identity.arn in fields[home].admins
        made = _of_identity(
            first.identity,
            FindingKind.ESCALATION,
            Severity.MEDIUM if own or first.conditions else Severity.HIGH,
            f"ends as an administrator of other accounts: {_called(names, first.account)} by assuming {over}{more}",
            tuple(evidence),
            f"see that {first.roles[0].name} is meant to be assumed from account {_called(names, home)}, and narrow its trust policy",
        )
        yield msgspec.structs.replace(made, account=home)


def crossing_words(chain: Hops, names: Mapping[str, str]) -> str:
    """A way between accounts in one line."""
    over = " → ".join(f"{names.get(role.account, role.account)}/{role.name}" for role in chain.roles)
    last = f", there: {_way_words(chain.last)}" if chain.last is not None else ""
    return f"assumes {over}{last}{f' when {chain.conditions}' if chain.conditions else ''}"


def _way_words(way: Escalation) -> str:
    when = f" when {way.conditions}" if way.conditions else ""
    unseen = f" (not seen here: {'; '.join(way.unseen)})" if way.unseen else ""
    return f"{way.path.title} → {way.ends_as}{when}{unseen}"


# -- policies --------------------------------------------------------------------------------------------------------

_SEVERITIES = {"high": Severity.HIGH, "medium": Severity.MEDIUM, "low": Severity.LOW}


def _policies(snapshot: Snapshot) -> Iterator[Finding]:
    """What is wrong or risky in the account's own policies; inline ones that read alike are told once."""
    for policy in snapshot.policies:
        version = policy.default_version
        if policy.aws_managed or version is None or not version.document:
            continue
        users = [one.name for one in attached_to(snapshot).get(policy.arn, ())]
        where = f"attached to {_few(users)}" if users else "attached to nobody"
        found = _remarked(policy.name, policy.arn, "policy", snapshot.account, version.document, where, in_use=bool(users))
        if found is not None:
            yield found
    alike: dict[str, list[tuple[Identity, str]]] = {}
    everyone: tuple[Identity, ...] = (*snapshot.users, *snapshot.roles, *snapshot.groups)
    for identity in everyone:
        for inline in identity.inline:
            if inline.document and not (isinstance(identity, Role) and identity.service_linked):
                alike.setdefault(inline.document, []).append((identity, inline.name))
    for text, holders in alike.items():
        identity, name = holders[0]
        where = f"inline policy {name} of {_few([one.name for one, _ in holders])}"
        found = _remarked(identity.name, identity.arn, _noun(identity), snapshot.account, text, where, in_use=True)
        if found is not None:
            yield found


def _remarked(name: str, arn: str, subject: str, account: str, text: str, where: str, *, in_use: bool) -> Finding | None:
    remarks = validate(text)
    grave = [remark for remark in remarks if remark.broken or remark.severity.value != "low"]
    if not grave:
        return None
    first = grave[0]
    severity = _SEVERITIES[first.severity.value] if in_use else Severity.LOW
    more = f", and {len(grave) - 1} more" if len(grave) > 1 else ""
    return Finding(
        key=f"policy/{arn}/{where if subject != 'policy' else ''}",
        severity=severity,
        kind=FindingKind.POLICY,
        name=name,
        arn=arn,
        subject=subject,
        account=account,
        claim=f"{first.words}{f' ({first.statement})' if first.statement else ''}{more}",
        evidence=(where, *(_remark_words(remark) for remark in grave[:_MOST_EVIDENCE])),
        todo=next((remark.what_to_do for remark in grave if remark.what_to_do), "see that it is meant"),
        tab="document" if subject == "policy" else "permissions",
        document=text,
    )


def _remark_words(remark: Remark) -> str:
    where = f"{remark.statement}: " if remark.statement else ""
    return f"{where}{remark.words}{f'; {remark.what_to_do}' if remark.what_to_do else ''}"


def _few(names: list[str]) -> str:
    return f"{', '.join(names[:4])} and {len(names) - 4} more" if len(names) > 5 else ", ".join(names)


# -- unused ----------------------------------------------------------------------------------------------------------


def _unused(snapshot: Snapshot, field: Field, now: datetime) -> Iterator[Finding]:
    """Identities nobody has used for the days, by what the lists tell; new ones and those without any rights are spared."""
    everyone: tuple[User | Role, ...] = (*snapshot.users, *snapshot.roles)
    for identity in everyone:
        if isinstance(identity, Role) and identity.service_linked:
            continue
        if identity.created is None or identity.created > now - timedelta(days=UNUSED_DAYS):
            continue
        if not field.around[identity.arn].layers.identity:
            continue
        told = signs(identity, snapshot, ())
        idle = idle_words(identity, told, now, UNUSED_DAYS)
        if not idle:
            continue
        admin = identity.arn in field.admins
        policies = len(field.around[identity.arn].layers.identity)
        evidence = [f"{label}: {_fact_words(fact.state, fact.value)} ({fact.source})" for label, fact in told]
        evidence.append(f"created {identity.created:%Y-%m-%d}, holds {policies} {'policy' if policies == 1 else 'policies'}")
        yield _of_identity(
            identity,
            FindingKind.UNUSED,
            Severity.MEDIUM if admin else Severity.LOW,
            f"{idle}{', and it is an administrator' if admin else ''}",
            tuple(evidence),
            "ask its owner, then take its keys, password or trust away before deleting it",
        )


def _fact_words(state: State, value: datetime | None) -> str:
    return f"{value:%Y-%m-%d}" if value is not None else state.value


def _of_identity(identity: Identity, kind: FindingKind, severity: Severity, claim: str, evidence: tuple[str, ...], todo: str) -> Finding:
    return Finding(
        key=f"{kind.value}/{identity.arn}#{identity.unique_id}/{'' if kind is not FindingKind.ESCALATION else claim[:40]}",
        severity=severity,
        kind=kind,
        name=identity.name,
        arn=identity.arn,
        subject=_noun(identity),
        account=identity.account,
        claim=claim,
        evidence=evidence,
        todo=todo,
        tab="used" if kind is FindingKind.UNUSED else "permissions",
    )


def _noun(identity: Identity) -> str:
    return "user" if isinstance(identity, User) else "group" if isinstance(identity, Group) else "role"
