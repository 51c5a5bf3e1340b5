"""What a report says of the reading it rests on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .reportdata import Reading

if TYPE_CHECKING:
    from .facade import Session


def reading_of(session: Session) -> Reading:
    """What the open accounts were read from, by content where that is files."""
    info = session.info
    accounts = tuple((s.account, s.aliases[0] if s.aliases else "", s.as_of, s.caller_arn) for s in session.world.snapshots)
    dates = [section.as_of for s in session.world.snapshots for section in s.sections.values() if section.as_of]
    latest = max(dates, default=None)
    if info.kind == "demo":
        words, again = "the demo account, which is made up", "not reproducible: its dates move with the clock"
        return Reading("demo", words, again, False, (), accounts, latest)
    if info.kind == "evidence":
        from ..source.evidence.fingerprint import fingerprints

        files = fingerprints(info.paths)
        if all(one.dated and one.sha256 for one in files):
            again = "the same command on these files and the same ledger rows gives the same bytes"
            return Reading("evidence", "evidence on disk", again, True, files, accounts, latest)
        again = "the same bytes come again as long as files without dates inside keep the time they were written; a bundle (iamtui collect) has its dates inside"
        return Reading("evidence", "evidence on disk", again, False, files, accounts, latest)
    words = "a live reading" if info.kind == "live" and not session.offline else "what was read live before, and kept"
    again = "not reproducible: the account moves on; iamtui collect -o FILE first, then the report --from FILE"
    return Reading("cache" if session.offline else info.kind, words, again, False, (), accounts, latest)


def without_place(words: str, paths: Sequence[str]) -> str:
    """A sentence with files named as the report names them: where they lie makes no other report."""
    for path in sorted(paths, key=len, reverse=True):
        if os.sep in path:
            words = words.replace(path, os.path.basename(os.path.abspath(path)))
    return words
