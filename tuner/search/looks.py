"""Looks of a study where the minutes decide: its ladder, the recipe of each look, what a look stores, and where the next seconds go."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random
from statistics import fmean, median

from tuner.base.extrapolation import Look, until_best
from tuner.base.metrics import shortfall, standard_error
from tuner.recipe import Recipe, fold_count
from tuner.refit.candidates import epoch_seconds, ranked_trials, validated_examples, whole_epochs
from tuner.refit.session import Session
from tuner.refit.time_budget import Minutes
from tuner.result import Result
from tuner.search.clock import Clock
from tuner.search.decision import Contender, Situation
from tuner.search.ladder import FEWEST_LOOKS, LARGEST_SHARE, LOOK_SECONDS, SHORTEST, Ladder, first_length, ladder_from
from tuner.search.proposals import Proposal
from tuner.storage import trial_record
from tuner.storage.trainings import StoredTraining

FIRST_LOOK = "first_look"
"""Attribute of a study: the length of its first looks in epochs, for recipes of full length."""


def ladder_of(session: Session) -> Ladder | None:
    """The study's ladder; None before the epoch time of its first recipe is known."""
    first = first_look_length(session)
    if not first:
        return None
    folds = max(fold_count(recipe.protocol) for _, recipe in session.file.corners)
    return ladder_from(first, session.file.epochs, folds)


def store_ladder(session: Session, budget: Minutes, proposal: Proposal, seconds: float) -> None:
    """Store the length of the first looks, from the epoch time of the study's first recipe. It may be a small or a large one: what
    counts is the time of a usual one, by the estimates of both; of a start at least its own."""
    assert proposal.recipe is not None
    work = session.preflight.work(proposal.recipe)
    seconds = seconds or work.epoch_seconds_at_first  # it could not be measured
    usual = seconds * usual_epoch(session) / work.epoch_seconds_at_first
    each = usual if proposal.start is None else max(usual, seconds)
    length = first_length(budget.search_seconds, budget.workers, each, session.file.epochs, work.examples)
    session.study.set_user_attr(FIRST_LOOK, length)


def usual_epoch(session: Session) -> float:
    """The estimated seconds of an epoch in one fold, as a mean over the corners of the space; only good for comparing."""
    works = [session.preflight.fitting_work(recipe) for _, recipe in session.file.corners]
    return fmean([each.epoch_seconds_at_first for each in works if each])


def first_look(session: Session, proposal: Proposal, ladder: Ladder) -> Proposal:
    """The proposal as a look of the first rung."""
    assert proposal.recipe is not None
    look = ladder.look(proposal.recipe, whole_epochs(session.file, proposal.params), ladder.rungs[0])
    return replace(proposal, recipe=look, asked=proposal.recipe.key)


def longer_look(session: Session, training: StoredTraining, ladder: Ladder) -> Recipe:
    """The recipe of the next look at a paused training's recipe."""
    rung, record = ladder.after(training.rung), trial_record(training)
    assert rung is not None
    assert record.recipe is not None
    return ladder.look(record.recipe, whole_epochs(session.file, record.params), rung)


def what_it_shows(session: Session, recipe: Recipe, result: Result) -> Look:
    """What a finished look has shown."""
    value, name = session.objectives[0].of_result(result), session.file.objectives[0].removeprefix("validation_")
    error = standard_error(name, value, validated_examples(session, recipe))
    training = recipe.training
    length, seconds = training.length(training.epochs), round(result.seconds, 2)
    return Look(length, len(result.folds), value, shortfall(name, value), error, seconds)


def situation(
    session: Session, ladder: Ladder, trainings: Sequence[StoredTraining], budget: Minutes, clock: Clock
) -> Situation:
    """What the decision on the next look depends on."""
    states = ("complete", "paused", "running", "interrupted")
    record = session.record
    looks = {each.first: each.looks for each in record.trials}
    rivals = [
        _contender(training, looks.get(training.first, ()), ladder)
        for training in trainings
        if training.state in states
    ]
    known = [each.epoch_seconds for each in rivals if each.looks]
    leaders = ranked_trials(session, record.ranking)[:1]
    return Situation(
        contenders=rivals,
        ladder=ladder,
        seconds=clock.seconds_left,
        workers=budget.workers,
        epoch_seconds=median(known) if known else 0.0,
        most_for_refits=max((budget.most_for_refits(each.refit_seconds) for each in leaders), default=math.inf),
        seconds_for_looks=clock.seconds_for_looks,
    )


def _contender(training: StoredTraining, looks: tuple[Look, ...], ladder: Ladder) -> Contender:
    record = trial_record(training)
    seconds = epoch_seconds(record.recipe, record.result) if looks and record.recipe and record.result else 0.0
    overfits = len(until_best(looks)) < len(looks)
    is_open = training.state == "paused" and ladder.after(training.rung) is not None and not overfits
    return Contender(training.first, looks, training.rung, seconds, is_open)


def seconds_of_first_look(session: Session, recipe: Recipe) -> float:
    """The estimated seconds of a first look at a recipe."""
    return LOOK_SECONDS + first_look_length(session) * session.preflight.epoch_seconds(recipe)


def worth_its_price(session: Session, budget: Minutes, proposals: Iterable[Proposal]) -> Proposal:
    """The first of the proposals, all with a recipe, that is worth its price; if none is, the cheapest."""
    dear: list[tuple[float, int, Proposal]] = []
    for place, each in enumerate(proposals):
        assert each.recipe is not None
        if is_worth_its_price(session, each.recipe, budget):
            return each
        dear.append((seconds_of_first_look(session, each.recipe), place, each))
    return min(dear)[-1]


def is_worth_its_price(session: Session, recipe: Recipe, budget: Minutes) -> bool:
    """Whether a new recipe gets a first look. One that costs `s` times a fair share of the search gets it with a chance of 1 in `s`, so
    that slow recipes get no more of the time than fast ones; the recipe's key decides, so that its answer is always the same."""
    seconds, most = seconds_of_first_look(session, recipe), LARGEST_SHARE * budget.search_seconds
    fair = max(budget.search_seconds / FEWEST_LOOKS, (1 + SHORTEST) * LOOK_SECONDS)
    return seconds <= fair or (seconds <= most and Random(recipe.key).random() < fair / seconds)


def first_look_length(session: Session) -> float:
    """The length of first looks in epochs; 0 before it is known."""
    return float(session.study.user_attrs.get(FIRST_LOOK, 0.0))
