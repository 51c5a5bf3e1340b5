"""`iamtui cache`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from ..analysis.words import iso, relative
from ..model.coverage import Covered, moment
from ..session import utc_now
from ..session.export import csv_table
from ..store.cache import Cache
from ..store.events.kept import forget_trails, kept_trails
from .opening import settings_of
from .output import data, print_json, print_table, words


def cache_report(options: Mapping[str, Any], form: str) -> int:
    """What is kept on disk, and of which times all events are."""
    place = settings_of(options).cache_path
    cache = Cache(place)
    now = utc_now()
    report = cache.info(now)
    if form == "json":
        print_json({**msgspec.to_builtins(report), "covered": [_range(one) for one in report.covered]})
    else:
        header = ["ACCOUNT", "KIND", "ENTRIES", "NEWEST", "STATE"]
        rows = [
            [e.account, e.kind, str(e.entries), relative(e.newest, now) if e.newest else "", "stale" if e.stale else "fresh"]
            for e in report.entries
        ]
        if form == "csv":
            data(csv_table([h.lower() for h in header], rows))
        else:
            print_table(header, rows)
            if report.covered:
                data("\n")
                header = ["ACCOUNT", "REGION", "ASKED", "EVENTS FROM", "TO (UTC)", "AGE"]
                print_table(header, [_covered_row(one, now) for one in report.covered])
            words(f"{report.directory}: {report.bytes:,} bytes")
            kept = kept_trails(place / "trails")
            if kept.folders:
                words(f"{place / 'trails'}: {kept.events:,} events of {kept.folders:,} sets of files, {kept.bytes:,} bytes")
    for notice in cache.notices:
        words(notice)
    return 0


def _range(one: Covered) -> dict[str, str]:
    ends = {"since": iso(moment(one.since)), "until": iso(moment(one.until))}
    return {"account": one.account, "region": one.region, "asked": one.asked, **ends}


def _covered_row(one: Covered, now: datetime) -> list[str]:
    since, until = moment(one.since), moment(one.until)
    return [one.account, one.region, one.asked or "everything", f"{since:%Y-%m-%d %H:%M}", f"{until:%Y-%m-%d %H:%M}", relative(until, now)]


def clear_cache(options: Mapping[str, Any], account: str) -> int:
    """Forget what was read; nothing in AWS changes."""
    place = settings_of(options).cache_path
    count = Cache(place).clear(account)
    if not account:
        folders = forget_trails(place / "trails")
        if folders:
            words(f"Removed the events of {folders:,} sets of files")
    words(f"Removed {count:,} entries" + (f" of {account}" if account else ""))
    return 0
