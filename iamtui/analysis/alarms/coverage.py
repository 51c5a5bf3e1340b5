"""Would an alarm fire, and who would hear? Every way from an event to a person, whole or broken, over what was read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from ...model import guards as watch
from ...model.guards import EventRule, Guards, MetricFilter, Trail
from .alarming import acting, alarms_on, reaches
from .eventpattern import event_pattern
from .filterpattern import LogEvent, filter_pattern, log_event
from .hearing import Ear, ear_of
from .keeping import delivers, keeps
from .links import Hearer, Link, Standing, Way, not_read
from .samples import GLOBAL_REGION, Sample, Watched, envelopes
from .told import Told, any_of, unknown

_READS = ("Get", "List", "Describe")
_MOST_BUSES = 3
ALL_EVENTS = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"


class Verdict(StrEnum):
    """Whether anybody hears of an event."""

    HEARD = "heard"
    PROGRAM = "handed to a program"
    PARTLY = "partly"
    UNKNOWN = "cannot be told"
    SILENT = "nobody hears"
    NO_EVENT = "no event"


class Case(msgspec.Struct, frozen=True):
    """One sample and its ways. regions: where a Regional event was asked about; silent: those in which nobody hears.

    `ways` are those of the worst Region.
    """

    sample: Sample
    verdict: Verdict
    ways: tuple[Way, ...]
    regions: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    looked: tuple[str, ...] = ()


class Coverage(msgspec.Struct, frozen=True):
    """One event: who hears of it, or what is missing. words: one sentence."""

    watched: Watched
    verdict: Verdict
    cases: tuple[Case, ...]
    hearers: tuple[Hearer, ...]
    words: str

    @property
    def best(self) -> Way | None:
        """The way that is nearest to being whole, of the first case."""
        ways = self.cases[0].ways if self.cases else ()
        return max(ways, key=_soundness, default=None)

    @property
    def uncovered(self) -> bool:
        """Whether something an audit expects to be heard is not heard for certain."""
        return self.watched.sensitive and self.verdict in (Verdict.SILENT, Verdict.PARTLY, Verdict.UNKNOWN)


def _soundness(way: Way) -> tuple[bool, bool, int]:
    sound = 0
    for link in way.links:
        if link.standing is Standing.BROKEN:
            break
        sound += 1
    return way.standing is Standing.OK, way.standing is Standing.UNKNOWN, sound


def coverage(guards: Guards, watched: Sequence[Watched], now: datetime) -> tuple[Coverage, ...]:
    """Coverage of events, in their order."""
    asked = _Asked(guards, now)
    return tuple(_covered(asked, one) for one in watched)


def ways_of(guards: Guards, record: dict[str, Any], region: str, now: datetime) -> tuple[Way, ...]:
    """The ways of one event, a sample or a real record."""
    return _Asked(guards, now).ways(record, region)


class _Asked:
    """What is the same for every event: which trail delivers where, which filters stand on a group."""

    def __init__(self, guards: Guards, now: datetime) -> None:
        self.guards, self.now = guards, now
        self.delivered = {arn: delivers(trail, guards, now) for arn, trail in guards.trails.items()}
        self.filters: dict[tuple[str, str], list[MetricFilter]] = {}
        for one in guards.filters.values():
            self.filters.setdefault((one.region, one.group), []).append(one)
        self.reached = {_group_key(trail.log_group) for trail in guards.trails.values() if trail.log_group}
        self._ends: dict[tuple[str, str, str], list[Way]] = {}

    def ways(self, record: dict[str, Any], region: str) -> tuple[Way, ...]:
        event = log_event(record)
        kept = [(trail, keeps(trail, record, region)) for trail in self.guards.trails.values()]
        found = [way for trail, link in kept for way in self._alarm_ways(trail, link, event)]
        found += self._dead(event)
        found += self._rule_ways(record, region, [link for _, link in kept])
        found += self._unread(region)
        return tuple(sorted(found, key=_soundness, reverse=True))

    # -- trail, log group, filter, alarm ---------------------------------------------------------------------------------

    def _alarm_ways(self, trail: Trail, kept: Link, event: LogEvent) -> Iterator[Way]:
        delivered = self.delivered[trail.arn]
        region, name = _group_key(trail.log_group)
        begin = (kept, delivered)
        if not trail.log_group:
            return  # told once, as what is missing: it is no way of its own
        if delivered.standing is Standing.UNKNOWN and delivered.words.startswith("is in account"):
            yield Way("alarm", f"in another account ({name})", begin, region=region)
            return
        state = self.guards.state(watch.FILTERS, region)
        filters = [*self.filters.get((region, name), ()), *(self.filters.get(("", name), ()) if region else ())]
        if not state.is_known and not filters and not self.guards.state(watch.FILTERS, "").is_known:
            link = Link("filter", "unknown", Standing.UNKNOWN, f"metric filters: {not_read(state)}", region)
            yield Way("alarm", f"on {name}", (*begin, link), region=region)
            return
        for one in filters:
            told = _matched(one, event)
            if told.answer is not False:
                for way in self._from(one, region):
                    yield _begun(way, begin, one, told)

    def _dead(self, event: LogEvent) -> Iterator[Way]:
        """Filters that would find the event, on groups no trail delivers to."""
        for one in self.guards.filters.values():
            if (one.region, one.group) in self.reached or (not one.region and any(one.group == name for _, name in self.reached)):
                continue
            told = _matched(one, event)
            if told.answer and filter_pattern(one.pattern).form == "json":
                dead = Link(
                    "log group", one.group, Standing.BROKEN, "no trail delivers to it: the filter sees no events of CloudTrail", one.region
                )
                yield Way("alarm", one.name, (dead, _filter_link(one, told)), region=one.region, unless=told.unless)

    def _unread(self, region: str) -> Iterator[Way]:
        """Where trails or rules were not read, a way may be there that nobody has seen."""
        if not any(fact.is_known for (what, _), fact in self.guards.asked.items() if what == watch.TRAILS):
            state = next((fact for (what, _), fact in self.guards.asked.items() if what == watch.TRAILS), watch.NOT_READ)
            yield Way("alarm", "of trails", (Link("trail", "unknown", Standing.UNKNOWN, f"trails: {not_read(state)}"),))
        if not self.guards.state(watch.RULES, region).is_known and not self.guards.state(watch.RULES, "").is_known:
            words = f"rules{f' in {region}' if region else ''}: {not_read(self.guards.state(watch.RULES, region))}"
            yield Way("rule", "of EventBridge", (Link("rule", "unknown", Standing.UNKNOWN, words, region),), region=region)

    def _from(self, one: MetricFilter, region: str) -> list[Way]:
        """The ways from a filter on: its metrics' alarms and their ends. The same for every event."""
        key = (one.region or region, one.group, one.name)
        held = self._ends.get(key)
        if held is None:
            held = self._ends[key] = list(self._ways_from(one, region))
        return held

    def _ways_from(self, one: MetricFilter, region: str) -> Iterator[Way]:
        if not one.metrics:
            yield Way("alarm", one.name, (Link("alarm", "none", Standing.BROKEN, "the filter writes no metric", region),), region=region)
        state = self.guards.state(watch.ALARMS, region)
        for metric in one.metrics:
            alarms = alarms_on(metric, self.guards, region)
            if not alarms:
                known = state.is_known or self.guards.state(watch.ALARMS, "").is_known
                words = f"no alarm stands over the metric {metric.namespace}/{metric.name}" if known else f"alarms: {not_read(state)}"
                link = Link("alarm", "none", Standing.BROKEN if known else Standing.UNKNOWN, words, region)
                yield Way("alarm", one.name, (link,), region=region)
            for alarm in alarms:
                links = [reaches(alarm, metric, self.now)]
                acts, idle = acting(alarm, self.guards)
                ears = [ear for one_acting in acts for ear in self._ears(one_acting.actions)]
                for one_acting in acts:
                    if one_acting is not alarm:
                        links.append(Link("alarm", one_acting.name, Standing.OK, "a composite alarm over it goes to ALARM, too", region))
                if not acts:
                    links.extend(idle)
                yield _ended(Way("alarm", alarm.name, tuple(links), alarm=alarm.arn, region=region), ears)

    def _ears(self, actions: Sequence[str]) -> list[Ear]:
        return [ear_of(action, self.guards) for action in actions]

    # -- rules ---------------------------------------------------------------------------------------------------------------

    def _rule_ways(self, record: dict[str, Any], region: str, kept: Sequence[Link]) -> Iterator[Way]:
        events = envelopes(record)
        for rule in self.guards.rules.values():
            if rule.bus != "default":
                continue
            told = _taken(rule, events)
            if told.answer is not False:
                yield self._rule_way(rule, told, record, region, kept, 0)

    def _rule_way(self, rule: EventRule, told: Told, record: dict[str, Any], region: str, kept: Sequence[Link], depth: int) -> Way:
        links: list[Link] = []
        if depth == 0:
            links.append(_trail_for_rules(kept))
        links.append(_rule_link(rule, told, record, region if depth == 0 else rule.region))
        way = Way("rule", rule.name, tuple(links), unless=told.unless, region=rule.region)
        if rule.targets.value is None:
            link = Link("target", "unknown", Standing.UNKNOWN, f"its targets: {not_read(rule.targets)}", rule.region)
            return msgspec.structs.replace(way, links=(*way.links, link))
        if not rule.targets.value:
            link = Link("target", "none", Standing.BROKEN, "the rule has no target", rule.region)
            return msgspec.structs.replace(way, links=(*way.links, link))
        ears: list[Ear] = []
        for target in rule.targets.value:
            if ":event-bus/" in target.arn:
                ears.extend(self._bus(target.arn, record, depth))
            else:
                ears.append(ear_of(target.arn, self.guards))
        return _ended(way, ears)

    def _bus(self, arn: str, record: dict[str, Any], depth: int) -> list[Ear]:
        """What the rules of a bus in this account do with an event that is sent on to it."""
        parts = arn.split(":", 5)
        account, region, name = parts[4], parts[3], parts[5].partition("/")[2]
        if self.guards.account and account != self.guards.account:
            return [Ear(Link("bus", name, Standing.UNKNOWN, f"is in account {account}: what becomes of it there was not read", region))]
        if depth >= _MOST_BUSES or not self.guards.state(watch.RULES, region).is_known:
            return [Ear(Link("bus", name, Standing.UNKNOWN, "what its rules do was not read", region))]
        ears: list[Ear] = []
        for rule in self.guards.rules.values():
            if rule.bus == name and rule.region == region:
                told = _taken(rule, envelopes(record))
                if told.answer is not False:
                    way = self._rule_way(rule, told, record, region, (), depth + 1)
                    fault = way.fault
                    link = Link("bus", name, way.standing, f"its rule {rule.name}: {fault.words if fault else 'takes it'}", region)
                    ears.append(Ear(link, way.hearers, way.pending))
        return ears or [Ear(Link("bus", name, Standing.BROKEN, "no rule of it takes the event", region))]


def _group_key(arn: str) -> tuple[str, str]:
    parts = arn.split(":", 6)
    return (parts[3], parts[6]) if len(parts) == 7 else ("", arn)


def _matched(one: MetricFilter, event: LogEvent) -> Told:
    told = filter_pattern(one.pattern).matches(event)
    if one.criteria and told.answer is not False:
        return unknown("the filter selects by system fields first, which is not evaluated here")
    return told


def _filter_link(one: MetricFilter, told: Told) -> Link:
    words = "finds it" if told.answer else f"whether it finds it: {told.why}"
    if told.unless:
        words += f", unless {' or '.join(told.unless[:3])}"
    return Link("filter", one.name, Standing.OK if told.answer else Standing.UNKNOWN, words, one.region)


def _begun(way: Way, begin: tuple[Link, ...], one: MetricFilter, told: Told) -> Way:
    return msgspec.structs.replace(way, links=(*begin, _filter_link(one, told), *way.links), unless=told.unless)


def _ended(way: Way, ears: Sequence[Ear]) -> Way:
    """A way with its ends: whole when any of them hears, told by its best end else."""
    if not ears:
        return way
    hearers = tuple(dict.fromkeys(hearer for ear in ears for hearer in ear.hearers))
    pending = tuple(dict.fromkeys(one for ear in ears for one in ear.pending))
    good = [ear.link for ear in ears if ear.hearers and ear.link.standing is Standing.OK]
    links = good or sorted((ear.link for ear in ears), key=lambda link: link.standing is Standing.BROKEN)
    kept = good if good else [link for link in links if link.standing is links[0].standing]
    return msgspec.structs.replace(way, links=(*way.links, *kept), hearers=hearers, pending=pending)


def _taken(rule: EventRule, events: Sequence[dict[str, Any]]) -> Told:
    answers = [event_pattern(rule.pattern).matches(event) for event in events]
    told = any_of(answers)
    if told.answer and len(answers) > 1 and not all(one.answer for one in answers):
        return unknown("the documentation spells this kind of event in two ways, and the rule takes one of them")
    return told


def _trail_for_rules(kept: Sequence[Link]) -> Link:
    """EventBridge gets calls from CloudTrail only where a trail is logging them."""
    for standing, words in ((Standing.OK, "is logging, so EventBridge gets the call"), (Standing.UNKNOWN, "")):
        for link in kept:
            if link.standing is standing:
                return msgspec.structs.replace(link, words=words or link.words)
    if not kept:
        return Link("trail", "none", Standing.BROKEN, "there is no trail, and without one EventBridge gets no calls from CloudTrail")
    return msgspec.structs.replace(kept[0], words=f"{kept[0].words}; EventBridge gets calls only where a trail is logging")


def _rule_link(rule: EventRule, told: Told, record: dict[str, Any], region: str) -> Link:
    def link(standing: Standing, words: str) -> Link:
        return Link("rule", rule.name, standing, words, rule.region)

    if rule.state == "DISABLED":
        return link(Standing.BROKEN, "is disabled")
    if region and rule.region and rule.region != region:
        where = "IAM's events come to us-east-1 only" if region == GLOBAL_REGION else f"the event comes to {region}"
        return link(Standing.BROKEN, f"is in {rule.region}, and {where}")
    name = str(record.get("eventName", ""))
    if record.get("readOnly") is True and name.startswith(_READS) and rule.state != ALL_EVENTS:
        return link(Standing.BROKEN, "is not enabled for calls that only read")
    if told.answer is None:
        return link(Standing.UNKNOWN, f"whether it takes the event: {told.why}")
    return link(Standing.OK, "takes it" + (f", unless {' or '.join(told.unless[:3])}" if told.unless else ""))


# -- verdicts ------------------------------------------------------------------------------------------------------------


def _covered(asked: _Asked, one: Watched) -> Coverage:
    if not one.samples:
        return Coverage(one, Verdict.NO_EVENT, (), (), one.recorded)
    cases = tuple(_case(asked, sample) for sample in one.samples)
    judged = [case for case in cases if not case.sample.refused] or list(cases)
    verdicts = {case.verdict for case in judged}
    verdict = _joined(verdicts)
    hearers = tuple(dict.fromkeys(h for case in judged for way in case.ways if way.standing is Standing.OK for h in way.hearers))
    words = _words(asked.guards, one, cases, judged, verdict, hearers)
    if one.recorded:
        verdict = Verdict.NO_EVENT if verdict is Verdict.SILENT else verdict
        words = f"{one.recorded}; {words}"
    return Coverage(one, verdict, tuple(sorted(cases, key=lambda case: _RANK[case.verdict])), hearers, words)


_RANK = {
    Verdict.SILENT: 0,
    Verdict.UNKNOWN: 1,
    Verdict.PARTLY: 2,
    Verdict.PROGRAM: 3,
    Verdict.HEARD: 4,
    Verdict.NO_EVENT: 5,
}


def _joined(verdicts: set[Verdict]) -> Verdict:
    if len(verdicts) == 1:
        return next(iter(verdicts))
    if verdicts & {Verdict.HEARD, Verdict.PROGRAM, Verdict.PARTLY}:
        return Verdict.PROGRAM if verdicts == {Verdict.HEARD, Verdict.PROGRAM} else Verdict.PARTLY
    return Verdict.UNKNOWN


def _case(asked: _Asked, sample: Sample) -> Case:
    regions = (sample.region,) if sample.region else asked.guards.regions or ("",)
    answers = {region: asked.ways(sample.in_region(region or GLOBAL_REGION), region) for region in regions}
    verdicts = {region: _verdict(ways) for region, ways in answers.items()}
    worst = min(regions, key=lambda region: _RANK[verdicts[region]])
    silent = tuple(region for region in regions if verdicts[region] is not Verdict.HEARD)
    return Case(sample, _joined(set(verdicts.values())), answers[worst], regions, silent if len(silent) < len(regions) else ())


def _verdict(ways: Sequence[Way]) -> Verdict:
    whole = [way for way in ways if way.standing is Standing.OK]
    if any(hearer.person for way in whole for hearer in way.hearers):
        return Verdict.HEARD
    if any(way.hearers for way in whole):
        return Verdict.PROGRAM
    return Verdict.UNKNOWN if any(way.standing is Standing.UNKNOWN for way in ways) else Verdict.SILENT


def _words(guards: Guards, one: Watched, cases: Sequence[Case], judged: Sequence[Case], verdict: Verdict, hearers: Sequence[Hearer]) -> str:
    best = max((way for case in judged for way in case.ways), key=_soundness, default=None)
    if verdict is Verdict.HEARD:
        through = ", ".join(dict.fromkeys(f"{way.kind} {way.name}" for case in judged for way in case.ways if way.standing is Standing.OK))
        words = f"by {through}"
        unless = next((way.unless for case in judged for way in case.ways if way.standing is Standing.OK and way.unless), ())
        if unless and not any(way.standing is Standing.OK and not way.unless for way in judged[0].ways):
            words += f"; unless {' or '.join(unless[:2])}"
    elif verdict is Verdict.PARTLY:
        heard = [case.sample.case for case in judged if case.verdict in (Verdict.HEARD, Verdict.PROGRAM)]
        partly = next((case for case in judged if case.silent), None)
        words = f"only {', '.join(heard)}" if heard else f"not in {', '.join(partly.silent[:4])}" if partly else "not always"
        if heard and best is not None:
            silent = next((case for case in judged if case.verdict in (Verdict.SILENT, Verdict.UNKNOWN)), None)
            words += f"; {silent.sample.case}: {_reason(guards, silent.ways)}" if silent is not None else ""
    else:
        words = _reason(guards, judged[0].ways if judged else ())
        if verdict is Verdict.PROGRAM and best is not None:
            words = f"by {best.kind} {best.name}: {best.links[-1].words}"
    refused = next((case for case in cases if case.sample.refused), None)
    if refused is not None and refused not in judged and verdict is Verdict.SILENT and refused.verdict is Verdict.HEARD:
        words += "; a refused one is heard"
    return words


def _reason(guards: Guards, ways: Sequence[Way]) -> str:
    """Why nobody hears, told by the way that comes nearest."""
    if ways:
        way = ways[0]
        fault = way.fault
        told = ""
        if fault is not None:
            whose = "" if fault.name in (way.name, "none", "unknown") else f"{fault.what} {fault.name} "
            begin = "" if fault.name == "unknown" else f"{way.kind if way.alarm or way.kind == 'rule' else 'filter'} {way.name}: "
            told = f"{begin}{whose}{fault.words}"
        more = len(ways) - 1
        return told + (f" (and {more} more {'way' if more == 1 else 'ways'}, none whole)" if more else "")
    if not guards.trails:
        if not guards.read:
            return "trails, filters, alarms and rules were not read"
        return "there is no trail: nothing is recorded beyond the 90 days of event history"
    if not any(trail.log_group for trail in guards.trails.values()):
        return "no trail delivers to a log group, and no rule takes it"
    return "no filter and no rule finds it"
