"""The report of a campaign as Markdown: what was decided on what evidence, what is open, where reviewers disagree."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from ..analysis.reviewing import ItemState
from ..analysis.words import exact
from ..model.review import Campaign, Close, Standing
from ..session.campaigns import Queue
from .output import markdown_text as text


def report(found: Queue, reviewer: str, at: datetime, note: str = "") -> str:
    """The report as it is signed: without the signature, so that its hash can be in it."""
    return "".join(line + "\n" for line in _lines(found, reviewer, at, note))


def signed(body: str) -> tuple[str, str]:
    """(the report with its signature line, the SHA-256 of what stands above it)."""
    digest = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{body}\nSHA-256 of everything above this line: `{digest}`\n", digest


def _lines(found: Queue, reviewer: str, at: datetime, note: str) -> Iterator[str]:
    assert found.campaign is not None
    began, body, count = found.campaign, found.campaign.body, found.progress
    assert isinstance(body, Campaign)
    yield f"# Review {text(body.name)}"
    yield ""
    yield f"- accounts: {text(', '.join(body.accounts) or 'none')}"
    yield f"- begun {exact(began.at)} by {text(body.reviewer)}"
    if found.closed is not None and isinstance(found.closed.body, Close):
        yield f"- closed {exact(found.closed.at)} by {text(found.closed.body.reviewer)}"
        note = found.closed.body.note
    else:
        yield f"- as of {exact(at)}, by {text(reviewer)}"
    yield "- scope: " + "; ".join(text(f"{pane} {words}".strip()) for pane, words in body.scope)
    yield f"- made within {body.min_age} days before it began: spared; unused: {body.idle_days} days without use"
    open_ = count.total - count.decided - count.conflicts
    yield f"- {count.total} items: {count.decided} decided, {open_} open, {count.conflicts} in conflict"
    yield "- decisions: " + (", ".join(f"{name} {number}" for name, number in count.decisions) or "none")
    yield "- by reviewer: " + (", ".join(f"{text(name)} {number}" for name, number in count.reviewers) or "none")
    if note:
        yield f"- note: {text(note)}"
    yield from _section("What could not be read when it began", [text(gap) for gap in body.gaps])
    conflicts = [state for state in found.states if state.decided is not None and state.decided.conflict]
    yield from _section("Conflicts: reviewers who disagree", [f"{_item(state)}: {_sides(state.decided)}" for state in conflicts])
    for decision in ("remove", "reduce", "ask owner", "exception", "keep"):
        chosen = [s for s in found.states if s.decided is not None and not s.decided.conflict and s.decided.mark.decision.value == decision]
        yield from _table(decision.capitalize(), chosen)
    still = [state for state in found.states if state.decided is None]
    yield from _section("Open", [f"{_item(state)}: {text('; '.join(state.item.signs) or 'no sign')}" for state in still])
    yield from _section("Spared because it is new", [text(words) for words in body.spared])


def _section(title: str, lines: Sequence[str]) -> Iterable[str]:
    if lines:
        yield ""
        yield f"## {title} ({len(lines)})"
        yield ""
        yield from (f"- {line}" for line in lines)


def _table(title: str, states: Sequence[ItemState]) -> Iterable[str]:
    if not states:
        return
    yield ""
    yield f"## {title} ({len(states)})"
    yield ""
    yield "| what | reason | by | when | until | ticket | signs at the beginning | evidence |"
    yield "|---|---|---|---|---|---|---|---|"
    for state in states:
        held = state.decided
        assert held is not None
        mark = held.mark
        cells = (
            _item(state),
            text(mark.reason),
            text(", ".join(m.reviewer for _, _, m in held.marks)),
            f"{held.at:%Y-%m-%d}",
            f"{mark.expires:%Y-%m-%d}" if mark.expires else "",
            text(mark.ticket),
            text("; ".join(state.item.signs)),
            mark.hash,
        )
        yield "| " + " | ".join(cells) + " |"


def _item(state: ItemState) -> str:
    subject = state.item.subject
    return f"{subject.noun} {text(subject.name)} ({text(subject.unique_id or subject.arn)})"


def _sides(held: Standing | None) -> str:
    assert held is not None
    return "; ".join(f"{text(m.reviewer)}: {m.decision.value}{f' ({text(m.reason)})' if m.reason else ''}" for _, _, m in held.marks)
