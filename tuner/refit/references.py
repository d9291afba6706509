"""Fitting the reference models: once for each study, after everything else."""

import json
from dataclasses import asdict

from tuner.base.formatting import duration_text
from tuner.base.writing import write_json, write_text
from tuner.outcome import store_references, stored_references
from tuner.outcome.card import card
from tuner.references import ReferenceModel, model_names, seconds_for
from tuner.references.record import SHARE
from tuner.refit.session import Session
from tuner.storage.confirmed import Confirmed
from tuner.worker import perform_all
from tuner.worker.executor import Executor
from tuner.worker.jobs import ReferenceModels, reason_of


def seconds_for_references(session: Session, seconds: float) -> float:
    """The seconds of a call that reference models get: none in a study that has some already."""
    if not session.file.confirmation.anchors or session.study.user_attrs.get("anchors"):
        return 0.0
    return min(SHARE * seconds, seconds_for(seconds))


def fit_references(
    session: Session, executor: Executor, confirmed: Confirmed | None, seconds: float
) -> tuple[ReferenceModel, ...]:
    """The reference models on a confirmed winner's splits: those of an earlier call, or fitted now, in the executor's
    processes, within a share of the call's `seconds`. None if nothing is confirmed or the study wants none."""
    if confirmed is None or not session.file.confirmation.anchors:
        return ()
    recipe, metric = confirmed.recipe, session.metric
    stored = stored_references(session.study.user_attrs, recipe, metric)
    if stored is not None:
        _describe(confirmed, stored)
        return stored
    limit = seconds_for(seconds)
    session.listener.phase("fitting reference models")
    session.listener.log(f"fitting reference models, for at most {duration_text(limit)}")
    names = model_names(recipe.data.task, recipe.data)
    count = min(executor.size, len(names))
    shares = [names[first::count] for first in range(count)]  # the last ones take the longest
    fitted: dict[str, ReferenceModel] = {}
    for answer in perform_all(executor, [ReferenceModels(recipe, metric, limit, share) for share in shares]):
        if not isinstance(answer, tuple):
            session.listener.log(f"no reference models: {reason_of(answer)}")
            return ()
        fitted |= {each.name: each for each in answer}
    references = tuple(fitted[name] for name in names if name in fitted)
    store_references(session.study, recipe, metric, references)
    _describe(confirmed, references)
    return references


def _describe(confirmed: Confirmed, references: tuple[ReferenceModel, ...]) -> None:
    """Write the reference models into the metadata and the card of the final model."""
    path = confirmed.model.with_suffix(".json")
    if not path.is_file():
        return
    metadata = {**json.loads(path.read_text(encoding="utf-8")), "anchors": [asdict(each) for each in references]}
    write_json(path, metadata)
    write_text(path.with_suffix(".md"), card(metadata))
