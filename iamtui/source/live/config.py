"""AWS Config: the recorded history of one IAM resource, Region by Region, and whether anything records it there."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import msgspec

from ...errors import AwsError, CredentialsError
from ...model.configitem import TYPES
from ...model.document import Gap, Kind, Origin
from ...model.fact import State
from ..base import Cancelled, Item, Step
from .calls import Caller
from .connection import GLOBAL_REGION, code_of
from .inventory import side_by_side

HISTORY = "config:GetResourceConfigHistory"
RECORDERS = "config:DescribeConfigurationRecorders"
STATUS = "config:DescribeConfigurationRecorderStatus"
PAGE = 100
MOST_PAGES = 60
"""Pages of one resource in one Region: 6,000 items at most. Short pages with a token are usual."""
_NOTHING = frozenset({"ResourceNotDiscoveredException"})
_NO_RECORDER = frozenset({"NoAvailableConfigurationRecorderException", "NoSuchConfigurationRecorderException"})
_CLOSED = frozenset({"UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure", "OptInRequired"})


def read_config_history(caller: Caller, target: str, unique_id: str, regions: tuple[str, ...], cancelled: Cancelled) -> Iterator[Item]:
    """A CONFIG_RECORDERS document and the CONFIG_ITEMS pages of every Region, all Regions side by side; refusals as gaps."""
    kind = next(name for name, word in TYPES.items() if word == target)
    ordered = sorted(dict.fromkeys(regions), key=lambda region: region != GLOBAL_REGION)
    yield Step("asking AWS Config", 0, len(ordered))
    jobs = [(lambda stop, out, region=region: _Region(caller, region, unique_id, stop, out).read(kind)) for region in ordered]
    yield from side_by_side(jobs, cancelled)  # type: ignore[arg-type]


class _Region:
    def __init__(self, caller: Caller, region: str, key: str, cancelled: Cancelled, out: queue.SimpleQueue[Any]) -> None:
        self.caller, self.region, self.key, self.cancelled, self.out = caller, region, key, cancelled, out

    def read(self, kind: str) -> None:
        client = self.caller.connection.client("config", self.region)
        if self._recorders(client):
            self._history(client, kind)

    def _recorders(self, client: Any) -> bool:
        """Whether the history is worth asking for: not where no recorder is, nor where the Region takes no calls."""
        told: dict[str, Any] = {}
        for action, call in ((RECORDERS, client.describe_configuration_recorders), (STATUS, client.describe_configuration_recorder_status)):
            if self.cancelled():
                return False
            try:
                told.update(call())
            except Exception as error:
                if code_of(error) in _NO_RECORDER:
                    continue
                gap = self._gap(Kind.CONFIG_RECORDERS, action, error)
                self.out.put(gap)
                if code_of(error) in _CLOSED or not code_of(error):
                    return False
        if "ConfigurationRecorders" in told or "ConfigurationRecordersStatus" in told:
            self.out.put(self.caller.document(Kind.CONFIG_RECORDERS, RECORDERS, told, key=self.region, region=self.region))
        return bool(told.get("ConfigurationRecorders", True))

    def _history(self, client: Any, kind: str) -> None:
        asked: dict[str, Any] = {"resourceType": kind, "resourceId": self.key, "limit": PAGE}
        for part in range(MOST_PAGES):
            if self.cancelled():
                return
            try:
                answer = client.get_resource_config_history(**asked)
            except Exception as error:
                if code_of(error) in _NOTHING and not part:
                    self.out.put(self._page({"configurationItems": []}, part, complete=True))
                elif code_of(error) not in _NO_RECORDER:
                    self.out.put(self._gap(Kind.CONFIG_ITEMS, HISTORY, error))
                return
            token = answer.get("nextToken")
            last = part + 1 == MOST_PAGES
            self.out.put(self._page({"configurationItems": answer.get("configurationItems") or []}, part, complete=not (token and last)))
            if not token:
                return
            asked["nextToken"] = token
        reason = f"stopped after {MOST_PAGES} pages of Config items; there are older ones"
        self.out.put(Gap(Kind.CONFIG_ITEMS, State.NOT_LOADED, reason, HISTORY, self.caller.account, self.key, self.region))

    def _page(self, answer: dict[str, Any], part: int, *, complete: bool) -> Item:
        return self.caller.document(Kind.CONFIG_ITEMS, HISTORY, answer, key=self.key, region=self.region, part=part, complete=complete)

    def _gap(self, kind: Kind, action: str, error: Exception) -> Gap:
        code = code_of(error)
        if self.region != GLOBAL_REGION and code in _CLOSED:
            reason = f"{self.region} is not enabled for this account, or does not accept these credentials ({code})"
            return Gap(kind, State.NOT_APPLICABLE, reason, action, self.caller.account, self.key, self.region, "leave it out of --region")
        try:
            gap = self.caller.gap(kind, action, error, region=self.region)
        except CredentialsError:
            raise
        except AwsError as unreachable:  # one Region that cannot be reached is no reason to leave the others
            if self.region == GLOBAL_REGION:
                raise
            origin = Origin("live", action)
            return Gap(kind, State.FAILED, unreachable.message, action, self.caller.account, self.key, self.region, "r tries again", origin)
        return msgspec.structs.replace(gap, key=self.key)
