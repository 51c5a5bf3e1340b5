"""Who is told at the end of an alarm's action or a rule's target."""

from __future__ import annotations

from typing import NamedTuple

from ...model.guards import Guards
from .links import Hearer, Link, Standing, not_read

_PEOPLE = frozenset({"email", "email-json", "sms", "https", "http", "application"})
"""SNS protocols that lead to people or to the paging and chat services they use."""


class Ear(NamedTuple):
    """What one action or target comes to."""

    link: Link
    hearers: tuple[Hearer, ...] = ()
    pending: tuple[str, ...] = ()


def ear_of(arn: str, guards: Guards) -> Ear:
    """What becomes of a message handed to an ARN."""
    parts = arn.split(":", 5)
    service = parts[2] if len(parts) == 6 else ""
    region, name = (parts[3], parts[5]) if len(parts) == 6 else ("", arn)
    if service == "sns":
        return _topic(arn, name, region, guards)
    words = _PROGRAMS.get(service)
    if words is None:
        return Ear(Link("target", name, Standing.UNKNOWN, f"what becomes of it in {service or 'that'} is not known here", region))
    person = service in ("ssm-incidents", "aiops")
    return Ear(Link("target", name, Standing.OK, words, region), (Hearer(service, name, person),))


_PROGRAMS = {
    "lambda": "a function is called: who hears is up to its code",
    "sqs": "put into a queue: who hears is up to its reader",
    "firehose": "put into a stream",
    "kinesis": "put into a stream",
    "logs": "written to a log group: nobody is told by that",
    "states": "a state machine is started: who hears is up to it",
    "codebuild": "a build is started",
    "codepipeline": "a pipeline is started",
    "ssm": "an OpsItem is made or an automation is run",
    "ssm-incidents": "an incident is opened: its response plan tells its contacts",
    "aiops": "an investigation is opened",
    "execute-api": "an API is called: who hears is up to it",
    "ecs": "a task is run",
}


def _topic(arn: str, name: str, region: str, guards: Guards) -> Ear:
    def link(standing: Standing, words: str) -> Link:
        return Link("topic", name, standing, words, region)

    topic = guards.topics.get(arn)
    if topic is None:
        account = arn.split(":")[4]
        if guards.account and account != guards.account:
            return Ear(link(Standing.UNKNOWN, f"is in account {account}: who is subscribed was not read"))
        return Ear(link(Standing.UNKNOWN, "who is subscribed was not read"))
    if topic.subscriptions.value is None:
        return Ear(link(Standing.UNKNOWN, f"who is subscribed: {not_read(topic.subscriptions)}"))
    confirmed = [one for one in topic.subscriptions.value if one.state == "confirmed"]
    pending = tuple(f"{one.protocol} {one.endpoint}" for one in topic.subscriptions.value if one.state == "pending")
    hearers = tuple(Hearer(one.protocol, one.endpoint, one.protocol in _PEOPLE, arn) for one in confirmed)
    waiting = f"; not confirmed: {', '.join(pending)}" if pending else ""
    if not hearers:
        what = f"nobody has confirmed: {', '.join(pending)}" if pending else "has no subscription"
        return Ear(link(Standing.BROKEN, what), (), pending)
    return Ear(link(Standing.OK, f"tells {', '.join(one.words for one in hearers)}{waiting}"), hearers, pending)
