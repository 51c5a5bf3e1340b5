"""What can be reached from outside: trust policies and resource policies that let in other accounts, providers or everybody.

What the documents say, statement by statement; whether an outsider's own side allows it is not known. A Deny of the same document may
narrow what is told here, and is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from ..model.account import Snapshot
from ..model.finding import Severity
from ..model.surroundings import Organization, ResourcePolicy, Surroundings
from ..policy.document import parse
from .trust import Trustee, summarize_trust


class Exposure(msgspec.Struct, frozen=True):
    """One statement that lets somebody from outside in.

    kind:       `role`, `s3`, `kms` … the service of the resource
    who:        in words: `anyone`, `account 222222222222`, `github OIDC`
    only_if:    conditions in words, all of which must hold
    why:        what makes it worth a look
    document:   JSON text; statement: index in it, for showing the place
    principal:  what `who` is: `account`, `role`, `anyone`, `OIDC`, `service` … (`trust.Trustee`)
    """

    severity: Severity
    resource: str
    kind: str
    who: str
    actions: tuple[str, ...]
    only_if: tuple[str, ...]
    why: str
    label: str
    document: str
    statement: int
    account: str = ""
    principal: str = ""


def exposures(snapshots: Iterable[Snapshot], surroundings: Surroundings) -> tuple[Exposure, ...]:
    """Everything of the open accounts that can be reached from outside, what an attacker would use first at the top."""
    found: list[Exposure] = []
    for snapshot in snapshots:
        organization = surroundings.organization_of(snapshot.account)
        for role in snapshot.roles:
            if role.trust and not role.service_linked:
                found.extend(_of_document(role.arn, "role", role.trust, role.account or snapshot.account, organization))
    for policy in surroundings.resources.values():
        found.extend(_of_resource(policy, surroundings))
    return tuple(sorted(found, key=lambda e: (e.severity.rank, e.kind, e.resource)))


def document_exposures(text: str, account: str, surroundings: Surroundings) -> tuple[Exposure, ...]:
    """What one document lets in from outside `account`, whatever resource it will hang on; a trust policy is told by its actions."""
    actions = {action.partition(":")[0].lower() for statement in parse(text).statements for action in statement.actions}
    kind = "role" if actions == {"sts"} else "resource"
    return tuple(_of_document("", kind, text, account, surroundings.organization_of(account)))


def _of_resource(policy: ResourcePolicy, surroundings: Surroundings) -> Iterator[Exposure]:
    service = policy.arn.split(":")[2] if policy.arn.count(":") >= 5 else "resource"
    yield from _of_document(policy.arn, service, policy.document, policy.account, surroundings.organization_of(policy.account))


def _of_document(arn: str, kind: str, text: str, account: str, organization: Organization | None) -> Iterator[Exposure]:
    document = parse(text)
    denied = any(statement.denies for statement in document.statements)
    for trustee in summarize_trust(text, account).trustees:
        if trustee.effect != "Allow":
            continue
        judged = _judged(trustee, kind, account, organization, denied)
        if judged is not None:
            severity, why = judged
            yield Exposure(
                severity,
                arn,
                kind,
                trustee.words if kind == "role" else _who(trustee),
                trustee.actions,
                trustee.conditions,
                why,
                trustee.label,
                text,
                trustee.statement,
                trustee.account,
                trustee.kind,
            )


def _who(trustee: Trustee) -> str:
    return "anyone, signed in or not" if trustee.kind == "anyone" else trustee.words


def _judged(trustee: Trustee, kind: str, account: str, organization: Organization | None, denied: bool) -> tuple[Severity, str] | None:
    """(severity, why) of an allowing principal; None when it is not from outside."""
    narrowed = bool(trustee.conditions)
    hint = "; a Deny of the same policy may narrow it" if denied else ""
    if trustee.excepted:
        return Severity.CRITICAL, "NotPrincipal with Allow lets in everybody it does not name"
    if trustee.kind == "anyone":
        if narrowed:
            return Severity.MEDIUM if not trustee.warning else Severity.HIGH, "open to everybody who meets the conditions" + hint
        return Severity.CRITICAL, "open to everybody" + hint
    if trustee.kind == "organization":
        return Severity.LOW, "open to every account of an organisation"
    if trustee.kind == "OIDC":
        return _provider(trustee)
    if trustee.kind == "SAML":
        return Severity.LOW, "whoever the SAML provider signs in; its own rules decide who that is"
    if trustee.kind == "deleted":
        return Severity.LOW, "the identity behind this id was deleted; the statement lets nobody in any more"
    if trustee.kind == "service":
        return _service(trustee, kind)
    if trustee.kind == "canonical user":
        return Severity.MEDIUM, "a canonical user id: which account that is, is not known"
    if trustee.kind in ("account", "role", "user", "session", "unknown") and trustee.account and trustee.account != account:
        return _other_account(trustee, kind, organization, hint)
    return None


def _other_account(trustee: Trustee, kind: str, organization: Organization | None, hint: str) -> tuple[Severity, str]:
    if organization is not None and (trustee.account in organization.paths or trustee.account == organization.management):
        name = organization.names.get(trustee.account, "")
        return Severity.LOW, f"an account of the same organisation{f' ({name})' if name else ''}"
    outside = "an account outside the organisation" if organization is not None else "another account; whether it is yours is not known"
    if kind == "role" and any("external id" in words for words in trustee.conditions):
        return Severity.MEDIUM, f"{outside}, with an external id"
    if kind == "role":
        return Severity.HIGH, f"{outside}, without an external id: whoever it serves may reach your role through it"
    return (Severity.MEDIUM if trustee.conditions else Severity.HIGH), outside + hint


def _provider(trustee: Trustee) -> tuple[Severity, str]:
    if trustee.warning:
        return Severity.HIGH, trustee.warning
    wide = [
        subject
        for subject in trustee.subjects
        if "*" in subject.rsplit(":", 1)[0] or subject.endswith("/*") or (subject.count(":") < 2 and "*" in subject)
    ]
    if wide:
        return Severity.MEDIUM, f"the subject {wide[0]} leaves open which repository or client it is"
    if any("*" in subject for subject in trustee.subjects):
        return Severity.LOW, "the subject names the repository or client, and leaves open which branch or run"
    return Severity.LOW, "one named subject of an identity provider"


# Services that hand a role's credentials to what runs in the account itself.
_OWN_WORKLOADS = frozenset(("ec2", "lambda", "edgelambda", "ecs-tasks", "pods.eks", "eks-fargate-pods"))


def _service(trustee: Trustee, kind: str) -> tuple[Severity, str] | None:
    """A service acts for whoever asks it: without a source condition it may be somebody else (the confused deputy).

    A role must first be passed to the service from inside the account, so its trust weighs less than a resource's policy, and nothing
    where the service only hands it to the account's own workloads.
    """
    if any("source account" in words or "source ARN" in words or "organisation" in words for words in trustee.conditions):
        return None
    if kind == "role":
        if trustee.name in _OWN_WORKLOADS:
            return None
        return Severity.LOW, f"{trustee.name} assumes it without a source account or ARN (confused deputy)"
    return Severity.MEDIUM, f"{trustee.name} acts for every account that asks it: no source account or ARN is wanted (confused deputy)"
