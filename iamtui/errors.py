"""Errors a user meets: what happened, and what to type next. Everything else is a defect of ours."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    FINE = 0
    CHECK_FAILED = 1
    WRONG_USE = 2
    AWS_UNREACHABLE = 3
    PARTIAL = 4


class IamtuiError(Exception):
    """A sentence for a person. `hint` is what to type next, empty when there is nothing to type."""

    exit_code = Exit.WRONG_USE

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(IamtuiError):
    """Wrong use of a command, a filter, a target or a setting."""


class BadInputError(IamtuiError):
    """A file or an answer that is not what it claims to be."""


class NotFoundError(IamtuiError):
    """A name, ARN or key that is nowhere in what has been read."""


class AwsError(IamtuiError):
    """AWS refused, failed, or could not be reached. `action` is the IAM action or API operation asked for."""

    exit_code = Exit.AWS_UNREACHABLE

    def __init__(self, message: str, hint: str = "", action: str = "") -> None:
        super().__init__(message, hint)
        self.action = action


class RefusedError(AwsError):
    """AWS was reached, and did not give what was asked for. `denied`: because of permissions."""

    def __init__(self, message: str, hint: str = "", action: str = "", *, denied: bool = False) -> None:
        super().__init__(message, hint, action)
        self.denied = denied


class CredentialsError(AwsError):
    """Credentials are missing, expired or cannot be refreshed; `hint` is the exact command to log in."""


class NotReadOnlyError(AwsError):
    """An API operation outside the allow-list was about to be sent. It was not sent."""


class OfflineError(AwsError):
    """The network is forbidden (`--offline`, `--from`, `--demo`) and what was asked for is not on disk."""
