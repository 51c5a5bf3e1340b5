"""From decisions to a plan: which are acted on, in which order, and why the others are not."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ...model.account import GROUPS, POLICIES, ROLES, USERS, Snapshot
from ...model.cleanup import Left, Op, Plan, PlanItem, Step, Target, Why
from ...model.event import Event
from ...model.fact import Fact, State, absent
from ...model.finding import Finding, FindingKind
from ...model.identity import Group, Identity, Role, User
from ...model.policy import Grant, Policy, Via
from ...model.review import Decision, Mark, Standing, Subject, SubjectKind
from ...model.surroundings import Surroundings
from ..access import NOTHING_AROUND, way
from ..changes.versions import number
from ..commandtext import Refused
from ..grants import attachments, grants, members
from ..lists import is_root
from ..reach import attached_to
from ..reducing import Reduction, Smaller
from ..reviewing import change_words
from ..words import relative
from . import steps as make
from .naming import validate
from .using import Recent, attached_elsewhere, dependents, seen, unread_words

HOURS = 24
"""What was used within so many hours is not touched, unless somebody says so."""
WAIT = 14
"""Days between deactivating and removing: what runs weekly is noticed, and what runs monthly wants more (`--wait 35`)."""
STACK_TAG, LOGICAL_TAG = "aws:cloudformation:stack-name", "aws:cloudformation:logical-id"


class Marked(msgspec.Struct, frozen=True):
    """A decision in force with what it is about, as it is now.

    item:  the identity, policy or finding; for a grant or key the identity that has it; None when it is not there
    grant: of a decision about a grant
    key:   id of an access key, or its slot and moment; `active` whether it is, `key_used` when it last was
    """

    standing: Standing
    item: Any
    grant: Grant | None = None
    key: str = ""
    active: bool | None = None
    key_used: Fact[Any] = absent(State.NOT_LOADED)

    @property
    def subject(self) -> Subject:
        return self.standing.mark.subject

    @property
    def title(self) -> str:
        return f"{self.subject.noun} {self.subject.name}"


class Settings(msgspec.Struct, frozen=True):
    """hours: see Plan; 0 also touches what was used just now. profiles: delete instance profiles that are left empty."""

    reviewer: str = ""
    campaign: str = ""
    hours: int = HOURS
    wait: int = WAIT
    profiles: bool = False


def plan(
    snapshot: Snapshot,
    marked: Iterable[Marked],
    smaller: Callable[[Identity], Reduction],
    now: datetime,
    settings: Settings = Settings(),  # noqa: B008
    *,
    surroundings: Surroundings = NOTHING_AROUND,
    others: Sequence[Snapshot] = (),
    events: Mapping[str, Sequence[Event]] | None = None,
    gaps: Iterable[str] = (),
) -> Plan:
    """The plan of one account. `smaller`: the engine's smaller policies of an identity; `events`: by ARN, those an identity made lately;
    `others`: accounts that are open beside it, whose roles may trust what goes."""
    made = _Planner(snapshot, smaller, now, settings, surroundings, others, events or {})
    made.take(sorted(marked, key=lambda one: (one.subject.name.casefold(), one.subject.key)))
    return Plan(
        account=snapshot.account,
        partition=snapshot.partition,
        made=now,
        reviewer=settings.reviewer,
        campaign=settings.campaign,
        hours=settings.hours,
        wait=settings.wait,
        as_of=snapshot.as_of,
        items=tuple(msgspec.structs.replace(item, number=number) for number, item in enumerate(made.ordered(), 1)),
        left=tuple(sorted(made.left, key=lambda one: (list(Why).index(one.why), one.title))),
        gaps=(*gaps, *made.gaps()),
    )


_ORDER = ("access key", "grant", "role", "user", "group", "policy")
"""Of removal; its reverse is the order of the roll-back: a trust policy is only taken when the user it names is there again."""


class _Planner:
    def __init__(
        self,
        snapshot: Snapshot,
        smaller: Callable[[Identity], Reduction],
        now: datetime,
        settings: Settings,
        surroundings: Surroundings,
        others: Sequence[Snapshot],
        events: Mapping[str, Sequence[Event]],
    ) -> None:
        self.snapshot, self.smaller, self.now, self.settings, self.surroundings = snapshot, smaller, now, settings, surroundings
        self.others = others
        self.recent = Recent(now, settings.hours, events)
        self.items: list[PlanItem] = []
        self.left: list[Left] = []
        self.unread: list[str] = []
        self.going: set[str] = set()  # ARNs of identities that are removed
        self.losing: set[tuple[str, str]] = set()  # (identity, managed policy) that this plan parts
        self.done: set[tuple[str, str, str]] = set()  # (identity, way, policy) that have a step

    def take(self, marked: Sequence[Marked]) -> None:
        acting = [one for one in marked if self._stands(one)]
        removed = [one for one in acting if one.standing.mark.decision is Decision.REMOVE]
        kinds: dict[SubjectKind, list[Marked]] = {}
        for one in removed:
            kinds.setdefault(one.subject.kind, []).append(one)
        identities = kinds.get(SubjectKind.IDENTITY, [])
        for one in sorted(identities, key=lambda o: isinstance(o.item, Group)):
            self._identity(one)
        for one in kinds.get(SubjectKind.KEY, []):
            self._key(one)
        for one in kinds.get(SubjectKind.GRANT, []):
            self._grant(one)
        for one in acting:
            if one.standing.mark.decision is Decision.REDUCE:
                self._reduce(one)
        for one in kinds.get(SubjectKind.POLICY, []):
            self._policy(one)
        for one in acting:
            if one.subject.kind is SubjectKind.FINDING:
                self._finding(one)

    def ordered(self) -> list[PlanItem]:
        """Keys and grants before the identities, those before the policies they had; a role before the roles it trusts."""
        found = sorted(self.items, key=lambda item: (_ORDER.index(item.noun), item.title.casefold(), item.target.arn))
        roles = {item.target.arn: item for item in found if item.noun == "role" and item.deletes}
        trusts = {arn: [other for other in roles if other != arn and f'"{other}"' in item.trust] for arn, item in roles.items()}
        if not any(trusts.values()):
            return found
        left, placed = dict(roles), []
        while left:
            # One that no role still to come trusts; in a circle the first of them.
            arn = next((a for a in left if not any(a in trusts[other] for other in left if other != a)), next(iter(left)))
            placed.append(left.pop(arn))
        rest = iter(placed)
        return [next(rest) if item.target.arn in roles and item.noun == "role" and item.deletes else item for item in found]

    def gaps(self) -> Iterator[str]:
        snapshot = self.snapshot
        for name in (USERS, ROLES, GROUPS, POLICIES):
            section = snapshot.section(name)
            if not section.complete:
                yield f"{name}: {section.state.value if section.state is not State.KNOWN else 'not read whole'}: who else uses what is marked may be missing"
        if snapshot.as_of is not None and self.settings.hours and self.now - snapshot.as_of > timedelta(hours=self.settings.hours):
            yield f"what was read is {relative(snapshot.as_of, self.now)} old: use since then is not in it; read the account again first"
        if len(self.unread) > 5:
            yield f"last use is not known of {len(self.unread):,} that are marked: {'; '.join(self.unread[:3])} …"
        else:
            yield from self.unread

    # -- what stands ---------------------------------------------------------------------------------------------------

    def _stands(self, one: Marked) -> bool:
        """Whether a decision is acted on at all."""
        held, mark = one.standing, one.standing.mark
        if held.conflict:
            sides = "; ".join(f"{side.reviewer}: {side.decision.value}" for _, _, side in held.marks)
            return self._leave(one, Why.CONFLICT, f"{sides}: decide between them first")
        if mark.decision in (Decision.KEEP, Decision.ASK, Decision.EXCEPTION):
            return self._leave(one, Why.KEPT, mark.decision.value)
        if held.gone:
            return self._leave(one, Why.NOTHING, "it is gone already")
        if held.expired(self.now):
            return self._leave(one, Why.EXPIRED, f"it held until {mark.expires:%Y-%m-%d}")
        if held.changes:
            return self._leave(one, Why.CHANGED, f"{'; '.join(map(change_words, held.changes))}: decide again")
        if one.item is None:
            return self._leave(one, Why.UNREAD, "it is not in what was read, and that is not the whole account")
        if held.unread:
            self.unread.append(f"{one.title}: cannot be read now as it was at the decision: {', '.join(held.unread)}")
        return True

    def _leave(self, one: Marked, why: Why, words: str, instead: Iterable[str] = ()) -> bool:
        self.left.append(Left(one.title, why, words, mark_words(one.standing), tuple(instead)))
        return False

    def _add(self, one: Marked, steps: Iterable[Step], notes: Iterable[str] = (), *, noun: str = "", title: str = "", **more: Any) -> bool:
        """An item of its own; False where a name of it is none that IAM allows."""
        mark, item = one.standing.mark, one.item
        tags = dict(getattr(item, "tags", ()))
        made = PlanItem(
            0,
            noun or one.subject.noun,
            title or one.title,
            mark.decision.value,
            target_of(item),
            mark_words(one.standing),
            tuple(steps),
            tuple(notes),
            tags.get(STACK_TAG, "") if one.subject.kind is not SubjectKind.KEY else "",
            tags.get(LOGICAL_TAG, ""),
            **more,
        )
        try:
            validate(made)
        except Refused as refusal:
            return self._leave(one, Why.CANNOT, str(refusal))
        self.items.append(made)
        return True

    # -- removing ------------------------------------------------------------------------------------------------------

    def _identity(self, one: Marked) -> bool:
        item = one.item
        cannot, instead = _cannot(item)
        if cannot:
            return self._leave(one, Why.CANNOT, cannot, instead)
        lately = self.recent.identity(item, self.snapshot)
        if isinstance(item, Group) and not lately:
            active = (self.recent.identity(user, self.snapshot) for user in members(item, self.snapshot) if user.arn not in self.going)
            lately = next((words for words in active if words), "")
        if lately:
            return self._leave(one, Why.NOT_NOW, lately)
        unread = unread_words(item, self.snapshot)
        if unread:
            self.unread.append(unread)
        notes = [*dependents(item, self.snapshot, self.surroundings, self.others)]
        fact = seen(item, self.snapshot) if not isinstance(item, Group) else None
        if fact is not None and fact.is_known and isinstance(fact.value, datetime):
            notes.insert(0, f"last seen {fact.value:%Y-%m-%d %H:%M} UTC ({fact.source})")
        more: dict[str, Any] = {
            "tags": tuple(pair for pair in getattr(item, "tags", ()) if not pair[0].startswith("aws:")),
            "boundary": item.boundary.arn if not isinstance(item, Group) and item.boundary is not None else "",
            "attached": tuple(ref.arn for ref in item.attached),
            "inline": tuple(policy.name for policy in item.inline),
        }
        if isinstance(item, User | Role) and not make.denies(item):
            notes.append(f"its inline policies leave no room for {make.DENY_NAME}: what it may do is not taken away before it is removed")
        if isinstance(item, User):
            found = make.user(item)
            more["groups"] = item.groups
        elif isinstance(item, Role):
            found = make.role(item, profiles_too=self.settings.profiles)
            more |= {"trust": item.trust, "description": item.description, "session": item.max_session}
            more |= {"used": item.last_used, "used_told": item.last_used_told, "profiles": tuple(p.name for p in item.instance_profiles)}
            if item.instance_profiles and not self.settings.profiles:
                notes.append("its instance profiles stay, empty: --delete-profiles deletes them too")
        else:
            names = tuple(user.name for user in members(item, self.snapshot))
            found = make.group(item, names)
            more["members"] = names
        if not self._add(one, found, notes, **more):
            return False
        self.going.add(item.arn)
        self.losing.update((item.arn, ref.arn) for ref in item.attached)
        if more["boundary"]:
            self.losing.add((item.arn, more["boundary"]))
        return True

    def _key(self, one: Marked) -> bool:
        if one.item.arn in self.going:
            return self._leave(one, Why.NOTHING, f"it goes with the user {one.item.name}")
        if is_root(one.item):
            return self._leave(one, Why.CANNOT, "a key of root is deleted by root itself, signed in: My security credentials")
        lately = self.recent.key(one.item, self.snapshot, one.key, one.key_used)
        if lately:
            return self._leave(one, Why.NOT_NOW, lately)
        notes = []
        if not one.key_used.is_known and one.key_used.state not in (State.NEVER, State.NOT_IN_TRACKING_PERIOD):
            self.unread.append(f"last use of {one.title}: {one.key_used.state.value}")
        elif one.key_used.is_known and isinstance(one.key_used.value, datetime):
            notes.append(f"last used {one.key_used.value:%Y-%m-%d %H:%M} UTC ({one.key_used.source})")
        self._add(one, make.key(one.key, active=one.active), notes)
        return True

    def _grant(self, one: Marked) -> bool:
        item, grant = one.item, one.grant
        assert grant is not None
        if item.arn in self.going:
            return self._leave(one, Why.NOTHING, f"it goes with {item.name}")
        cannot, instead = _cannot(item, grant=True)
        if cannot:
            return self._leave(one, Why.CANNOT, cannot, instead)
        if grant.via is Via.BOUNDARY:
            return self._leave(one, Why.BY_HAND, "a boundary only limits: without it the identity may do more; set a tighter one instead")
        if grant.via in (Via.GROUP_ATTACHED, Via.GROUP_INLINE) and not isinstance(item, Group):
            words = (
                f"it comes {way(grant)}: take {item.name} out of {grant.group}, or decide about the group, whose other members have it too"
            )
            return self._leave(one, Why.BY_HAND, words)
        lately = self.recent.grant(item, self.snapshot, grant)
        if lately:
            return self._leave(one, Why.NOT_NOW, lately)
        step = (
            make.detach(grant.policy_arn, grant.policy_name)
            if grant.policy_arn
            else make.inline_delete(grant.policy_name, grant.document or "")
        )
        self._step(one, item, grant, step)
        return True

    def _step(self, one: Marked, item: Identity, grant: Grant, step: Step, notes: Iterable[str] = ()) -> None:
        place = (item.arn, grant.via.value, grant.policy_arn or grant.policy_name)
        if place in self.done:
            self._leave(one, Why.NOTHING, f"{grant.policy_name} of {item.name} has a step already")
            return
        self.done.add(place)
        kind = target_of(item).kind
        if self._add(one, (step,), notes, noun="grant", title=f"{grant.policy_name} of {kind} {item.name}") and step.op in (
            Op.DETACH,
            Op.COPY,
        ):
            self.losing.add((item.arn, step.part))

    def _policy(self, one: Marked) -> bool:
        item: Policy = one.item
        if item.aws_managed:
            return self._leave(one, Why.CANNOT, "it is AWS's own: decide about the grants of those who have it")
        needed = attached_elsewhere(item, self.snapshot, frozenset(self.losing))
        if needed:
            held = [h for h in attachments(item, self.snapshot) if (h.arn, item.arn) not in self.losing and not h.as_boundary]
            return self._leave(
                one,
                Why.NEEDED,
                needed,
                (shlex.join(("iamtui", "review", "decide", "remove", h.arn, f"--grant={item.name}")) for h in held[:5]),
            )
        ordered = sorted(item.versions, key=lambda v: number(v.version_id))
        versions = tuple((v.version_id, v.is_default or v.version_id == item.default_version_id, v.document) for v in ordered)
        notes = (
            []
            if all(document for _, _, document in versions)
            else ["the text of some versions was not read: they are saved when it is deleted"]
        )
        self._add(
            one,
            make.policy(item),
            notes,
            versions=versions,
            holders=tuple(dict.fromkeys((held.kind, held.name) for held in attachments(item, self.snapshot))),
            description=item.description,
            tags=tuple(p for p in item.tags if not p[0].startswith("aws:")),
        )
        return True

    def _finding(self, one: Marked) -> bool:
        finding: Finding = one.item
        if finding.arn in self.going:
            return self._leave(one, Why.NOTHING, f"it goes with {finding.name}")
        instead = [shlex.join(("iamtui", "review", "decide", "reduce", finding.arn))] if finding.kind is FindingKind.UNUSED else []
        return self._leave(one, Why.BY_HAND, f"{finding.claim}. {finding.todo}", instead)

    # -- reducing ------------------------------------------------------------------------------------------------------

    def _reduce(self, one: Marked) -> bool:
        item = one.item
        if isinstance(item, Finding):
            return False
        if one.subject.kind is SubjectKind.KEY:
            return self._leave(one, Why.BY_HAND, "a key has no rights of its own: decide about the user's policies")
        only = one.grant
        if isinstance(item, Policy):
            holders = attached_to(self.snapshot).get(item.arn, ())
            if len(holders) != 1 or (item.attachment_count or 0) > 1:
                words = f"{len(holders)} have it: the engine makes a policy smaller by what one of them uses; decide reduce on each"
                return self._leave(one, Why.BY_HAND, words)
            policy, item = item, holders[0]
            only = next((g for g in grants(item, self.snapshot) if g.policy_arn == policy.arn and g.via is Via.ATTACHED), None)
        if item.arn in self.going:
            return self._leave(one, Why.NOTHING, f"{item.name} goes as a whole")
        cannot, instead = _cannot(item, grant=True)
        if cannot:
            return self._leave(one, Why.CANNOT, cannot, instead)
        found = [g for g in grants(item, self.snapshot) if g.via is not Via.BOUNDARY and g.document]
        pairs = [(g, s) for g, s in zip(found, self.smaller(item).policies, strict=True) if only is None or g == only]
        changed = [(g, s) for g, s in pairs if s.changed]
        if not changed:
            words = "its text was not read" if only is not None and not pairs else "as far as sources tell, nothing of it is unused"
            return self._leave(one, Why.NOTHING, words)
        holder = msgspec.structs.replace(one, item=item)
        for grant, policy_ in changed:
            self._smaller(holder, item, grant, policy_)
        return True

    def _smaller(self, one: Marked, item: Identity, grant: Grant, found: Smaller) -> None:
        try:
            step = make.smaller(item, self.snapshot, grant, found)
        except Refused as refusal:
            self._leave(one, Why.BY_HAND, f"{grant.policy_name}: {refusal}")
            return
        self._step(one, item, grant, step, (f"{grant.policy_name} ({found.way}): {note}" for note in found.notes))


def _cannot(item: Any, *, grant: bool = False) -> tuple[str, tuple[str, ...]]:
    """Why an identity cannot be changed by the commands of a plan, and what to do instead."""
    if isinstance(item, User) and is_root(item):
        return "root cannot be removed: delete its access keys, give it an MFA device, and do not use it", ()
    if isinstance(item, Role) and item.service_linked:
        if grant:
            return "a service-linked role's policies are its service's, and nobody else can change them", ()
        words = (
            "it is service-linked: its service deletes it, once nothing of the service uses it any more; "
            "AWS refuses before, and tells by get-service-linked-role-deletion-status which resources"
        )
        return words, (shlex.join(("aws", "iam", "delete-service-linked-role", f"--role-name={item.name}")),)
    if isinstance(item, Role) and item.identity_center:
        words = (
            "it is Identity Center's: delete the assignments of its permission set to this account there (aws sso-admin "
            "delete-account-assignment), or change the permission set; the role goes with the last one"
        )
        return words, ()
    return "", ()


def target_of(item: Any) -> Target:
    if isinstance(item, Policy):
        return Target("policy", item.name, item.policy_id, item.arn, item.path)
    kind = "user" if isinstance(item, User) else "role" if isinstance(item, Role) else "group"
    return Target(kind, item.name, item.unique_id, item.arn, item.path)


def mark_words(held: Standing) -> str:
    """Who decided what, when, why: `remove, by ana 2026-10-01: left (SEC-1)`."""
    mark: Mark = held.mark
    who = ", ".join(dict.fromkeys(side.reviewer for _, _, side in held.marks)) or mark.reviewer
    return (
        f"{mark.decision.value}, by {who} {held.at:%Y-%m-%d}"
        + (f": {mark.reason}" if mark.reason else "")
        + (f" ({mark.ticket})" if mark.ticket else "")
    )
