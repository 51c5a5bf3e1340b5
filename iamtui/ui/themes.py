"""Palettes from TOML: shipped ones and the user's. A broken file is reported with all others, never fatal."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

DEFAULT = "iamtui-dark"
ANSI = "iamtui-ansi"

MEANINGS = {
    "effect-allow": "$text-success",
    "effect-deny": "$text-error",
    "severity-high": "$text-error",
    "severity-medium": "$text-warning",
    "state-denied": "$text-warning",
    "state-failed": "$text-error",
    "state-never": "$text-warning",
    "state-absent": "$text-muted",
    "json-key": "$text-primary",
    "json-string": "$text-success",
    "json-number": "$text-accent",
    "json-keyword": "$text-accent",
    "json-mark": "$text-muted",
    "diff-added": "$text-success",
    "diff-removed": "$text-error",
}
"""Our own variables, each with the Textual variable that stands in for it in a theme that does not set it."""


def meanings(theme: Theme) -> dict[str, str]:
    """A colour for every one of our variables: the theme's own, else what Textual made of its palette.

    Variables cannot refer to variables in Textual, so the stand-ins are resolved here. For `App.get_theme_variable_defaults`.
    """
    made = theme.to_color_system().generate()
    return {name: theme.variables.get(name, made[stand_in[1:]]) for name, stand_in in MEANINGS.items()}


def shipped_theme_dir() -> Path:
    """Where the palettes are: inside the installed package, or at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "themes"
    return inside if inside.is_dir() else package.parent / "themes"


def load_theme(path: Path) -> Theme:
    """One palette. Raises ValueError with a sentence on anything Textual would accept and fail on later."""
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    unknown = sorted(raw.keys() - _FIELDS)
    if unknown:
        raise ValueError(f"{path.name}: there is no setting called {', '.join(unknown)}")
    raw.setdefault("name", path.stem)
    for name, wanted in (("name", str), ("dark", bool), ("ansi", bool)):
        if not isinstance(raw.get(name, wanted()), wanted):
            raise ValueError(f"{path.name}: {name} wants {'text' if wanted is str else 'true or false'}")
    variables = raw.pop("variables", {})
    if not isinstance(variables, dict):
        raise ValueError(f"{path.name}: variables wants a table")
    if "primary" not in raw:
        raise ValueError(f"{path.name}: primary is missing")
    variables = {str(k): str(v) for k, v in variables.items()}
    if isinstance(raw.get("boost"), str):
        variables.setdefault("boost", raw["boost"])  # Textual makes `boost` transparent, whatever a theme says
    if raw.get("ansi"):
        # Textual's own styles ask for variables that only its two ANSI themes set
        variables = {**BUILTIN_THEMES["ansi-dark" if raw.get("dark", True) else "ansi-light"].variables, **variables}
    try:
        theme = Theme(**raw, variables=variables)
        theme.to_color_system().generate()
    except Exception as error:  # colour parsing raises many kinds
        raise ValueError(f"{path.name}: {error}") from error
    for name, value in theme.variables.items():
        _check(path, name, value)
    return theme


_FIELDS = frozenset(field.name for field in fields(Theme))
_PLAIN = re.compile(r"[\w #%.,()+-]+")


def _check(path: Path, name: str, value: str) -> None:
    """A variable's text becomes part of the stylesheet: one that does not parse would take the whole app with it."""
    if not _PLAIN.fullmatch(value) or not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ValueError(f"{path.name}: variables: {name} = {value!r} is not a colour or a plain word")
    if name in MEANINGS:
        try:
            Color.parse(value)
        except ColorParseError as error:
            raise ValueError(f"{path.name}: variables: {name}: {str(error).splitlines()[0]}") from error


def find(name: str, user_dir: Path | None) -> tuple[Theme | None, list[str]]:
    """The theme of that name, the user's before ours, without reading the others."""
    problems: list[str] = []
    if name != Path(name).name:
        return None, problems
    for folder in (user_dir, shipped_theme_dir()):
        path = folder / f"{name}.toml" if folder else None
        if path is not None and path.is_file():
            try:
                return load_theme(path), problems
            except ValueError as error:
                problems.append(str(error))
    return None, problems


def all_themes(user_dir: Path | None) -> tuple[list[Theme], list[str]]:
    """Every palette that can be used, ours first, and what is wrong with the rest."""
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for folder in (shipped_theme_dir(), user_dir):
        if folder is None or not folder.is_dir():
            continue
        for path in sorted(folder.glob("*.toml")):
            try:
                theme = load_theme(path)
            except ValueError as error:
                problems.append(str(error))
                continue
            themes[theme.name] = theme
    return list(themes.values()), problems
