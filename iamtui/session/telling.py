"""Stories: the calls of one actor in order, with what stands out."""

from __future__ import annotations

from ..analysis.classing import classify
from ..analysis.story import Story, gather, tell, who_of
from ..model.event import Event
from ..model.finding import Severity
from .placing import Surroundings
from .searching import EventSearch


def story_of(around: Surroundings, search: EventSearch, about: Event | str, *, follow: bool = True) -> Story:
    """The story of who is behind an event, or of an ARN. For a worker."""
    possible = search.of_story(about, follow=follow)
    chains = search.chains([about, *possible] if isinstance(about, Event) else possible)
    events, followed = gather(chains, possible, about, follow=follow)

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
