"""Two points in time compared: bundles, evidence folders, saved answers, or what is open; and one identity over many of them.

Nothing here is for the event loop.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..analysis.snapshots.difference import Comparison, Difference, Note, Side
from ..errors import BadInputError, NotFoundError
from ..model.account import Snapshot, World
from ..model.document import Gap
from ..model.identity import Group, Identity, Role, User
from ..model.policy import Policy
from ..model.surroundings import Surroundings
from ..source.base import Cancelled, never_cancelled

if TYPE_CHECKING:
    from ..analysis.attribution import Chain
    from ..analysis.changes.history import EventReach
    from ..model.event import Event
    from .facade import Session

IAM = "iam.amazonaws.com"
OPEN = "now"
"""What stands for the account that is open where a path is asked for."""


class Point(msgspec.Struct, frozen=True, eq=False):
    """One point in time, read. `label` is what a person called it."""

    label: str
    session: Session
    world: World
    around: Surroundings

    @property
    def as_of(self) -> datetime | None:
        """The oldest of its lists, as everywhere; of an account without lists the oldest answer."""
        dates = [snapshot.as_of for snapshot in self.world.snapshots if snapshot.as_of]
        if not dates:
            dates = [section.as_of for snapshot in self.world.snapshots for section in snapshot.sections.values() if section.as_of]
        return min(dates, default=None)


def point_of(session: Session, label: str) -> Point:
    """What a session that has been read holds. Raises BadInputError when that is no account."""
    from .facade import Session as Open

    assert isinstance(session, Open)
    around = session.surroundings()
    world = session.world
    if not world.snapshots:
        reasons = list(dict.fromkeys(gap.reason for gap in world.gaps)) or [problem.what for problem in session.problems()]
        why = f": {reasons[0]}" if reasons else ""
        raise BadInputError(f"{label} holds no account{why}", "give a bundle (iamtui collect), an evidence folder or saved answers")
    return Point(label, session, world, around)


def opened(paths: Sequence[str], now: Callable[[], datetime], trails: Path | None = None, cancelled: Cancelled = never_cancelled) -> Point:
    """A bundle, a folder or files, read as evidence. Raises BadInputError when nothing of an account is in it."""
    from ..source.evidence import EvidenceSource
    from .facade import Session

    for path in paths:
        if not os.path.lexists(path):
            raise BadInputError(f"There is no file or folder {path}", "iamtui collect -o FILE writes a bundle")
        held = bundles_in(path)
        if len(held) > 1:
            raise BadInputError(
                f"{path} holds {len(held):,} bundles, each a point in time of its own", f"name one of them, such as {held[-1]}"
            )
    session = Session(EvidenceSource(tuple(paths)), now=now, trails=trails)
    session.open()
    for _ in session.refresh(cancelled):
        pass
    return point_of(session, paths[0])


def bundles_in(folder: str) -> list[str]:
    """The bundles that lie in a folder, by the dates they were made; () for a file, and for a folder of other files."""
    if not os.path.isdir(folder):
        return []
    from ..source.evidence.bundle import made

    try:
        with os.scandir(folder) as entries:
            files = [entry.path for entry in entries if entry.name.endswith(".zip") and entry.is_file()]
    except OSError:
        return []
    dated = [(at, path) for path in files if (at := made(path)) is not None]
    return [path for _, path in sorted(dated)]


# -- two points ------------------------------------------------------------------------------------------------------


def compared(old: Point, new: Point, cancelled: Cancelled = never_cancelled, *, look_up: bool = False) -> Comparison:
    """Everything that is another at the newer point, and who did it as far as events of that point tell.

    look_up: of a live account, ask CloudTrail's event history for the calls that change identities and policies: half a minute and more.
    Raises BadInputError when the two have no account in common.
    """
    from ..analysis.snapshots.comparing import compare

    numbers = [{snapshot.account for snapshot in point.world.snapshots} for point in (old, new)]
    if not numbers[0] & numbers[1]:
        told = [", ".join(sorted(one)) for one in numbers]
        raise BadInputError(f"{old.label} is of account {told[0]} and {new.label} of account {told[1]}: there is nothing to compare")
    found = compare(old.world, new.world, old.around, new.around, cancelled=cancelled)
    notes = [*found.notes, *_gap_notes(old, Side.OLD), *_gap_notes(new, Side.NEW)]
    if old.as_of is not None and new.as_of is not None and old.as_of > new.as_of:
        words = (
            f"{old.label} ({_day(old.as_of)}) is younger than {new.label} ({_day(new.as_of)}): told from the one to the other all the same"
        )
        notes.append(Note(Side.BOTH, words, partial=False))
    found = msgspec.structs.replace(found, notes=tuple(dict.fromkeys(notes)))
    if not found.differences or cancelled():
        return found
    pairs = [(one, two) for one in old.world.snapshots if (two := new.world.snapshot(one.account)) is not None]
    return _told(found, new.session, pairs, cancelled, look_up=look_up)


def _gap_notes(point: Point, side: Side) -> Iterator[Note]:
    """What could not be read at a point, by name."""
    gaps: list[Gap] = list(point.world.gaps)
    for snapshot in point.world.snapshots:
        gaps += snapshot.gaps
    for gap in gaps:
        where = " ".join(part for part in (gap.action, gap.key, gap.region) if part)
        yield Note(side, f"{side.value}: {gap.state.value}{f' {where}' if where else ''}: {gap.reason}", gap.account)


def _told(
    found: Comparison, session: Session, pairs: Sequence[tuple[Snapshot, Snapshot]], cancelled: Cancelled, *, look_up: bool = False
) -> Comparison:
    """The same with who did it."""
    from ..analysis.snapshots.doers import OPERATIONS, with_doers

    if session.info.kind not in ("live", "cache") and not session.windows():
        for _ in session.load_events(None, cancelled):
            pass
    elif look_up:
        for _ in session.load_account_changes(cancelled, since=found.since):
            pass
    events = session.search.of_calls(IAM, OPERATIONS) if session.has_events() else ()
    wanted = set(OPERATIONS)
    mine = [event for event in events if event.source == IAM and event.name in wanted]
    chains = session.chains(mine)

    def behind(event: Event) -> Chain:
        return chains.of(event)

    return with_doers(found, pairs, mine, behind, _reach(session, pairs))


def _reach(session: Session, pairs: Sequence[tuple[Snapshot, Snapshot]]) -> EventReach:
    from ..analysis.changes.history import EventReach, reach_of

    if not session.has_events() and session.info.kind not in ("live", "cache"):
        return EventReach(why=f"no events are in {'the newer one' if session.info.kind == 'evidence' else 'what was read'}")
    if session.info.kind == "live":
        return session.history(pairs[0][1]).reach()
    return reach_of(session.windows(), pairs[0][1].partition, session.info.kind)


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


# -- lists -----------------------------------------------------------------------------------------------------------


def narrowed(found: Comparison, filter_text: str, now: datetime, sort: str = "", *, descending: bool = False) -> tuple[Difference, ...]:
    """The differences that pass a filter of the explorer's language, in another order where one is asked for. Raises UsageError."""
    from ..analysis.filtering import parse
    from ..analysis.indexing import Index
    from ..analysis.snapshots.columns import COLUMNS

    held = found.differences
    wanted = parse(filter_text, COLUMNS, now)
    if not wanted and not sort:
        return held
    index = Index(COLUMNS, [(one, None) for one in held], now)
    places: Sequence[int] = index.select(wanted) if wanted else range(len(held))
    if sort:
        places = index.sorted(places, sort, descending)
    return tuple(held[place] for place in places)


# -- one identity over many points -----------------------------------------------------------------------------------


class Seen(msgspec.Struct, frozen=True):
    """One point of a history. `there` None: its list was not read then."""

    label: str
    as_of: datetime | None
    there: bool | None


class Step(msgspec.Struct, frozen=True):
    """One difference of a history, with the two points it lies between."""

    since: str
    until: str
    difference: Difference


class History(msgspec.Struct, frozen=True):
    """What became of one identity or policy over many points.

    names: every name and ARN it had; created: its own date, when one is told
    steps: oldest first, the gravest of two points first
    """

    kind: str
    name: str
    arns: tuple[str, ...]
    created: datetime | None
    seen: tuple[Seen, ...]
    steps: tuple[Step, ...]
    notes: tuple[str, ...]


def history(
    name: str,
    paths: Iterable[str],
    now: Callable[[], datetime],
    trails: Path | None = None,
    cancelled: Cancelled = never_cancelled,
    tell: Callable[[str], None] = lambda words: None,
    last: Session | None = None,
) -> History:
    """When it appeared, and every difference with the two points between which it came about.

    paths: bundles, folders or files, in any order: their own dates decide. `last`: a session that is open, as the newest point.
    One that is damaged or no account is a note. Raises NotFoundError when the name is in none of them, BadInputError when none can be read.
    """
    refused: dict[str, str] = {}
    places = _in_order(paths, now, refused, cancelled)
    arns: frozenset[str] = frozenset()
    while True:
        found = _History(name, arns)
        for path in places:
            if cancelled():
                break
            tell(path)
            try:
                found.add(opened((path,), now, trails, cancelled), cancelled)
            except BadInputError as error:
                refused[path] = error.message
        if last is not None and not cancelled():
            found.add(point_of(last, OPEN), cancelled)
        if found.arns == arns or found.arns == found.named or cancelled():
            break
        arns = frozenset(found.arns)  # it had other names before: what happened under those belongs to it
    if len(refused) == len(places) and last is None:
        raise BadInputError(next(iter(refused.values()), "There is no bundle to look at"), "iamtui collect -o FILE writes a bundle")
    return found.told(tuple(refused.values()))


def _in_order(paths: Iterable[str], now: Callable[[], datetime], refused: dict[str, str], cancelled: Cancelled) -> list[str]:
    """Bundles, files and folders by their own dates; a folder of bundles stands for all of them."""
    from ..source.evidence.bundle import made

    dated: dict[str, datetime] = {}
    for path in (one for given in paths for one in (bundles_in(given) or [given])):
        at = made(path)
        if at is None and not cancelled():
            try:
                at = opened((path,), now, None, cancelled).as_of
            except BadInputError as error:
                refused[path] = error.message
        dated[path] = at or now()
    return sorted(dated, key=lambda path: (dated[path], path))


class _History:
    """A history that grows by one point after another; each is let go when the next has been compared with it.

    Where a point has not read a list, the last one that had stands in for it: what changed then is told between those two.
    """

    def __init__(self, name: str, arns: frozenset[str]) -> None:
        self.name, self._kind = name, ""
        self._item: Identity | Policy | None = None
        self.arns: set[str] = set(arns)
        self.named: set[str] = set()
        self._before: dict[str, tuple[Snapshot, Surroundings]] = {}
        self._labels: dict[datetime, str] = {}
        self._seen: list[Seen] = []
        self._steps: list[Step] = []
        self._notes: dict[str, None] = {}

    def add(self, point: Point, cancelled: Cancelled) -> None:
        here = self._find(point)
        self._seen.append(Seen(point.label, point.as_of, here))
        for snapshot in point.world.snapshots:
            for section in snapshot.sections.values():
                if section.as_of is not None:
                    self._labels.setdefault(section.as_of, point.label)
        for gap in _gap_notes(point, Side.NEW):
            self._notes[f"{point.label}: {gap.words.partition(': ')[2]}"] = None
        for snapshot in point.world.snapshots:
            self._compare(point, snapshot, cancelled)

    def _find(self, point: Point) -> bool | None:
        from ..analysis.lookup import resolve

        hits = [hit for hit in resolve(self.name, point.world) if isinstance(hit.item, User | Role | Group | Policy)]
        exact = [hit for hit in hits if hit.how not in ("prefix", "substring")]
        if exact and not self._kind:
            self._kind = exact[0].kind
        mine = [hit.item for hit in exact if hit.kind == self._kind]
        others = {hit.kind for hit in exact} - {self._kind}
        if others:
            self._notes[f"{', '.join(sorted(others))} of this name are left out; write user/NAME or role/NAME to choose"] = None
        self.named.update(item.arn for item in mine)
        self.arns.update(item.arn for item in mine)
        held = [item for item in _items(point.world) if item.arn in self.arns]
        if held:
            self._item = held[0]
            return True
        section = self._kind or "users"
        told = any(snapshot.section(section).complete for snapshot in point.world.snapshots)
        return False if told else None

    def _compare(self, point: Point, snapshot: Snapshot, cancelled: Cancelled) -> None:
        from ..analysis.snapshots.comparing import compare_snapshots
        from .merging import merge_snapshot

        held = self._before.get(snapshot.account)
        if held is not None and self.arns:
            old, around = held
            found = compare_snapshots(old, snapshot, around, point.around, only=self.arns, cancelled=cancelled)
            mine = tuple(one for one in found.differences if self._is_of(one))
            if mine:
                told = _told(msgspec.structs.replace(found, differences=mine), point.session, [(old, snapshot)], cancelled)
                for one in told.differences:
                    self.arns.update(filter(None, (one.arn, one.old_arn)) if one.arn in self.arns or one.old_arn in self.arns else ())
                    since = self._labels.get(one.since, "") if one.since else ""
                    self._steps.append(Step(since, point.label, one))
            for note in found.notes:
                if note.partial and note.side is not Side.OLD:
                    self._notes[f"{point.label}: {note.words}"] = None
        self._before[snapshot.account] = (merge_snapshot(held[0] if held is not None else None, snapshot), point.around)

    def _is_of(self, one: Difference) -> bool:
        return one.arn in self.arns or one.old_arn in self.arns or any(arn in self.arns for arn in one.reaches)

    def told(self, refused: tuple[str, ...] = ()) -> History:
        if not self.arns or self._item is None:
            raise NotFoundError(f"{self.name} is in none of them", "give a name, an ARN or a unique id")
        item = self._item
        return History(
            kind=self._kind.rstrip("s") if self._kind != "policies" else "policy",
            name=item.name,
            arns=tuple(sorted(self.arns)),
            created=item.created,
            seen=tuple(self._seen),
            steps=tuple(self._steps),
            notes=(*refused, *self._notes),
        )


def _items(world: World) -> Iterator[Identity | Policy]:
    yield from world.identities()
    for snapshot in world.snapshots:
        yield from snapshot.policies
