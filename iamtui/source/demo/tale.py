"""How the stories are told: a few verbs that write records and remember who used what last."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from .account import policy_arn
from .calls import GLOBAL, LOGGED_BUCKET, call, raw
from .daily import Daily
from .grammar import ACCOUNT, Document
from .ids import long_term_key, number, unique_id, uuid
from .people import USERS
from .plan import Session
from .recent import Recent, Use
from .records import BROWSER, CLI, Actor, Record, american, denied, user_identity
from .work import By, Work


def event_id(seed: int, tag: str) -> str:
    """The `eventID` of a story's event, known without writing it."""
    return uuid(number(seed, "story", tag) << 64 | number(seed, "story event", tag))


def seconds(time: str) -> int:
    """Second of the day of `14:02:09`."""
    hour, minute, second = time.split(":")
    return int(hour) * 3600 + int(minute) * 60 + int(second)


class Who(msgspec.Struct, frozen=True):
    """Someone who acts: `kind` is role, key, console or root; `name` the role, the key id or the user."""

    actor: Actor
    kind: str
    name: str
    user: str = ""


class Tale:
    """Collects the records of all stories, with the tag of each that somebody may ask for."""

    def __init__(self, daily: Daily) -> None:
        self.daily = daily
        self.clock = daily.clock
        self.seed = daily.seed
        self.random = Random(number(self.seed, "tales"))
        self.rows: list[tuple[int, int, Record]] = []
        self.recent = Recent({}, {}, {})

    # who

    def key(self, user: str, slot: int = 0, ip: str = "192.0.2.40", agent: str = CLI) -> Who:
        """A user with a long-term key."""
        key_id = long_term_key(self.seed, user, slot)
        arn = self.user_arn(user)
        identity = raw(user_identity(self.seed, user, arn, key_id))
        return Who(Actor(identity, arn, ip, agent, key_id, unique_id("AIDA", self.seed, user)), "key", key_id, user)

    def failed_login(self, user: str, day: int, time: str, ip: str, tag: str = "") -> None:
        """A wrong password at the console."""
        second = seconds(time)
        record = self.daily.console_login(user, second, day, self.random, ip, False, failed=True, event_id=self._id(tag))
        self.rows.append((day, second, record))

    def console(self, user: str, day: int, time: str, ip: str, mfa: bool, *, tag: str = "") -> Who:
        """A user signs in."""
        second = seconds(time)
        record = self.daily.console_login(user, second, day, self.random, ip, mfa, event_id=self._id(tag))
        self.rows.append((day, second, record))
        self.recent.password(user, Use(self.clock.at(day, second)))
        return Who(self.daily.console_actor(user, second, day, self.random, ip, mfa), "console", user, user)

    def root(self, day: int, time: str, ip: str, tag: str = "") -> Who:
        """The root user signs in."""
        second = seconds(time)
        record = self.daily.console_login("<root_account>", second, day, self.random, ip, True, event_id=self._id(tag))
        self.rows.append((day, second, record))
        self.recent.password("<root_account>", Use(self.clock.at(day, second)))
        arn = f"arn:aws:iam::{ACCOUNT}:root"
        identity = {
            "type": "Root",
            "principalId": ACCOUNT,
            "arn": arn,
            "accountId": ACCOUNT,
            "accessKeyId": "ASIAEXAMPLEROOTDEMO2",
            "sessionContext": {"attributes": {"creationDate": self.clock.event_time(day, second), "mfaAuthenticated": "true"}},
        }
        return Who(Actor(raw(identity), arn, ip, BROWSER), "root", "<root_account>")

    def center(self, person: str, role: str, day: int, time: str, ip: str) -> Who:
        """A person comes through Identity Center into a permission set's role."""
        return self._opened(Work(role, By.CENTER, "", detail=f"{person}@acme.example", ip=ip), role, day, time)

    def pipeline(self, role: str, subject: str, day: int, time: str) -> Who:
        """A pipeline shows its OIDC token."""
        return self._opened(Work(role, By.PIPELINE, "", detail=subject), role, day, time)

    def _opened(self, work: Work, role: str, day: int, time: str) -> Who:
        second = seconds(time)
        actor, record = self.daily.opening(work, Session(second, second, 0, 0), day, self.random)
        self.rows.append((day, second, record))
        return Who(actor, "role", role)

    def assume(self, who: Who, role: str, session: str, day: int, time: str, tag: str = "", *, source: str = "", mfa: str = "") -> Who:
        """`who` assumes a role of this account. source: source identity; mfa: serial of the device."""
        second = seconds(time)
        actor, record = self.daily.assume(
            who.actor, role, session, second, day, self.random, source_identity=source, mfa_serial=mfa, event_id=self._id(tag)
        )
        self._used(who, day, second, "us-east-1", "sts")
        self.rows.append((day, second, record))
        return Who(actor, "role", role)

    def user_arn(self, user: str) -> str:
        path = next((u.path for u in USERS if u.name == user), "/")
        return f"arn:aws:iam::{ACCOUNT}:user{path}{user}"

    # what

    def _id(self, tag: str) -> str:
        return event_id(self.seed, tag) if tag else ""

    def _used(self, who: Who, day: int, second: int, region: str, service: str) -> None:
        use = Use(self.clock.at(day, second), region, service)
        if who.kind == "role":
            self.recent.role(who.name, use)
        elif who.kind == "key":
            self.recent.key(who.name, use)

    def call(
        self,
        who: Who,
        day: int,
        time: str | int,
        operation: str,
        parameters: dict[str, Any] | None = None,
        response: dict[str, Any] | None = None,
        *,
        tag: str = "",
        region: str = "us-east-1",
        refused: str | None = None,
        resource: str = "*",
        error: tuple[str, str] | None = None,
        invoked_by: str = "",
    ) -> None:
        """One call. refused: why it was denied, in the tail of AWS's sentence ("" for the usual one)."""
        second = time if isinstance(time, int) else seconds(time)
        known = call(operation)
        actor = who.actor
        if invoked_by:
            identity = msgspec.json.decode(actor.identity)
            identity["invokedBy"] = invoked_by
            actor = Actor(raw(identity), actor.arn, invoked_by, invoked_by, actor.key, actor.principal)
        if refused is not None:
            error = denied(actor, known, refused, resource)
        record = self.daily.writer.record(
            actor,
            known,
            day,
            second,
            region,
            self.random,
            parameters=raw(parameters) if parameters is not None else None,
            response=raw(response) if response is not None else None,
            error=error,
            event_id=self._id(tag),
        )
        self.rows.append((day, second, record))
        self._used(who, day, second, "us-east-1" if known.prefix in GLOBAL else region, known.prefix)

    def create_user(self, who: Who, day: int, time: str | int, name: str, tag: str = "") -> None:
        second = time if isinstance(time, int) else seconds(time)
        path = next((u.path for u in USERS if u.name == name), "/")
        user = {
            "path": path,
            "userName": name,
            "userId": unique_id("AIDA", self.seed, name),
            "arn": f"arn:aws:iam::{ACCOUNT}:user{path}{name}",
            "createDate": american(self.clock, day, second),
        }
        asked = {"userName": name} if path == "/" else {"path": path, "userName": name}
        self.call(who, day, second, "iam:CreateUser", asked, {"user": user}, tag=tag)

    def create_login(self, who: Who, day: int, time: str | int, name: str, tag: str = "", *, reset: bool = False) -> None:
        second = time if isinstance(time, int) else seconds(time)
        profile = {"userName": name, "createDate": american(self.clock, day, second), "passwordResetRequired": reset}
        self.call(
            who,
            day,
            second,
            "iam:CreateLoginProfile",
            {"userName": name, "passwordResetRequired": reset},
            {"loginProfile": profile},
            tag=tag,
        )

    def create_key(self, who: Who, day: int, time: str | int, name: str, slot: int, tag: str = "") -> None:
        second = time if isinstance(time, int) else seconds(time)
        key = {
            "userName": name,
            "accessKeyId": long_term_key(self.seed, name, slot),
            "status": "Active",
            "createDate": american(self.clock, day, second),
        }
        self.call(who, day, second, "iam:CreateAccessKey", {"userName": name}, {"accessKey": key}, tag=tag)

    def attach(self, who: Who, day: int, time: str | int, kind: str, name: str, policy: str, tag: str = "") -> None:
        """AttachUserPolicy, AttachRolePolicy or AttachGroupPolicy."""
        self.call(who, day, time, f"iam:Attach{kind}Policy", {f"{kind.lower()}Name": name, "policyArn": policy_arn(policy)}, tag=tag)

    def put_inline(
        self,
        who: Who,
        day: int,
        time: str | int,
        kind: str,
        name: str,
        policy: str,
        document: Document,
        tag: str = "",
        refused: str | None = None,
    ) -> None:
        """PutUserPolicy or PutRolePolicy."""
        asked = {f"{kind.lower()}Name": name, "policyName": policy, "policyDocument": _text(document)}
        self.call(who, day, time, f"iam:Put{kind}Policy", asked, tag=tag, refused=refused, resource=f"{kind.lower()} {name}")

    def trust(self, who: Who, day: int, time: str | int, role: str, document: Document, tag: str = "") -> None:
        self.call(who, day, time, "iam:UpdateAssumeRolePolicy", {"roleName": role, "policyDocument": _text(document)}, tag=tag)

    def new_version(self, who: Who, day: int, second: int, policy: str, number: int, document: Document, tag: str = "") -> None:
        """CreatePolicyVersion that becomes the default."""
        version = {"versionId": f"v{number}", "isDefaultVersion": True, "createDate": american(self.clock, day, second)}
        asked = {"policyArn": policy_arn(policy), "policyDocument": _text(document), "setAsDefault": True}
        self.call(who, day, second, "iam:CreatePolicyVersion", asked, {"policyVersion": version}, tag=tag)

    def create_role(self, who: Who, day: int, second: int, name: str, path: str, trust: Document, tag: str = "") -> None:
        role = {
            "path": path,
            "roleName": name,
            "roleId": unique_id("AROA", self.seed, name),
            "arn": f"arn:aws:iam::{ACCOUNT}:role{path}{name}",
            "createDate": american(self.clock, day, second),
        }
        asked = {"path": path, "roleName": name, "assumeRolePolicyDocument": _text(trust), "maxSessionDuration": 3600}
        self.call(who, day, second, "iam:CreateRole", asked, {"role": role}, tag=tag)

    def read_object(self, who: Who, day: int, time: str | int, key: str, tag: str = "", *, refused: str | None = None) -> None:
        """GetObject in the bucket whose data events are logged."""
        asked = {"bucketName": LOGGED_BUCKET, "Host": f"{LOGGED_BUCKET}.s3.eu-west-1.amazonaws.com", "key": key}
        arn = f"arn:aws:s3:::{LOGGED_BUCKET}/{key}"
        self.call(who, day, time, "s3:GetObject", asked, tag=tag, region="eu-west-1", refused=refused, resource=arn)

    def terminate(self, who: Who, day: int, time: str, instance: str, region: str, tag: str = "") -> None:
        change = {
            "instanceId": instance,
            "currentState": {"code": 32, "name": "shutting-down"},
            "previousState": {"code": 16, "name": "running"},
        }
        asked = {"instancesSet": {"items": [{"instanceId": instance}]}}
        self.call(who, day, time, "ec2:TerminateInstances", asked, {"instancesSet": {"items": [change]}}, tag=tag, region=region)


def _text(document: Document) -> str:
    return msgspec.json.encode(document).decode()
