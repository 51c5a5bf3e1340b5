"""What S3 calls public, and what Block Public Access then does. Source: S3 User Guide, "The meaning of public"."""

from __future__ import annotations

from collections.abc import Iterable

from .caller import Caller, CallerKind
from .compiled import CompiledPolicy, Rule
from .conditions import address

_FIXING = frozenset(
    (
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceowner",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalarn",
        "aws:principalaccount",
        "aws:userid",
        "s3:dataaccesspointarn",
        "s3:dataaccesspointaccount",
    )
)
_POSITIVE = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike")


def is_public(rule: Rule) -> bool:
    """Whether an allowing rule names everybody without tying them to a fixed value (an account, a network, a VPC)."""
    principal = rule.principal
    if principal is None or not rule.statement.allows or not (principal.everybody or principal.signed or principal.negated):
        return False
    for condition in rule.conditions:
        word = condition.operator.lower().removeprefix("foranyvalue:").removesuffix("ifexists")
        if condition.operator.lower().startswith("forallvalues:") or condition.if_exists:
            continue
        if word == "ipaddress" and condition.lowered == "aws:sourceip" and all(_narrow(value) for value in condition.values):
            return False
        if condition.lowered in _FIXING and word in _POSITIVE and not any("*" in value or "${" in value for value in condition.values):
            return False
    return True


def _narrow(network: str) -> bool:
    """Not broader than /8 (IPv4) or /32 (IPv6)."""
    text, _, length = network.partition("/")
    given = address(text)
    if given is None or (length and not length.isdigit()):
        return False
    return not length or int(length) >= (8 if given.version == 4 else 32)


def blocked_by_public_access_block(caller: Caller, account: str, policies: Iterable[CompiledPolicy]) -> str:
    """Why RestrictPublicBuckets refuses a caller; "" when it does not."""
    if not any(is_public(rule) for policy in policies for rule in policy.allows):
        return ""
    if caller.kind is CallerKind.SERVICE or (caller.in_account and caller.account == account):
        return ""
    return "Block Public Access keeps a bucket with a public policy to its own account and AWS services"
