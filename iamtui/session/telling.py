"""Stories: the calls of one actor in order, with what stands out."""

from __future__ import annotations

from ..analysis.attribution import Chains
from ..analysis.classing import classify
from ..analysis.story import Story, gather, tell, who_of
from ..model.event import Event
from ..model.finding import Severity
from .eventlog import EventLog
from .placing import Surroundings


def story_of(around: Surroundings, log: EventLog, chains: Chains, about: Event | str, *, follow: bool = True) -> Story:
    """The story of who is behind an event, or of an ARN. Looks at every event: for a worker."""
    events, followed = gather(chains, log.newest_first(), about, follow=follow)

    def weigh(event: Event) -> tuple[Severity | None, str]:
        found = classify(event, around.of(event))
        return found.severity, found.why[0] if found.why else ""

    def places(event: Event) -> tuple[str, ...]:
        return around.of(event).new_places.get(event.event_id, ())

    if isinstance(about, Event):
        chain = chains.of(about)
        name = chain.words if chain.whole else f"session {who_of(chain)[1]}"
    else:
        name = about.rpartition("/")[2] or about
    return tell(chains, events, name, weigh, followed, places)
