"""Text that puts back what stood before an entry: AWS CLI commands. Nothing is run.

Every command is a list of arguments until the very end; what goes into it is held against what IAM allows in that place (`commandtext`).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import msgspec

from ...model.change import Change, ChangeKind
from ...model.fact import State
from ...model.policy import Policy
from ..commandtext import Refused, arn_of, ascii_document, call, comment, key_id_of, name_of, version_of
from ..documents import same_document
from .versions import MOST_STORED, number

K = ChangeKind


class Undo(msgspec.Struct, frozen=True):
    """How an entry is put back.

    commands: arguments of each command, in order
    notes:    what to know before, as sentences
    refusal:  why there is no command, and what to do instead; "" when there is one
    """

    commands: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()
    refusal: str = ""

    @property
    def text(self) -> str:
        """To paste into a shell: notes as comments, a command a line."""
        lines = [f"# {comment(note)}" for note in self.notes]
        if self.refusal:
            lines.append(f"# {comment(self.refusal)}")
        return "\n".join([*lines, *(shlex.join(command) for command in self.commands)]) + "\n"


def undo(change: Change, policy: Policy | None = None, newer: Sequence[Change] = ()) -> Undo:
    """The commands that restore what stood before an entry. `policy`: it as it stands now, for its stored versions; `newer`: later entries
    of the same object, of which some may be undone with it."""
    try:
        commands = tuple(tuple(command) for command in _WRITERS.get(change.kind, _cannot)(change, policy))
    except Refused as refusal:
        return Undo(notes=_notes(change, newer), refusal=str(refusal))
    return Undo(commands, (*_notes(change, newer), *_after(change, policy)))


def _notes(change: Change, newer: Sequence[Change]) -> tuple[str, ...]:
    when = f"{change.at:%Y-%m-%d %H:%M:%S} UTC" if change.at is not None else "an unknown time"
    notes = [
        f"puts back what stood before {when}: {change.kind.value}, {change.target} {change.name}{f', {change.part}' if change.part else ''}"
    ]
    if change.repeated:
        notes.append("the entry changed nothing: the same stood before it")
    later = [one for one in newer if one is not change and _same_place(one, change) and _time(one) > _time(change)]
    if later:
        notes.append(f"{len(later)} newer {'entry changes' if len(later) == 1 else 'entries change'} the same and would be undone with it")
    return tuple(notes)


def _time(change: Change) -> float:
    return change.at.timestamp() if isinstance(change.at, datetime) else 0.0


_TOGETHER = ((K.PUT, K.REMOVED), (K.ATTACHED, K.DETACHED), (K.JOINED, K.LEFT), (K.BOUNDARY_SET, K.BOUNDARY_REMOVED), (K.VERSION, K.DEFAULT))


def _same_place(one: Change, other: Change) -> bool:
    family = next((kinds for kinds in _TOGETHER if other.kind in kinds), (other.kind,))
    if one.kind not in family or (one.target, one.unique_id or one.name) != (other.target, other.unique_id or other.name):
        return False
    return one.part == other.part or other.kind in (K.VERSION, K.DEFAULT, K.BOUNDARY_SET, K.BOUNDARY_REMOVED, K.TRUST)


def _after(change: Change, policy: Policy | None) -> Iterator[str]:
    """What a person must know beside the commands."""
    if change.kind is K.DELETED:
        yield "what is deleted does not come back: this makes another one of the name, with another unique id and nothing attached"
        yield "policies that name it as a principal have kept the old id and must be written again"
    if change.kind is K.CREATED:
        yield f"AWS refuses this until everything of the {change.target} is taken off it; look first at what uses it"
    if change.kind is K.KEY_MADE:
        yield "disable first, look whether anything breaks, then delete: aws iam delete-access-key with the same arguments but --status"
    if change.kind is K.MFA_ON:
        yield "this takes a second factor away: look who enabled it before"
    full = policy is not None and len(policy.versions) >= MOST_STORED
    if change.kind in (K.VERSION, K.DEFAULT, K.VERSION_DELETED) and full and _restored(change, policy) is None:
        yield f"IAM keeps {MOST_STORED} versions: the oldest that is not in force is deleted first"
    if change.kind is K.VERSION and change.default is None:
        yield "whether that version came into force when it was made is not told"


# -- arguments ---------------------------------------------------------------------------------------------------------


def _who(change: Change) -> tuple[str, str]:
    return f"{change.target}-name", name_of(change.name)


_Commands = Iterator[list[str]]


# -- one writer a kind -------------------------------------------------------------------------------------------------


def _cannot(change: Change, policy: Policy | None) -> _Commands:
    raise Refused(_HOPELESS.get(change.kind, "there is no command that puts this back"))
    yield []  # pragma: no cover


_HOPELESS = {
    K.KEY_DELETED: "a deleted access key cannot come back: make another with aws iam create-access-key and give it to whatever used the old one",
    K.LOGIN_CHANGED: "the old password is known to nobody: its owner sets a new one (aws iam update-login-profile --password-reset-required)",
    K.LOGIN_REMOVED: "the old password is known to nobody: aws iam create-login-profile with a new one and --password-reset-required",
    K.MFA_OFF: "a removed device cannot be put back by somebody else: its owner enrols one again (aws iam enable-mfa-device)",
    K.CREDENTIAL: "credentials of this kind cannot be put back: look at the entry's record, and remove what should not be there",
}


def _attached(change: Change, policy: Policy | None) -> _Commands:
    operation = "detach" if change.kind is K.ATTACHED else "attach"
    yield call(f"{operation}-{change.target}-policy", _who(change), ("policy-arn", arn_of(change.part)))


def _inline(change: Change, policy: Policy | None) -> _Commands:
    part = ("policy-name", name_of(change.part, "policy's name"))
    if change.before.state is State.NOT_APPLICABLE:
        yield call(f"delete-{change.target}-policy", _who(change), part)
    else:
        yield call(f"put-{change.target}-policy", _who(change), part, ("policy-document", ascii_document(change.before)))


def _trust(change: Change, policy: Policy | None) -> _Commands:
    yield call("update-assume-role-policy", _who(change), ("policy-document", ascii_document(change.before)))


def _boundary(change: Change, policy: Policy | None) -> _Commands:
    if change.was:
        yield call(f"put-{change.target}-permissions-boundary", _who(change), ("permissions-boundary", arn_of(change.was)))
    elif change.kind is K.BOUNDARY_SET and change.before.state is State.NOT_APPLICABLE:
        yield call(f"delete-{change.target}-permissions-boundary", _who(change))
    else:
        raise Refused("cannot be put back from what was read: which boundary stood before is not told")


def _restored(change: Change, policy: Policy | None) -> str | None:
    """The stored version that says what stood before an entry."""
    for version in policy.versions if policy is not None else ():
        if version.version_id == change.was or (
            change.before.is_known and version.document and same_document(version.document, change.before.value or "")
        ):
            return version.version_id
    return None


def _version(change: Change, policy: Policy | None) -> _Commands:
    arn = ("policy-arn", arn_of(change.arn))
    if ":iam::aws:" in change.arn:
        raise Refused("AWS edits its own policies, and nobody else can: attach a policy of your own with the older text instead")
    if change.kind is K.VERSION and change.default is False:
        yield call("delete-policy-version", arn, ("version-id", version_of(change.part)))
        return
    stored = _restored(change, policy)
    if stored is not None:
        yield call("set-default-policy-version", arn, ("version-id", version_of(stored)))
        return
    text = ascii_document(change.before)
    yield from _room(change, policy)
    yield [*call("create-policy-version", arn, ("policy-document", text)), "--set-as-default"]


def _room(change: Change, policy: Policy | None) -> _Commands:
    """Where five versions are stored, the oldest that is not in force makes room."""
    if policy is not None and len(policy.versions) >= MOST_STORED:
        spare = [v.version_id for v in policy.versions if v.version_id != policy.default_version_id and not v.is_default]
        oldest = version_of(min(spare, key=number, default=""))
        yield call("delete-policy-version", ("policy-arn", arn_of(change.arn)), ("version-id", oldest))


def _version_deleted(change: Change, policy: Policy | None) -> _Commands:
    text = ascii_document(change.before)
    yield from _room(change, policy)
    yield call("create-policy-version", ("policy-arn", arn_of(change.arn)), ("policy-document", text))


def _group(change: Change, policy: Policy | None) -> _Commands:
    operation = "remove-user-from-group" if change.kind is K.JOINED else "add-user-to-group"
    yield call(operation, _who(change), ("group-name", name_of(change.part, "group's name")))


def _key(change: Change, policy: Policy | None) -> _Commands:
    status = "Active" if change.kind is K.KEY_DISABLED else "Inactive"
    key = ("access-key-id", key_id_of(change.part))
    yield call("update-access-key", _who(change), key, ("status", status))


def _login(change: Change, policy: Policy | None) -> _Commands:
    yield call("delete-login-profile", _who(change))


def _mfa(change: Change, policy: Policy | None) -> _Commands:
    serial = change.part if change.part.startswith("arn:") else ""
    yield call("deactivate-mfa-device", _who(change), ("serial-number", arn_of(serial)))


def _tags(change: Change, policy: Policy | None) -> _Commands:
    who = ("policy-arn", arn_of(change.arn)) if change.target == "policy" else _who(change)
    had = dict(pair.partition("=")[::2] for pair in change.was.split(", ") if "=" in pair)
    keys = [key for key in change.part.split(", ") if key]
    if any("the tags had before is not told" in words for words in change.unknown) or not keys:
        raise Refused("cannot be put back from what was read: which values the tags had before is not told")
    for text in (*keys, *had.values()):
        if not text.isprintable() or "//" in text[:12] or any(c in text for c in ",={}[]\"'"):
            raise Refused("no command: a tag holds characters that the AWS CLI reads as something else; set it in the console")
    gone = [key for key in keys if key not in had]
    if gone:
        yield [*call(f"untag-{change.target}", who), "--tag-keys", *gone]
    if had:
        yield [*call(f"tag-{change.target}", who), "--tags", *(f"Key={key},Value={value}" for key, value in had.items())]


def _created(change: Change, policy: Policy | None) -> _Commands:
    who = ("policy-arn", arn_of(change.arn)) if change.target == "policy" else _who(change)
    yield call(f"delete-{change.target}", who)


def _deleted(change: Change, policy: Policy | None) -> _Commands:
    """Another one of the same name can be made; it is another one."""
    if change.target == "role" and change.before.is_known:
        text = ascii_document(change.before)
        yield call("create-role", _who(change), ("assume-role-policy-document", text))
    elif change.target == "policy" and change.before.is_known:
        yield call("create-policy", ("policy-name", name_of(change.name)), ("policy-document", ascii_document(change.before)))
    elif change.target in ("user", "group"):
        yield call(f"create-{change.target}", _who(change))
    else:
        raise Refused(f"a deleted {change.target} cannot come back, and what it said is not told")


def _renamed(change: Change, policy: Policy | None) -> _Commands:
    if not change.becomes or not change.was:
        raise Refused("which path it had before is not told")
    new = f"new-{change.target}-name"
    yield call(f"update-{change.target}", (f"{change.target}-name", name_of(change.becomes)), (new, name_of(change.was)))


def _profile(change: Change, policy: Policy | None) -> _Commands:
    operation = "remove-role-from-instance-profile" if change.kind is K.PROFILE_JOINED else "add-role-to-instance-profile"
    yield call(operation, ("instance-profile-name", name_of(change.part, "instance profile's name")), _who(change))


_WRITERS: dict[ChangeKind, Callable[[Change, Policy | None], _Commands]] = {
    K.CREATED: _created,
    K.DELETED: _deleted,
    K.ATTACHED: _attached,
    K.DETACHED: _attached,
    K.PUT: _inline,
    K.REMOVED: _inline,
    K.VERSION: _version,
    K.DEFAULT: _version,
    K.VERSION_DELETED: _version_deleted,
    K.TRUST: _trust,
    K.BOUNDARY_SET: _boundary,
    K.BOUNDARY_REMOVED: _boundary,
    K.JOINED: _group,
    K.LEFT: _group,
    K.KEY_MADE: _key,
    K.KEY_DISABLED: _key,
    K.KEY_ENABLED: _key,
    K.LOGIN_MADE: _login,
    K.MFA_ON: _mfa,
    K.TAGGED: _tags,
    K.UNTAGGED: _tags,
    K.RENAMED: _renamed,
    K.PROFILE_JOINED: _profile,
    K.PROFILE_LEFT: _profile,
}
