"""`iamtui collect --organization`: many accounts into one folder; and the lists of accounts people name."""

from __future__ import annotations

import csv
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import BadInputError, Exit, UsageError
from ..model.accounts import KnownAccount, Reading
from ..session import utc_now
from ..session.collecting import AT_ONCE, ROLE_NAME, Collection, Progress
from ..session.collectingtext import end_words, progress_words
from ..text import visible
from .opening import ask_for_code, live_options, settings_of
from .output import words
from .sweep import interruptible

_ID = re.compile(r"[0-9]{12}")
_DASHED = re.compile(r"([0-9]{4})-([0-9]{4})-([0-9]{4})")
_ROLE = re.compile(r"[\w+=,.@/-]{1,576}", re.ASCII)
_MOST_BYTES = 16 << 20
_LINE_EVERY = 10.0
_SHOWN = 20
_NEXT = "write 12 digits each: one a line, a CSV with a column id, or what aws organizations list-accounts prints"


def collect_accounts(options: Mapping[str, Any], output: str) -> int:
    """Read many accounts, telling how it goes on standard error. Ctrl+c stops at once and keeps what came."""
    from ..source.live.members import Members

    if options.get("demo") or options.get("evidence") or options.get("offline"):
        raise UsageError("--organization and --accounts read live accounts", "leave --demo, --from and --offline out")
    if Path(output).is_file():
        raise UsageError(f"{output} is a file, and many accounts go into a folder", "name a folder with -o")
    role = options.get("role_name") or ROLE_NAME
    if not _ROLE.fullmatch(role) or role.startswith("arn:"):
        raise UsageError(f"--role-name {role} is no name of a role", "write the name alone, with its path if it has one: audit/iamtui")
    wanted = accounts_of(options.get("accounts") or ())
    excluded = excluded_of(options.get("exclude") or ())
    settings = settings_of(options)
    way = Members(live_options(settings), role, ask_for_code)
    run = Collection(
        way,
        Path(output),
        utc_now,
        wanted=wanted,
        excluded=excluded,
        organized=bool(options.get("organization")),
        at_once=options.get("at_once") or AT_ONCE,
        again=bool(options.get("again")),
    )
    try:
        with interruptible() as stopped:
            last = _drive(run, stopped)
    except OSError as error:
        raise BadInputError(f"{output} could not be written to: {error.strerror or error}", "choose another place with -o") from error
    _say(last, output)
    if not last.done and last.broken:
        return int(Exit.AWS_UNREACHABLE)
    return int(Exit.FINE if last.whole else Exit.PARTIAL)


def _drive(run: Collection, stopped: Any) -> Progress:
    last = Progress()
    terminal, shown, told = sys.stderr.isatty(), False, time.monotonic()
    for last in run.run(stopped):
        if last.finished:
            continue
        if terminal:
            sys.stderr.write(f"\r{visible(progress_words(last))[:100]}\x1b[K")
            sys.stderr.flush()
            shown = True
        elif time.monotonic() - told >= _LINE_EVERY:
            told = time.monotonic()
            words(progress_words(last))
    if shown:
        sys.stderr.write("\r\x1b[K")
    return last


def _say(last: Progress, output: str) -> None:
    """Every account that is missing, and why; accounts refused alike share what to type next."""
    told: set[str] = set()
    lacking = [one for one in last.accounts if one.reading in (Reading.DENIED, Reading.FAILED, Reading.PARTLY)]
    for one in lacking[:_SHOWN]:
        name = f" ({one.name})" if one.name else ""
        assert one.reading is not None
        general = one.hint.replace(one.account, "ID")
        hint = f"; {one.hint}" if one.hint and general not in told else ""
        told.add(general)
        words(f"{one.account}{name} {one.reading.value}: {f'{one.action}: ' if one.action else ''}{one.reason}{hint}")
    if len(lacking) > _SHOWN:
        words(f"and {len(lacking) - _SHOWN} more: iamtui accounts --from {output} names them all")
    if last.organization:
        words(f"The organisation's policies were not all read: {last.organization}")
    words(end_words(last, output))


# -- lists of accounts -----------------------------------------------------------------------------------------------


def accounts_of(values: Sequence[str]) -> tuple[KnownAccount, ...]:
    """Accounts of `--accounts`: ids, or files of them. Each once, in their order. Raises UsageError, BadInputError."""
    found: dict[str, KnownAccount] = {}
    for value in values:
        for one in _named(value):
            found.setdefault(one.account, one)
    if values and not found:
        raise BadInputError(f"--accounts {' '.join(values)}: no account is in it", _NEXT)
    return tuple(found.values())


def excluded_of(values: Sequence[str]) -> tuple[str, ...]:
    """Ids and names of `--exclude`: words between commas, or a file of accounts."""
    found: list[str] = []
    for value in values:
        if os.path.isfile(os.path.expanduser(value)):
            found += [one.account for one in _named(value)]
        else:
            found += [_undashed(word.strip()) for word in value.split(",") if word.strip()]
    return tuple(found)


def _named(value: str) -> Iterable[KnownAccount]:
    path = os.path.expanduser(value)
    if os.path.isfile(path):
        return _in_file(path)
    parts = [_undashed(part.strip()) for part in value.split(",") if part.strip()]
    wrong = next((part for part in parts if not _ID.fullmatch(part)), None)
    if wrong is not None:
        kind = "no such file, and no id of an account" if not wrong.isdigit() else "no id of an account"
        raise UsageError(f"--accounts {wrong}: {kind}", _NEXT)
    return [KnownAccount(part) for part in parts]


def _in_file(path: str) -> list[KnownAccount]:
    try:
        with open(path, "rb") as file:
            body = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror or error}", "check the path") from error
    if len(body) > _MOST_BYTES:
        raise BadInputError(f"{path} is larger than {_MOST_BYTES >> 20} MiB", _NEXT)
    text = body.decode("utf-8-sig", "replace")
    if text.lstrip()[:1] in ("{", "["):
        return _in_json(path, text)
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return _in_csv(path, lines) if any("," in line or ";" in line or "\t" in line for line in lines) else _in_lines(path, lines)


def _in_lines(path: str, lines: Sequence[str]) -> list[KnownAccount]:
    return [KnownAccount(_checked(line.split("#")[0].strip(), path)) for line in lines]


def _in_csv(path: str, lines: Sequence[str]) -> list[KnownAccount]:
    """A table with a heading that names a column `id` or `account`, or without one: then the first cell that is an id counts."""
    mark = next(mark for mark in ",;\t" if any(mark in line for line in lines))
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=mark)]
    except csv.Error as error:
        raise BadInputError(f"{path} is no CSV: {error}", _NEXT) from error
    heading = [cell.casefold().replace("_", " ").replace("-", " ") for cell in rows[0]]
    place = next((heading.index(name) for name in ("id", "account id", "accountid", "account", "account number") if name in heading), None)
    if place is None:
        return [
            KnownAccount(_undashed(cell)) for row in rows for cell in [next((c for c in row if _ID.fullmatch(_undashed(c))), "")] if cell
        ]
    name = next((heading.index(word) for word in ("name", "account name", "accountname") if word in heading), None)
    return [
        KnownAccount(_checked(row[place], path), row[name] if name is not None and name < len(row) else "")
        for row in rows[1:]
        if place < len(row) and row[place]
    ]


def _in_json(path: str, text: str) -> list[KnownAccount]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{path} is no JSON: {error}", _NEXT) from error
    entries = told.get("Accounts") if isinstance(told, dict) else told
    if not isinstance(entries, list):
        raise BadInputError(f"{path}: there is no list of accounts in it", _NEXT)
    found = []
    for entry in entries:
        if isinstance(entry, dict):
            number = next((entry[key] for key in ("Id", "id", "AccountId", "account_id", "account") if key in entry), "")
            status = entry.get("State") or entry.get("Status") or ""
            found.append(KnownAccount(_checked(str(number), path), str(entry.get("Name") or entry.get("name") or ""), str(status)))
        else:
            found.append(KnownAccount(_checked(str(entry), path)))
    return found


def _checked(word: str, path: str) -> str:
    number = _undashed(word)
    if not _ID.fullmatch(number):
        why = "; a spreadsheet drops leading zeros" if number.isdigit() and len(number) < 12 else ""
        raise BadInputError(f"{path}: {word[:40]} is no id of an account{why}", _NEXT)
    return number


def _undashed(word: str) -> str:
    return _DASHED.sub(r"\1\2\3", word)


__all__ = ["accounts_of", "collect_accounts", "excluded_of"]
