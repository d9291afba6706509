"""What optuna-dashboard 0.21 sends of a study, made fit for thousands of trials. It would send each parameter's distribution with each
trial, 9 kB a trial, make all of that anew for each request, and look through all notes for each trial."""

import gzip
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import optuna_dashboard._app as app
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial
from optuna_dashboard import _serializer as serializer

from tuner.storage import private
from tuner.storage.transfer import ON_TRIAL

UNSHOWN = ("lease", "version", "key")
"""Attributes of trials that only this program reads."""

LARGE = 100_000
"""Answers of more bytes are compressed."""

Plain = dict[str, Any]
detail_of, properties_of = app.serialize_study_detail, app.get_cached_extra_study_property
sent: dict[tuple[int, int], tuple[FrozenTrial, Mapping[str, Any], Plain]] = {}
"""What was sent of a trial that had ended, by the identifiers of study and trial, with what it was made from."""


def detail(study: FrozenStudy, best: list[FrozenTrial], trials: list[FrozenTrial], *others: Any) -> Plain:
    """The study and these trials as plain data for the page."""
    attributes = defaultdict[int, Plain](dict)
    for name, value in study.system_attrs.items():
        if found := ON_TRIAL.fullmatch(name):
            attributes[int(found[2])][name] = value

    def plain(trial: FrozenTrial) -> Plain:
        key, own = (private.study_id(study), private.trial_id(trial)), attributes.get(private.trial_id(trial), {})
        known = sent.get(key)
        if known is None or known[0] is not trial or known[1] != own or not trial.state.is_finished():
            known = sent[key] = (trial, own, _without_repeats(serializer.serialize_frozen_trial(key[0], trial, own)))
        return known[2]

    return {**detail_of(study, [], [], *others), "trials": [*map(plain, trials)], "best_trials": [*map(plain, best)]}


def properties(cache: Any, study: int, trials: Sequence[FrozenTrial]) -> Any:
    """The parameters and attributes of all trials together. Those that were sent have been counted; of those that ended the first of
    each kind counts."""
    new: dict[object, FrozenTrial] = {}
    for each in trials:
        if sent.get((study, private.trial_id(each)), (None,))[0] is not each:
            new.setdefault(_kind(each) if each.state.is_finished() else each.number, each)
    return properties_of(cache, study, [*new.values()])


def _kind(trial: FrozenTrial) -> object:
    """What the page learns from all trials together: the same for most."""
    places = [(name, id(each)) for name, each in trial.distributions.items()]
    types = [(name, type(each)) for name, each in trial.user_attrs.items()]
    return trial.state, bool(trial.intermediate_values), frozenset([*places, *types])


def _without_repeats(trial: Plain) -> Plain:
    """Without distributions, which the page takes from the study, and attributes that are not for people."""
    params = [
        {name: each[name] for name in ("name", "param_internal_value", "param_external_value")}
        for each in trial["params"]
    ]
    return {
        **trial,
        "params": params,
        "user_attrs": [each for each in trial["user_attrs"] if each["key"] not in UNSHOWN],
    }


app.serialize_study_detail, app.get_cached_extra_study_property = detail, properties


def compressed(answer: WSGIApplication) -> WSGIApplication:
    """The application, whose large answers of JSON are compressed for clients that take that."""

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        begun: list[Any] = []

        def start(*arguments: Any) -> Any:
            begun[:] = arguments
            return start_response

        parts = answer(environ, start)
        status, headers, *rest = begun
        is_json = dict(headers).get("Content-Type", "").startswith("application/json")
        length = int(dict(headers).get("Content-Length", 0))
        if is_json and length > LARGE and "gzip" in environ.get("HTTP_ACCEPT_ENCODING", ""):
            parts = [gzip.compress(b"".join(parts), compresslevel=1)]
            others = [each for each in headers if each[0] != "Content-Length"]
            headers = [*others, ("Content-Encoding", "gzip"), ("Content-Length", str(len(parts[0])))]
        start_response(status, headers, *rest)
        return parts

    return call
