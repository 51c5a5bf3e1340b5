"""The Summary of an account: topics that may stand out, what is told of each, the lines made of it, and counts over time."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from .fact import State
from .finding import Severity


class Item(msgspec.Struct, frozen=True):
    """One thing that stands out.

    name:     of whom or what: `svc-monitoring`, `s3 acme-public-assets`
    words:    what of it, a sentence part; all text may be hostile
    arn:      "" for what has none
    account:  12 digits, "" when nobody tells
    at:       when it was; None for what has no date
    """

    name: str
    words: str
    severity: Severity
    arn: str = ""
    account: str = ""
    at: datetime | None = None


class Missing(msgspec.Struct, frozen=True):
    """What could not be looked at.

    state: DENIED, FAILED or NOT_LOADED
    words: what is missing and why
    todo:  what to type or to ask for, "" for nothing
    """

    state: State
    words: str
    todo: str = ""


class Told(msgspec.Struct, frozen=True):
    """What one look told of one topic.

    topic:   id of a topic (`analysis.overview.TOPICS`)
    account: whose it is; "" for all open accounts, where the items say whose they are
    of:      how many things were looked at, None where that is no number
    looked:  how far it was looked, in words: `41 users`, `events since 2026-09-24`
    missing: what was not looked at; with any of it nothing found is not none
    drill:   what to type after `:` to see more, where that is not the topic's own
    """

    topic: str
    account: str = ""
    items: tuple[Item, ...] = ()
    of: int | None = None
    looked: str = ""
    missing: tuple[Missing, ...] = ()
    source: str = ""
    as_of: datetime | None = None
    drill: str = ""


class Standing(StrEnum):
    """How a line stands. The values are the stable words of tables and JSON; no two of them look alike."""

    FOUND = "found"
    NONE = "none"
    PARTLY = "none in what was read"
    DENIED = "denied"
    FAILED = "failed"
    NOT_READ = "not read"
    READING = "reading"
    COMPUTING = "computing"


class Line(msgspec.Struct, frozen=True):
    """One line of the Summary.

    topic:    its id
    section:  what it is a part of: Now, Reach, Credentials, Unused, Watching, Reviews
    severity: of the gravest item; None where nothing was found
    items:    the gravest and latest first
    when:     of the latest item that has a date
    drill:    what to type after `:` to see more
    missing:  also of a line with items: then the count is a lower bound
    """

    topic: str
    section: str
    title: str
    standing: Standing
    severity: Severity | None
    items: tuple[Item, ...]
    when: datetime | None
    drill: str
    of: int | None = None
    looked: str = ""
    missing: tuple[Missing, ...] = ()
    source: str = ""
    as_of: datetime | None = None

    @property
    def count(self) -> int:
        return len(self.items)


class Chart(msgspec.Struct, frozen=True):
    """Counts in order: over time, or by age.

    values: one for each label; None where nobody can tell, which is not 0
    labels: of the values: `2026-09-24`, `2026-09`, `≤30 d`
    span:   what the whole covers, in words: `30 d`, `12 months`, `41 keys`
    apart:  (words, count) of what has no place among the labels: `never`, `not known`
    note:   what limits it, "" for nothing
    """

    id: str
    title: str
    labels: tuple[str, ...]
    values: tuple[int | None, ...]
    span: str
    account: str = ""
    over_time: bool = True
    apart: tuple[tuple[str, int], ...] = ()
    note: str = ""
    source: str = ""


class Overview(msgspec.Struct, frozen=True):
    """The Summary as it is known now. `finished` False while something is being worked out."""

    lines: tuple[Line, ...] = ()
    charts: tuple[Chart, ...] = ()
    accounts: tuple[str, ...] = ()
    finished: bool = True
