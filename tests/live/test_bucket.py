"""A trail's bucket, read over loopback: what is listed, fetched, left alone, and what a failure costs."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from iamtui.cli import cli
from iamtui.errors import AwsError, UsageError
from iamtui.session import ListKind, Session
from iamtui.source import containers
from iamtui.source.base import EventFile
from iamtui.source.live import LiveOptions, TrailSource
from iamtui.source.live import bucket as module
from iamtui.store.events import EventStore
from tests.live.test_emulators import free_port, serve
from tests.support.trails import record

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "cloudtrail"
ACCOUNT, OTHER, ORGANISATION = "111122223333", "444455556666", "o-abcd"
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    port = free_port()
    yield from serve([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port)


@pytest.fixture
def s3(moto: str) -> Any:
    import urllib.request

    import boto3

    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST")).read()
    client = boto3.client("s3", region_name="us-east-1", endpoint_url=moto)
    client.create_bucket(Bucket="trail")
    return client


def key(
    number: int,
    *,
    days: int = 0,
    account: str = ACCOUNT,
    region: str = "us-east-1",
    organisation: str = "",
    kind: str = "CloudTrail",
    prefix: str = "",
) -> str:
    when = NOW - timedelta(days=days)
    root = f"{prefix}AWSLogs/{organisation + '/' if organisation else ''}{account}/{kind}/{region}"
    return f"{root}/{when:%Y/%m/%d}/{account}_{kind}_{region}_{when:%Y%m%d}T0000Z_{number:06}.json.gz"


def put(client: Any, name: str, first: int, count: int = 5, **more: Any) -> None:
    records = [record(n, **more) for n in range(first, first + count)]
    client.put_object(Bucket="trail", Key=name, Body=gzip.compress(json.dumps({"Records": records}).encode()))


def source(url: str, trail: str = "s3://trail", **more: Any) -> TrailSource:
    return TrailSource(LiveOptions(endpoint_url=url, trail=trail, **more))


def names(url: str, trail: str = "s3://trail", **more: Any) -> list[str]:
    return [
        item.name.rpartition("_")[2]
        for item in source(url, trail, **more).event_files({})
        if isinstance(item, EventFile) and not item.reason
    ]


def count(url: str, folder: Path, trail: str = "s3://trail", **more: Any) -> int:
    session = Session(source(url, trail, **more), trails=folder)
    (found,) = [row[0] for page in session.trail.ask("SELECT count(*) FROM cloudtrail_logs") for row in page.rows]
    return int(found)


def test_days_accounts_and_regions(moto: str, s3: Any) -> None:
    put(s3, key(1), 0)
    put(s3, key(2, days=10), 10)
    put(s3, key(3, days=100), 20)
    put(s3, key(4, account=OTHER, region="eu-west-1"), 30)
    s3.put_object(Bucket="trail", Key=key(5, kind="CloudTrail-Digest"), Body=b"{}")
    s3.put_object(Bucket="trail", Key=key(6, kind="CloudTrail-Insight"), Body=b"{}")
    s3.put_object(Bucket="trail", Key="AWSLogs/111122223333/elasticloadbalancing/us-east-1/x.log", Body=b"x")
    assert sorted(names(moto)) == ["000001.json.gz", "000002.json.gz", "000004.json.gz"]
    assert names(moto, trail_days=5, trail_accounts=(ACCOUNT,)) == ["000001.json.gz"]
    assert sorted(names(moto, trail_days=365)) == ["000001.json.gz", "000002.json.gz", "000003.json.gz", "000004.json.gz"]
    assert names(moto, regions=("eu-west-1",)) == ["000004.json.gz"]


@pytest.mark.parametrize(
    "below",
    [
        "",
        "logs",
        "logs/",
        "logs/AWSLogs",
        f"logs/AWSLogs/{ORGANISATION}",
        f"logs/AWSLogs/{ORGANISATION}/{ACCOUNT}",
        f"logs/AWSLogs/{ORGANISATION}/{ACCOUNT}/CloudTrail/us-east-1",
    ],
)
def test_a_prefix_may_stop_anywhere(moto: str, s3: Any, below: str) -> None:
    put(s3, key(1, organisation=ORGANISATION, prefix="logs/"), 0)
    if not below:
        put(s3, key(2), 10)
    assert names(moto, f"s3://trail/{below}") == ["000002.json.gz" if not below else "000001.json.gz"]


def test_a_folder_that_is_no_tree_is_read_as_it_is(moto: str, s3: Any) -> None:
    put(s3, "incident-7/part_1.json.gz", 0)
    s3.put_object(Bucket="trail", Key="incident-7/notes_2.txt", Body=b"hello")
    files = {item.name: item for item in source(moto, "s3://trail/incident-7").event_files({}) if isinstance(item, EventFile)}
    assert {name.rpartition("_")[2]: item.body is not None for name, item in files.items()} == {"1.json.gz": True, "2.txt": False}
    assert names(moto, "s3://trail/incident-7/part_1.json.gz") == ["1.json.gz"]


def test_a_trail_is_found_by_name_and_by_arn(moto: str, s3: Any) -> None:
    import boto3

    client = boto3.client("cloudtrail", region_name="us-east-1", endpoint_url=moto)
    made = client.create_trail(Name="main", S3BucketName="trail", S3KeyPrefix="logs")
    put(s3, key(1, prefix="logs/"), 0)
    assert names(moto, "main") == names(moto, made["TrailARN"]) == ["000001.json.gz"]
    put(s3, key(9, prefix="slashed//"), 90)
    client.create_trail(Name="slashed", S3BucketName="trail", S3KeyPrefix="slashed/")
    assert names(moto, "slashed") == ["000009.json.gz"]
    other = boto3.client("cloudtrail", region_name="eu-west-1", endpoint_url=moto)
    twin = other.create_trail(Name="main", S3BucketName="trail", IsMultiRegionTrail=True)
    other.create_trail(Name="far", S3BucketName="trail", S3KeyPrefix="logs", IsMultiRegionTrail=True)
    assert names(moto, "far") == ["000001.json.gz"]  # its home is another Region
    assert names(moto, "main") == ["000001.json.gz"]  # this Region's own
    assert names(moto, twin["TrailARN"]) == []
    with pytest.raises(UsageError, match="There is no trail nowhere in us-east-1; there is far, main, slashed"):
        names(moto, "nowhere")
    with pytest.raises((AwsError, UsageError)) as raised:
        names(moto, "nowhere")
    assert "s3://" in raised.value.hint
    with pytest.raises(UsageError):
        names(moto, "s3://")
    with pytest.raises(AwsError, match="could not be listed"):
        names(moto, "s3://no-such-bucket")


def test_a_second_run_fetches_only_what_is_new_and_narrower_days_lose_nothing(
    moto: str, s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3, key(1), 0)
    put(s3, key(2, days=10), 10)
    fetched: list[str] = []
    real = module.Bucket.fetch

    def watched(self: Any, found: Any, stopped: Any) -> Any:
        fetched.append(found.key.rpartition("_")[2])
        return real(self, found, stopped)

    monkeypatch.setattr(module.Bucket, "fetch", watched)
    assert count(moto, tmp_path) == 10
    put(s3, key(3), 20)
    assert count(moto, tmp_path, trail_days=3) == 15
    assert count(moto, tmp_path) == 15
    s3.delete_object(Bucket="trail", Key=key(2, days=10))  # the bucket's life cycle has taken it
    assert count(moto, tmp_path) == 15
    assert sorted(fetched) == ["000001.json.gz", "000002.json.gz", "000003.json.gz"]


def test_what_cannot_be_had_is_named_and_the_rest_is_read(moto: str, s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "MAX_BYTES", 1 << 20)
    put(s3, key(1), 0)
    s3.put_object(Bucket="trail", Key=key(2), Body=gzip.compress(b" " * (8 << 20)))
    s3.put_object(Bucket="trail", Key=key(3), Body=b"\x1f\x8bnot gzip")
    s3.put_object(Bucket="trail", Key=key(4), Body=gzip.compress(b'{"Records":[{"eventVersion"'))
    s3.put_object(Bucket="trail", Key=key(5), Body=gzip.compress(b'{"Records":[]}'))
    s3.put_object(Bucket="trail", Key=key(6), Body=gzip.compress(b"[]"), StorageClass="GLACIER")
    session = Session(source(moto), trails=tmp_path)
    list(session.load_events())
    reasons = "\n".join(session.trail.state().refused)
    for number, words in ((2, "larger than 1 MiB when uncompressed"), (3, "damaged gzip"), (4, "cannot be read"), (6, "archived")):
        assert any(f"{number:06}" in line and words in line for line in reasons.splitlines()), (number, reasons)
    listing = session.listing(ListKind.EVENTS)
    assert (len(listing.rows), listing.complete) == (5, False)
    assert any("damaged gzip" in problem.what for problem in session.problems())


def test_secrets_of_a_bucket_are_never_written(moto: str, s3: Any, tmp_path: Path) -> None:
    secret = "IQoJb3JpZ2luX2VjEXAMPLE+SECRET/VALUE"
    put(s3, key(1), 0, 3, eventName="AssumeRole", responseElements={"credentials": {"accessKeyId": "ASIA1", "sessionToken": secret}})
    assert count(moto, tmp_path) == 3
    assert all(path.is_dir() or secret.encode() not in path.read_bytes() for path in tmp_path.rglob("*"))


def test_only_the_trails_bucket_may_be_read(moto: str, s3: Any) -> None:
    from iamtui.errors import NotReadOnlyError

    put(s3, key(1, prefix="logs/"), 0)
    s3.create_bucket(Bucket="private")
    made = source(moto, "s3://trail/logs")
    list(made.event_files({}))
    client = made.connection.client("s3")
    client.list_objects_v2(Bucket="trail", Prefix="logs/AWSLogs/")
    client.head_bucket(Bucket="trail")
    for call in (
        lambda: client.get_object(Bucket="private", Key="logs/k"),
        lambda: client.get_object(Bucket="trail", Key="payroll/k"),
        lambda: client.list_objects_v2(Bucket="private", Prefix="logs/"),
        lambda: client.list_objects_v2(Bucket="trail"),
        lambda: client.list_objects_v2(Bucket="trail", Prefix="payroll/"),
        lambda: client.head_bucket(Bucket="private"),
    ):
        with pytest.raises(NotReadOnlyError):
            call()


@pytest.mark.skipif(not SHARED.exists(), reason="the development data is not here")
def test_real_files_in_an_organisations_bucket(moto: str, s3: Any, tmp_path: Path) -> None:
    for path in sorted((SHARED / "invictus").iterdir())[:12]:
        s3.put_object(Bucket="trail", Key=f"AWSLogs/o-1/{ACCOUNT}/CloudTrail/us-east-1/{NOW:%Y/%m/%d}/{path.name}", Body=path.read_bytes())
    expected = sum(len(json.loads(path.read_bytes())["Records"]) for path in sorted((SHARED / "invictus").iterdir())[:12])
    assert count(moto, tmp_path) == expected


CHILD = """
import sys
from pathlib import Path
from iamtui.session import Session
from iamtui.source.live import LiveOptions, TrailSource
from iamtui.store.events import segments
segments.FIRST_BYTES = segments.BATCH_BYTES = 30_000
list(Session(TrailSource(LiveOptions(endpoint_url=sys.argv[1], trail="s3://trail")), trails=Path(sys.argv[2])).trail.read())
"""


@pytest.mark.parametrize("times", [3, pytest.param(20, marks=pytest.mark.long)])
def test_a_kill_loses_nothing_and_doubles_nothing(moto: str, s3: Any, tmp_path: Path, times: int) -> None:
    for number in range(30):
        put(s3, key(number, days=number % 3), number * 20, 20)
    chance = random.Random(7)
    for _ in range(times):
        child = subprocess.Popen([sys.executable, "-c", CHILD, moto, str(tmp_path)], env={**os.environ, "PYTHONPATH": os.getcwd()})
        time.sleep(0.5 + chance.random())
        child.send_signal(signal.SIGKILL)
        child.wait()
        for folder in tmp_path.iterdir():
            if times > 3 and EventStore(folder).state().events == 600:
                EventStore(folder).clear()
    assert count(moto, tmp_path) == 600


def test_the_command_asks_a_bucket(moto: str, s3: Any, tmp_path: Path) -> None:
    put(s3, key(1), 0, 8)
    options = ["--trail", "s3://trail", "--endpoint-url", moto, "--cache-dir", str(tmp_path), "--format", "csv"]
    asked = CliRunner().invoke(cli, ["sql", "SELECT count(*) AS n FROM cloudtrail_logs", *options])
    assert (asked.exit_code, asked.stdout) == (0, "n\n8\n"), asked.output
    listed = CliRunner().invoke(cli, ["events", "event:CreateUser", *options])
    assert len(listed.stdout.splitlines()) == 3, listed.output
    assert "us-east-1" in listed.stdout
    wrong = CliRunner().invoke(cli, ["sql", "SELECT 1 FROM cloudtrail_logs", *options[:1], "s3://no-such-bucket", *options[2:]])
    assert isinstance(wrong.exception, AwsError)
    assert (wrong.exception.exit_code, "could not be listed" in wrong.exception.message) == (3, True)
