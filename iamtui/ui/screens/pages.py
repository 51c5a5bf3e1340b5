"""Pages over the explorer: keys, problems, provenance, anything that is text to read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static

from ...analysis.words import exact, relative
from ...session import Session
from ...text import visible
from ..keymap import GROUPS, KEYS, PLACES, bindings, key_words
from ..render.documents import Line
from ..widgets.textpane import TextPane


class TextPage(Screen[None]):
    """A page of text; esc goes back."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("page")

    def __init__(self, title: str, lines: Sequence[Line]) -> None:
        super().__init__()
        self._title, self._lines = title, lines

    def compose(self) -> ComposeResult:
        yield Static(Text(visible(self._title), "bold"), id="page-title", markup=False)
        yield TextPane(id="page-text")
        yield Static(Text.assemble((" esc ", "bold"), "back"), id="page-hints", markup=False)

    def on_mount(self) -> None:
        pane = self.query_one(TextPane)
        pane.set_lines(self._lines)
        pane.focus()

    def action_back(self) -> None:
        self.dismiss()

    @property
    def text(self) -> str:
        return self.query_one(TextPane).plain_text()


def help_lines(overrides: dict[str, str], here: str = "explorer") -> list[Line]:
    """All keys as the user's keymap has them, those that work `here` first; then the filter language and the go-anywhere line."""
    sections = {title: [key for key in KEYS if key.group == group and key.where in _LISTS] for group, title in GROUPS.items()}
    elsewhere = {title: [key for key in KEYS if key.where in wheres] for wheres, title in PLACES.items()}
    first = {title: elsewhere.pop(title) for wheres, title in PLACES.items() if here in wheres}
    lines: list[Line] = []
    for title, keys in (first | sections | elsewhere).items():
        lines.append([(title, "heading")])
        seen: set[str] = set()
        for key in keys:
            words = _PLACE_SAID.sub("", key.words)
            if words in seen:
                continue
            seen.add(words)
            lines.append(
                [(f"  {key_words(overrides.get(key.id, key.keys)):<16}", "strong"), (f"{words:<42} ", ""), (key.id, "state-absent")]
            )
        lines.append([])
    lines.extend([[(text, style)] for text, style in _MORE])
    return lines


_PLACE_SAID = re.compile(r"^(review|in a plan|in a story|in a history): ")
_LISTS = ("explorer", "table", "text")
"""What the panes of the explorer are made of."""


_MORE = (
    ("Filter (/)", "heading"),
    ("  word            in any column; several words must all be there", ""),
    ("  !word           must not be there", ""),
    ("  column:value    in one column: mfa:no  groups:ops  outcome:denied  keys:>=2", ""),
    ("  ages and dates  last-seen:>90d (longer ago)  created:<2024-01-01  since:7d  until:2026-10-01", ""),
    ("  states          last-seen:never  mfa:denied  password-age:not-loaded", ""),
    ("  decisions       mark:remove  mark:reopened  mark:conflict  mark:expired  mark:none  owner:ana", ""),
    ("", ""),
    ("Go anywhere (:)", "heading"),
    ("  :users :roles :groups :policies :events   a list, with a filter: :roles ci-  :events AttachUserPolicy since:7d", ""),
    ("  :summary [ACCOUNT]                        what stands out now, each line a way further in (0)", ""),
    ("  :NAME or :ARN or :AKIA…                   an identity, policy, session, access key or event", ""),
    ("  :can NAME service:Action [RESOURCE]       whether it may, and why: :can deploy-bot s3:PutObject arn:aws:s3:::logs/x", ""),
    ("  :who-can service:Action [RESOURCE]        everyone who may, inside and outside; KEY=VALUE tells a condition key", ""),
    ("  :escalations [NAME]                       who can become an administrator, and the steps", ""),
    ("  :compare NAME NAME                        what one may and the other may not (also d with one marked)", ""),
    ("  :unused [NAME] [DAYS]                     what it holds and does not use, and its policies without it", ""),
    ("  :preflight OLD NEW [for NAME] [aws]       a policy before it is applied: files, names of policies, or none", ""),
    ("  :sweep [KIND…] [again] | stop             last use of everybody, asked for behind; the lists fill in", ""),
    ("  :matrix [SERVICE] [KIND…]                 who uses what: identities by services, a letter for the age", ""),
    ("  :analyzer                                 Access Analyzer's findings beside ours, and why they differ", ""),
    ("  :exposure                                 what can be reached from outside, the gravest first", ""),
    ("  :changes [NAME] [since:7d by:… admin]     what changed, who did it, what it gave, and the text that puts it back", ""),
    ("  :diff OLD [NEW]                           two points in time: bundles, folders or files; NEW is what is open", ""),
    ("  :history NAME BUNDLE…                     one identity over many bundles, or a folder of them", ""),
    ("  :alarms [EVENT…]                          would an alarm fire, who would hear; :alarms states: alarms and what raised them", ""),
    ("  :logging                                  can this account be audited at all: trails, log groups, Config, analyzers", ""),
    ("  :triage ID                                an alert, key, ARN, address, event id: who, what, usual, what now; or just paste it", ""),
    ("  :sql [ENGINE] [SELECT … | SAVED n=value]  events in SQL, here or at AWS: :sql users-created days=30, :sql athena", ""),
    ("  :review [NAME | start NAME [LIST FILTER; …]]   what to look at first, and decisions; start freezes a campaign", ""),
    ("  :plan [NAME]                              what is decided (of a campaign) as text that does it, with its roll-back", ""),
    ("  :report [html|markdown|csv|json] [FILE]   the report of the open campaign, else of the last one, as a file", ""),
    ("  :owner NAME                               who answers for what is selected, or under the cursor", ""),
    (
        "  :accounts [FILTER]                        accounts that are open or known of, and what is missing; :account NAME narrows to one",
        "",
    ),
    ("  :theme NAME   :export FILE   :collect FILE   :problems   :help   :quit", ""),
    ("", ""),
    ("The name on the right of each key is its id in the keymap file (iamtui info tells where that is).", "state-absent"),
)


def problem_lines(session: Session) -> list[Line]:
    """What went wrong so far: what, where, what to type next."""
    problems = session.problems()
    if not problems:
        return [[("Nothing has gone wrong so far.", "")]]
    lines: list[Line] = []
    for problem in reversed(problems):
        lines.append([(visible(problem.what), "strong")])
        when = f"{exact(problem.at)} ({relative(problem.at, session.now())})"
        lines.append([("  " + visible(f"{problem.where}  {when}".strip()), "state-absent")])
        if problem.hint:
            lines.append([("  → ", "label"), (visible(problem.hint), "")])
        lines.append([])
    lines.append([("r in the list reads again.", "state-absent")])
    return lines
