"""Unused access in words, rows and JSON: the same for the command line and the screen."""

from __future__ import annotations

import json
from typing import Any

from ..analysis.reducing import Reduction, Smaller
from ..analysis.unused import IDLE, ServiceUse, UnusedAccess, UseState
from ..analysis.words import long_words, relative

SERVICE_COLUMNS = ("service", "state", "last used", "unused actions", "not observable", "source", "granted by")


def headline(found: UnusedAccess) -> str:
    """`801 of 826 actions unused in 90 days, 24 not observable`."""
    idle, unseen, unknown = found.count(*IDLE), found.count(UseState.NOT_OBSERVABLE), found.count(UseState.UNKNOWN)
    parts = [f"{idle:,} of {found.granted:,} actions unused in {found.days} days"]
    parts += [f"{unseen:,} not observable"] if unseen else []
    parts += [f"{unknown:,} not known"] if unknown else []
    return ", ".join(parts)


def whole_words(found: UnusedAccess) -> list[tuple[str, str, str]]:
    """(label, value, source) of the last signs of the identity itself."""
    return [(label, long_words(fact, found.at), fact.source) for label, fact in found.whole]


def source_words(found: UnusedAccess) -> list[str]:
    return [f"{one.source}: {one.window}" for one in found.sources]


def service_row(found: UnusedAccess, service: ServiceUse) -> list[str]:
    """Cells of SERVICE_COLUMNS."""
    last = f"{service.last_used:%Y-%m-%d} ({relative(service.last_used, found.at)})" if service.last_used else ""
    unseen = sum(1 for action in service.actions if action.state is UseState.NOT_OBSERVABLE)
    return [
        service.prefix,
        service.state.value,
        last,
        f"{len(service.idle)}/{len(service.actions)}",
        str(unseen) if unseen else "",
        service.source,
        ", ".join(service.granted_by),
    ]


def used_words(service: ServiceUse) -> list[str]:
    """Used actions of a service, newest first."""
    return [action.name for action in service.actions if action.state is UseState.USED]


def smaller_words(policy: Smaller) -> str:
    """What becomes of a policy, in a line."""
    if not policy.changed:
        return f"{policy.name} ({policy.way}): nothing to take away"
    if not policy.new:
        return f"{policy.name} ({policy.way}): nothing of it was used; detach it"
    narrower = f", {len(policy.narrowed):,} on fewer resources" if policy.narrowed else ""
    return f"{policy.name} ({policy.way}): {len(policy.removed):,} actions go, {policy.kept:,} stay{narrower}"


def uses_words(smaller: Reduction) -> str:
    """`4 uses asked of the engine before and after: all stay allowed`."""
    if not smaller.checked:
        return "no use was seen that could be asked of the engine"
    uses = "1 use" if smaller.checked == 1 else f"{smaller.checked:,} uses"
    return f"{uses} asked of the engine before and after: all stay allowed"


def pretty_new(policy: Smaller) -> str:
    """The smaller document, indented; "" when there is none."""
    return json.dumps(json.loads(policy.new), indent=2, ensure_ascii=False) if policy.new else ""


def unused_json(found: UnusedAccess, smaller: Reduction) -> dict[str, Any]:
    """`arn`, `name`, `days`, `counts`, `idle`, `whole`, `sources`, `services` (with `actions`), `policies` (with `new`)."""
    return {
        "arn": found.arn,
        "name": found.name,
        "days": found.days,
        "counts": {"granted": found.granted, **{state.value: found.count(state) for state in UseState}},
        "idle": found.idle,
        "whole": [{"what": label, "value": value, "source": source} for label, value, source in whole_words(found)],
        "sources": [{"source": one.source, "window": one.window, "looked": one.seen} for one in found.sources],
        "services": [_service_json(service) for service in found.services],
        "policies": [
            {
                "name": policy.name,
                "way": policy.way,
                "arn": policy.arn,
                "removed": list(policy.removed),
                "kept": policy.kept,
                "narrowed": list(policy.narrowed),
                "notes": list(policy.notes),
                "detach": policy.changed and not policy.new,
                "new": json.loads(policy.new) if policy.new and policy.changed else None,
            }
            for policy in smaller.policies
        ],
        "checked": smaller.checked,
    }


def _service_json(service: ServiceUse) -> dict[str, Any]:
    return {
        "service": service.prefix,
        "state": service.state.value,
        "last_used": service.last_used,
        "source": service.source,
        "granted_by": list(service.granted_by),
        "actions": [
            {
                "action": f"{service.prefix}:{action.name}",
                "level": action.level,
                "state": action.state.value,
                "last_used": action.last_used,
                "source": action.source,
                "why": action.why,
                "resources": list(action.resources),
            }
            for action in service.actions
        ],
    }
