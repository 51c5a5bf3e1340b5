"""Short ways to write policy documents. What they give is what AWS stores."""

from __future__ import annotations

from typing import Any

ACCOUNT = "123456789012"
ALIAS = "acme-prod"
ORGANIZATION = "o-acme1example"
MANAGEMENT = "111122223333"
SECURITY = "210987654321"
DEVELOPMENT = "345678901234"
PARTNER = "444455556666"
DATAPEEK = "777788889999"
PAYWISE = "555566667777"
INTRUDER = "999988887777"
SSO_REGION = "eu-central-1"
REGIONS = ("us-east-1", "eu-west-1", "eu-central-1", "ap-southeast-2")

GLOBAL = frozenset({"iam", "sts", "signin", "route53", "cloudfront", "organizations", "support", "ce", "budgets"})
"""Services whose events are in us-east-1."""

Document = dict[str, Any]


def allow(actions: str, resources: str = "*", **more: Any) -> Document:
    """An Allow statement; several actions or resources are separated by blanks."""
    return _statement("Allow", actions, resources, more)


def deny(actions: str, resources: str = "*", **more: Any) -> Document:
    return _statement("Deny", actions, resources, more)


def _statement(effect: str, actions: str, resources: str, more: dict[str, Any]) -> Document:
    statement: Document = {"Sid": more.pop("Sid")} if "Sid" in more else {}
    statement["Effect"] = effect
    if actions:
        statement["Action"] = _many(actions)
    if resources:
        statement["Resource"] = _many(resources)
    statement.update(more)
    return statement


def _many(words: str) -> str | list[str]:
    split = words.split()
    return split[0] if len(split) == 1 else split


def policy(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def role_arn(name: str, path: str = "/", account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:role{path}{name}"


def trust_service(*services: str) -> Document:
    principal = [f"{s}.amazonaws.com" for s in services]
    return policy(
        {"Effect": "Allow", "Principal": {"Service": principal[0] if len(principal) == 1 else principal}, "Action": "sts:AssumeRole"}
    )


def trust_aws(principals: str, action: str = "sts:AssumeRole", **condition: Any) -> Document:
    statement: Document = {"Effect": "Allow", "Principal": {"AWS": _many(principals)}, "Action": _many(action)}
    if condition:
        statement["Condition"] = condition
    return policy(statement)


def trust_github(subject: str, operator: str = "StringEquals") -> Document:
    provider = "token.actions.githubusercontent.com"
    conditions: Document = {"StringEquals": {f"{provider}:aud": "sts.amazonaws.com"}}
    conditions.setdefault(operator, {})[f"{provider}:sub"] = subject
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{provider}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": conditions,
        }
    )


def trust_sso() -> Document:
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/AWSSSO_6a1e4c9d7b20f35e_DO_NOT_DELETE"},
            "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
            "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
        }
    )
