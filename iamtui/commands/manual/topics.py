"""Topics of the manual: a text each, and behind it what is worked out from the code, so that it cannot grow old."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.resources import files

from ... import config, paths
from .pages import CODES, pages

TOPICS: dict[str, str] = {
    "topics": "what there is to read",
    "filters": "the filter language of lists, and the columns it knows",
    "exit-codes": "what exit codes mean, by command",
    "json": "what programs may rely on, and the keys of every command",
    "recipes": "lines for the shell, with jq",
    "ci": "gates in a pipeline, and GitHub Actions",
    "browser": "the explorer in a browser, with textual-serve",
    "environment": "settings, variables and flags",
    "files": "where things lie",
}
"""Every topic with what it tells."""


def topic(name: str) -> str:
    """A topic's text, ending in a newline. Raises KeyError for one there is not."""
    made = _MADE.get(name)
    text = "" if name not in _WRITTEN else files(__package__).joinpath(f"topics/{name}.txt").read_text(encoding="utf-8")
    return text + ("\n" if text and made else "") + ("".join(f"{line}\n" for line in made()) if made else "")


def _topics() -> Iterator[str]:
    yield "iamtui help COMMAND    a command's options, examples and exit codes; as a man page: iamtui man COMMAND | man -l -"
    yield "iamtui help TOPIC      one of these:"
    yield ""
    for name, said in TOPICS.items():
        yield f"  {name:12}  {said}"


def _columns() -> Iterator[str]:
    from ...analysis.lists import columns

    for kind in ("users", "roles", "groups", "policies", "events", "findings"):
        yield f"{kind}:"
        line = " "
        for column in columns(kind):
            if len(line) + len(column.id) > 96:
                yield line
                line = " "
            line += f" {column.id}"
        yield line
        yield ""


def _codes() -> Iterator[str]:
    for number, meaning in CODES.items():
        yield f"  {number:3}  {meaning}"
    yield ""
    yield "What they mean in particular:"
    yield ""
    for name, page in pages().items():
        for code, said in sorted(page.exit.items()):
            yield f"  iamtui {name:18}  {code}  {said}"


def _settings() -> Iterator[str]:
    wide = max(len(setting.env) for setting in config.SETTINGS)
    flags = max(len(setting.flag) for setting in config.SETTINGS)
    for setting in config.SETTINGS:
        default = "" if setting.default in ("", (), False) else f" ({setting.default})"
        yield f"  {setting.env:{wide}}  {setting.flag:{flags}}  {setting.toml}: {setting.help}{default}"


def _files() -> Iterator[str]:
    for name, place, said in (
        ("settings", paths.config_file(), "config.toml; never written"),
        ("keys", paths.keymap_file(), "keymap.toml; never written"),
        ("themes", paths.themes_dir(), "*.toml; never written"),
        ("cache", paths.cache_dir(), "answers of AWS, events; iamtui cache info, iamtui cache clear"),
        ("ledger", paths.ledger_file(), "reviewers' decisions; nothing clears it"),
        ("errors", paths.log_file(), "the traceback of a defect"),
    ):
        yield f"  {name:9} {place}"
        yield f"  {'':9} {said}"


def _shapes() -> Iterator[str]:
    from .shapes import recorded

    for command, shape in recorded().items():
        yield f"iamtui {command}"
        wide = max(len(path) for path in shape)
        for path, kinds in shape.items():
            yield f"  {path:{min(wide, 44)}}  {kinds}"
        yield ""


_WRITTEN = ("filters", "exit-codes", "json", "recipes", "ci", "browser", "environment", "files")
_MADE: dict[str, Callable[[], Iterator[str]]] = {
    "topics": _topics,
    "filters": _columns,
    "exit-codes": _codes,
    "json": _shapes,
    "environment": _settings,
    "files": _files,
}
