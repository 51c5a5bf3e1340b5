"""Findings: a claim about an identity, policy or resource, with its severity, its evidence and what to do."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """`rank` orders them, the gravest first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        return _ORDER[self.value]


_ORDER = {"critical": 0, "high": 1, "medium": 2, "low": 3}


class FindingKind(StrEnum):
    EXPOSURE = "exposure"
    ESCALATION = "escalation"
    POLICY = "policy"
    UNUSED = "unused"


class Finding(msgspec.Struct, frozen=True):
    """One claim.

    key:       stable over readings: kind, subject and what is claimed
    name, arn: the subject's; `subject` says what it is (`role`, `user`, `policy`, `s3` …)
    claim:     one sentence
    evidence:  sentences it rests on
    todo:      what to do, one sentence
    tab:       where on the subject it is seen (`trust`, `permissions` …), "" for nowhere
    document:  policy text that is the evidence, and the statement's index in it; -1 for all of it
    """

    key: str
    severity: Severity
    kind: FindingKind
    name: str
    arn: str
    subject: str
    account: str
    claim: str
    evidence: tuple[str, ...]
    todo: str
    tab: str = ""
    document: str = ""
    statement: int = -1
