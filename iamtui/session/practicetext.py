"""Practices as rows and JSON: the same for the command line and the screen."""

from __future__ import annotations

from typing import Any

from ..analysis.words import iso
from ..model.practice import Kept, Offender, Practice

COLUMNS = ("nr", "practice", "state", "kept", "what was found")
OFFENDER_COLUMNS = ("practice", "name", "subject", "evidence", "source", "as of", "arn", "account")


def named(text: str) -> tuple[str, ...]:
    """Ids of the practices a number, an id or the beginning of one names; all for ""."""
    from ..analysis.practice_texts import TEXTS

    exact = tuple(one.id for number, one in enumerate(TEXTS, 1) if text.casefold() in (one.id, str(number)))
    return exact or tuple(one.id for one in TEXTS if one.id.startswith(text.casefold()))


def share_words(practice: Practice) -> str:
    """`79 %`, or nothing where nothing could be looked at. Never 100 % while something breaks it."""
    if practice.share is None:
        return ""
    percent = int(practice.share * 100)
    return f"{percent} %"


def practice_row(practice: Practice) -> list[str]:
    return [str(practice.number), practice.title, practice.kept.value, share_words(practice), found_words(practice)]


def found_words(practice: Practice) -> str:
    """The claim, and that it is not all when facts are missing."""
    if practice.missing and practice.of:
        return f"{practice.claim} (not all was looked at)"
    return f"{practice.claim}: {practice.missing[0]}" if practice.missing else practice.claim


def offender_row(practice: Practice, one: Offender) -> list[str]:
    return [practice.id, one.name, one.subject, one.words, one.source, iso(one.as_of) if one.as_of else "", one.arn, one.account]


def practice_json(practice: Practice) -> dict[str, Any]:
    return {
        "number": practice.number,
        "practice": practice.id,
        "title": practice.title,
        "state": practice.kept.value,
        "share": practice.share,
        "looked_at": practice.of,
        "kept": practice.held,
        "found": practice.claim,
        "offenders": [
            {
                "name": one.name,
                "arn": one.arn,
                "subject": one.subject,
                "evidence": one.words,
                "source": one.source,
                "as_of": iso(one.as_of) if one.as_of else None,
                "account": one.account,
                "grave": one.grave,
            }
            for one in practice.offenders
        ],
        "missing": list(practice.missing),
        "definition": practice.definition,
        "sources": list(practice.sources),
        "blind": practice.blind,
        "cis": practice.control,
        "todo": practice.todo,
    }


def failing(found: tuple[Practice, ...], least: int) -> list[Practice]:
    """Those that are kept by less than so many percent of what was looked at."""
    return [one for one in found if one.share is not None and one.share * 100 < least]


def untold(found: tuple[Practice, ...]) -> list[Practice]:
    return [one for one in found if one.kept is Kept.UNKNOWN or one.missing]
