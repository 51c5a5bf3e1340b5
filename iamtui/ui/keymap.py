"""The one table of all keys. Footer, help, palette and the user's keymap file come from it."""

from __future__ import annotations

import tomllib
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

from textual.binding import Binding, BindingType
from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys, _character_to_key


class Key(NamedTuple):
    """id: name in the keymap file. keys: Textual key names. where: the widget or screen that acts on it."""

    id: str
    keys: str
    action: str
    words: str
    where: str
    group: str
    shown: bool = False


KEYS = (
    Key("open", "enter", "activate", "open", "table", "move", True),
    Key("down", "down,j", "cursor_down", "down", "table", "move"),
    Key("up", "up,k", "cursor_up", "up", "table", "move"),
    Key("page-down", "pagedown,ctrl+d", "page_down", "a page down", "table", "move"),
    Key("page-up", "pageup,ctrl+u", "page_up", "a page up", "table", "move"),
    Key("top", "home,g", "top", "to the top", "table", "move"),
    Key("bottom", "end,G", "bottom", "to the end", "table", "move"),
    Key("text.down", "down,j", "scroll_down", "down", "text", "move"),
    Key("text.up", "up,k", "scroll_up", "up", "text", "move"),
    Key("text.page-down", "pagedown,ctrl+d,space", "page_down", "a page down", "text", "move"),
    Key("text.page-up", "pageup,ctrl+u", "page_up", "a page up", "text", "move"),
    Key("text.top", "home,g", "scroll_home", "to the top", "text", "move"),
    Key("text.bottom", "end,G", "scroll_end", "to the end", "text", "move"),
    Key("text.wrap", "W", "toggle_wrap", "wrap long lines", "text", "view"),
    Key("back", "escape,backspace", "back", "back, one level", "explorer", "move", True),
    Key("go", "colon", "go", "go anywhere", "explorer", "find", True),
    Key("filter", "slash", "filter", "narrow this list", "explorer", "find", True),
    Key("who-can", "w", "who_can", "who can do this", "explorer", "find"),
    Key("alarms", "a", "alarms", "would anybody hear of this", "explorer", "find"),
    Key("palette", "ctrl+p", "palette", "command palette", "explorer", "find"),
    Key("sort", "s", "sort", "sort by the next column", "explorer", "view"),
    Key("sort.reverse", "S", "sort_reverse", "turn the order round", "explorer", "view"),
    Key("mark", "space", "mark", "select", "explorer", "act", True),
    Key("mark.range", "V", "mark_range", "select from the last one selected to here", "explorer", "act"),
    Key("mark.down", "shift+down", "mark_on(1)", "select, and down", "explorer", "act"),
    Key("mark.up", "shift+up", "mark_on(-1)", "select, and up", "explorer", "act"),
    Key("mark.all", "ctrl+a,asterisk", "mark_all", "select all shown, or none", "explorer", "act"),
    Key("mark.invert", "I", "mark_invert", "select what is not selected", "explorer", "act"),
    Key("decide", "m", "decide", "decide: keep, reduce, remove, ask owner, exception", "explorer", "act", True),
    Key("undo", "U", "undo", "take the last decision back", "explorer", "act"),
    Key("copy", "y", "copy", "copy the ARN", "explorer", "act"),
    Key("copy-json", "Y", "copy_json", "copy as JSON", "explorer", "act"),
    Key("export", "e", "export", "export this list to a file", "explorer", "act"),
    Key("console", "o", "console", "AWS console link", "explorer", "act"),
    Key("provenance", "i", "provenance", "where this comes from", "explorer", "view"),
    Key("problems", "exclamation_mark", "problems", "what went wrong so far", "explorer", "view"),
    Key("refresh", "r", "refresh", "read again", "explorer", "act"),
    Key("diff", "d", "diff", "compare: two selected, or two versions", "explorer", "view"),
    Key("toggle", "t", "other_reading", "other reading: JSON or summary, by or on, services or actions", "explorer", "view"),
    Key("unused", "u", "unused", "only what is unused", "explorer", "view"),
    Key("zoom", "z", "zoom", "one pane or two", "explorer", "view"),
    Key("history.back", "left_square_bracket", "history(-1)", "back in history", "explorer", "move"),
    Key("history.forward", "right_square_bracket", "history(1)", "forward in history", "explorer", "move"),
    Key("last-view", "minus", "last_view", "last view", "explorer", "move"),
    Key("pane.next", "tab", "next_pane", "other pane", "explorer", "move"),
    Key("tab.next", "right,l", "tab(1)", "next tab", "explorer", "move"),
    Key("tab.previous", "left,h", "tab(-1)", "previous tab", "explorer", "move"),
    Key("view.0", "0", "summary", "summary: what stands out", "explorer", "views"),
    Key("view.1", "1", "view('users')", "users", "explorer", "views"),
    Key("view.2", "2", "view('roles')", "roles", "explorer", "views"),
    Key("view.3", "3", "view('groups')", "groups", "explorer", "views"),
    Key("view.4", "4", "view('policies')", "policies", "explorer", "views"),
    Key("view.5", "5", "view('events')", "events", "explorer", "views"),
    Key("view.6", "6", "view('findings')", "findings", "explorer", "views"),
    Key("preset.users", "f2", "preset('users')", "events: users, keys and passwords", "explorer", "presets"),
    Key("preset.policies", "f3", "preset('policies')", "events: changes of policies and groups", "explorer", "presets"),
    Key("preset.trust", "f4", "preset('trust')", "events: changes of trust", "explorer", "presets"),
    Key("preset.logging", "f5", "preset('logging')", "events: logging switched off or changed", "explorer", "presets"),
    Key("preset.sign-in", "f6", "preset('sign-in')", "events: sign-ins, the root user, new places", "explorer", "presets"),
    Key("preset.grave", "f7", "preset('grave')", "events: high and critical", "explorer", "presets"),
    Key("view.7", "7", "guards", "guards: trails, alarms, analyzers, Config", "explorer", "views"),
    Key("view.8", "8", "review", "review", "explorer", "views"),
    Key("view.9", "9", "sql", "SQL over events", "explorer", "views"),
    Key("sql.run", "f5,ctrl+r", "run", "ask the query", "sql", "act", True),
    Key("sql.saved", "ctrl+o", "saved", "saved queries", "sql", "find", True),
    Key("sql.engine", "ctrl+t,f4", "engine", "next engine: local, athena, lake", "sql", "act"),
    Key("sql.stop", "ctrl+c", "stop", "stop the query", "sql", "act"),
    Key("sql.switch", "tab", "switch", "query or answer", "sql", "move"),
    Key("sql.copy", "y", "copy", "copy the row as JSON", "sql", "act"),
    Key("sql.export", "e", "export", "write the answer to a file", "sql", "act"),
    Key("sql.problems", "exclamation_mark", "problems", "what could not be read", "sql", "view"),
    Key("sql.back", "escape", "back", "stop, or back", "sql", "move", True),
    Key("review.keep", "K", "decide('keep')", "review: keep", "review", "act", True),
    Key("review.reduce", "R", "decide('reduce')", "review: reduce", "review", "act", True),
    Key("review.remove", "X", "decide('remove')", "review: remove", "review", "act", True),
    Key("review.ask", "A", "decide('ask owner')", "review: ask its owner", "review", "act", True),
    Key("review.exception", "E", "full('exception')", "review: exception, with reason and end", "review", "act", True),
    Key("review.decide", "m", "full", "review: decide with reason, end and ticket", "review", "act", True),
    Key("review.confirm", "c", "confirm", "review: as last time, where the evidence is as it was", "review", "act", True),
    Key("review.undo", "U", "undo", "review: take the last decision back", "review", "act"),
    Key("review.plan", "P", "plan", "review: the cleanup plan of what is decided", "review", "act"),
    Key("review.next", "n", "next_open(1)", "review: next that is open", "review", "move"),
    Key("review.previous", "p", "next_open(-1)", "review: the one before that is open", "review", "move"),
    Key("review.select", "space", "select", "review: select", "review", "act"),
    Key("review.filter", "slash", "filter", "review: narrow the queue", "review", "find"),
    Key("review.report", "e", "report", "review: write the report to a file", "review", "act"),
    Key("review.help", "question_mark,f1", "help", "review: the keys that work here", "review", "find"),
    Key("review.back", "escape,q,backspace", "back", "review: back", "review", "move", True),
    Key("review.summary", "0", "leave('summary')", "review: to the summary", "review", "views"),
    Key("review.users", "1", "leave('users')", "review: to the users", "review", "views"),
    Key("review.roles", "2", "leave('roles')", "review: to the roles", "review", "views"),
    Key("review.groups", "3", "leave('groups')", "review: to the groups", "review", "views"),
    Key("review.policies", "4", "leave('policies')", "review: to the policies", "review", "views"),
    Key("review.events", "5", "leave('events')", "review: to the events", "review", "views"),
    Key("review.findings", "6", "leave('findings')", "review: to the findings", "review", "views"),
    Key("story.on", "m,h,d", "", "in a story: on by a minute, an hour, a day", "story", "move"),
    Key("story.back", "M,H,D", "", "in a story: back by a minute, an hour, a day", "story", "move"),
    Key("grid.open", "enter", "activate", "ask further", "grid", "view"),
    Key("grid.down", "down,j", "move(1,0)", "down", "grid", "view"),
    Key("grid.up", "up,k", "move(-1,0)", "up", "grid", "view"),
    Key("grid.right", "right,l", "move(0,1)", "next service", "grid", "view"),
    Key("grid.left", "left,h", "move(0,-1)", "previous service", "grid", "view"),
    Key("grid.page-down", "pagedown,ctrl+d", "page(1)", "a page down", "grid", "view"),
    Key("grid.page-up", "pageup,ctrl+u", "page(-1)", "a page up", "grid", "view"),
    Key("grid.side-right", "L,ctrl+right", "side(1)", "a screen of services on", "grid", "view"),
    Key("grid.side-left", "H,ctrl+left", "side(-1)", "a screen of services back", "grid", "view"),
    Key("grid.top", "home,g", "top", "to the top", "grid", "view"),
    Key("grid.bottom", "end,G", "bottom", "to the end", "grid", "view"),
    Key("matrix.sort", "s", "sort", "sort by the service under the cursor", "matrix", "view", True),
    Key("matrix.filter", "slash", "filter", "narrow the rows", "matrix", "view", True),
    Key("matrix.identity", "t", "open", "open what the row is about", "matrix", "view", True),
    Key("matrix.sweep", "S", "sweep", "ask for everybody's last use", "matrix", "view", True),
    Key("matrix.back", "escape,q,backspace", "back", "back", "matrix", "view", True),
    Key("analyzer.identity", "t", "identity", "open what the finding is about", "analyzer", "view", True),
    Key("analyzer.active", "a", "only_active", "without what is archived or resolved", "analyzer", "view", True),
    Key("analyzer.about", "i", "about", "what Access Analyzer covers, and would add", "analyzer", "view", True),
    Key("analyzer.again", "r", "again", "ask Access Analyzer again", "analyzer", "view", True),
    Key("analyzer.back", "escape,q,backspace", "back", "back", "analyzer", "view", True),
    Key("changes.filter", "slash", "filter", "narrow the changes", "changes", "find", True),
    Key("change.copy", "y", "copy", "in a change: copy the AWS CLI roll-back", "change", "act"),
    Key("change.copy-terraform", "Y", "copy_terraform", "in a change: copy the Terraform roll-back", "change", "act"),
    Key("plan.form", "t", "form", "in a plan: CLI, Terraform, CloudFormation, Markdown", "plan", "view"),
    Key("plan.copy", "y", "copy", "in a plan: copy its text", "plan", "act"),
    Key("plan.save", "e", "save", "in a plan: write its text to a file", "plan", "act"),
    Key("change.target", "enter", "target", "in a change: to what it is of", "change", "move"),
    Key("diff.filter", "slash", "filter", "narrow the differences", "differences", "find", True),
    Key("diff.sort", "s", "sort", "sort the differences by the next column", "differences", "view"),
    Key("diff.sort-reverse", "S", "sort_reverse", "turn the order of the differences round", "differences", "view"),
    Key("diff.target", "t", "target", "to what the difference is of", "differences", "move"),
    Key("diff.copy", "y", "copy", "copy the difference as JSON", "differences", "act"),
    Key("diff.notes", "i", "notes", "what was not compared", "differences", "view"),
    Key("difference.target", "enter,t", "target", "in a difference: to what it is of", "difference", "move"),
    Key("difference.copy", "y", "copy", "in a difference: copy it as JSON", "difference", "act"),
    Key("history.target", "t", "target", "in a history: to what the difference is of", "history", "move"),
    Key("history.notes", "i", "notes", "in a history: where it was, what was not told", "history", "view"),
    Key("theme", "T", "next_theme", "next theme", "explorer", "view"),
    Key("help", "question_mark,f1", "help", "the keys that work here", "explorer", "find", True),
    Key("quit", "q,ctrl+q", "quit", "quit", "explorer", "act"),
    Key("page.back", "escape,q,backspace", "back", "back", "page", "move", True),
)

GROUPS = {
    "find": "Find",
    "move": "Move",
    "views": "Views",
    "presets": "Events of interest",
    "view": "Look",
    "act": "Act",
}
PLACES = {
    ("review",): "In a review",
    ("plan",): "In a cleanup plan",
    ("sql",): "In the SQL view",
    ("story",): "In a story",
    ("changes", "change"): "Among changes",
    ("differences", "difference", "history"): "Among differences and in a history",
    ("matrix", "grid"): "Who uses what",
    ("analyzer",): "Findings of Access Analyzer",
    ("page",): "On a page",
}
"""Titles of the keys of screens that lie over the explorer."""


@cache
def bindings(where: str) -> list[BindingType]:
    """Textual bindings of one widget or screen."""
    return [Binding(k.keys, k.action, k.words, show=k.shown, id=k.id, group=None) for k in KEYS if k.where == where]


def load_keymap(path: Path) -> tuple[dict[str, str], list[str]]:
    """A user's keymap file (`id = "key,key"` in TOML) as Textual takes it, and what in it is wrong, in sentences."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, []
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return {}, [f"{path}: {error}; the usual keys are in force"]
    known = {key.id: key for key in KEYS}
    chosen: dict[str, str] = {}
    problems: list[str] = []
    for name, value in raw.items():
        if name not in known:
            problems.append(f"{path}: there is no key called {name} (see ? for the names)")
        elif not isinstance(value, str) or not value.strip():
            problems.append(f'{path}: {name} wants text such as "ctrl+k,f5"')
        else:
            keys = [_key_name(key) for key in _split(value)]
            unknown = [key for key in keys if not _is_key(key)]
            problems.extend(f"{path}: {name}: there is no key called {key}" for key in unknown)
            if len(unknown) < len(keys):
                chosen[name] = ",".join(key for key in keys if key not in unknown)
    problems.extend(_conflicts(chosen, known, path))
    return chosen, problems


def _split(value: str) -> list[str]:
    """`j, ctrl+n` in its keys; a comma alone is the comma key."""
    return [part.strip() for part in value.split(",") if part.strip()] or [","]


def _key_name(key: str) -> str:
    """Textual's name of a key: `:` is `colon`, `Ctrl+K` is `ctrl+k`, `shift+s` is `S`."""
    if len(key) == 1:
        return _character_to_key(key)
    *modifiers, last = key.lower().split("+") if not key.endswith("+") else (*key[:-1].lower().strip("+").split("+"), "+")
    if modifiers == ["shift"] and len(last) == 1 and last.isalpha():
        return last.upper()
    return "+".join((*modifiers, _character_to_key(last) if len(last) == 1 else last))


_MODIFIERS = {"ctrl", "shift", "alt", "super", "hyper", "meta"}
_KNOWN = frozenset(key.value for key in Keys) | set(KEY_TO_UNICODE_NAME) | set(KEY_NAME_REPLACEMENTS.values())


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+")
    if not last or not set(modifiers) <= _MODIFIERS:
        return False
    if len(last) == 1 or last in _KNOWN:
        return True
    try:
        unicodedata.lookup(last.replace("_", " "))
    except KeyError:
        return False
    return True


_TOGETHER = (
    ("table", "explorer"),
    ("text", "explorer"),
    ("text", "page"),
    ("table", "sql"),
    ("table", "review"),
    ("table", "changes"),
    ("grid", "matrix"),
    ("table", "analyzer"),
    ("text", "change"),
    ("page", "change"),
    ("text", "plan"),
    ("page", "plan"),
    ("table", "differences"),
    ("text", "difference"),
    ("page", "difference"),
    ("table", "history"),
)
"""What hears the same key press; the first has it. Within one, Textual lets the key of the user's file act."""


def _conflicts(chosen: dict[str, str], known: dict[str, Key], path: Path) -> list[str]:
    found: dict[tuple[str, str, str], str] = {}
    for together in _TOGETHER:
        used: dict[str, Key] = {}
        for key in sorted((k for k in KEYS if k.where in together), key=lambda k: together.index(k.where)):
            for name in chosen.get(key.id, key.keys).split(","):
                first = used.setdefault(name, key)
                if first is key or not {key.id, first.id} & chosen.keys():
                    continue
                acts = key if first.where == key.where and first.id not in chosen else first
                found.setdefault(
                    (name, first.id.removeprefix("text."), key.id), f"{path}: {name} is both {first.id} and {key.id}; {acts.id} acts"
                )
    return list(found.values())


_SHORT = {
    "colon": ":",
    "slash": "/",
    "question_mark": "?",
    "exclamation_mark": "!",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "minus": "-",
    "asterisk": "*",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
}


def key_words(keys: str) -> str:
    """`enter`, `esc`, `:` for people."""
    return " ".join(_SHORT.get(name, name) for name in keys.split(","))
