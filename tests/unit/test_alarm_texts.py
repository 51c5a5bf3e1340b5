"""Text for what is missing: it can be run as it stands, finds what it is for, and no name of an account gets out of its quotes."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from typing import Any

import msgspec
import pytest
import yaml

from iamtui.analysis.alarms.coverage import Coverage, coverage
from iamtui.analysis.alarms.filterpattern import filter_pattern, log_event
from iamtui.analysis.alarms.fixes import MOST_PATTERN, Form, Place, missing_text, patterns, place_for
from iamtui.analysis.alarms.samples import GLOBAL_REGION, watched
from iamtui.model.guards import Guards
from iamtui.session.guardtext import all_text, coverage_json, coverage_row, todo_text
from tests.hostile import NASTY
from tests.support.demo import NOW
from tests.unit.test_alarm_coverage import ACCOUNT, HOME, TRAIL, changed, demo

PLACE = Place("eu-west-1", "trail", "arn:aws:sns:eu-west-1:123456789012:t", "main", ACCOUNT)


def every() -> tuple[Coverage, ...]:
    return coverage(demo(), watched(ACCOUNT), NOW)


def test_every_pattern_finds_what_it_is_for_and_nothing_else() -> None:
    answers = every()
    for one in answers:
        for _, pattern in patterns([one]) if one.watched.samples else ():
            parsed = filter_pattern(pattern)
            for sample in one.watched.samples:
                told = parsed.matches(log_event(sample.in_region(GLOBAL_REGION)))
                assert told.answer is True, (one.watched.key, sample.case, pattern, told)
            other = next(w for w in watched(ACCOUNT) if w.key == ("iam:TagRole" if one.watched.key != "iam:TagRole" else "iam:TagUser"))
            assert parsed.matches(log_event(other.samples[0].record)).answer is False


def test_patterns_of_many_events_stay_within_what_aws_takes() -> None:
    made = patterns([one for one in every() if one.watched.samples])
    assert len(made) > 8
    assert all(len(pattern) <= MOST_PATTERN for _, pattern in made)
    assert len({name for name, _ in made}) == len(made)


def test_the_cli_text_is_shell_with_each_value_in_its_place() -> None:
    text = missing_text([one for one in every() if one.watched.event == "DeleteUser"], PLACE, Form.CLI)
    commands = [shlex.split(line) for line in text.splitlines() if not line.startswith("#")]
    assert [command[1:3] for command in commands] == [["logs", "put-metric-filter"], ["cloudwatch", "put-metric-alarm"]]
    pattern = commands[0][commands[0].index("--filter-pattern") + 1]
    assert pattern == '{ ($.eventSource = "iam.amazonaws.com") && ($.eventName = "DeleteUser") }'
    assert commands[1][commands[1].index("--alarm-actions") + 1] == PLACE.topic


def test_without_a_topic_or_a_log_group_the_text_says_what_comes_first() -> None:
    some = [one for one in every() if one.watched.event == "DeleteUser"]
    bare = Place("eu-west-1", "", "", "main", ACCOUNT)
    text = missing_text(some, bare, Form.CLI)
    assert "create-topic" in text
    assert "follow the link in the mail" in text
    assert "update-trail --name main" in text
    assert "aws_sns_topic_subscription" in missing_text(some, bare, Form.TERRAFORM)
    assert "AWS::SNS::Topic" in missing_text(some, bare, Form.CLOUDFORMATION)


class _Loader(yaml.SafeLoader):
    pass


_Loader.add_constructor("!Ref", lambda loader, node: {"Ref": loader.construct_scalar(node)})


@pytest.mark.parametrize("topic", ["", PLACE.topic])
def test_the_cloudformation_text_is_a_template(topic: str) -> None:
    text = missing_text([one for one in every() if one.uncovered], msgspec.structs.replace(PLACE, topic=topic), Form.CLOUDFORMATION)
    template = yaml.load(text, _Loader)  # a safe loader with one constructor more
    kinds = [resource["Type"] for resource in template["Resources"].values()]
    assert kinds.count("AWS::Logs::MetricFilter") == kinds.count("AWS::CloudWatch::Alarm") > 5
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Logs::MetricFilter":
            assert filter_pattern(resource["Properties"]["FilterPattern"]).form == "json"
        elif resource["Type"] == "AWS::CloudWatch::Alarm":
            assert resource["Properties"]["AlarmActions"] == [topic or {"Ref": "IamtuiAlarms"}]


def test_the_terraform_text_interpolates_nothing() -> None:
    place = msgspec.structs.replace(PLACE, group='${file("/etc/passwd")}%{ if true }"')
    text = missing_text([one for one in every() if one.watched.event == "DeleteUser"], place, Form.TERRAFORM)
    assert '"$${file(\\"/etc/passwd\\")}%%{ if true }\\""' in text
    assert text.count("{") == text.count("}")
    for line in text.splitlines():
        assert not re.search(r"(?<!\$)\$\{", line)


def hostile(name: str) -> Guards:
    """The demo with one name that is an attack."""
    guards = demo()
    alarm = next(arn for arn in guards.alarms if arn.endswith("root-sign-in"))
    guards = changed(guards, "alarms", alarm, name=name)
    guards = changed(guards, "trails", TRAIL, name=name, log_group=f"arn:aws:logs:{HOME}:{ACCOUNT}:log-group:{name}")
    guards = msgspec.structs.replace(guards, topics={}, groups={})
    rules = {arn: msgspec.structs.replace(rule, name=name, state="DISABLED") for arn, rule in guards.rules.items()}
    filters = {(HOME, name, f.name): msgspec.structs.replace(f, group=name) for f in guards.filters.values()}
    return msgspec.structs.replace(guards, rules=rules, filters=filters)


@pytest.mark.parametrize("name", sorted(NASTY.values()), ids=lambda value: value[:12].encode("ascii", "replace").decode())
def test_hostile_names_stay_in_their_quotes(name: str, tmp_path: Any) -> None:
    guards = hostile(name)
    answers = coverage(guards, watched(ACCOUNT), NOW)
    place = place_for(guards, NOW)
    one = next(one for one in answers if one.watched.key == "iam:DeleteUser")
    for form in Form:
        text = all_text([one, *(a for a in answers if a.watched.key == "root")], guards, place, form)
        assert text
        assert todo_text(one, guards, place, form)
    assert len(coverage_row(one)) == 7
    json.dumps(coverage_json(one, ACCOUNT))
    if "\x00" in name or "\ud800" in name:
        return  # what no shell takes as an argument
    script = todo_text(one, guards, place, Form.CLI).replace("aws ", "printf '%s\\n' aws ")
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False, timeout=10)
    assert not list(tmp_path.iterdir())
    assert "uid=" not in done.stdout


def test_comments_hold_no_line_of_their_own() -> None:
    guards = hostile("a\naws iam delete-user --user-name root\n")
    answers = coverage(guards, watched(ACCOUNT), NOW)
    for group in ("trail", ""):
        place = msgspec.structs.replace(place_for(guards, NOW), group=group, region="eu-west-1\naws iam delete-user")
        for one in answers[:20]:
            assert "delete-user" not in shlex.split(all_text([one], guards, place, Form.CLI), comments=True)
            for form in (Form.TERRAFORM, Form.CLOUDFORMATION):
                lines = all_text([one], guards, place, form).splitlines()
                assert not [line for line in lines if line.startswith("aws iam")]
