"""The same as Terraform: resource blocks that hold what stood before, with the import that puts them over what is there.

Every string of an account goes through `quoted`: no interpolation (`${`), directive (`%{`), quote or line break of it can act. Documents
are written as values inside `jsonencode`, so that a person can read and review them. Nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from ...model.change import Change, ChangeKind
from ...model.fact import Fact, State
from ...model.policy import Policy
from ..commandtext import Refused, arn_of, ascii_document, name_of
from .undoing import Undo, undo

K = ChangeKind
_SIGN = re.compile(r"([$%]+)\{")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(text: str) -> str:
    """An HCL string literal whose value is exactly the text, in printable ASCII."""
    pieces = []
    for character in text:
        if character in _ESCAPES:
            pieces.append(_ESCAPES[character])
        elif " " <= character <= "~":
            pieces.append(character)
        else:
            pieces.append(f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}")
    return '"' + _SIGN.sub(_inert, "".join(pieces)) + '"'


def _inert(match: re.Match[str]) -> str:
    """`${` as `$${`; after other signs the sign itself as an escape, because `$$${` may be read in two ways."""
    signs = match[1]
    if len(signs) == 1:
        return f"{signs}{signs}{{"
    return f"{signs[:-1]}\\u{ord(signs[-1]):04x}{{"


def value_of(value: Any, indent: int = 0) -> str:
    """A JSON value as an HCL expression."""
    pad = "  " * (indent + 1)
    if isinstance(value, dict):
        if not value:
            return "{}"
        inner = "".join(f"{pad}{quoted(str(key))} = {value_of(held, indent + 1)}\n" for key, held in value.items())
        return "{\n" + inner + "  " * indent + "}"
    if isinstance(value, list):
        if not value:
            return "[]"
        if all(not isinstance(held, dict | list) for held in value) and len(value) == 1:
            return f"[{value_of(value[0])}]"
        return "[\n" + "".join(f"{pad}{value_of(held, indent + 1)},\n" for held in value) + "  " * indent + "]"
    if isinstance(value, str):
        return quoted(value)
    return msgspec.json.encode(value).decode()


def label(text: str) -> str:
    """A block label: letters, digits and underscores."""
    cleaned = re.sub(r"[^a-z0-9_]+", "_", text.casefold().encode("ascii", "replace").decode()).strip("_")[:60]
    return cleaned if cleaned[:1].isalpha() else f"restored_{cleaned}".rstrip("_")


def _document(fact: Fact[str]) -> str:
    return f"jsonencode({value_of(msgspec.json.decode(ascii_document(fact)), 1)})"


def block(kind: str, name: str, fields: dict[str, str], imported: str = "") -> str:
    """A resource block; with an import block for one that is there already."""
    width = max(len(field) for field in fields)
    body = "".join(f"  {field:<{width}} = {value}\n" for field, value in fields.items())
    block = f'resource "{kind}" "{name}" {{\n{body}}}\n'
    return f"{block}\nimport {{\n  to = {kind}.{name}\n  id = {quoted(imported)}\n}}\n" if imported else block


def terraform(change: Change, policy: Policy | None = None, newer: tuple[Change, ...] = ()) -> str:
    """Blocks that restore what stood before an entry, with comments; where Terraform has no words for it, what to do instead."""
    told: Undo = undo(change, policy, newer)
    comments = [*told.notes]
    try:
        blocks = list(_blocks(change))
    except Refused as refusal:
        blocks, comments = [], [*comments, str(refusal)]
    if blocks:
        comments.append("put it in place of the block that is there, if Terraform manages it; the import is needed only if it does not")
        comments.append("look at terraform plan before anything is applied: arguments left out here go back to their defaults")
    lines = "".join(f"# {''.join(c if c.isprintable() else chr(0xFFFD) for c in words)}\n" for words in comments)
    return lines + ("\n" + "\n".join(blocks) if blocks else "")


def _blocks(change: Change) -> Iterator[str]:
    name = label(f"{change.name}_{change.part.rpartition('/')[2]}" if change.part and change.target != "policy" else change.name)
    who = quoted(name_of(change.name)) if change.target != "policy" else ""
    match change.kind:
        case K.PUT | K.REMOVED if change.before.state is State.NOT_APPLICABLE:
            raise Refused(f"there was none before: take the block aws_iam_{change.target}_policy of it out, and Terraform deletes it")
        case K.PUT | K.REMOVED:
            part = name_of(change.part, "policy's name")
            fields = {"name": quoted(part), change.target: who, "policy": _document(change.before)}
            imported = f"{change.name}:{part}" if change.kind is K.PUT else ""
            yield block(f"aws_iam_{change.target}_policy", name, fields, imported)
        case K.DETACHED:
            fields = {change.target: who, "policy_arn": quoted(arn_of(change.part))}
            yield block(f"aws_iam_{change.target}_policy_attachment", name, fields)
        case K.ATTACHED:
            raise Refused(f"take the block aws_iam_{change.target}_policy_attachment of it out, and Terraform detaches it")
        case K.VERSION | K.DEFAULT if ":iam::aws:" in change.arn:
            raise Refused("AWS edits its own policies, and nobody else can")
        case K.VERSION if change.default is False:
            raise Refused("it was not in force: Terraform knows the version in force alone; delete it with the AWS CLI")
        case K.VERSION | K.DEFAULT:
            path = "/" + change.arn.partition(":policy/")[2].rpartition("/")[0]
            fields = {"name": quoted(name_of(change.name))}
            if path != "/":
                fields["path"] = quoted(arn_of(change.arn) and f"{path}/")
            yield block("aws_iam_policy", name, {**fields, "policy": _document(change.before)}, arn_of(change.arn))
        case K.TRUST:
            yield block("aws_iam_role", name, {"name": who, "assume_role_policy": _document(change.before)}, change.name)
        case K.DELETED if change.target == "role" and change.before.is_known:
            yield block("aws_iam_role", name, {"name": who, "assume_role_policy": _document(change.before)})
        case K.DELETED if change.target == "policy" and change.before.is_known:
            yield block("aws_iam_policy", name, {"name": quoted(name_of(change.name)), "policy": _document(change.before)})
        case K.DELETED if change.target in ("user", "group"):
            yield block(f"aws_iam_{change.target}", name, {"name": who})
        case K.BOUNDARY_SET | K.BOUNDARY_REMOVED:
            if not change.was and change.before.state is not State.NOT_APPLICABLE:
                raise Refused("cannot be put back from what was read: which boundary stood before is not told")
            fields = {"name": who, "permissions_boundary": quoted(arn_of(change.was)) if change.was else "null"}
            if change.target == "role":
                raise Refused("set permissions_boundary " + (f"= {quoted(arn_of(change.was))}" if change.was else "to null") + " in the block aws_iam_role of it")  # fmt: skip
            yield block("aws_iam_user", name, fields, change.name)
        case K.LEFT:
            fields = {"user": who, "groups": f"[{quoted(name_of(change.part, 'group'))}]"}
            yield block("aws_iam_user_group_membership", name, fields)
        case K.JOINED:
            raise Refused("take the group out of the block aws_iam_user_group_membership (or aws_iam_group_membership) of it")
        case K.CREATED:
            raise Refused(f"take the block aws_iam_{change.target} of it out, and Terraform deletes it")
        case _:
            raise Refused("Terraform has no block for this; the AWS CLI text says what can be done")
