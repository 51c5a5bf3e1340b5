"""Arguments of AWS CLI commands that are written down, never run: held against what IAM allows in each place, quoted at the very end.

What no IAM name can be, a text the AWS CLI would read as a file to load (`file://…`), or a document that is no JSON object gives no command
at all. Documents are written in ASCII, so that nothing in them can act on the terminal they are pasted into.
"""

from __future__ import annotations

import re

import msgspec

from ..model.fact import Fact

_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,128}")
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:(?:\d{12}|aws)?:[A-Za-z0-9_+=,.@/:*-]{1,512}")
_VERSION = re.compile(r"v[1-9][0-9]{0,8}")
_KEY = re.compile(r"[A-Za-z0-9_]{16,128}")
_IAM_ARN = re.compile(r"arn:aws[a-z-]*:iam::(?:\d{12}|aws):(?:user|role|group|policy|instance-profile)/[!-~]{1,700}")
_PATH = re.compile(r"/|/[!-~]{1,510}/")
_UNIQUE = re.compile(r"[A-Za-z0-9_]{4,128}")
_MOST_DOCUMENT = 131_072


class Refused(Exception):
    """There is no command; the sentence says why."""


def comment(words: str) -> str:
    """A sentence that stays a comment: one line, nothing that is not printable."""
    return "".join(c if c.isprintable() else "�" for c in words)


def checked(value: str, pattern: re.Pattern[str], what: str) -> str:
    """A value that IAM allows in that place; nothing else gets into a command."""
    if not pattern.fullmatch(value):
        raise Refused(f"no command: the {what} is not told, or is none that IAM allows")
    return value


def name_of(value: str, what: str = "name") -> str:
    return checked(value, _NAME, what)


def arn_of(value: str) -> str:
    return checked(value, _ARN, "ARN")


def iam_arn_of(value: str) -> str:
    """An ARN of IAM's, whose path may hold any printable character."""
    return checked(value, _IAM_ARN, "ARN")


def path_of(value: str) -> str:
    return checked(value, _PATH, "path")


def unique_id_of(value: str) -> str:
    return checked(value, _UNIQUE, "unique id")


def version_of(value: str) -> str:
    return checked(value, _VERSION, "version")


def key_id_of(value: str) -> str:
    return checked(value, _KEY, "key id")


def ascii_document(fact: Fact[str], side: str = "before") -> str:
    """A document as compact JSON in ASCII. Raises Refused where it is not known or no JSON object."""
    if not fact.is_known:
        why = fact.detail or "nothing that was read tells it"
        raise Refused(f"cannot be put back from what was read: the document {side} it is not known ({why})")
    return ascii_json(fact.value or "", f"the document {side} it")


def ascii_json(text: str, what: str) -> str:
    """A policy's text as compact JSON in ASCII. Raises Refused where it is no JSON object."""
    try:
        if len(text) > _MOST_DOCUMENT or not isinstance(msgspec.json.decode(text), dict):
            raise Refused(f"no command: {what} is no policy")
        return to_ascii(msgspec.json.format(text, indent=-1))
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise Refused(f"no command: {what} is no JSON") from error


def to_ascii(text: str) -> str:
    """JSON text with everything outside printable ASCII as escapes: it stands in strings only, where an escape means the same."""
    if text.isascii() and text.isprintable():
        return text
    pieces = []
    for character in text:
        if " " <= character <= "~":
            pieces.append(character)
        else:
            units = character.encode("utf-16-be", "surrogatepass")
            pieces += [f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)]
    return "".join(pieces)


def option(name: str, value: str) -> list[str]:
    """An option with its value; a value that begins with a dash would be taken for another option."""
    return [f"--{name}={value}"] if value.startswith("-") else [f"--{name}", value]


def call(operation: str, *options: tuple[str, str]) -> list[str]:
    """`aws iam OPERATION --name value …`"""
    command = ["aws", "iam", operation]
    for name, value in options:
        command += option(name, value)
    return command
