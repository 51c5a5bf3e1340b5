"""The systems of AWS an IAM audit uses, one line each: is it there, what does it say, how old is that, where to read on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from ..model.analyzer import AnalyzerKind, Status
from ..model.surroundings import Surroundings
from .alarms.coverage import Coverage, Verdict
from .alarms.healthrow import Health, Row, some

_WORST = (Health.MISSING, Health.DENIED, Health.WEAK, Health.UNKNOWN, Health.OK)
_CHARGED = ("analyzer.internal",)
"""What many do without, because it costs money: told, and not held against an account."""


class System(msgspec.Struct, frozen=True):
    """One line.

    id:     stable name; name: as AWS calls it
    found:  what is so, the worst of it first; may hold names of strangers
    go:     what to type after `:` to read on; "" for nowhere
    source: operations that told
    """

    id: str
    name: str
    account: str
    state: Health
    found: str
    go: str = ""
    source: str = ""
    as_of: datetime | None = None


_OF_HEALTH = (
    ("cloudtrail", "CloudTrail", ("trails", "trail", "recording", "log-group", "history"), "logging", "cloudtrail:DescribeTrails"),
    ("config", "AWS Config", ("config",), "changes", "config:DescribeConfigurationRecorders"),
    ("credential-report", "Credential report", ("credential-report",), "users", "iam:GetCredentialReport"),
    ("access-analyzer", "IAM Access Analyzer", ("analyzer",), "analyzer", "access-analyzer:ListAnalyzers"),
)


def systems(
    account: str,
    health: Sequence[Row],
    covered: Sequence[Coverage],
    around: Surroundings,
    *,
    advised: int,
    to_ask: int,
) -> tuple[System, ...]:
    """The lines of one account. health, covered: () when what watches over it was not read.

    advised: identities and policies with last-accessed details, of `to_ask`
    """
    found = [_of_health(account, id, name, _rows(health, begins), go, source) for id, name, begins, go, source in _OF_HEALTH]
    found.insert(1, _alarms(account, covered))
    found[-1] = _with_findings(found[-1], around)
    return (*found, _advisor(account, advised, to_ask), _organization(account, around))


def _rows(health: Sequence[Row], begins: tuple[str, ...]) -> list[Row]:
    return [row for row in health if row.id.partition(".")[0] in begins]


def _of_health(account: str, id: str, name: str, rows: list[Row], go: str, source: str) -> System:
    if not rows:
        return System(id, name, account, Health.UNKNOWN, "not read", go, source)
    rows = sorted(rows, key=lambda row: _WORST.index(row.state))
    held = [row for row in rows if row.id not in _CHARGED]
    state = held[0].state if held else rows[0].state
    told = [row for row in held if row.state is not Health.OK] or rows[:2]
    stamps = [row.as_of for row in rows if row.as_of is not None]
    words = "; ".join(f"{row.name}: {row.found}" if row.name not in ("", "nowhere") else row.found for row in told)
    return System(id, name, account, state, words, go, _sources(row.source for row in rows) or source, min(stamps, default=None))


def _sources(names: Iterable[str]) -> str:
    return ", ".join(sorted({name for name in names if name}))


def _alarms(account: str, covered: Sequence[Coverage]) -> System:
    id, name = "alarms", "Alarms and rules"
    asked = [one for one in covered if one.watched.sensitive and one.verdict is not Verdict.NO_EVENT]
    if not asked:
        return System(id, name, account, Health.UNKNOWN, "not read", "alarms")
    silent = [one.watched.event for one in asked if one.verdict in (Verdict.SILENT, Verdict.PARTLY)]
    untold = [one for one in asked if one.verdict in (Verdict.UNKNOWN, Verdict.PROGRAM)]
    more = f"; of {len(untold)} it cannot be told" if untold else ""
    if silent:
        words = f"nobody hears for certain of {len(silent)} of {len(asked)} events an audit asks for: {some(silent, 3)}{more}"
        return System(id, name, account, Health.MISSING if len(silent) == len(asked) else Health.WEAK, words, "alarms", _ALARMS)
    if len(untold) == len(asked):
        words = f"of none of {len(asked)} events an audit asks for can be told who hears"
        return System(id, name, account, Health.UNKNOWN, words, "alarms", _ALARMS)
    if untold:
        return System(id, name, account, Health.UNKNOWN, f"somebody hears of {len(asked) - len(untold)} events{more}", "alarms", _ALARMS)
    return System(id, name, account, Health.OK, f"somebody hears of all {len(asked)} events an audit asks for", "alarms", _ALARMS)


_ALARMS = "cloudwatch:DescribeAlarms, logs:DescribeMetricFilters, sns:ListSubscriptionsByTopic, events:ListRules"


def _with_findings(system: System, around: Surroundings) -> System:
    mine = [one for one in around.findings.values() if one.owner in ("", system.account)]
    active = Counter(one.kind for one in mine if one.status is Status.ACTIVE)
    answered = [region for region, refused in around.analyzer_regions.items() if not refused]
    if not mine and answered:
        words = f"no findings in {some(sorted(answered))}"
    elif not mine:
        words = "no finding was read" if system.state is not Health.MISSING else ""
    else:
        words = ", ".join(f"{active[kind]:,} of {kind.value} access" for kind in AnalyzerKind if active[kind]) or "none"
        words = f"active findings: {words}"
    stamps = [one.analyzed for one in mine if one.analyzed is not None]
    told = "; ".join(part for part in (words, system.found) if part)
    return msgspec.structs.replace(system, found=told, as_of=max(stamps, default=system.as_of))


def _advisor(account: str, advised: int, to_ask: int) -> System:
    id, name, source = "access-advisor", "Access Advisor", "iam:GetServiceLastAccessedDetails"
    if not advised:
        return System(
            id, name, account, Health.UNKNOWN, f"none of {to_ask:,} identities and policies was asked about; :sweep asks", "matrix", source
        )
    state = Health.OK if advised >= to_ask else Health.WEAK
    rest = "" if state is Health.OK else f"; :sweep asks about the other {to_ask - advised:,}"
    words = f"last use is known of {advised:,} of {to_ask:,} identities and policies{rest}"
    return System(id, name, account, state, words, "matrix", source)


def _organization(account: str, around: Surroundings) -> System:
    id, name, source = "organizations", "Organization policies", "organizations:ListPolicies"
    found = around.organization_of(account)
    if found is None:
        words = "not read; what they forbid is not in any answer"
        return System(id, name, account, Health.UNKNOWN, words, "", source)
    if account == found.management:
        return System(id, name, account, Health.WEAK, "this is the management account: they do not bind it", "", source)
    counts = Counter(policy.kind for level in found.paths[account] for policy in found.policies.get(level, ()))
    words = ", ".join(
        f"{counts[kind]} {kind.replace('_', ' ').lower()}{'' if counts[kind] == 1 else ' policies'}" for kind in sorted(counts)
    )
    words = words.replace("policy policies", "policies")
    levels = len(found.paths[account])
    if not counts:
        return System(id, name, account, Health.MISSING, f"no policy binds this account, on {levels} levels", "", source)
    return System(id, name, account, Health.OK, f"{words} on {levels} levels", "", source)


__all__ = ["System", "systems"]
