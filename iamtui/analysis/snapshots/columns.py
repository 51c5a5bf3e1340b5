"""Columns of a list of differences: on screen, in the filter, in CSV."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...model.fact import Fact, State, absent, known
from ..lists import Column, ColumnKind
from .difference import Difference

SOURCE = "iamtui's own comparison"


def _told(pick: Callable[[Difference], Any]) -> Callable[[Any, Any], Fact[Any]]:
    def fact(one: Difference, _snapshot: Any = None) -> Fact[Any]:
        return known(pick(one), SOURCE)

    return fact


def _who(one: Difference, _snapshot: Any = None) -> Fact[Any]:
    return known(one.who, SOURCE) if one.doers else absent(State.NO_INFORMATION, SOURCE, None, one.untold)


def _at(one: Difference, _snapshot: Any = None) -> Fact[Any]:
    at = one.at or next((doer.at for doer in one.doers if doer.at is not None), None)
    return known(at, SOURCE) if at is not None else absent(State.NO_INFORMATION, SOURCE, None, "only that it is between the two points")


T, B, L = ColumnKind.TEXT, ColumnKind.BOOL, ColumnKind.LIST
COLUMNS: tuple[Column, ...] = (
    Column("severity", "SEVERITY", T, "How grave: critical, high, medium, low.", _told(lambda one: one.severity), 8, 0),
    Column("of", "OF", T, "user, role, group, policy, account …", _told(lambda one: one.subject), 7, 2),
    Column("name", "NAME", T, "Name of what is another.", _told(lambda one: one.name), 20, 0),
    Column("what", "WHAT", T, "admin, escalation, access, trust, grant … and which way.", _told(lambda one: one.change), 16, 1),
    Column("words", "DIFFERENCE", T, "What is another, in words.", _told(lambda one: one.words), 60, 0),
    Column("who", "WHO", T, "Who is behind the call that did it, where an event tells.", _who, 24, 1),
    Column("at", "WHEN", ColumnKind.TIME, "When, where the facts or an event tell.", _at, 8, 2),
    Column("grows", "GROWS", B, "Whether somebody may do more, or come in, than before.", _told(lambda one: one.grows), 5, 3),
    Column("before", "BEFORE", T, "What it was.", _told(lambda one: one.before), 20, 4, detail_only=True),
    Column("after", "AFTER", T, "What it is.", _told(lambda one: one.after), 20, 4, detail_only=True),
    Column("about", "ABOUT", T, "Which of several: policy, group, key, tag.", _told(lambda one: one.about), 20, 4, detail_only=True),
    Column("reaches", "REACHES", L, "Identities it is about beside.", _told(lambda one: one.reaches), 20, 4, detail_only=True),
    Column("arn", "ARN", T, "ARN of what is another.", _told(lambda one: one.arn), 40, 4, detail_only=True),
    Column("account", "ACCOUNT", T, "The account it is in.", _told(lambda one: one.account), 12, 2),
)
