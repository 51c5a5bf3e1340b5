"""Ways over roles, and between accounts, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..analysis.escalation.crossing import Unread
    from ..analysis.escalation.evaluating import Hops
    from ..model.accounts import KnownAccount

_MOST_NAMES = 5


def hops_json(chain: Hops, names: Mapping[str, str]) -> dict[str, Any]:
    """A way over roles with the keys of `escalation_json`, and `account` it begins in, `ends_in`, `roles` (ARNs in order)."""
    return {
        "identity": chain.identity.name,
        "path": "sts:AssumeRole",
        "title": f"Assume {over_words(chain, names)}",
        "ends_as": ends_words(chain, names),
        "conditions": chain.conditions,
        "unseen": [],
        "arn": chain.identity.arn,
        "target": chain.roles[-1].arn,
        "steps": [],
        "account": chain.identity.account,
        "ends_in": chain.account,
        "roles": [role.arn for role in chain.roles],
    }


def over_words(chain: Hops, names: Mapping[str, str]) -> str:
    """The roles in order, each with its account where the way leads through another one."""
    if not chain.crosses:
        return " → ".join(role.name for role in chain.roles)
    return " → ".join(f"{names.get(role.account, role.account)}/{role.name}" for role in chain.roles)


def ends_words(chain: Hops, names: Mapping[str, str]) -> str:
    ends = chain.last.ends_as if chain.last is not None else "administrator"
    return f"{ends} of account {names.get(chain.account, chain.account)}" if chain.crosses else ends


def alike(chains: Sequence[Hops]) -> list[list[Hops]]:
    """Ways of one identity over roles of the same names into several accounts, together."""
    found: dict[tuple[Any, ...], list[Hops]] = {}
    for chain in chains:
        last = chain.last.path.id if chain.last is not None else ""
        shape = tuple(role.name for role in chain.roles)
        conditions = chain.conditions.replace(chain.account, "")
        found.setdefault((chain.identity.arn, shape, last, conditions), []).append(chain)
    return list(found.values())


def grouped(chains: Sequence[Hops], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """`hops_json` of ways between accounts, those that are alike as one."""
    rows = []
    for held in alike(chains):
        row = hops_json(held[0], names)
        if len(held) > 1:
            accounts = [names.get(chain.account, chain.account) for chain in held]
            few = ", ".join(accounts[:_MOST_NAMES]) + (" …" if len(accounts) > _MOST_NAMES else "")
            row["ends_as"] = f"administrator of {len(held)} accounts: {few}"
            row["title"] = f"Assume {' → '.join(role.name for role in held[0].roles)} in each"
            row["ends_in"] = f"{len(held)} accounts"
        rows.append(row)
    return rows


def unread_words(edges: Sequence[Unread], known: Mapping[str, KnownAccount]) -> list[str]:
    """A line an account that was not read: what leads there, and what is not known of it."""
    found: dict[tuple[str, bool], list[Unread]] = {}
    for edge in edges:
        found.setdefault((edge.account, edge.inward), []).append(edge)
    lines = []
    for (account, inward), held in found.items():
        name = known[account].name if account in known else ""
        told = f"account {account}{f' ({name})' if name else ''} was not read"
        people = list(dict.fromkeys(edge.name for edge in held))
        few = ", ".join(people[:_MOST_NAMES]) + (f" and {len(people) - _MOST_NAMES} more" if len(people) > _MOST_NAMES else "")
        if inward:
            lines.append(f"{told}: somebody there may assume {few}, with an administrator's rights here; who, is not known")
        else:
            lines.append(f"{told}: {few} may by their own policies assume roles there; what those are worth is not known")
    return lines


__all__ = ["alike", "ends_words", "grouped", "hops_json", "over_words", "unread_words"]
