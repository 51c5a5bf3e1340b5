"""People who left, matched to identities: which one, and by what. A match that fits several people or identities says so.

The list is a CSV with a heading (`email`, `user`, `name` and their like are guessed) or one column of names, or users of IAM Identity
Center as `aws identitystore list-users` prints them.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ..errors import BadInputError
from ..model.account import Snapshot
from ..model.identity import Role, User

_MOST = 200_000


class Person(msgspec.Struct, frozen=True):
    """One entry of the list; "" where it does not tell."""

    user: str = ""
    email: str = ""
    name: str = ""
    line: int = 0

    @property
    def label(self) -> str:
        return self.user or self.email or self.name


class LeaverMatch(msgspec.Struct, frozen=True):
    """identity: a user or role
    how:      `user name`, `email tag`, `email as name`, `email local part`, `person's name`, `owner tag`, `trust policy`
    role:     what the person is to it: `is` (their own), `owns`, `may use`
    unsure:   why it may be another person; "" for a sure match
    """

    person: Person
    identity: User | Role
    snapshot: Snapshot
    how: str
    role: str = "is"
    unsure: str = ""


_EMAIL = frozenset(
    {"email", "mail", "e-mail", "emailaddress", "email address", "workemail", "work email", "userprincipalname", "upn", "primary email"}
)
_USER = frozenset(
    {"user", "username", "user name", "login", "account", "uid", "samaccountname", "userid", "user id", "iam user", "alias", "handle"}
)
_NAME = frozenset({"name", "displayname", "display name", "full name", "fullname", "employee", "employee name", "person", "cn"})
_GIVEN = frozenset({"given name", "givenname", "first name", "firstname", "first"})
_FAMILY = frozenset({"family name", "familyname", "last name", "lastname", "surname", "last"})
_EMAIL_TAGS = ("email", "mail", "e-mail", "upn", "contact")


def people(text: str) -> tuple[tuple[Person, ...], str]:
    """(the people of a list, how it was read in words). Raises BadInputError."""
    stripped = text.lstrip("\ufeff \r\n\t")
    if not stripped:
        raise BadInputError("The list of leavers is empty", "a CSV with a heading such as email or user, or identitystore list-users JSON")
    if stripped[0] in "[{":
        return _from_json(stripped)
    return _from_csv(stripped)


def _from_json(text: str) -> tuple[tuple[Person, ...], str]:
    try:
        told = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise BadInputError(f"The list of leavers is no JSON: {error}") from None
    rows = told.get("Users") if isinstance(told, dict) else told
    if not isinstance(rows, list):
        raise BadInputError("The JSON holds no list of users", "aws identitystore list-users --identity-store-id d-… > leavers.json")
    found = []
    for number, row in enumerate(rows[:_MOST], 1):
        if isinstance(row, str):
            found.append(_person({"name" if " " in row else "email" if "@" in row else "user": row}, number))
        elif isinstance(row, dict):
            emails = [e.get("Value", "") for e in row.get("Emails") or () if isinstance(e, dict)]
            told_name = row.get("Name")
            named = told_name if isinstance(told_name, dict) else {}
            full = row.get("DisplayName") or " ".join(str(named.get(k) or "") for k in ("GivenName", "FamilyName")).strip()
            plain = {str(k).casefold(): str(v) for k, v in row.items() if isinstance(v, str)}
            found.append(
                _person(
                    {
                        "user": str(row.get("UserName") or "") or _first(plain, _USER),
                        "email": str(emails[0]) if emails else _first(plain, _EMAIL),
                        "name": str(full or "") or _first(plain, _NAME),
                    },
                    number,
                )
            )
    kept = tuple(person for person in found if person.label)
    if not kept:
        raise BadInputError("The JSON names nobody", "users with UserName, Emails or DisplayName are looked for")
    return kept, "users of Identity Center" if isinstance(told, dict) and "Users" in told else "JSON"


def _first(row: Mapping[str, str], names: Iterable[str]) -> str:
    return next((row[name] for name in names if row.get(name)), "")


def _from_csv(text: str) -> tuple[tuple[Person, ...], str]:
    first = (text.splitlines() or [""])[0]
    separator = max(",;\t|", key=first.count) if any(c in first for c in ",;\t|") else ","
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(cell.strip() for cell in row)][
            : _MOST + 1
        ]
    except csv.Error as error:
        raise BadInputError(f"The list of leavers is no CSV: {error}") from None
    if not rows:
        raise BadInputError("The list of leavers names nobody")
    heading = [cell.strip().casefold().replace("_", " ") for cell in rows[0]]
    columns: dict[str, int] = {}
    for kind, names in (("email", _EMAIL), ("user", _USER), ("name", _NAME), ("given", _GIVEN), ("family", _FAMILY)):
        place = next((number for number, cell in enumerate(heading) if cell in names or cell.replace(" ", "") in names), None)
        if place is not None:
            columns[kind] = place
    body = rows[1:] if columns else rows
    if not columns:
        if len({len(row) for row in rows}) != 1 or len(rows[0]) != 1:
            raise BadInputError(
                f"The heading of the list names nothing that is known: {', '.join(rows[0][:8])}", "name a column email, user or name"
            )
        cells = [row[0] for row in rows]
        kind = "email" if all("@" in cell for cell in cells) else "name" if any(" " in cell.strip() for cell in cells) else "user"
        columns = {kind: 0}
    found = []
    for number, row in enumerate(body, 2 if body is not rows else 1):
        told = {kind: row[place].strip() for kind, place in columns.items() if place < len(row)}
        if not told.get("name") and (told.get("given") or told.get("family")):
            told["name"] = f"{told.get('given', '')} {told.get('family', '')}".strip()
        found.append(_person(told, number))
    kept = tuple(person for person in found if person.label)
    if not kept:
        raise BadInputError("The list of leavers names nobody")
    return kept, "columns " + ", ".join(
        f"{heading[place] or 'the only one'} as {kind}" for kind, place in columns.items()
    ) if body is not rows else f"one column, read as {next(iter(columns))}"


def _person(told: Mapping[str, str], line: int) -> Person:
    user, email = told.get("user", "").strip(), told.get("email", "").strip()
    if "@" in user and not email:
        user, email = "", user
    return Person(user, email, told.get("name", "").strip(), line)


# -- matching --------------------------------------------------------------------------------------------------------


def match(found: Sequence[Person], snapshots: Iterable[Snapshot]) -> tuple[tuple[LeaverMatch, ...], tuple[Person, ...]]:
    """(matches in the order of the list, people nothing matches). Roles count where the person owns or may assume them."""
    known = tuple(snapshots)
    index = _Index(known)
    matches: list[LeaverMatch] = []
    missed: list[Person] = []
    for person in found:
        own = index.own(person)
        others = index.theirs(person, own)
        if own or others:
            matches += own + others
        else:
            missed.append(person)
    return tuple(_doubted(matches)), tuple(missed)


class _Index:
    def __init__(self, snapshots: Sequence[Snapshot]) -> None:
        self.names: dict[str, list[tuple[User, Snapshot]]] = {}
        self.bare: dict[str, list[tuple[User, Snapshot]]] = {}
        self.emails: dict[str, list[tuple[User, Snapshot]]] = {}
        self.owned: dict[str, list[tuple[User | Role, Snapshot]]] = {}
        self.trusting: dict[str, list[tuple[Role, Snapshot]]] = {}
        for snapshot in snapshots:
            for user in snapshot.users:
                self.names.setdefault(user.name.casefold(), []).append((user, snapshot))
                self.bare.setdefault(_bare(user.name.partition("@")[0]), []).append((user, snapshot))
                self._tags(user, snapshot)
            for role in snapshot.roles:
                self._tags(role, snapshot)
                for arn in set(re.findall(r"arn:aws[\w-]*:iam::\d{12}:user/[^\"\\\s]+", role.trust)):
                    self.trusting.setdefault(arn, []).append((role, snapshot))

    def _tags(self, item: User | Role, snapshot: Snapshot) -> None:
        for key, value in item.tags:
            folded = value.strip().casefold()
            if key.casefold() in _EMAIL_TAGS and isinstance(item, User) and "@" in folded:
                self.emails.setdefault(folded, []).append((item, snapshot))
            elif key.casefold() in ("owner", "created-by", "createdby", "creator", "contact") and folded:
                self.owned.setdefault(folded, []).append((item, snapshot))

    def own(self, person: Person) -> list[LeaverMatch]:
        """The users a person is, by the surest way that finds any."""
        email, user = person.email.casefold(), person.user.casefold()
        local = email.partition("@")[0]
        ways: list[tuple[str, list[tuple[User, Snapshot]], str]] = [
            ("user name", self.names.get(user, []) if user else [], ""),
            ("email tag", self.emails.get(email, []) if email else [], ""),
            ("email as name", self.names.get(email, []) if email else [], ""),
            ("email local part", self.names.get(local, []) if local else [], ""),
            ("email local part", self.bare.get(_bare(local), []) if local else [], "alike but for dots and dashes"),
            ("user name", self.bare.get(_bare(user), []) if user else [], "alike but for dots and dashes"),
            ("person's name", self._by_person(person.name), "read from the person's name"),
        ]
        for how, items, unsure in ways:
            if items:
                return [LeaverMatch(person, user, snapshot, how, "is", unsure) for user, snapshot in items]
        return []

    def _by_person(self, name: str) -> list[tuple[User, Snapshot]]:
        """`Dana Kowalski` as `d.kowalski`, `dana.kowalski`, `dkowalski`, `danak`."""
        parts = [_bare(part) for part in name.replace(",", " ").split()]
        parts = [part for part in parts if part]
        if len(parts) < 2:
            return []
        first, last = (parts[0], parts[-1]) if "," not in name else (parts[-1], parts[0])
        for form in (first + last, first[0] + last, last + first, last + first[0], first + last[0]):
            if form in self.bare:
                return self.bare[form]
        return []

    def theirs(self, person: Person, own: Sequence[LeaverMatch]) -> list[LeaverMatch]:
        """What a person owns by tag, and roles that name their user in the trust policy."""
        found: list[LeaverMatch] = []
        mine = {match.identity.arn for match in own}
        labels = {text.casefold() for text in (person.user, person.email, person.name, *(m.identity.name for m in own)) if text}
        for label in sorted(labels):
            found += [
                LeaverMatch(person, item, snap, "owner tag", "owns") for item, snap in self.owned.get(label, []) if item.arn not in mine
            ]
        for arn in sorted(mine):
            found += [LeaverMatch(person, role, snap, "trust policy", "may use") for role, snap in self.trusting.get(arn, [])]
        return found


def _doubted(matches: Sequence[LeaverMatch]) -> Iterable[LeaverMatch]:
    """A person who is several users, or a user who is several persons, is unsure."""
    users: dict[tuple[int, str], set[str]] = {}
    persons: dict[str, set[tuple[int, str]]] = {}
    for one in matches:
        if one.role == "is":
            who = (one.person.line, one.person.label)
            users.setdefault(who, set()).add(one.identity.arn)
            persons.setdefault(one.identity.arn, set()).add(who)
    for one in matches:
        who = (one.person.line, one.person.label)
        unsure = one.unsure
        if one.role == "is" and len(users[who]) > 1:
            unsure = f"fits {len(users[who])} users"
        elif one.role == "is" and len(persons[one.identity.arn]) > 1:
            unsure = f"fits {len(persons[one.identity.arn])} people of the list"
        yield msgspec.structs.replace(one, unsure=unsure) if unsure != one.unsure else one


def _bare(text: str) -> str:
    """Letters and digits alone, without accents, in folded case."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if c.isalnum())
