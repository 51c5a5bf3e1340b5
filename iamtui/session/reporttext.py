"""Words all forms of a report share, so that they say the same."""

from __future__ import annotations

from collections.abc import Iterator

from ..analysis.reviewing import change_words
from ..analysis.words import exact, utc
from ..model.fact import State
from ..model.practice import Kept
from ..model.review import Change, Clue, Score, Subject
from ..source.evidence.fingerprint import Fingerprint
from .reportdata import Earlier, Figures, Follow, Line, Reading, Report, Side

EVIDENCE = "Of a decision as it was decided on, of an open item as it was when the campaign began. The hash is over the facts that weigh."


def subject_words(subject: Subject) -> str:
    return f"{subject.noun} {subject.name} ({subject.unique_id or subject.arn})"


def reviewers(line: Line) -> str:
    return ", ".join(side.reviewer for side in line.sides)


def latest(line: Line) -> Side:
    """The decision that counts: the newest in force."""
    return line.sides[-1]


def side_words(side: Side) -> str:
    return f"{side.reviewer}: {side.decision.value}{f' ({side.reason})' if side.reason else ''}"


def changes_words(found: tuple[Change, ...]) -> str:
    return "; ".join(map(change_words, found))


def follow_words(follow: Follow | None) -> str:
    """`gone`; `there, changed: mfa: no → yes`."""
    if follow is None:
        return ""
    told = changes_words(follow.changes) or follow.words
    unread = f" (not read: {'; '.join(follow.unread)})" if follow.unread else ""
    return f"{follow.done.value}: {told}{unread}" if told else f"{follow.done.value}{unread}"


def clue_words(clue: Clue) -> str:
    """The state in words where there is no value, then source and age."""
    state = f" [{clue.state.value}]" if clue.state is not State.KNOWN else ""
    where = ", ".join(part for part in (clue.source, f"as of {exact(clue.as_of)}" if clue.as_of else "age not told") if part)
    return f"{clue.name}: {clue.value}{state} ({where})"


def before_words(line: Line) -> str:
    """What stood before the campaign, for an item that was taken over."""
    if line.before is None:
        return ""
    side = line.before
    return f"{side.decision.value} by {side.reviewer}, {day(side.at)}"


def day(at: object) -> str:
    return utc(at).date().isoformat() if hasattr(at, "isoformat") else ""  # type: ignore[arg-type]


def share_words(score: Score) -> str:
    """`79 %`; "" where nothing could be looked at."""
    return f"{int(score.held * 100 / score.of)} %" if score.of else ""


def kept_words(figures: Figures) -> str:
    """`3 of 10`; what was not looked at is told."""
    if figures.scores is None:
        return "not recorded"
    untold = sum(score.kept is Kept.UNKNOWN for score in figures.scores)
    return f"{figures.kept} of {len(figures.scores)}" + (f", {untold} cannot be told" if untold else "")


def file_words(file: Fingerprint) -> str:
    made = f", made {exact(file.made)}" if file.made else ""
    many = f", {file.files:,} files" if file.kind == "folder" else ""
    return f"{file.kind} {file.name}, SHA-256 {file.sha256}{many}{made}" if file.sha256 else f"{file.name}: {file.reason}"


def account_words(reading: Reading) -> list[str]:
    return [
        f"{number}{f' ({alias})' if alias else ''}, {f'lists as of {exact(as_of)}' if as_of else 'its lists were not read'}"
        + (f", read by {caller}" if caller else "")
        for number, alias, as_of, caller in reading.accounts
    ]


def header(report: Report) -> list[tuple[str, str]]:
    """(what, words) of everything that stands at the top."""
    told = [("accounts", ", ".join(report.accounts) or "none"), ("begun", f"{exact(report.begun)} by {report.reviewer}")]
    if report.ending is not None:
        told.append(("closed", f"{exact(report.ending.at)} by {report.ending.reviewer}"))
    else:
        told.append(("open", f"as of {exact(report.as_of)}"))
    told.append(("scope", "; ".join(f"{pane} {words}".strip() for pane, words in report.scope)))
    told.append(("rules", f"made within {report.min_age} days before it began: spared; unused: {report.idle_days} days without use"))
    told.append(("reading", f"{report.reading.words}: {report.reading.again}"))
    told += [("file", file_words(one)) for one in report.reading.files]
    told += [("account", words) for words in account_words(report.reading)]
    told.append(
        (
            "ledger",
            f"the first {report.ledger.lines:,} lines of iamtui review export, SHA-256 {report.ledger.sha256} "
            f"(iamtui review export | head -n {report.ledger.lines} | sha256sum)",
        )
    )
    told += [("ledger", words) for words in report.ledger.refused]
    told.append(("made by", report.tool))
    if report.note:
        told.append(("note", report.note))
    return told


def signature_words(report: Report) -> str:
    """What is said of a signature in forms that are not signed themselves; "" for a campaign that is open."""
    if report.ending is None:
        return ""
    if report.signature is None:
        return "its end holds no signature"
    same = "this report, as Markdown, has that hash" if report.signature.same else UNLIKE
    return f"SHA-256 {report.signature.sha256} over the Markdown form, written into the ledger at the end; {same}"


UNLIKE = "this report, as Markdown, has another: the reading, the rows before the end or the version of iamtui are not those of then"


def earlier_words(one: Earlier) -> str:
    return follow_words(one.follow) + (f"; decided since: {one.now}" if one.now else "")


# -- the four forms --------------------------------------------------------------------------------------------------

FORMS = {"markdown": ".md", "csv": ".csv", "json": ".json", "html": ".html"}


def form_of(path: str) -> str:
    """The form a file's name asks for; "" for none."""
    name = path.casefold()
    return "html" if name.endswith(".htm") else next((form for form, ending in FORMS.items() if name.endswith(ending)), "")


def written(report: Report, form: str) -> Iterator[str]:
    """The report in one form, in pieces."""
    if form == "markdown":
        from .reportmarkdown import markdown

        yield markdown(report)
    elif form == "html":
        from .reporthtml import html

        yield from html(report)
    else:
        from .reportrows import csv, json

        yield from csv(report) if form == "csv" else json(report)
