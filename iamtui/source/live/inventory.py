"""Everything the lists need, read side by side."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from ...errors import IamtuiError
from ...model.document import Document, Kind
from ..base import Cancelled, Item, Step
from . import pages
from .calls import Caller
from .connection import code_of

FILTERS = ("User", "Role", "LocalManagedPolicy", "Group", "AWSManagedPolicy")
PAGE = 1000
GAAD = "iam:GetAccountAuthorizationDetails"
_REPORT_WAIT = 60.0
_DONE = object()


def read_account(caller: Caller, cancelled: Cancelled) -> Iterator[Item]:
    """Caller first, then the five lists of GAAD, the credential report and the small facts side by side.

    Raises CredentialsError or AwsError when nothing can be read at all.
    """
    yield who_am_i(caller)
    jobs: list[Callable[[Cancelled, queue.SimpleQueue[Any]], None]] = [_pages_of(caller, name) for name in FILTERS]
    jobs.append(lambda stop, out: _small_facts(caller, stop, out))
    jobs.append(lambda stop, out: _report(caller, stop, out))
    yield from side_by_side(jobs, cancelled)


def side_by_side(jobs: list[Callable[[Cancelled, queue.SimpleQueue[Any]], None]], cancelled: Cancelled) -> Iterator[Item]:
    """Run jobs in threads and yield what they put out, as it comes. The first error that ends all reading ends the rest."""
    out: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stopped = threading.Event()

    def stop() -> bool:
        return stopped.is_set() or cancelled()

    def run(job: Callable[[Cancelled, queue.SimpleQueue[Any]], None]) -> None:
        try:
            job(stop, out)
        except BaseException as error:
            out.put(error)
        finally:
            out.put(_DONE)

    threads = [threading.Thread(target=run, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    running, failure = len(threads), None
    try:
        while running:
            try:
                item = out.get(timeout=0.05)
            except queue.Empty:
                if cancelled():
                    return
                continue
            if item is _DONE:
                running -= 1
            elif isinstance(item, BaseException):
                failure = failure or item
                stopped.set()
            elif failure is None:
                yield item
    finally:
        stopped.set()
    if failure is not None:
        raise failure


def who_am_i(caller: Caller) -> Document:
    try:
        answer = caller.connection.client("sts").get_caller_identity()
    except IamtuiError:
        raise
    except Exception as error:
        caller.gap(Kind.CALLER, "sts:GetCallerIdentity", error)  # raises when it is about credentials or the network
        from ...errors import AwsError

        raise AwsError(f"AWS did not say who we are: {error}", "r tries again", "sts:GetCallerIdentity") from error
    caller.account = str(answer.get("Account", ""))
    return caller.document(Kind.CALLER, "sts:GetCallerIdentity", answer)


def _pages_of(caller: Caller, name: str) -> Callable[[Cancelled, queue.SimpleQueue[Any]], None]:
    def job(cancelled: Cancelled, out: queue.SimpleQueue[Any]) -> None:
        client = caller.connection.client("iam")
        marker: dict[str, str] = {}
        part = 0
        while not cancelled():
            try:
                with caller.connection.iam_calls:
                    answer = client.get_account_authorization_details(Filter=[name], MaxItems=PAGE, **marker)
                answer.update(pages.take())
            except Exception as error:
                out.put(caller.gap(Kind.AUTHORIZATION, GAAD, error, key=name))
                return
            more = bool(answer.get("IsTruncated") and answer.get("Marker"))
            marker = {"Marker": answer["Marker"]} if more else {}
            answer.pop("IsTruncated", None)
            answer.pop("Marker", None)
            out.put(caller.document(Kind.AUTHORIZATION, GAAD, answer, key=name, part=part, complete=not more))
            part += 1
            if not more:
                return

    return job


_SMALL = (
    (Kind.ACCOUNT_ALIASES, "ListAccountAliases", "list_account_aliases"),
    (Kind.ACCOUNT_SUMMARY, "GetAccountSummary", "get_account_summary"),
    (Kind.PASSWORD_POLICY, "GetAccountPasswordPolicy", "get_account_password_policy"),
)


def _small_facts(caller: Caller, cancelled: Cancelled, out: queue.SimpleQueue[Any]) -> None:
    client = caller.connection.client("iam")
    for kind, operation, method in _SMALL:
        if cancelled():
            return
        try:
            with caller.connection.iam_calls:
                answer = getattr(client, method)()
            out.put(caller.document(kind, f"iam:{operation}", answer))
        except Exception as error:
            if kind is Kind.PASSWORD_POLICY and code_of(error) == "NoSuchEntity":
                out.put(caller.document(kind, f"iam:{operation}", {"PasswordPolicy": None}))
            else:
                out.put(caller.gap(kind, f"iam:{operation}", error))


def _report(caller: Caller, cancelled: Cancelled, out: queue.SimpleQueue[Any]) -> None:
    """Read the report that is there; ask for a new one only when there is none, or it is older than its four hours."""
    client = caller.connection.client("iam")
    action = "iam:GetCredentialReport"
    begin = time.monotonic()
    wait = 0.5
    asked = False
    while not cancelled():
        try:
            with caller.connection.iam_calls:
                answer = client.get_credential_report()
        except Exception as error:
            code = code_of(error)
            if (
                code in ("ReportNotPresent", "ReportExpired", "CredentialReportNotPresentException", "CredentialReportExpiredException")
                and not asked
            ):
                asked = True
                out.put(Step("asking for the credential report"))
                try:
                    with caller.connection.iam_calls:
                        client.generate_credential_report()
                except Exception as refusal:
                    out.put(caller.gap(Kind.CREDENTIAL_REPORT, "iam:GenerateCredentialReport", refusal))
                    return
                continue
            waiting = asked and code in ("ReportNotPresent", "CredentialReportNotPresentException")
            if (code in ("ReportInProgress", "CredentialReportNotReadyException") or waiting) and time.monotonic() - begin < _REPORT_WAIT:
                asked = True
                time.sleep(wait)
                wait = min(wait * 1.5, 4.0)
                continue
            out.put(caller.gap(Kind.CREDENTIAL_REPORT, action, error))
            return
        body = answer.get("Content") or b""
        document = caller.document(Kind.CREDENTIAL_REPORT, action, bytes(body))
        made = answer.get("GeneratedTime")
        if made is not None:
            import msgspec

            document = msgspec.structs.replace(document, as_of=made)
        out.put(document)
        return
