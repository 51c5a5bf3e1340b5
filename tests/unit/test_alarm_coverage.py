"""From a call to a person: every broken link is named, nothing is claimed that was not read, and the demo answers S15."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamtui.analysis.alarms.composite import alarm_rule
from iamtui.analysis.alarms.coverage import Coverage, Verdict, coverage, ways_of
from iamtui.analysis.alarms.links import Standing, Way
from iamtui.analysis.alarms.samples import controls, envelopes, iam_writes, watched, watched_event
from iamtui.errors import NotFoundError
from iamtui.model import guards as watch
from iamtui.model.fact import Fact, State, absent, known
from iamtui.model.guards import Alarm, EventRule, FieldTest, Guards, MetricFilter, Selector, Subscription, Target, Topic
from iamtui.session import Session
from iamtui.session.guarding import chosen
from iamtui.source.demo import DemoSource
from tests.support.demo import NOW

ACCOUNT = "123456789012"
HOME = "eu-central-1"
ALERTS = f"arn:aws:sns:{HOME}:{ACCOUNT}:security-alerts"
REVIEWS = f"arn:aws:sns:{HOME}:{ACCOUNT}:identity-reviews"
TRAIL = f"arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/acme-organization"


@cache
def demo() -> Guards:
    session = Session(DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    for _ in session.load_guards():
        pass
    (guards,) = session.guards()
    return guards


def asked(guards: Guards, event: str, source: str = "") -> Coverage:
    every = {one.key: one for one in watched(guards.account or ACCOUNT)}
    one = every.get(event) or every.get(f"iam:{event}") or watched_event(ACCOUNT, event, source)
    return coverage(guards, [one], NOW)[0]


def first(guards: Guards, event: str, name: str) -> Way:
    """The way of that name when a user calls."""
    case = next(case for case in asked(guards, event).cases if case.sample.case in ("by a user", "signs in"))
    return next(way for way in case.ways if way.name == name)


def changed(guards: Guards, field: str, key: Any, **more: Any) -> Guards:
    held = dict(getattr(guards, field))
    held[key] = msgspec.structs.replace(held[key], **more)
    return msgspec.structs.replace(guards, **{field: held})


def alarm_arn(name: str) -> str:
    return f"arn:aws:cloudwatch:{HOME}:{ACCOUNT}:alarm:{name}"


def heard() -> Guards:
    """The demo with the one mail confirmed, so that DeleteUser is heard."""
    found = (Subscription(REVIEWS, "email", "security@acme.example", "confirmed", f"{REVIEWS}:1"),)
    return changed(demo(), "topics", REVIEWS, subscriptions=known(found))


def test_the_demo_answers_whether_there_is_an_alarm_on_delete_user() -> None:
    found = asked(demo(), "DeleteUser")
    assert found.verdict is Verdict.SILENT
    assert found.uncovered
    assert "nobody has confirmed: email security@acme.example" in found.words
    faults = {way.name: way.fault.words for way in found.cases[0].ways if way.fault is not None}
    assert set(faults) >= {"user-lifecycle", "delete-user", "iam-user-deleted"}
    assert "no trail delivers to it" in faults["delete-user"]
    assert "us-east-1 only" in faults["iam-user-deleted"]


def test_a_user_who_grants_itself_admin_is_heard_by_mail_and_pager() -> None:
    found = asked(demo(), "AttachUserPolicy")
    assert found.verdict is Verdict.HEARD
    case = next(case for case in found.cases if case.sample.case == "grants itself admin")
    assert {(way.kind, way.name) for way in case.ways if way.standing is Standing.OK} == {
        ("alarm", "iam-changes"),
        ("rule", "admin-granted"),
    }
    assert [hearer.endpoint for hearer in found.hearers] == [
        "on-call@acme.example",
        "https://events.pager.example/integration/acme/enqueue",
    ]
    other = next(case for case in found.cases if case.sample.case == "by a user")
    rule = next(way for way in other.ways if way.kind == "rule")
    assert rule.standing is Standing.UNKNOWN  # it depends on which policy
    assert "requestParameters.policyArn" in (rule.fault.words if rule.fault else "")


def test_a_confirmed_mail_makes_it_heard() -> None:
    found = asked(heard(), "DeleteUser")
    assert found.verdict is Verdict.HEARD
    assert [hearer.endpoint for hearer in found.hearers] == ["security@acme.example"]
    assert not found.uncovered
    assert all(link.standing is Standing.OK for link in first(heard(), "DeleteUser", "user-lifecycle").links)


def status(**more: Any) -> Fact[Any]:
    return known(msgspec.structs.replace(demo().trails[TRAIL].status.value, **more), as_of=NOW)  # type: ignore[type-var]


BROKEN: list[tuple[str, Any, str, str]] = [
    ("trail stopped", lambda g: changed(g, "trails", TRAIL, status=status(logging=False, stopped=NOW)), "trail", "is stopped since"),
    ("one Region", lambda g: changed(g, "trails", TRAIL, multi_region=False), "trail", "records eu-central-1 only"),
    ("no global events", lambda g: changed(g, "trails", TRAIL, global_events=False), "trail", "global services"),
    (
        "reads only",
        lambda g: changed(g, "trails", TRAIL, selectors=known((Selector("", (FieldTest("readOnly", "Equals", ("true",)),)),))),
        "trail",
        "selectors leave this event out",
    ),
    ("undelivered", lambda g: changed(g, "trails", TRAIL, status=status(logs_error="AccessDenied")), "log group", "cannot deliver"),
    (
        "dead for days",
        lambda g: changed(g, "trails", TRAIL, status=status(logs_delivered=NOW - timedelta(days=3))),
        "log group",
        "nothing has arrived since",
    ),
    ("group gone", lambda g: msgspec.structs.replace(g, groups={}), "log group", "is gone"),
    ("disabled", lambda g: changed(g, "alarms", alarm_arn("user-lifecycle"), actions_enabled=False), "action", "actions are disabled"),
    ("no action", lambda g: changed(g, "alarms", alarm_arn("user-lifecycle"), actions=()), "action", "no action for ALARM"),
    ("threshold", lambda g: changed(g, "alarms", alarm_arn("user-lifecycle"), threshold=2.0), "alarm", "wants >= 2"),
    ("three periods", lambda g: changed(g, "alarms", alarm_arn("user-lifecycle"), datapoints=3, periods=5), "alarm", "3 of 5 periods"),
    ("dimensions", lambda g: changed(g, "alarms", alarm_arn("user-lifecycle"), dimensions=(("a", "b"),)), "alarm", "never gets data"),
    (
        "below",
        lambda g: changed(g, "alarms", alarm_arn("user-lifecycle"), operator="LessThanThreshold"),
        "alarm",
        "wants < 1",
    ),
    ("no subscription", lambda g: changed(g, "topics", REVIEWS, subscriptions=known(())), "topic", "has no subscription"),
    ("no alarm", lambda g: msgspec.structs.replace(g, alarms={}), "alarm", "no alarm stands over the metric Security/user-lifecycle"),
]


@pytest.mark.parametrize(("change", "what", "words"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_every_broken_link_is_named(change: Any, what: str, words: str) -> None:
    way = first(change(heard()), "DeleteUser", "user-lifecycle")
    assert way.standing is Standing.BROKEN
    assert way.fault is not None
    assert (way.fault.what, words in way.fault.words) == (what, True), way.fault
    assert asked(change(heard()), "DeleteUser").verdict is not Verdict.HEARD


UNKNOWN: list[tuple[str, Any, str]] = [
    ("status denied", lambda g: changed(g, "trails", TRAIL, status=absent(State.DENIED, detail="no")), "AWS denied reading it"),
    ("selectors unread", lambda g: changed(g, "trails", TRAIL, selectors=Fact(State.NOT_LOADED)), "its event selectors"),
    ("no delivery told", lambda g: changed(g, "trails", TRAIL, status=status(logs_delivered=None)), "no delivery to it is told"),
    (
        "other account",
        lambda g: changed(g, "trails", TRAIL, log_group=f"arn:aws:logs:{HOME}:111122223333:log-group:theirs"),
        "is in account 111122223333",
    ),
    ("subscriptions denied", lambda g: changed(g, "topics", REVIEWS, subscriptions=absent(State.DENIED)), "who is subscribed"),
    ("topic unread", lambda g: msgspec.structs.replace(g, topics={}), "who is subscribed was not read"),
    (
        "metric math",
        lambda g: changed(g, "alarms", alarm_arn("user-lifecycle"), inputs=(("Security", "user-lifecycle"),), namespace="", metric=""),
        "metric math",
    ),
    (
        "value from the record",
        lambda g: changed(
            g,
            "filters",
            (HOME, "acme-organization-trail", "user-lifecycle"),
            metrics=(watch.Metric("Security", "user-lifecycle", "$.count"),),
        ),
        "takes the metric's value from $.count",
    ),
    ("percentile", lambda g: changed(g, "alarms", alarm_arn("user-lifecycle"), statistic="p99"), "p99 is not computed"),
    ("average", lambda g: changed(g, "alarms", alarm_arn("user-lifecycle"), statistic="Average"), "average depends"),
    (
        "stuck in ALARM",
        lambda g: changed(g, "alarms", alarm_arn("user-lifecycle"), state="ALARM", state_since=NOW - timedelta(days=5)),
        "tells nothing new",
    ),
    (
        "filters denied",
        lambda g: msgspec.structs.replace(g, filters={}, asked={**g.asked, (watch.FILTERS, HOME): absent(State.DENIED)}),
        "metric filters: AWS denied",
    ),
    (
        "rules denied",
        lambda g: msgspec.structs.replace(
            g, filters={}, rules={}, asked={**g.asked, (watch.RULES, "us-east-1"): absent(State.DENIED, detail="no")}
        ),
        "rules in us-east-1: AWS denied reading it: no",
    ),
    (
        "alarms denied",
        lambda g: msgspec.structs.replace(g, alarms={}, asked={**g.asked, (watch.ALARMS, HOME): absent(State.DENIED)}),
        "alarms: AWS denied",
    ),
    (
        "unreadable pattern",
        lambda g: changed(g, "filters", (HOME, "acme-organization-trail", "user-lifecycle"), pattern="{ $.eventName = "),
        "the pattern cannot be read",
    ),
    (
        "system fields",
        lambda g: changed(g, "filters", (HOME, "acme-organization-trail", "user-lifecycle"), criteria='@aws.account = "1"'),
        "system fields",
    ),
]


@pytest.mark.parametrize(("change", "words"), [row[1:] for row in UNKNOWN], ids=[row[0] for row in UNKNOWN])
def test_what_was_not_read_or_cannot_be_computed_is_no_claim(change: Any, words: str) -> None:
    guards = change(heard())
    found = asked(guards, "DeleteUser")
    told = [link for case in found.cases for way in case.ways for link in way.links if link.standing is Standing.UNKNOWN]
    assert any(words in link.words for link in told), told
    assert found.verdict is Verdict.UNKNOWN
    assert found.uncovered


def test_nothing_read_is_not_nobody() -> None:
    found = asked(Guards(account=ACCOUNT), "DeleteUser")
    assert found.verdict is Verdict.UNKNOWN
    assert "was not read" in found.words
    empty = Guards(
        account=ACCOUNT, asked={(what, "us-east-1"): known(None) for what in (watch.TRAILS, watch.FILTERS, watch.ALARMS, watch.RULES)}
    )
    assert asked(empty, "DeleteUser").verdict is Verdict.SILENT
    assert "there is no trail" in asked(empty, "DeleteUser").words


# -- rules ---------------------------------------------------------------------------------------------------------------


def ruled(region: str = "us-east-1", **more: Any) -> Guards:
    """Only one rule watches: DeleteUser to the confirmed topic."""
    pattern = json.dumps({"source": ["aws.iam"], "detail": {"eventName": ["DeleteUser", "ListUsers"]}})
    arn = f"arn:aws:events:{region}:{ACCOUNT}:rule/r"
    rule = EventRule(arn, "r", region, ACCOUNT, "default", "ENABLED", pattern, targets=known((Target("1", ALERTS),)))
    return msgspec.structs.replace(demo(), filters={}, rules={arn: msgspec.structs.replace(rule, **more)})


def test_a_rule_in_iams_region_is_heard() -> None:
    found = asked(ruled(), "DeleteUser")
    assert found.verdict is Verdict.HEARD
    assert found.words == "by rule r"


@pytest.mark.parametrize(
    ("guards", "words"),
    [
        (ruled("eu-west-1"), "IAM's events come to us-east-1 only"),
        (ruled(state="DISABLED"), "is disabled"),
        (ruled(targets=known(())), "has no target"),
        (msgspec.structs.replace(ruled(), trails={}), "there is no trail, and without one EventBridge gets no calls"),
        (ruled(targets=known((Target("1", REVIEWS),))), "nobody has confirmed"),
    ],
)
def test_broken_links_of_rules(guards: Guards, words: str) -> None:
    found = asked(guards, "DeleteUser")
    assert found.verdict is Verdict.SILENT
    assert words in found.words


def test_a_rule_sees_reads_only_when_it_is_enabled_for_all_management_events() -> None:
    record = {**watched_event(ACCOUNT, "ListUsers").samples[0].record, "readOnly": True}

    def standing(state: str) -> Standing:
        (way,) = ways_of(ruled(state=state), record, "us-east-1", NOW)
        return way.standing

    assert standing("ENABLED") is Standing.BROKEN
    assert standing("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS") is Standing.OK


def test_a_function_as_target_is_a_program_and_no_person() -> None:
    found = asked(ruled(targets=known((Target("1", f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:page"),))), "DeleteUser")
    assert found.verdict is Verdict.PROGRAM
    assert "a function is called" in found.words


def test_events_are_followed_over_buses_of_the_account() -> None:
    bus = f"arn:aws:events:{HOME}:{ACCOUNT}:event-bus/central"
    guards = ruled(targets=known((Target("1", bus),)))
    dead = asked(guards, "DeleteUser")
    assert "no rule of it takes the event" in dead.words
    arn = f"arn:aws:events:{HOME}:{ACCOUNT}:rule/central/on"
    pattern = json.dumps({"detail": {"eventName": ["DeleteUser"]}})
    onward = EventRule(arn, "on", HOME, ACCOUNT, "central", "ENABLED", pattern, targets=known((Target("1", ALERTS),)))
    found = asked(msgspec.structs.replace(guards, rules={**guards.rules, arn: onward}), "DeleteUser")
    assert found.verdict is Verdict.HEARD
    other = asked(ruled(targets=known((Target("1", bus.replace(ACCOUNT, "111122223333")),))), "DeleteUser")
    assert other.verdict is Verdict.UNKNOWN
    assert "is in account 111122223333" in other.words
    loop = msgspec.structs.replace(onward, targets=known((Target("1", bus),)))
    assert asked(msgspec.structs.replace(guards, rules={**guards.rules, arn: loop}), "DeleteUser").verdict is Verdict.UNKNOWN


def test_a_regional_event_is_asked_in_every_region() -> None:
    pattern = json.dumps({"detail": {"eventName": ["CreateVpc"]}})
    arn = f"arn:aws:events:{HOME}:{ACCOUNT}:rule/vpc"
    rule = EventRule(arn, "vpc", HOME, ACCOUNT, "default", "ENABLED", pattern, targets=known((Target("1", ALERTS),)))
    found = asked(msgspec.structs.replace(demo(), filters={}, rules={arn: rule}), "ec2:CreateVpc")
    assert found.verdict is Verdict.PARTLY
    assert found.cases[0].silent == ("ap-southeast-2", "eu-west-1", "us-east-1")
    assert "not in ap-southeast-2" in found.words


def test_the_kind_of_a_sign_in_event_is_spelt_in_two_ways_and_one_alone_cannot_be_told() -> None:
    kinds = {envelope["detail-type"] for envelope in envelopes(watched(ACCOUNT)[1].samples[0].record)}
    assert kinds == {"AWS Console Sign In via CloudTrail", "AWS Console Signin via CloudTrail"}
    one = ruled(pattern=json.dumps({"detail-type": ["AWS Console Sign In via CloudTrail"]}))
    assert asked(one, "login-without-mfa").verdict is Verdict.UNKNOWN
    both = ruled(pattern=json.dumps({"detail-type": sorted(kinds)}))
    assert asked(both, "login-without-mfa").verdict is Verdict.HEARD


# -- composite alarms ----------------------------------------------------------------------------------------------------


def test_a_composite_alarm_acts_for_the_alarms_under_it() -> None:
    quiet = changed(heard(), "alarms", alarm_arn("user-lifecycle"), actions=())
    above = Alarm(
        alarm_arn("any"), "any", HOME, ACCOUNT, "OK", True, True, (ALERTS,), rule='ALARM("user-lifecycle") AND NOT ALARM("iam-changes")'
    )
    guards = msgspec.structs.replace(quiet, alarms={**quiet.alarms, above.arn: above})
    found = asked(guards, "DeleteUser")
    assert found.verdict is Verdict.HEARD
    assert [hearer.endpoint for hearer in found.hearers] == ["on-call@acme.example"]
    held = changed(guards, "alarms", alarm_arn("iam-changes"), state="ALARM")
    assert asked(held, "DeleteUser").verdict is Verdict.SILENT
    muted = changed(guards, "alarms", above.arn, suppressor="root-sign-in")
    assert asked(muted, "DeleteUser").verdict is Verdict.HEARD
    assert asked(changed(muted, "alarms", alarm_arn("root-sign-in"), state="ALARM"), "DeleteUser").verdict is Verdict.SILENT


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ('ALARM("a")', True),
        ("ALARM(a) AND OK(b)", True),
        ("NOT ALARM(a) OR INSUFFICIENT_DATA('c')", True),
        ("NOT (ALARM(a) AND OK(b))", False),
        ("TRUE AND FALSE", False),
        ("ALARM(a) OR ALARM(unknown)", True),
        ("ALARM(unknown)", None),
        ("AT_LEAST(2, ALARM, (a, b))", None),
        ("ALARM(a", None),
        ("ALARM(a) XOR ALARM(b)", None),
        ("(" * 100 + "ALARM(a)" + ")" * 100, None),
    ],
)
def test_rules_of_composite_alarms(rule: str, answer: bool | None) -> None:
    assert alarm_rule(rule)[0]({"a": "ALARM", "b": "OK", "c": "INSUFFICIENT_DATA"}).answer is answer


@settings(max_examples=100, deadline=None)
@given(st.text('ALRMOKNTD()" ab', max_size=40))
def test_no_rule_makes_it_raise(text: str) -> None:
    assert alarm_rule(text)[0]({"a": "OK"}).answer in (True, False, None)


# -- what is watched -----------------------------------------------------------------------------------------------------


def test_all_iam_writes_and_cis_events_are_watched() -> None:
    every = {one.key: one for one in watched(ACCOUNT)}
    assert len(iam_writes()) == 113
    assert all(f"iam:{name}" in every for name in iam_writes())
    assert all(f"{control.source}:{name}" in every for control in controls() for name in control.events)
    assert every["iam:PassRole"].samples == ()
    assert {"root", "login-without-mfa", "login-failed", "refused"} <= every.keys()
    for one in every.values():
        for sample in one.samples:
            assert sample.record["recipientAccountId"] == ACCOUNT
            assert "errorCode" in sample.record if sample.case == "refused" else True
    assert [s.case for s in every["iam:DeleteUser"].samples] == ["by a user", "by a role", "by root", "refused"]
    assert {c.case for c in every["iam:PutRolePolicy"].samples} >= {"grants itself admin"}


def test_a_permission_only_action_is_no_event_to_wait_for() -> None:
    found = asked(demo(), "PassRole")
    assert found.verdict is Verdict.NO_EVENT
    assert "never records" in found.words


def test_names_that_are_asked() -> None:
    assert [one.key for one in chosen(ACCOUNT, ["deleteuser"])] == ["iam:DeleteUser"]
    assert [one.key for one in chosen(ACCOUNT, ["ec2:RunInstances"])] == ["ec2:RunInstances"]
    assert len(chosen(ACCOUNT, ["ConsoleLogin"])) == 2
    assert {one.about for one in chosen(ACCOUNT, ["trust"])} == {"trust"}
    with pytest.raises(NotFoundError):
        chosen(ACCOUNT, ["no such; event"])


def test_a_filter_that_depends_on_who_calls_says_so() -> None:
    key = (HOME, "acme-organization-trail", "user-lifecycle")
    spared = changed(heard(), "filters", key, pattern='{ $.eventName = DeleteUser && $.userIdentity.userName != "robot" }')
    found = asked(spared, "DeleteUser")
    assert found.verdict is Verdict.PARTLY
    assert "by a role" in found.words  # a role session has no userName, and what != finds then is not documented
    case = next(case for case in found.cases if case.sample.case == "by a user")
    assert case.verdict is Verdict.HEARD
    assert case.ways[0].unless == ("$.userIdentity.userName is robot",)


def test_a_filter_for_successes_only_does_not_hear_refusals() -> None:
    key = (HOME, "acme-organization-trail", "user-lifecycle")
    guards = changed(heard(), "filters", key, pattern="{ $.eventName = DeleteUser && $.errorCode NOT EXISTS }")
    verdicts = {case.sample.case: case.verdict for case in asked(guards, "DeleteUser").cases}
    assert verdicts["by a user"] is Verdict.HEARD
    assert verdicts["refused"] is Verdict.SILENT


def test_advanced_selectors() -> None:
    def standing(*tests: FieldTest, event: str = "DeleteUser", source: str = "") -> Verdict:
        selectors = known((Selector("", tests),))
        return asked(changed(heard(), "trails", TRAIL, selectors=selectors), event, source).verdict

    management = FieldTest("eventCategory", "Equals", ("Management",))
    assert standing(management) is Verdict.HEARD
    assert standing(management, FieldTest("eventSource", "NotEquals", ("kms.amazonaws.com",))) is Verdict.HEARD
    assert standing(management, FieldTest("eventSource", "NotEquals", ("iam.amazonaws.com",))) is Verdict.SILENT
    assert standing(FieldTest("eventCategory", "Equals", ("Data",))) is Verdict.SILENT
    assert standing(management, FieldTest("eventName", "StartsWith", ("Delete",))) is Verdict.HEARD
    assert standing(management, FieldTest("userIdentity.arn", "StartsWith", ("arn:aws:iam::1",))) is Verdict.PARTLY  # root's ARN is known


def test_topics_of_other_accounts_are_unknown_when_they_were_not_read() -> None:
    far = ALERTS.replace(ACCOUNT, "111122223333")
    guards = changed(heard(), "alarms", alarm_arn("user-lifecycle"), actions=(far,))
    assert asked(guards, "DeleteUser").verdict is Verdict.UNKNOWN
    read = msgspec.structs.replace(guards, topics={far: Topic(far, known((Subscription(far, "email", "soc@acme.example", "confirmed"),)))})
    assert asked(read, "DeleteUser").verdict is Verdict.HEARD


def test_a_filter_without_a_region_is_found_by_its_group() -> None:
    """As in saved answers, which do not tell their Region."""
    found = {("", one.group, one.name): msgspec.structs.replace(one, region="") for one in heard().filters.values()}
    guards = msgspec.structs.replace(heard(), filters=found)
    assert asked(guards, "DeleteUser").verdict is Verdict.HEARD


def test_a_filter_on_a_group_no_trail_writes_to_is_dead_whatever_its_alarm() -> None:
    key = (HOME, "cloudtrail-2022", "delete-user")
    assert isinstance(demo().filters[key], MetricFilter)
    way = first(demo(), "DeleteUser", "delete-user")
    assert way.links[0].what == "log group"
    assert way.standing is Standing.BROKEN
