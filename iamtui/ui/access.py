"""`:can`, `:who-can`, `:compare` and their like: what was typed becomes a question, asked in a thread, answered on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.worker import get_current_worker

from ..errors import IamtuiError
from ..model.event import Event
from ..model.fact import State
from ..model.identity import Group, Role, User
from ..model.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..session import Row
    from .app import IamtuiApp

CAN = ":can NAME service:Action [RESOURCE] [KEY=VALUE…]; inside an identity the name can be left out"
WHO_CAN = ":who-can service:Action [RESOURCE] [KEY=VALUE…]"


def _is_action(word: str) -> bool:
    prefix, colon, name = word.partition(":")
    return bool(prefix and colon and name) and not word.startswith("arn:") and "*" not in word


def _rest(words: list[str]) -> tuple[str, dict[str, str]]:
    """(resource, context) of what follows the action."""
    context = dict(word.split("=", 1) for word in words if "=" in word and not word.startswith("arn:"))
    resources = [word for word in words if "=" not in word or word.startswith("arn:")]
    return (resources[0] if resources else "*"), context


def ask_can(app: IamtuiApp, argument: str) -> None:
    """Whether an identity may; the page opens when the answer is there."""
    words = argument.split()
    row: Row | None
    if words and _is_action(words[0]):
        row, words = app.explorer.current_row(), ["", *words]
    else:
        matches = app.session.find(words[0]) if words else ()
        row = matches[0].row if matches else None
    if len(words) < 2 or not _is_action(words[1]):
        app._tell(CAN, bad=True)
        return
    if row is None:
        app._tell(f"{words[0]} is nowhere in what has been read", bad=True)
        return
    action, (resource, context) = words[1], _rest(words[2:])
    found = row

    def run() -> None:
        try:
            verdict = app.session.can(found, action, resource, context)
        except IamtuiError as error:
            app.call_from_thread(app._tell, error.message, bad=True)
            return
        from .screens.access import verdict_page
        from .screens.pages import TextPage

        title = f"Can {getattr(found.item, 'name', '')} {action}?"
        app.call_from_thread(app.push_screen, TextPage(title, verdict_page(verdict, resource)))

    app.run_worker(run, thread=True, exclusive=True, group="access", exit_on_error=False)


def ask_who_can(app: IamtuiApp, argument: str) -> None:
    """Everyone who may."""
    words = argument.split()
    if not words or not _is_action(words[0]):
        app._tell(WHO_CAN, bad=True)
        return
    action, (resource, context) = words[0], _rest(words[1:])

    def run() -> None:
        holders = app.session.who_can(action, resource, context)
        from .screens.access import holders_page

        title = f"Who can {action}" + (f" on {resource}" if resource != "*" else "") + f"?  {len(holders):,}"
        app.call_from_thread(app.push_screen, holders_page(title, holders))

    app.run_worker(run, thread=True, exclusive=True, group="access", exit_on_error=False)


def show_unused(app: IamtuiApp, argument: str) -> None:
    """What an identity holds and does not use, and its policies without it; of the row under the cursor when none is named."""
    words = argument.split()
    days = next((int(word.rstrip("d")) for word in words if word.rstrip("d").isdecimal()), 90)
    names = [word for word in words if not word.rstrip("d").isdecimal()]
    row: Row | None = app.explorer.current_row()
    if names:
        matches = app.session.find(names[0])
        if not matches:
            app._tell(f"{names[0]} is nowhere in what has been read", bad=True)
            return
        row = matches[0].row
    if row is None or not isinstance(row.item, User | Role | Group):
        app._tell(":unused [NAME] [DAYS]; on a user, role or group the name can be left out", bad=True)
        return
    found, item = row, row.item
    app._tell(f"Working out what {item.name} does not use…")

    def run() -> None:
        worker = get_current_worker()
        if app.session.usage(found).state is State.NOT_LOADED:
            for _ in app.session.load_usage(found, cancelled=lambda: worker.is_cancelled):
                pass
        answer = app.session.unused(found, days)
        if worker.is_cancelled:
            return
        from .render.unused import unused_lines
        from .screens.pages import TextPage

        app.call_from_thread(app.push_screen, TextPage(f"What {item.name} holds and does not use", unused_lines(*answer)))

    app.run_worker(run, thread=True, exclusive=True, group="access", exit_on_error=False)


COMPARE = "Select one user, role or group with space, and d on another compares them; or :compare NAME NAME"


def ask_compare(app: IamtuiApp, argument: str) -> None:
    """Two identities by name; one name is compared with the row under the cursor."""
    rows: list[Row] = []
    for word in argument.split():
        matches = app.session.find(word)
        if not matches:
            app._tell(f"{word} is nowhere in what has been read", bad=True)
            return
        rows.append(matches[0].row)
    here = app.explorer.current_row()
    compare(app, rows if len(rows) != 1 or here is None else [here, *rows])


def compare(app: IamtuiApp, rows: Sequence[Row]) -> None:
    """What one of two identities may and the other may not, side by side."""
    if len(rows) != 2 or not all(isinstance(row.item, User | Role | Group) for row in rows):
        app._tell(COMPARE, bad=True)
        return
    first, second = rows

    def run() -> None:
        found = app.session.compare(first, second)
        from .screens.access import compare_page

        names = tuple(str(getattr(row.item, "name", "")) for row in rows)
        app.call_from_thread(app.push_screen, compare_page(names[0], names[1], found))

    app.run_worker(run, thread=True, exclusive=True, group="access", exit_on_error=False)


def question_of(event: Event) -> str:
    """What `:who-can` asks to find who may do what an event did; "" when that needs no permission."""
    from ..policy.arns import arn_test, tokens
    from ..policy.catalogue import catalogue
    from ..policy.operations import actions_of

    actions = actions_of(event.source, event.name)
    if not actions:
        return ""
    tests = [arn_test(tokens(form, False)) for form in catalogue().resource_forms(actions[0])]
    resource = next((target for target in event.targets if any(test(target) for test in tests)), "")
    return f"{actions[0]} {resource}".strip()


def show_exposure(app: IamtuiApp) -> None:
    """What can be reached from outside."""
    if app.session.info.kind == "live":
        app._tell("Reading the policies of resources…")

    def run() -> None:
        worker = get_current_worker()
        found = app.session.exposures(lambda: worker.is_cancelled)
        if worker.is_cancelled:
            return
        from .screens.access import exposure_page

        limits = "" if app.session.has_resource_policies else "  (trust policies only: no resource policies were read)"
        app.call_from_thread(app.push_screen, exposure_page(f"Reachable from outside: {len(found):,}{limits}", found))

    app.run_worker(run, thread=True, exclusive=True, group="access", exit_on_error=False)


PREFLIGHT = ":preflight OLD NEW [for NAME] [aws]: files, policies by name, or none; on a policy OLD can be left out"
SEND = "Send the new policy's text to AWS (ValidatePolicy)? yes or no:"


def show_changes(app: IamtuiApp, argument: str) -> None:
    """What changed: of an identity or policy its history, with a filter (or nothing) the whole account."""
    words = argument.split()
    named = [word for word in words if not any(sign in word for sign in ":=") and word != "admin" and not word.startswith("!")]
    named += [word for word in words if word.startswith("arn:")]
    if len(words) == 1 and named:
        for match in app.session.find(named[0]):
            if isinstance(match.row.item, User | Role | Group | Policy) and match.how not in ("prefix", "substring"):
                app.explorer.open_row(match.row, "changes")
                return
    from .screens.changes import DEFAULT, ChangesPage

    told = [
        word.replace("=", ":", 1) if word.partition("=")[0] in ("since", "until", "by", "on", "kind", "source") else word for word in words
    ]
    since = any(word.startswith(("since:", "until:")) for word in told)
    app.push_screen(ChangesPage(" ".join(told if since else [DEFAULT, *told])))


def ask_preflight(app: IamtuiApp, argument: str, *, aws: bool = False) -> None:
    """A policy before it is applied: what is wrong with it, and what access it gives, takes and opens. `aws`: what ValidatePolicy says as
    well; it is asked only when somebody has said yes to sending the text."""
    words = argument.split()
    if words and words[-1].casefold() in ("aws", "--aws"):
        if app.session.info.kind != "live" or app.session.offline:
            app._tell("ValidatePolicy needs a live account: a demo, evidence and --offline ask AWS nothing", bad=True)
        else:
            app.asked = " ".join(words[:-1])
            app.explorer.ask("validate", SEND, "")
        return
    who = words[words.index("for") + 1 :] if "for" in words else []
    asked = words[: words.index("for")] if "for" in words else words
    here = app.explorer.current_row()
    if len(asked) == 1:
        asked = [here.item.arn if here is not None and isinstance(here.item, Policy) else "none", *asked]
    if len(asked) != 2 or len(who) > 1:
        app._tell(PREFLIGHT, bad=True)
        return
    row: Row | None = None
    if who:
        matches = app.session.find(who[0])
        if not matches:
            app._tell(f"{who[0]} is nowhere in what has been read", bad=True)
            return
        row = matches[0].row

    def run() -> None:
        from ..session.preflight import document_of, preflight
        from .render.preflight import preflight_lines
        from .screens.pages import TextPage

        try:
            old, policy = document_of(asked[0], app.session)
            new, _ = document_of(asked[1], app.session)
        except IamtuiError as error:
            app.call_from_thread(app._tell, error.message, bad=True)
            return
        answer = preflight(old, new, app.session, row, policy)
        before = app.session.problem_count()
        remarks = app.session.validate_policy(new) if aws else None
        failed = app.session.problems()[before:]
        whose = f" for {row.item.name}" if row is not None else ""
        lines = preflight_lines(answer, old, new, remarks, "; ".join(problem.what for problem in failed))
        app.call_from_thread(app.push_screen, TextPage(f"Before it is applied{whose}", lines))

    app.run_worker(run, thread=True, exclusive=True, group="access", exit_on_error=False)


MATRIX = ":matrix [SERVICE] [users|roles|groups|policies]…"


def show_matrix(app: IamtuiApp, argument: str) -> None:
    """Identities by services; with a service the latest use of it first."""
    from ..session.sweeping import KINDS
    from .screens.matrix import MatrixScreen

    words = argument.casefold().split()
    kinds = [word for word in words if word in KINDS]
    others = [word for word in words if word not in KINDS]
    if len(others) > 1:
        app._tell(MATRIX, bad=True)
    else:
        app.push_screen(MatrixScreen(others[0] if others else "", kinds))


def show_analyzer(app: IamtuiApp) -> None:
    """Access Analyzer's findings beside ours."""
    from .screens.analyzer import AnalyzerScreen

    app.push_screen(AnalyzerScreen())


def show_escalations(app: IamtuiApp, argument: str) -> None:
    """Ways to an administrator's rights, of everybody or of one identity."""
    row: Row | None = None
    if argument:
        matches = app.session.find(argument)
        if not matches:
            app._tell(f"{argument} is nowhere in what has been read", bad=True)
            return
        row = matches[0].row

    def run() -> None:
        found = app.session.ways(row)
        from ..session.crossingtext import unread_words
        from .screens.access import escalation_page

        world = app.session.world
        names = {snapshot.account: snapshot.label for snapshot in world.snapshots}
        unread = unread_words(found.unread, world.accounts) if len(names) > 1 or world.accounts else []
        whose = f" of {getattr(row.item, 'name', '')}" if row is not None else ""
        count = len(found.escalations) + len(found.hops) + len(found.crossings)
        title = f"Ways{whose} to an administrator's rights: {count:,}"
        page = escalation_page(title, found.escalations, found.hops, found.crossings, names, unread)
        app.call_from_thread(app.push_screen, page)

    app.run_worker(run, thread=True, exclusive=True, group="access", exit_on_error=False)


def show_triage(app: IamtuiApp, text: str) -> None:
    """An alert, pasted or typed: who, behind them whom, what, usual or not, what else, what to do."""
    if not text.strip():
        app._tell("Paste an alert anywhere, or :triage with a key id, ARN, address, event or request id", bad=True)
        return
    try:
        alert = app.session.alert(text)
    except IamtuiError as error:
        app._tell(f"{error.message}; {error.hint}" if error.hint else error.message, bad=True)
        return
    app._tell(f"Looking up {alert.kind}…")

    def run() -> None:
        worker = get_current_worker()
        from ..session.triagetext import sections
        from ..text import visible
        from .screens.pages import TextPage

        for _ in app.session.load_clues(alert, lambda: worker.is_cancelled):
            pass
        found = app.session.triage(alert)
        lines: list[list[tuple[str, str]]] = []
        for heading, told in sections(found):
            lines.append([(visible(heading), "heading")])
            lines.extend([("  " + visible(line), _weight(line))] for line in told)
            lines.append([])
        if not worker.is_cancelled:
            app.call_from_thread(app.push_screen, TextPage(f"Triage: {alert.kind} {alert.title}"[:120], lines))

    app.run_worker(run, thread=True, exclusive=True, group="access", exit_on_error=False)


def _weight(line: str) -> str:
    if line.startswith(("NEW:", "critical:", "high:")):
        return "severity-high"
    return "state-absent" if line.startswith(("#", "  no proof")) else ""


def show_accounts(app: IamtuiApp, filter_text: str) -> None:
    """The accounts that are open or known of, narrowed by a filter."""

    def narrow(account: str) -> None:
        app.pop_screen()
        app.explorer.go_to_list(app.explorer.list.kind, f"account:{account}")

    def run() -> None:
        from .screens.accounts import accounts_page

        try:
            lines = app.session.accounts(filter_text)
        except IamtuiError as error:
            app.call_from_thread(app._tell, f"{error.message}; {error.hint}" if error.hint else error.message, bad=True)
            return
        app.call_from_thread(app.push_screen, accounts_page(lines, app.session.now(), narrow))

    app.run_worker(run, thread=True, exclusive=True, group="access", exit_on_error=False)


def show_practices(app: IamtuiApp, name: str = "") -> None:
    """The ten practices, or who breaks one of them."""
    from ..session.practicetext import named

    wanted = named(name) if name else ()
    if name and len(wanted) != 1:
        app._tell(f"There is no practice {name}: :practices [{'|'.join(named(''))}]", bad=True)
        return
    app._tell("Looking at the ten practices…" if not wanted else "Looking…")

    def run() -> None:
        worker = get_current_worker()
        found = app.session.load_practices(lambda: worker.is_cancelled, wanted)
        if worker.is_cancelled:
            return
        from .screens.practices import offenders_page, practices_page

        now, names = app.session.now(), {one.account: one.label for one in app.session.world.snapshots}
        app.call_from_thread(app.push_screen, offenders_page(found[0], now, names) if wanted else practices_page(found, now, names))

    app.run_worker(run, thread=True, exclusive=True, group="access", exit_on_error=False)
