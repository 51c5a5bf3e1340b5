"""The records of ordinary days."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from random import Random
from typing import Any

import msgspec

from .calls import GLOBAL, NULL, SIGN_IN_URL, call, raw
from .clock import Clock
from .grammar import ACCOUNT, SSO_REGION
from .ids import long_term_key, session_key, unique_id, uuid
from .people import USERS
from .plan import Plan, Session
from .records import (
    ACTIONS,
    BOTO,
    BROWSER,
    CLI,
    GO,
    JAVA,
    TERRAFORM,
    Actor,
    Record,
    Writer,
    credentials,
    role_identity,
    throttled,
    user_identity,
)
from .roles import Role, all_roles
from .work import By, Work

_ASSUME = call("sts:AssumeRole")
_GITHUB = "token.actions.githubusercontent.com"
_AGENTS = {"lambda": JAVA, "ecs-tasks": BOTO, "ec2": GO}
_SAML = f"arn:aws:iam::{ACCOUNT}:saml-provider/AWSSSO_6a1e4c9d7b20f35e_DO_NOT_DELETE"


class Daily:
    """Writes the sessions of a plan as records. Every session has its own random numbers, so any part can be written alone."""

    def __init__(self, clock: Clock, seed: int, plan: Plan) -> None:
        self.clock = clock
        self.seed = seed
        self.plan = plan
        self.writer = Writer(clock, seed)

    @cached_property
    def roles(self) -> dict[str, Role]:
        return {role.name: role for role in all_roles()}

    @cached_property
    def _users(self) -> dict[str, str]:
        return {user.name: f"arn:aws:iam::{ACCOUNT}:user{user.path}{user.name}" for user in USERS}

    @cached_property
    def _ids(self) -> dict[str, str]:
        return {name: unique_id("AROA", self.seed, name) for name in self.roles}

    def day(self, day: int, name: str = "") -> Iterator[tuple[int, Record]]:
        """(second, record) of one day, unordered; `name` limits it to what an identity does, or is assumed for."""
        for work, key in self.plan.works:
            if name and name != work.name and (work.chain is None or name != work.chain.role):
                continue
            for session in self.plan.sessions(work, key, day):
                yield from self._session(work, session, day)

    def _session(self, work: Work, session: Session, day: int) -> Iterator[tuple[int, Record]]:
        random = Random(session.seed)
        start = session.start
        if work.by is By.KEY:
            arn = self._users[work.name]
            key = long_term_key(self.seed, work.name, work.slot)
            identity = raw(user_identity(self.seed, work.name, arn, key))
            actor = Actor(identity, arn, work.ip, CLI, key, unique_id("AIDA", self.seed, work.name))
        elif work.by is By.CONSOLE:
            actor, logins = self._console(work, start, day, random)
            yield from logins
        else:
            actor, opening = self.opening(work, session, day, random)
            yield start, opening
        yield from self._calls(work, work.habit, actor, start, session.own_end, day, random, last=not session.pivot)
        if session.pivot and work.chain is not None:
            name = work.detail or work.name
            source = name if work.chain.source_identity else ""
            then, record = self.assume(actor, work.chain.role, name, session.pivot, day, random, source_identity=source)
            yield session.pivot, record
            yield from self._calls(work, work.chain.habit, then, session.pivot, session.end, day, random, last=True)

    def _calls(
        self, work: Work, habit: str, actor: Actor, start: int, end: int, day: int, random: Random, *, last: bool
    ) -> Iterator[tuple[int, Record]]:
        words = habit.split(" ")
        fewest, most = work.calls
        count = random.randint(fewest, most)
        record = self.writer.record
        places = (work.region, work.region, *work.others)
        for _ in range(count - 1 if last else count):
            operation = call(words[int(random.random() * len(words))])
            second = start + 1 + int(random.random() * max(end - start - 2, 1))
            error = (
                throttled(operation)
                if operation.read_only and not operation.data and not operation.denied and random.random() < 0.008
                else None
            )
            yield second, record(actor, operation, day, second, places[int(random.random() * len(places))], random, error=error)
        if last:
            yield end, record(actor, call(words[0]), day, end, work.region, random)

    # how sessions begin

    def assume(
        self,
        actor: Actor,
        role: str,
        session: str,
        second: int,
        day: int,
        random: Random,
        *,
        region: str = "us-east-1",
        source_identity: str = "",
        mfa_serial: str = "",
        event_id: str = "",
    ) -> tuple[Actor, Record]:
        """AssumeRole by someone of this account: the session it opens, and the record of it."""
        key = session_key(random.getrandbits(64))
        arn = f"arn:aws:iam::{ACCOUNT}:role{self.roles[role].path}{role}"
        asked: dict[str, Any] = {"roleArn": arn, "roleSessionName": session, "durationSeconds": 3600}
        if source_identity:
            asked["sourceIdentity"] = source_identity
        if mfa_serial:
            asked["serialNumber"] = mfa_serial
        response: dict[str, Any] = {
            "credentials": credentials(key, self.clock, day, second),
            "assumedRoleUser": self._assumed(role, session),
        }
        if source_identity:
            response["sourceIdentity"] = source_identity
        record = self.writer.record(
            actor, _ASSUME, day, second, region, random, parameters=raw(asked), response=raw(response), event_id=event_id
        )
        record["resources"] = [{"accountId": ACCOUNT, "type": "AWS::IAM::Role", "ARN": arn}]
        began = self.clock.event_time(day, second)
        mine = role_identity(
            self._ids[role], role, self.roles[role].path, session, key, began, mfa=bool(mfa_serial), source_identity=source_identity
        )
        return Actor(raw(mine), mine["arn"], actor.ip, actor.agent, key, mine["principalId"]), record

    def _assumed(self, role: str, session: str) -> dict[str, str]:
        return {"assumedRoleId": f"{self._ids[role]}:{session}", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"}

    def opening(self, work: Work, session: Session, day: int, random: Random) -> tuple[Actor, Record]:
        """The event that hands out a role session's key, and the session."""
        role, path = work.name, self.roles[work.name].path
        key = session_key(random.getrandbits(64))
        began = self.clock.event_time(day, session.start)
        arn = f"arn:aws:iam::{ACCOUNT}:role{path}{role}"
        make = {By.SERVICE: self._by_service, By.LINKED: self._by_service, By.FOREIGN: self._by_account}.get(work.by)
        make = make or {By.CENTER: self._by_center, By.PIPELINE: self._by_pipeline}[work.by]
        opener, operation, name, asked, answered, region, more, ip, agent = make(work, arn, random)
        asked = {"roleArn": arn, "roleSessionName": name, **asked}
        response = {
            "credentials": credentials(key, self.clock, day, session.start),
            "assumedRoleUser": self._assumed(role, name),
            **answered,
        }
        record = self.writer.record(opener, operation, day, session.start, region, random, parameters=raw(asked), response=raw(response))
        record["resources"] = [{"accountId": ACCOUNT, "type": "AWS::IAM::Role", "ARN": arn}]
        if work.by in (By.SERVICE, By.LINKED, By.FOREIGN):
            record["sharedEventID"] = uuid(random.getrandbits(128))
        mine = role_identity(self._ids[role], role, path, name, key, began, **more)
        return Actor(raw(mine), mine["arn"], ip, agent, key, mine["principalId"]), record

    def _by_service(self, work: Work, arn: str, random: Random) -> tuple[Any, ...]:
        service = f"{work.detail}.amazonaws.com"
        opener = Actor(raw({"type": "AWSService", "invokedBy": service}), service, service, service)
        if work.by is By.LINKED:
            name, more, ip, agent = work.detail.replace("-", ""), {"invoked_by": service}, service, service
        else:
            more = {"role_delivery": "2.0"} if work.detail == "ec2" else {}
            host = int(random.random() * 250) + 2
            ip, agent = f"10.20.{host % 40}.{host}", _AGENTS.get(work.detail, service)
            if agent == service:
                ip = service
            bits = random.getrandbits(40)
            name = {"ec2": f"i-0{bits & 0xFFFFF:05x}EXAMPLE", "ecs-tasks": f"{bits:010x}EXAMPLE"}.get(work.detail, work.name)
        return opener, _ASSUME, name, {}, {}, work.region, more, ip, agent

    def _by_account(self, work: Work, arn: str, random: Random) -> tuple[Any, ...]:
        account, _, name = work.detail.partition("/")
        principal = f"{unique_id('AROA', self.seed, work.detail)}:{name}"
        opener = Actor(raw({"type": "AWSAccount", "principalId": principal, "accountId": account}), account, work.ip, BOTO)
        asked: dict[str, Any] = {"durationSeconds": 3600}
        if "ExternalId" in str(self.roles[work.name].trust):
            asked["externalId"] = "acme-audit-7731" if work.name == "audit-external" else "pw-acme-20418"
        return opener, _ASSUME, name, asked, {}, "us-east-1", {}, work.ip, BOTO

    def _by_pipeline(self, work: Work, arn: str, random: Random) -> tuple[Any, ...]:
        provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{_GITHUB}"
        identity = {
            "type": "WebIdentityUser",
            "principalId": f"{provider}:sts.amazonaws.com:{work.detail}",
            "userName": work.detail,
            "identityProvider": provider,
        }
        ip = f"20.84.{random.getrandbits(5)}.{random.getrandbits(7) + 1}"
        agent = TERRAFORM if work.name == "ci-terraform" else CLI
        answered = {"subjectFromWebIdentityToken": work.detail, "provider": provider, "audience": "sts.amazonaws.com"}
        more = {"web": {"federatedProvider": provider, "attributes": {}}}
        opener = Actor(raw(identity), work.detail, ip, ACTIONS)
        return (
            opener,
            call("sts:AssumeRoleWithWebIdentity"),
            "GitHubActions",
            {"durationSeconds": 3600},
            answered,
            work.region,
            more,
            ip,
            agent,
        )

    def _by_center(self, work: Work, arn: str, random: Random) -> tuple[Any, ...]:
        person = work.detail
        identity = {
            "type": "SAMLUser",
            "principalId": f"EXAMPLEqualifier=:{person}",
            "userName": person,
            "identityProvider": "EXAMPLEqualifier=",
        }
        opener = Actor(raw(identity), person, work.ip, CLI)
        agent = BROWSER if random.random() < 0.5 else CLI
        answered = {
            "subject": person,
            "subjectType": "persistent",
            "issuer": f"https://portal.sso.{SSO_REGION}.amazonaws.com/saml/assertion/EXAMPLE",
            "audience": "https://signin.aws.amazon.com/saml",
            "nameQualifier": "EXAMPLEqualifier=",
        }
        asked = {"principalArn": _SAML, "sAMLAssertionID": f"_EXAMPLE{random.getrandbits(40):010x}", "durationSeconds": 28800}
        return opener, call("sts:AssumeRoleWithSAML"), person, asked, answered, "us-east-1", {}, work.ip, agent

    def _console(self, work: Work, start: int, day: int, random: Random) -> tuple[Actor, list[tuple[int, Record]]]:
        logins = []
        if random.random() < 0.07 and start > 60:
            logins.append((start - 41, self.console_login(work.name, start - 41, day, random, work.ip, work.mfa, failed=True)))
        logins.append((start, self.console_login(work.name, start, day, random, work.ip, work.mfa)))
        return self.console_actor(work.name, start, day, random, work.ip, work.mfa), logins

    def console_actor(self, user: str, second: int, day: int, random: Random, ip: str, mfa: bool) -> Actor:
        """A user's console session."""
        key = session_key(random.getrandbits(64))
        identity = user_identity(self.seed, user, self._users[user], key, self.clock.event_time(day, second), mfa)
        return Actor(raw(identity), self._users[user], ip, BROWSER, key, identity["principalId"])

    def console_login(
        self, user: str, second: int, day: int, random: Random, ip: str, mfa: bool, *, failed: bool = False, event_id: str = ""
    ) -> Record:
        """A ConsoleLogin record; a failed one has no errorCode. `<root_account>` is root."""
        if user == "<root_account>":
            identity = {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}
        else:
            identity = user_identity(self.seed, user, self._users[user], "")
        if failed:
            identity = {
                "type": "IAMUser",
                "principalId": identity["principalId"],
                "accountId": ACCOUNT,
                "accessKeyId": "",
                "userName": user,
            }
        record = self.writer.record(
            Actor(raw(identity), "", ip, BROWSER),
            call("signin:ConsoleLogin"),
            day,
            second,
            "us-east-1",
            random,
            parameters=NULL,
            response=raw({"ConsoleLogin": "Failure" if failed else "Success"}),
            event_id=event_id,
        )
        record["eventType"] = "AwsConsoleSignIn"
        record["additionalEventData"] = {"LoginTo": SIGN_IN_URL, "MobileVersion": "No", "MFAUsed": "Yes" if mfa else "No"}
        if failed:
            record["errorMessage"] = "Failed authentication"
        del record["requestID"]
        return record


def container(records: list[tuple[int, Record]]) -> bytes:
    """A `Records` file, newest first."""
    records.sort(key=lambda entry: entry[0], reverse=True)
    return msgspec.json.encode({"Records": [record for _, record in records]})


__all__ = ["GLOBAL", "Daily", "container"]
