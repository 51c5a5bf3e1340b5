"""`iamtui review plan`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..analysis.words import exact
from ..errors import BadInputError, UsageError
from ..session.cleanup import counts, plan_json, plan_text, plans
from .output import data, json_words, words
from .reviewshared import finish, opened, say_kept


def print_plan(
    options: Mapping[str, Any],
    campaign: str,
    form: str,
    only: Sequence[str],
    output: str,
    *,
    account: str,
    hours: int,
    wait: int,
    profiles: bool,
) -> int:
    """Print or save the plan of what is decided."""
    session = opened(options, events=True)
    made = plans(session, campaign, only, hours=hours, wait=wait, profiles=profiles)
    if account:
        made = tuple(one for one in made if one.account == account)
    if not made:
        if form == "json":
            data("[]\n")
        words("Nothing is decided that could be acted on" + ("; iamtui review marks lists what is" if session.has_marks else ""))
        say_kept(session)
        return finish(session)
    if form == "json":
        text = json_words([plan_json(one) for one in made]) + "\n"
    elif form == "cli" and len(made) > 1:
        raise UsageError(
            f"The decisions are about {len(made)} accounts, and a script is for one", "--account " + " or ".join(p.account for p in made)
        )
    else:
        text = "\n".join(plan_text(one, form) for one in made)
    if output:
        from ..store.files import private_file

        try:
            with private_file(Path(output)) as file:
                file.write(text.encode("utf-8", "replace"))
        except OSError as error:
            raise BadInputError(f"{output} could not be written: {error.strerror or error}") from None
    else:
        data(text)
    for one in made:
        words(f"{one.account}: {counts(one)}")
        for gap in one.gaps:
            words(f"  could not be looked at: {gap}")
        if one.as_of is not None and form == "cli":
            words(f"  rests on what was read {exact(one.as_of)}; sh {output or 'plan.sh'} looks first and changes nothing")
    say_kept(session)
    return finish(session)
