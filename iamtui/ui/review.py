"""`m`, `U`, `:review` and `:owner`: what was asked for goes to a worker, its answer to the bottom line and the lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import IamtuiError
from ..model.event import Event
from ..text import visible

if TYPE_CHECKING:
    from ..session import Row, Session
    from ..session.reviewitems import Part
    from .app import IamtuiApp
    from .screens.deciding import Answer

START = ':review start NAME [LIST FILTER; LIST FILTER …], for instance :review start "2026 Q4" roles last-used:>90d; users'


def count_words(session: Session) -> str:
    """`5/41` of the open campaign, "" when none is open. Reads the ledger: for a worker."""
    if not session.has_ledger:
        return ""
    from ..session.campaigns import open_campaigns, queue

    try:
        running = open_campaigns(session)
        found = queue(session, running[-1]) if running else None
    except IamtuiError:
        return ""
    return f"{found.progress.decided:,}/{found.progress.total:,}" if found is not None else ""


def told(error: IamtuiError) -> str:
    return f"{error.message}; {error.hint}" if error.hint else error.message


def in_worker(
    app: IamtuiApp, job: Callable[[], str], done: Callable[[], None] | None = None, failed: Callable[[str], None] | None = None
) -> None:
    """Do something with the ledger in a thread; say what it answers, or why it could not be done."""

    def run() -> None:
        try:
            words = job()
        except IamtuiError as error:
            app.call_from_thread(failed or (lambda text: app._tell(text, bad=True)), told(error))
            return
        if done is not None:
            app.call_from_thread(done)
        if words:
            app.call_from_thread(app._tell, words)

    app.run_worker(run, thread=True, group="ledger", exit_on_error=False)


def ask_decision(app: IamtuiApp) -> None:
    """The dialog for what is selected, or under the cursor; on a tab with grants or keys, for one of them."""
    parts, (rows, hidden) = app.explorer.parts_to_decide(), app.explorer.to_decide()
    if len(parts) == 1 and parts[0].subject.noun == "grant":
        _ask_part(app, parts[0])
        return
    if parts and rows:
        _ask_which(app, parts, rows[0])
        return
    _ask_rows(app, rows, hidden)


def _ask_which(app: IamtuiApp, parts: Sequence[Part], row: Row) -> None:
    """A user's keys, or the user: about which of them."""
    from ..session.reviewitems import standing_words
    from .render.cells import Cell
    from .screens.access import AnswersPage
    from .widgets.table import TableColumn

    item: Any = row.item
    held = [(part.label, part.how, standing_words(part.standing)) for part in parts]
    lines = [*held, (item.name, "the user", standing_words(app.session.standing(row)))]

    def chosen(number: int) -> None:
        # Later: an answer is given to whoever asked, and the page that asks now is about to go.
        if number < len(parts):
            app.call_later(_ask_part, app, parts[number])
        else:
            app.call_later(_ask_rows, app, [row], 0)

    columns = (TableColumn("what", "WHAT", 26, 0), TableColumn("how", "", 40, 1), TableColumn("mark", "MARK", 10, 0))
    rows = [(lambda column, line=line: Cell(visible(line[column]), "strong" if column == 0 else ""), "") for line in lines]
    app.push_screen(AnswersPage("Decide about which?", columns, rows, tab="", empty="", chosen=chosen))


def _ask_part(app: IamtuiApp, part: Part) -> None:
    from .screens.deciding import DecideDialog

    session = app.session

    def answered(answer: Answer | None) -> None:
        if answer is None:
            return

        def job() -> str:
            session.decide_about(
                [(part.subject, part.evidence)], answer.decision, reason=answer.reason, expires=answer.expires, ticket=answer.ticket
            )
            return f"{answer.decision.value}: {part.subject.name}; U takes it back{_kept(session)}"

        in_worker(app, job, app.explorer.decided)

    app.push_screen(DecideDialog([part.subject.name], 0, part.standing, session.now()), answered)


def _kept(session: Session) -> str:
    return "" if session.review_settings.ledger is not None else " (until you quit: --ledger FILE keeps it)"


def _ask_rows(app: IamtuiApp, rows: Sequence[Row], hidden: int) -> None:
    if not rows:
        app._tell("There is nothing to decide about here", bad=True)
        return
    if all(isinstance(row.item, Event) for row in rows):
        app._tell("Events are facts: decide about the identity behind one (enter leads there)", bad=True)
        return
    from .screens.deciding import DecideDialog

    shown = rows
    if hidden:
        keys = {row.key for row in app.explorer.list.shown_rows()}
        shown = [row for row in rows if row.key in keys]

    def answered(answer: Answer | None) -> None:
        if answer is not None:
            decide(app, shown if hidden and not answer.hidden_too else rows, answer)

    only = app.session.standing(rows[0]) if len(rows) == 1 else None
    names = [str(getattr(row.item, "name", "")) for row in rows]
    app.push_screen(DecideDialog(names, hidden, only, app.session.now()), answered)


def decide(app: IamtuiApp, rows: Sequence[Row], answer: Answer) -> None:
    session = app.session

    def job() -> str:
        made = session.decide(rows, answer.decision, reason=answer.reason, expires=answer.expires, ticket=answer.ticket)
        refused = f"; {made.refused[0]}" + (f" (and {len(made.refused) - 1} more)" if len(made.refused) > 1 else "") if made.refused else ""
        if not made.count:
            return made.refused[0] if made.refused else "There was nothing to decide about"
        return f"{answer.decision.value} on {made.count:,}{_kept(session)}; U takes it back{refused}"

    in_worker(app, job, app.explorer.decided)


def undo(app: IamtuiApp) -> None:
    """Take the last decision back."""
    session = app.session
    in_worker(app, lambda: f"Taken back: {session.undo()}", app.explorer.decided)


def set_owner(app: IamtuiApp, name: str) -> None:
    """Who answers for what is selected, or under the cursor."""
    rows, hidden = app.explorer.to_decide()
    rows = [row for row in rows if not isinstance(row.item, Event)]
    if not rows:
        app._tell("There is nothing here that could have an owner", bad=True)
        return
    if hidden:
        app._tell(f"{hidden} of the {len(rows)} selected are hidden by the filter; esc shows them, or select again", bad=True)
        return
    session = app.session

    def job() -> str:
        count = session.set_owner(rows, name)
        return f"{count:,} answered for by {name}" if name else f"{count:,} without an owner set here"

    in_worker(app, job, app.explorer.decided)


def open_review(app: IamtuiApp, argument: str = "") -> None:
    """The queue: of the open campaign, of one by name, or what one begun now would hold. `start …` begins one."""
    from .screens.review import ReviewScreen

    words = argument.strip()
    if words.partition(" ")[0] != "start":
        app.push_screen(ReviewScreen(words))
        return
    import shlex

    try:
        parts = shlex.split(words[len("start") :].partition(";")[0])
    except ValueError:
        parts = []
    if not parts:
        app._tell(START, bad=True)
        return
    name = parts[0]
    scopes = [text for text in (" ".join(parts[1:]), *words.split(";")[1:]) if text.strip()]
    session = app.session
    app._tell(f"Freezing {name}…")

    def job() -> str:
        from ..session import campaigns

        entry = campaigns.start(session, name, campaigns.scope_of(scopes))
        app.call_from_thread(app.push_screen, ReviewScreen(entry.id))
        return ""

    in_worker(app, job, app.explorer.read_marks)


def show_plan(app: IamtuiApp, argument: str = "", say: Callable[[str], None] | None = None) -> None:
    """The plan of everything that is decided, or of a campaign by name; `say` is where a screen tells what came of it."""
    session, campaign = app.session, argument.strip()
    say = say or app._tell
    say("Working out the plan…")

    def job() -> str:
        from ..session.cleanup import plans
        from .screens.plan import PlanPage

        made = plans(session, campaign)
        if not made:
            return "Nothing is decided that could be acted on: m on a row, or :review"
        app.call_from_thread(app.push_screen, PlanPage(made))
        return ""

    def run() -> None:
        try:
            words = job()
        except IamtuiError as error:
            words = told(error)
        app.call_from_thread(say, words)

    app.run_worker(run, thread=True, exclusive=True, group="plan", exit_on_error=False)


def write_report(app: IamtuiApp, argument: str = "") -> None:
    """`:report html q4.html`: the report of the open campaign, else of the last one, into a file."""
    from ..session.reporttext import FORMS

    first, _, rest = argument.strip().partition(" ")
    form = first.casefold() if first.casefold() in FORMS else ""
    path = rest.strip() if form else argument.strip()
    session = app.session
    app._tell("Putting the report together…")

    def job() -> str:
        from ..session.reporting import campaign_of
        from ..session.reporting import write_report as write

        return write(session, campaign_of(session, ""), path, form)

    in_worker(app, job)
