"""Rules of composite alarms: `ALARM("a") AND (OK("b") OR NOT ALARM("c"))`, as the CloudWatch API reference describes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from .told import Told, all_of, any_of, negated, unknown

_TOKEN = re.compile(
    r"\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:\"(?P<q>[^\"]+)\"|'(?P<s>[^']+)'|(?P<w>[^\s()'\"]+))\s*\)|(?P<sign>\(|\))|(?P<word>[A-Z_]+))"
)
_MOST_DEPTH = 60
States = Mapping[str, str]
"""State by name and by ARN of an alarm."""

Rule = Callable[[States], Told]


class _RuleError(ValueError):
    pass


@lru_cache(maxsize=1024)
def alarm_rule(text: str) -> tuple[Rule, frozenset[str]]:
    """A rule, and the alarms it names. What cannot be read cannot be told."""
    try:
        reader = _Reader(text[:10_240])
        rule = reader.either(0)
        if reader.rest():
            raise _RuleError("something is left over")
        return rule, frozenset(reader.names)
    except _RuleError as error:
        why = f"the rule of the composite alarm cannot be read: {error}"
        names = frozenset(name for match in _TOKEN.finditer(text) if (name := match["q"] or match["s"] or match["w"]))
        return (lambda _: unknown(why)), names


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[re.Match[str]] = []
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                raise _RuleError(f"{text[place:].strip()[:20]!r} is not understood")
            self._tokens.append(match)
            place = match.end()
        self._at = 0
        self.names: set[str] = set()

    def rest(self) -> bool:
        return self._at < len(self._tokens)

    def _word(self) -> str:
        token = self._tokens[self._at] if self.rest() else None
        return (token["word"] or token["sign"] or "") if token is not None else ""

    def either(self, depth: int) -> Rule:
        return self._chain("OR", lambda: self._chain("AND", lambda: self._one(depth), all_of), any_of)

    def _chain(self, word: str, part: Callable[[], Rule], join: Callable[..., Told]) -> Rule:
        rules = [part()]
        while self._word() == word:
            self._at += 1
            rules.append(part())
        return rules[0] if len(rules) == 1 else lambda states: join(rule(states) for rule in rules)

    def _one(self, depth: int) -> Rule:
        if not self.rest() or depth > _MOST_DEPTH:
            raise _RuleError("it ends too early, or is nested too deeply")
        token = self._tokens[self._at]
        self._at += 1
        if token["state"]:
            wanted, name = token["state"], token["q"] or token["s"] or token["w"]
            self.names.add(name)
            return lambda states: Told(states[name] == wanted) if name in states else unknown(f"the alarm {name} was not read")
        word = token["word"] or token["sign"]
        if word == "NOT":
            inner = self._one(depth + 1)
            return lambda states: negated(inner(states))
        if word == "(":
            inside = self.either(depth + 1)
            if self._word() != ")":
                raise _RuleError("a parenthesis is not closed")
            self._at += 1
            return inside
        if word in ("TRUE", "FALSE"):
            return lambda _: Told(word == "TRUE")
        raise _RuleError(f"{word} is not in the documented grammar")
