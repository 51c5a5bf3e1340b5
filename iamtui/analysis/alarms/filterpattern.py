"""Filter patterns of CloudWatch Logs, read as its user guide describes them ("Filter pattern syntax for metric filters").

Three forms: JSON patterns in braces, patterns of terms, and space-delimited patterns in brackets. What the guide does not say is
not guessed: the pattern, or the part of it that matters, cannot be told, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from .regex import Regex, RegexError, parse_regex
from .told import NO, YES, Free, Told, all_of, any_of, negated, unknown

MOST_TEXT = 8_192
"""Characters of a pattern; AWS takes 1,024."""
MOST_DEPTH = 60
"""Parentheses inside each other."""


class LogEvent(msgspec.Struct, frozen=True):
    """One record as a log group gets it: its value, and its text without blanks."""

    value: Any
    text: str


def log_event(record: dict[str, Any]) -> LogEvent:
    return LogEvent(record, msgspec.json.encode(record, enc_hook=_example).decode())


def _example(value: Any) -> str:
    return value.example if isinstance(value, Free) else str(value)


Test = Callable[[LogEvent], Told]


class FilterPattern(msgspec.Struct, frozen=True):
    """form: `all`, `json`, `terms`, `space-delimited` or `unreadable`; why: what could not be read."""

    text: str
    form: str
    test: Test
    why: str = ""

    def matches(self, event: LogEvent) -> Told:
        """Whether the pattern finds a record."""
        return self.test(event)


class PatternError(ValueError):
    """Not of the documented grammar."""


@lru_cache(maxsize=4096)
def filter_pattern(text: str) -> FilterPattern:
    """A pattern, parsed once. Never raises: what cannot be read is a pattern that cannot be told."""
    bare = text.strip()
    if not bare or bare == '""':
        return FilterPattern(text, "all", lambda _: Told(True, "an empty pattern finds every event"))
    try:
        if len(bare) > MOST_TEXT:
            raise PatternError(f"it is longer than {MOST_TEXT:,} characters")
        if bare[0] == "{":
            return FilterPattern(text, "json", _Json(bare).whole())
        if bare[0] == "[":
            why = "a space-delimited pattern counts words, and a CloudTrail record is one JSON text"
            return FilterPattern(text, "space-delimited", lambda _: unknown(why), why)
        return FilterPattern(text, "terms", _terms(bare))
    except (PatternError, RegexError) as error:
        why = f"the pattern cannot be read: {error}"
        return FilterPattern(text, "unreadable", lambda _: unknown(why), why)


# -- JSON patterns ----------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<sign>\(|\)|&&|\|\||!=|<=|>=|=|<|>)
    | (?P<selector>\$(?:\.?\[(?:'[^']*'|"[^"]*"|\d+|\*)\]|\.[\w*-]+)*)
    | (?P<regex>%[^%]*%)
    | (?P<quoted>"(?:[^"\\]|\\.)*")
    | (?P<word>[^\s()&|=<>"%$!]+)
    )""",
    re.VERBOSE,
)
_STEP = re.compile(r"""\.?\[(?:'([^']*)'|"([^"]*)"|(\d+)|(\*))\]|\.([\w*-]+)""")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z")

ANY = object()
"""The step of a selector that stands for every entry of a list or field of an object."""
MISSING = object()


class _Json:
    """A reader of one JSON pattern: `()` before `&&` before `||`."""

    def __init__(self, text: str) -> None:
        if not text.endswith("}"):
            raise PatternError("the closing brace is missing")
        self._tokens: list[tuple[str, str]] = []
        inner, place = text[1:-1], 0
        while place < len(inner):
            match = _TOKEN.match(inner, place)
            if match is None:
                if not inner[place:].strip():
                    break
                raise PatternError(f"{inner[place:].strip()[:20]!r} is not understood")
            self._tokens.append((match.lastgroup or "", match[match.lastgroup or 0]))
            place = match.end()
        self._at = 0
        self._depth = 0

    def whole(self) -> Test:
        test = self._or()
        if self._at < len(self._tokens):
            raise PatternError(f"{self._tokens[self._at][1]!r} is left over")
        return test

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _chain(self, sign: str, part: Callable[[], Test], join: Callable[..., Told]) -> Test:
        tests = [part()]
        while self._peek() == ("sign", sign):
            self._take()
            tests.append(part())
        return tests[0] if len(tests) == 1 else lambda event: join(test(event) for test in tests)

    def _or(self) -> Test:
        return self._chain("||", self._and, any_of)

    def _and(self) -> Test:
        return self._chain("&&", self._one, all_of)

    def _one(self) -> Test:
        if self._peek() == ("sign", "("):
            self._depth += 1
            if self._depth > MOST_DEPTH:
                raise PatternError("parentheses are nested too deeply")
            self._take()
            test = self._or()
            if self._take() != ("sign", ")"):
                raise PatternError("a parenthesis is not closed")
            self._depth -= 1
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        kind, text = self._take()
        if kind != "selector":
            raise PatternError(f"a selector such as $.eventName is wanted, not {text or 'the end'!r}")
        steps = selector(text)
        kind, sign = self._take()
        if kind == "sign" and sign in ("=", "!=", "<", ">", "<=", ">="):
            return _compared(text, steps, sign, *self._take())
        if kind == "word":
            return self._worded(text, steps, sign)
        raise PatternError(f"after {text} a comparison is wanted, not {sign or 'the end'!r}")

    def _worded(self, text: str, steps: tuple[Any, ...], word: str) -> Test:
        """`IS TRUE`, `IS FALSE`, `IS NULL`, `NOT EXISTS`; others are words AWS may know and its guide does not have."""
        following = self._peek()[1] if self._peek()[0] == "word" else ""
        if (word, following) == ("NOT", "EXISTS"):
            self._take()
            return lambda event: Told(not found(event.value, steps), f"{text} NOT EXISTS")
        if word == "IS" and following in ("TRUE", "FALSE", "NULL"):
            self._take()
            wanted = {"TRUE": True, "FALSE": False, "NULL": None}[following]
            return lambda event: Told(any(value is wanted for value in found(event.value, steps)), f"{text} IS {following}")
        if word in ("EXISTS", "IN", "LIKE") or word == "IS":
            while self._peek()[0] in ("word", "quoted"):
                word = f"{word} {self._take()[1]}"
            why = f"{word} is not in the documented grammar of filter patterns"
            return lambda _: unknown(why)
        raise PatternError(f"{word!r} is no comparison")


def selector(text: str) -> tuple[Any, ...]:
    """`$.a[0].['b.c'].*` as steps: names, numbers, ANY."""
    steps: list[Any] = []
    place = 1
    while place < len(text):
        match = _STEP.match(text, place)
        if match is None:
            raise PatternError(f"{text} is no selector")
        single, double, number, star, name = match.groups()
        if number is not None:
            steps.append(int(number))
        elif star or name == "*":
            steps.append(ANY)
        elif name is not None:
            if "*" in name:
                raise PatternError(f"{text} has a * inside a name")
            steps.append(name)
        else:
            steps.append(single if single is not None else double)
        place = match.end()
    return tuple(steps)


def found(value: Any, steps: tuple[Any, ...]) -> list[Any]:
    """The values a selector points to; [] when there is none."""
    values = [value]
    for step in steps:
        following: list[Any] = []
        for one in values:
            if step is ANY:
                following.extend(one if isinstance(one, list) else one.values() if isinstance(one, dict) else ())
            elif isinstance(step, int):
                if isinstance(one, list) and step < len(one):
                    following.append(one[step])
            elif isinstance(one, dict) and step in one:
                following.append(one[step])
        values = following
    return values


class _Literal(msgspec.Struct, frozen=True):
    text: str
    quoted: bool
    number: float | None
    regex: Regex | None = None


def _compared(text: str, steps: tuple[Any, ...], sign: str, kind: str, raw: str) -> Test:
    if kind == "quoted":
        literal = _Literal(_unescaped(raw), True, None)
    elif kind == "regex":
        literal = _Literal(raw, False, None, parse_regex(raw[1:-1]))
    elif kind == "word":
        literal = _Literal(raw, False, float(raw) if _NUMBER.match(raw) else None)
    else:
        raise PatternError(f"after {text} {sign} a value is wanted, not {raw or 'the end'!r}")
    if sign in ("<", ">", "<=", ">="):
        if literal.number is None:
            raise PatternError(f"{sign} compares numbers, not {raw!r}")
        ordered = partial_order(sign, literal.number)
        return lambda event: any_of(ordered(value) for value in found(event.value, steps))

    def test(event: LogEvent) -> Told:
        values = found(event.value, steps)
        if not values:
            if sign == "=":
                return Told(False, f"there is no {text}")
            return unknown(f"{text} is not in the event, and the documentation does not say what != finds then")
        if any(isinstance(value, Free) for value in values):
            return _free(sign, literal, text)
        same = [_same(value, literal, text) for value in values]
        if sign == "=":
            return any_of(same)
        different = [told if isinstance(value, dict | list) else negated(told) for value, told in zip(values, same, strict=True)]
        if len(different) > 1 and any_of(different).answer is not all_of(different).answer:
            return unknown(f"{text} stands for several values, and the documentation does not say what != finds then")
        return any_of(different)

    return test


def _free(sign: str, literal: _Literal, text: str) -> Told:
    """A comparison with a value nobody knows beforehand."""
    if literal.text.strip("*") == "" and literal.regex is None and literal.text:
        return Told(sign == "=", f"{text} is there")
    shown = literal.text[:60]
    return unknown(f"only when {text} is {shown}") if sign == "=" else Told(True, "", (f"{text} is {shown}",))


def partial_order(sign: str, number: float) -> Callable[[Any], Told]:
    """A numeric comparison of one value."""

    def ordered(value: Any) -> Told:
        if isinstance(value, Free):
            return unknown("the value cannot be known beforehand")
        if isinstance(value, str) and _NUMBER.match(value):
            return unknown("the value is a number written as text")
        if isinstance(value, bool) or not isinstance(value, int | float):
            return NO
        answers = {"<": value < number, ">": value > number, "<=": value <= number, ">=": value >= number}
        return Told(answers[sign])

    return ordered


def _same(value: Any, literal: _Literal, text: str) -> Told:
    """Whether one value is what a literal says."""
    if isinstance(value, dict | list):
        return Told(False, f"{text} is no single value")
    if value is None or isinstance(value, bool):
        word = {None: "null", True: "true", False: "false"}[value]
        return unknown(f"{text} is {word}, and the documentation compares that with IS {word.upper()}")
    if literal.regex is not None:
        return literal.regex.search(value if isinstance(value, str) else _number_text(value))
    if isinstance(value, str):
        if literal.number is not None and value != literal.text:
            same_number = bool(_NUMBER.match(value)) and float(value) == literal.number
            return unknown(f"{text} is a number written as text") if same_number else NO
        return starred(literal.text, value)
    if literal.number is not None:
        return Told(value == literal.number)
    told = starred(literal.text, _number_text(value))
    if told.answer and literal.quoted and literal.text != "*":
        return unknown(f"{text} is a number and is compared with quoted text")
    return told


def starred(pattern: str, text: str) -> Told:
    """Text with `*` before or after it. A `*` inside is documented to stand for itself, and used as if it stood for anything:
    where the two readings differ, it cannot be told."""
    inner = pattern.strip("*") if pattern != "*" else ""
    if not inner:
        return Told(bool(pattern) or not text)
    begins, ends = pattern[:1] == "*", pattern[-1:] == "*"
    literal = inner in text if begins and ends else text.endswith(inner) if begins else text.startswith(inner) if ends else text == inner
    if "*" not in inner or literal == _glob(pattern, text):
        return Told(literal)
    return unknown(f"the documentation does not settle what the * inside {pattern!r} stands for")


def _glob(pattern: str, text: str) -> bool:
    first, *middle, last = pattern.split("*")
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    place, end = len(first), len(text) - len(last)
    for part in middle:
        at = text.find(part, place, end)
        if at < 0:
            return False
        place = at + len(part)
    return True


def _number_text(value: float) -> str:
    return msgspec.json.encode(value).decode()


def _unescaped(raw: str) -> str:
    return re.sub(r"\\(.)", r"\1", raw[1:-1])


# -- terms ------------------------------------------------------------------------------------------------------------

_TERM = re.compile(r'\s*(?P<mark>[?-]?)\s*(?:(?P<regex>%[^%]*%)|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<word>\w+))(?=\s|\Z)')
_MEMBER = re.compile(r'"[^"\\]+":(?:"[^"\\]*"|[\w.-]+)\Z')
_STRUCTURE = frozenset('"{}[]\\')


def _terms(text: str) -> Test:
    """Terms that must all be there, `-` those that must not, `?` those of which one is enough."""
    wanted: list[Test] = []
    spared: list[Test] = []
    either: list[Test] = []
    place = 0
    while place < len(text):
        match = _TERM.match(text, place)
        if match is None:
            if not text[place:].strip():
                break
            raise PatternError(f"{text[place:].strip()[:20]!r}: terms of other signs than letters, digits and _ stand in quotes")
        chosen = {"": wanted, "-": spared, "?": either}[match["mark"]]
        if match["regex"]:
            chosen.append(_searching(parse_regex(match["regex"][1:-1])))
        else:
            chosen.append(_term(_unescaped(match["quoted"]) if match["quoted"] else match["word"]))
        place = match.end()
    if either and (wanted or spared):
        raise PatternError("? beside other terms: the documentation does not let them stand together")

    def test(event: LogEvent) -> Told:
        if either:
            return any_of(term(event) for term in either)
        return all_of([*(term(event) for term in wanted), *(negated(term(event)) for term in spared)])

    return test


def _searching(regex: Regex) -> Test:
    return lambda event: regex.search(event.text)


def _term(term: str) -> Test:
    def test(event: LogEvent) -> Told:
        if term in event.text:
            return Told(True, f"{term} is in it")
        if _STRUCTURE & set(term) and not _MEMBER.match(term):
            return unknown("the term quotes the record's own punctuation, and the order of its fields is not known")
        return NO

    return test


__all__ = ["YES", "FilterPattern", "LogEvent", "filter_pattern", "found", "log_event", "selector", "starred"]
