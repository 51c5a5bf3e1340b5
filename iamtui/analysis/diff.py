"""What changed between two policy documents: lines of the indented JSON, and statements in words."""

from __future__ import annotations

import difflib
from enum import StrEnum

import msgspec

from ..policy.document import Statement, parse
from .conditions import condition_words
from .pretty import pretty

MAX_LINES = 4000
"""Changed lines a side that are compared one by one; beyond, the old block is shown removed and the new one added."""


class LineKind(StrEnum):
    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


class DiffLine(msgspec.Struct, frozen=True):
    """A line of the comparison. `old` and `new` are line numbers from 1, None on the side that has no such line."""

    kind: LineKind
    text: str
    old: int | None = None
    new: int | None = None


class StatementChange(msgspec.Struct, frozen=True):
    """One statement that is new, gone or different. `words` are phrases: `action added: s3:Put*`."""

    label: str
    kind: str  # added, removed, changed
    words: tuple[str, ...]


class PolicyDiff(msgspec.Struct, frozen=True):
    """`same` compares what the documents mean as JSON; blanks and the order of nothing else matter not."""

    lines: tuple[DiffLine, ...]
    changes: tuple[StatementChange, ...]
    same: bool
    findings: tuple[str, ...] = ()

    @property
    def added(self) -> int:
        return sum(line.kind is LineKind.ADDED for line in self.lines)

    @property
    def removed(self) -> int:
        return sum(line.kind is LineKind.REMOVED for line in self.lines)

    def unified(self, context: int = 3) -> str:
        """As `diff -u` writes it, to copy."""
        old = [line.text for line in self.lines if line.kind is not LineKind.ADDED]
        new = [line.text for line in self.lines if line.kind is not LineKind.REMOVED]
        return "\n".join(difflib.unified_diff(old, new, "old", "new", lineterm="", n=context))


def diff_documents(old: str, new: str) -> PolicyDiff:
    """Both JSON texts; malformed ones are compared line by line as they are. "" is a text that was not read, and said."""
    before, after = pretty(old), pretty(new)
    lines = _lines(before.lines if old else [], after.lines if new else [])
    findings = [f"the {side} text was not read" for side, text in (("old", old), ("new", new)) if not text]
    findings += [
        f"the {side} text is not JSON" for side, text, shown in (("old", old, before), ("new", new, after)) if text and not shown.formatted
    ]
    same = all(line.kind is LineKind.SAME for line in lines) and bool(old) == bool(new)
    return PolicyDiff(tuple(lines), () if same else _changes(parse(old).statements, parse(new).statements), same, tuple(findings))


def _lines(old: list[str], new: list[str]) -> list[DiffLine]:
    """Lines are alike without their last comma: a value that got a successor has not changed. Alike lines are shown as new."""
    mine, other = [line.rstrip(",") for line in old], [line.rstrip(",") for line in new]
    begin = 0
    while begin < min(len(mine), len(other)) and mine[begin] == other[begin]:
        begin += 1
    end = 0
    while end < min(len(mine), len(other)) - begin and mine[-1 - end] == other[-1 - end]:
        end += 1
    lines = [DiffLine(LineKind.SAME, text, n + 1, n + 1) for n, text in enumerate(new[:begin])]
    left, right = range(begin, len(old) - end), range(begin, len(new) - end)
    if max(len(left), len(right)) > MAX_LINES:
        blocks = [("replace", 0, len(left), 0, len(right))]
    else:
        blocks = list(difflib.SequenceMatcher(None, [mine[i] for i in left], [other[j] for j in right], autojunk=False).get_opcodes())
    for tag, i1, i2, j1, j2 in blocks:
        if tag == "equal":
            lines += [DiffLine(LineKind.SAME, new[j], i + 1, j + 1) for i, j in zip(left[i1:i2], right[j1:j2], strict=True)]
        else:
            lines += [DiffLine(LineKind.REMOVED, old[i], i + 1, None) for i in left[i1:i2]]
            lines += [DiffLine(LineKind.ADDED, new[j], None, j + 1) for j in right[j1:j2]]
    lines += [DiffLine(LineKind.SAME, new[len(new) - n], len(old) - n + 1, len(new) - n + 1) for n in range(end, 0, -1)]
    return lines


# -- statements -------------------------------------------------------------------------------------------------------


def _changes(old: tuple[Statement, ...], new: tuple[Statement, ...]) -> tuple[StatementChange, ...]:
    pairs, gone, fresh = _paired(old, new)
    changes = [StatementChange(s.label, "removed", _whole(s)) for s in gone]
    changes += [StatementChange(b.label, "changed", words) for a, b in pairs if (words := _difference(a, b))]
    changes += [StatementChange(s.label, "added", _whole(s)) for s in fresh]
    return tuple(changes)


def _paired(
    old: tuple[Statement, ...], new: tuple[Statement, ...]
) -> tuple[list[tuple[Statement, Statement]], list[Statement], list[Statement]]:
    """Statements that are the same one: equal ones first, then by Sid, then those with most actions in common."""
    pairs: list[tuple[Statement, Statement]] = []
    left, right = list(old), list(new)

    def pair(a: Statement, b: Statement) -> None:
        pairs.append((a, b))
        left.remove(a)
        right.remove(b)

    for a in old:
        twin = next((b for b in right if _content(a) == _content(b)), None)
        if twin is not None:
            pair(a, twin)
    for a in list(left):
        twin = next((b for b in right if a.sid and a.sid == b.sid), None)
        if twin is not None:
            pair(a, twin)
    for a in list(left):
        likely = max((b for b in right if b.effect == a.effect), key=lambda b: _common(a, b), default=None)
        if likely is not None and (_common(a, likely) > 0 or (len(old) == 1 and len(new) == 1)):
            pair(a, likely)
    return pairs, left, right


def _content(statement: Statement) -> Statement:
    return msgspec.structs.replace(statement, index=0)


def _common(a: Statement, b: Statement) -> float:
    mine, other = {*a.actions, *a.not_actions}, {*b.actions, *b.not_actions}
    return len(mine & other) / max(len(mine | other), 1)


_PARTS = (
    ("action", "actions"),
    ("excepted action (NotAction)", "not_actions"),
    ("resource", "resources"),
    ("excepted resource (NotResource)", "not_resources"),
)


def _difference(a: Statement, b: Statement) -> tuple[str, ...]:
    words = []
    if a.effect != b.effect:
        words.append(f"effect: {a.effect or 'none'} became {b.effect or 'none'}")
    for noun, field in _PARTS:
        before, after = getattr(a, field), getattr(b, field)
        words += [f"{noun} added: {value}" for value in after if value not in before]
        words += [f"{noun} removed: {value}" for value in before if value not in after]
    for noun, field in (("principal", "principals"), ("excepted principal (NotPrincipal)", "not_principals")):
        held, now = _flat(getattr(a, field)), _flat(getattr(b, field))
        words += [f"{noun} added: {value}" for value in now if value not in held]
        words += [f"{noun} removed: {value}" for value in held if value not in now]
    was, is_now = condition_words(a.conditions), condition_words(b.conditions)
    words += [f"condition added: {value}" for value in is_now if value not in was]
    words += [f"condition removed: {value}" for value in was if value not in is_now]
    if a.sid != b.sid:
        words.append(f"Sid: {a.sid or 'none'} became {b.sid or 'none'}")
    return tuple(words)


def _flat(principals: object) -> list[str]:
    return [f"{kind} {value}" for kind, values in principals.items() for value in values] if isinstance(principals, dict) else []


def _whole(statement: Statement) -> tuple[str, ...]:
    empty = Statement(index=statement.index, effect=statement.effect, sid=statement.sid)
    return (f"effect: {statement.effect or 'none'}", *(w.replace(" added: ", ": ", 1) for w in _difference(empty, statement)))
