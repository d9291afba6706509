"""Notes on trials for optuna-dashboard, which counts trials and has no state for a pause: why a trial ended before its training did,
and which trial continues it."""

from collections.abc import Mapping, Sequence
from typing import Any

import optuna

from tuner.base.formatting import capitalized
from tuner.storage import private
from tuner.storage.trainings import StoredTraining, attributes_of

VERSION, TEXT = "dashboard:{}:note_ver", "dashboard:{}:note_str:0"
"""Where optuna-dashboard has the note on a trial. Its `save_note` does the same, after two seconds of imports."""


def write_notes(study: optuna.Study, trainings: Sequence[StoredTraining]) -> None:
    """Write the notes on the trials of these trainings. A note that somebody else has written stays."""
    few = trainings[0].segments if len(trainings) == 1 else ()
    prefixes = [f"dashboard:{private.trial_id(each)}:" for each in few] or ["dashboard:"]
    stored = {name: each for of in prefixes for name, each in private.system_attributes(study, of).items()}
    for training in trainings:
        for place in range(len(training.segments)):
            _write(study, stored, training, place)


def note(training: StoredTraining, place: int) -> str:
    """The note on the trial at this place of a training; empty where the dashboard shows all that there is to say."""
    attributes = attributes_of(training.segments[place])
    continues = f"Continues trial {training.segments[place - 1].number}. " if place else ""
    reason, after = str(attributes.get("reason", "")), training.segments[place + 1 : place + 2]
    match attributes.get("ended"):
        case "paused":
            ended, goes_on = reason, "continues if it is among the best of its rung"
        case "interrupted" | "died" if after or training.state == "interrupted":
            ended, goes_on = f"not failed but interrupted: {reason}", "continues in the next call"
        case "superfluous":
            return "Not failed and not counted: another process had begun the same recipe."
        case _:
            return f"{continues}{capitalized(reason)}".strip()
    return f"{continues}{capitalized(ended)}; {f'continues as trial {after[0].number}' if after else goes_on}."


def _write(study: optuna.Study, stored: Mapping[str, Any], training: StoredTraining, place: int) -> None:
    number, text = private.trial_id(training.segments[place]), note(training, place)
    earlier = note(StoredTraining(training.segments[: place + 1]), place)
    if text != stored.get(TEXT.format(number), "") in ("", earlier):
        version = stored.get(VERSION.format(number), 0) + 1
        private.store_system_attribute(study, TEXT.format(number), text)
        private.store_system_attribute(study, VERSION.format(number), version)
