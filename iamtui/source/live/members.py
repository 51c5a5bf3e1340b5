"""Accounts beside one's own: a role is assumed in each, with credentials that are had once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from ...errors import AwsError, CredentialsError, IamtuiError
from ...model.accounts import KnownAccount, Reading
from ..base import Cancelled, Item, never_cancelled
from .connection import _EXPIRED, DENIED, THROTTLED, LiveOptions, code_of, message_of, told
from .source import LiveSource

ASSUME = "sts:AssumeRole"
_DISABLED = "RegionDisabledException"


class NotAssumed(Exception):
    """The role of one account could not be assumed. `throttled`: trying again later may help; `network`: AWS was not reached."""

    def __init__(self, reading: Reading, reason: str, hint: str, *, throttled: bool = False, network: bool = False) -> None:
        super().__init__(reason)
        self.reading, self.reason, self.hint = reading, reason, hint
        self.throttled, self.network = throttled, network


class Members:
    """The way into many accounts.

    options:   the way to the caller's own credentials; `external_id` goes with every role that is assumed
    role_name: role to assume in each account, its path included when it has one (`audit/iamtui`)
    """

    def __init__(self, options: LiveOptions, role_name: str, mfa_prompt: Callable[[str], str] | None = None) -> None:
        self.own = LiveSource(options, mfa_prompt)
        self.role_name = role_name.strip("/")
        self.account = ""
        self.partition = "aws"
        self.caller_arn = ""

    def who(self) -> None:
        """Ask once who we are. Raises CredentialsError or AwsError: then nothing can be read."""
        from .inventory import who_am_i

        document = who_am_i(self.own._caller)
        answer = msgspec.json.decode(document.body, type=dict[str, str])
        self.account, self.caller_arn = document.account, answer.get("Arn", "")
        self.partition = self.caller_arn.split(":")[1] if self.caller_arn.startswith("arn:") else "aws"

    def accounts(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        return self.own.members(cancelled)

    def organization(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        return self.own.organization(cancelled)

    def role_arn(self, account: str) -> str:
        return f"arn:{self.partition}:iam::{account}:role/{self.role_name}"

    def into(self, known: KnownAccount) -> tuple[LiveSource, str]:
        """(a source of that account, the role that was assumed there). One's own account is read with one's own credentials where the
        role cannot be assumed; then the role is "". Raises NotAssumed, and CredentialsError when no account can be read any more."""
        arn = self.role_arn(known.account)
        options = msgspec.structs.replace(self.own.options, role_arn=arn, mfa_serial="")
        source = LiveSource(options, through=self.own.connection)
        try:
            source.connection.session.get_credentials().get_frozen_credentials()
        except IamtuiError:
            raise
        except Exception as error:
            if known.account == self.account and code_of(error) not in _EXPIRED:
                return self.own, ""
            raise self._refused(error, arn, known) from error
        return source, arn

    def _refused(self, error: Exception, arn: str, known: KnownAccount) -> Exception:
        code = code_of(error)
        if code in THROTTLED:
            return NotAssumed(
                Reading.FAILED,
                f"throttled by AWS ({code})",
                "the same command again reads what is missing; --at-once 2 is gentler",
                throttled=True,
            )
        if code in DENIED:
            hint = (
                f"let {arn} trust {_principal(self.caller_arn)}, or name the role that does with --role-name; the same command again reads what is missing"
                f"; --exclude {known.account} leaves the account out"
            )
            return NotAssumed(Reading.DENIED, message_of(error), hint)
        if code == _DISABLED:
            return NotAssumed(Reading.FAILED, message_of(error), "choose a Region that is on in every account: --region us-east-1")
        final = told(error, ASSUME, self.own.options.profile)
        if isinstance(final, CredentialsError):
            return final
        if isinstance(final, AwsError):
            return NotAssumed(
                Reading.FAILED, final.message, "check the network; the same command again reads what is missing", network=True
            )
        reason = f"{code}: {message_of(error)}" if code else str(error)
        return NotAssumed(Reading.FAILED, reason, "the same command again reads what is missing")


def _principal(arn: str) -> str:
    """Who we are as a trust policy names it: the role of a session."""
    parts = arn.split(":", 5)
    if len(parts) == 6 and parts[5].startswith("assumed-role/"):
        return f"role {parts[5].split('/')[1]} of account {parts[4]}"
    return arn


__all__ = ["ASSUME", "Members", "NotAssumed"]
