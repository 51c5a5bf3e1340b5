"""Answers about topics, rules, recorders and analyzers."""

from __future__ import annotations

import msgspec

from ...model.document import Document
from ...model.fact import Fact, State, known
from ...model.guards import Analyzer, EventRule, Guards, Recorder, Subscription, Target, Topic
from .guardparts import Raw, entries, region_of, texts, with_more
from .wire import account_of, moment, text


def subscriptions(guards: Guards, raw: Raw, document: Document) -> Guards:
    about = text(raw.get("TopicArn")) or document.key.partition(" ")[2]
    by_topic: dict[str, list[Subscription]] = {about: []} if about else {}
    for entry in entries(raw, "Subscriptions"):
        arn, topic = text(entry.get("SubscriptionArn")), text(entry.get("TopicArn")) or about
        state = "pending" if arn == "PendingConfirmation" else "deleted" if arn == "Deleted" or not arn.startswith("arn:") else "confirmed"
        if topic:
            by_topic.setdefault(topic, []).append(
                Subscription(topic, text(entry.get("Protocol")), text(entry.get("Endpoint")), state, arn if state == "confirmed" else "")
            )
    found = {}
    for topic, subscriptions in by_topic.items():
        before = guards.topics.get(topic)
        held = before.subscriptions.value or () if before is not None else ()
        joined = tuple(dict.fromkeys((*held, *subscriptions)))
        found[topic] = Topic(topic, known(joined, document.origin.name, document.as_of))
    return with_more(guards, "topics", found)


def rules(guards: Guards, raw: Raw, document: Document) -> Guards:
    found = {}
    for entry in entries(raw, "Rules") or ([raw] if "EventPattern" in raw else []):
        arn, pattern = text(entry.get("Arn")), text(entry.get("EventPattern"))
        if not arn or not pattern:
            continue  # a schedule takes no events
        before = guards.rules.get(arn)
        found[arn] = EventRule(
            arn,
            text(entry.get("Name")),
            region_of(arn),
            account_of(arn),
            (text(entry.get("EventBusName")) or "default").rpartition("/")[2],
            text(entry.get("State")),
            pattern,
            text(entry.get("ManagedBy")),
            before.targets if before is not None else Fact(State.NOT_LOADED),
        )
    return with_more(guards, "rules", found)


def buses(guards: Guards, raw: Raw, document: Document) -> Guards:
    return guards  # the names of the buses whose rules are asked for; nothing of their own


def targets(guards: Guards, raw: Raw, document: Document) -> Guards:
    about = document.key.partition(" ")[2] or text(raw.get("RuleArn"))
    name, bus = text(raw.get("Rule")), text(raw.get("EventBusName")) or "default"
    rules = [r for r in guards.rules.values() if r.arn == about or (name and (r.name, r.bus) == (name, bus.rpartition("/")[2]))]
    if not rules and not about and not name:
        rules = [r for r in guards.rules.values() if not r.targets.is_known]
    if len(rules) != 1:
        return guards
    rule = rules[0]
    held = rule.targets.value or ()
    more = [Target(text(entry.get("Id")), text(entry.get("Arn"))) for entry in entries(raw, "Targets")]
    fact = known(tuple(dict.fromkeys((*held, *more))), document.origin.name, document.as_of)
    return with_more(guards, "rules", {rule.arn: msgspec.structs.replace(rule, targets=fact)})


def recorders(guards: Guards, raw: Raw, document: Document) -> Guards:
    found = {}
    for entry in entries(raw, "ConfigurationRecorders"):
        group = entry.get("recordingGroup")
        group = group if isinstance(group, dict) else {}
        spared = group.get("exclusionByResourceTypes")
        name, region = text(entry.get("name")), document.region or region_of(text(entry.get("arn")))
        before = guards.recorders.get((region, name))
        recorder = Recorder(
            name,
            region,
            group.get("allSupported") is True or bool(spared),
            group.get("includeGlobalResourceTypes") is True,
            texts(group, "resourceTypes"),
            texts(spared, "resourceTypes") if isinstance(spared, dict) else (),
        )
        if before is not None:
            recorder = msgspec.structs.replace(recorder, recording=before.recording, status=before.status, error=before.error)
        found[(region, name)] = recorder
    return with_more(guards, "recorders", found)


def recording(guards: Guards, raw: Raw, document: Document) -> Guards:
    found = {}
    for entry in entries(raw, "ConfigurationRecordersStatus"):
        name, region = text(entry.get("name")), document.region or region_of(text(entry.get("arn")))
        before = guards.recorders.get((region, name)) or Recorder(name, region)
        error = ": ".join(part for part in (text(entry.get("lastErrorCode")), text(entry.get("lastErrorMessage"))) if part)
        recording = entry.get("recording") is True
        found[(region, name)] = msgspec.structs.replace(before, recording=recording, status=text(entry.get("lastStatus")), error=error)
    return with_more(guards, "recorders", found)


def analyzers(guards: Guards, raw: Raw, document: Document) -> Guards:
    found = {}
    for entry in entries(raw, "analyzers"):
        arn = text(entry.get("arn"))
        if arn:
            found[arn] = Analyzer(
                arn,
                text(entry.get("name")),
                region_of(arn),
                text(entry.get("type")),
                text(entry.get("status")),
                moment(entry.get("lastResourceAnalyzedAt")),
            )
    return with_more(guards, "analyzers", found)
