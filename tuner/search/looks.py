"""Looks of a study where the minutes decide: its ladder, the recipe of each look, what a look stores, and where the next seconds go."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random
from statistics import fmean

from tuner.base.calibration import CALIBRATED
from tuner.base.extrapolation import Look, until_best
from tuner.base.metrics import METRICS, Direction, shortfall, standard_error
from tuner.recipe import Recipe, fold_count
from tuner.refit.ranking import epoch_seconds, kind_of, ranked_trials, validated_examples, whole_epochs
from tuner.refit.session import Session
from tuner.refit.time_budget import Minutes, refit_length
from tuner.result import Result
from tuner.search.clock import Clock
from tuner.search.decision import Contender, Price, Situation
from tuner.search.ladder import (
    FEWEST_LOOKS,
    LARGEST_SHARE,
    LOOK_SECONDS,
    SHORTEST,
    Ladder,
    Rung,
    first_length,
    ladder_from,
)
from tuner.search.proposals import Proposal
from tuner.storage import private, trial_record
from tuner.storage.trainings import StoredTraining

FIRST_LOOK = "first_look"
"""Attribute of a study: the length of its first looks in epochs, for recipes of full length."""

REFIT_SECONDS = "refit_seconds"
"""Attribute of a study: the seconds of a refit by which the lengths of looks are chosen."""


FEWEST_EPOCHS = 6
"""Epochs of a refit that a recipe needs to be worth a look in any case: slower networks learn too little in the time. On
Fashion-MNIST, in three minutes of one core, 1.7 epochs of 32 and 64 filters gave 0.914, five of 16 and 32 filters 0.927."""


def ladder_of(session: Session) -> Ladder | None:
    """The study's ladder; None before the epoch time of its first recipe is known."""
    first = first_look_length(session)
    return ladder_from(first, session.file.epochs, _folds(session)) if first else None


def store_ladder(session: Session, budget: Minutes, proposal: Proposal, seconds: float) -> None:
    """Store the length of the first looks, from the epoch time of the study's first recipe. It may be a small or a large one: what
    counts is the time of a usual one, by the estimates of both; of a start at least its own."""
    assert proposal.recipe is not None
    work = session.preflight.work(proposal.recipe)
    seconds = seconds or work.epoch_seconds_at_first  # it could not be measured
    usual = usual_epoch(session, budget, seconds / work.epoch_seconds_at_first)
    session.study.set_user_attr(REFIT_SECONDS, budget.refit_seconds)
    session.preflight.learn(proposal.recipe, seconds)
    epochs = session.file.epochs
    pace, own_pace = pace_of(session, epochs, usual), pace_of(session, proposal.recipe.training.epochs, seconds)
    each = usual if proposal.start is None else max(usual, seconds * own_pace / pace)
    length = first_length(budget.search_seconds, budget.workers, each, epochs, work.examples)
    session.study.set_user_attr(FIRST_LOOK, min(length / pace, float(epochs)))


def pace_of(session: Session, epochs: int, epoch_seconds: float) -> float:
    """The length of a refit relative to the study's epochs, of a recipe of so many epochs. Looks of one rung have lengths in
    proportion to it: where the time decides how long refits are, they cost the same."""
    seconds = private.user_attributes(session.study).get(REFIT_SECONDS, math.inf)
    return refit_length(seconds, epochs, epoch_seconds, _folds(session)) / session.file.epochs


def _folds(session: Session) -> int:
    return max(fold_count(recipe.protocol) for _, recipe in session.file.corners)


def usual_epoch(session: Session, budget: Minutes, factor: float) -> float:
    """The seconds of an epoch in one fold, `factor` times the initial estimates, as a mean over the corners of the space. Those that are
    too slow for a refit of a few epochs count as just fast enough."""
    works = [session.preflight.fitting_work(recipe) for _, recipe in session.file.corners]
    slowest = budget.refit_seconds / min(FEWEST_EPOCHS, session.file.epochs)
    return fmean([min(slowest, factor * each.epoch_seconds_at_first) for each in works if each])


def first_look(session: Session, proposal: Proposal, ladder: Ladder) -> Proposal:
    """The proposal as a look of the first rung."""
    assert proposal.recipe is not None
    pace = pace_of(session, proposal.recipe.training.epochs, session.preflight.epoch_seconds(proposal.recipe))
    look = ladder.look(proposal.recipe, pace, ladder.rungs[0])
    return replace(proposal, recipe=look, asked=proposal.recipe.key)


def longer_look(session: Session, training: StoredTraining, ladder: Ladder) -> Recipe:
    """The recipe of the next look at a paused training's recipe."""
    rung, record = ladder.after(training.rung), trial_record(training)
    assert rung is not None
    assert record.recipe is not None
    epochs, seconds = whole_epochs(session.file, record.params), epoch_seconds(session, record)
    pace = pace_of(session, epochs, seconds)
    return ladder.look(record.recipe, pace, rung)


def what_it_shows(session: Session, recipe: Recipe, result: Result, rung: Rung) -> Look:
    """What a finished look of a rung has shown. Its error in log loss is that after calibration; of classes none is below that of half an
    example, since its logarithm counts."""
    value, name = session.objectives[0].of_result(result), session.file.objectives[0].removeprefix("validation_")
    figures = result.validation.figures if result.validation else {}
    compared = figures.get(CALIBRATED, value) if name == "log_loss" else value
    examples = validated_examples(session, recipe)
    is_share = name not in METRICS and METRICS[name].direction is Direction.MAXIMIZE
    least = 0.5 / examples if is_share or "classification" in METRICS[name].tasks else 0.0
    training = recipe.training
    pace, seconds = training.length(training.epochs) / rung.length, round(result.seconds, 2)
    error, uncertainty = max(shortfall(name, compared), least), standard_error(name, compared, examples)
    return Look(rung.length, len(result.folds), value, error, uncertainty, seconds, pace)


def situation(
    session: Session, ladder: Ladder, trainings: Sequence[StoredTraining], budget: Minutes, clock: Clock
) -> Situation:
    """What the decision on the next look depends on."""
    states = ("complete", "paused", "running", "interrupted")
    record = session.record
    looks = {each.first: each.looks for each in record.trials}
    rivals = [
        _contender(session, training, looks.get(training.first, ()), ladder)
        for training in trainings
        if training.state in states
    ]
    known = sorted((each.price for each in rivals if each.looks), key=lambda price: price.epoch_seconds * price.pace)
    refit_seconds = next((each.refit_seconds for each in ranked_trials(session, record.ranking)), math.inf)
    return Situation(
        contenders=rivals,
        ladder=ladder,
        seconds=clock.seconds_left,
        workers=budget.workers,
        usual=known[len(known) // 2] if known else Price(0.0),
        most_for_refits=budget.most_for_refits(refit_seconds),
        refit_seconds=budget.for_refits(refit_seconds),
        seconds_for_looks=clock.seconds_for_looks,
        mutations=session.file.search.near,
    )


def _contender(session: Session, training: StoredTraining, looks: tuple[Look, ...], ladder: Ladder) -> Contender:
    record = trial_record(training)
    seconds = epoch_seconds(session, record) if looks and record.recipe and record.result else 0.0
    overfits = len(until_best(looks)) < len(looks)
    is_open = training.state == "paused" and ladder.after(training.rung) is not None and not overfits
    price = Price(seconds, looks[-1].pace if looks else 1.0)
    begun = training.rung + (training.state in ("running", "interrupted"))
    is_start = training.start is not None
    return Contender(training.first, looks, training.rung, begun, price, kind_of(record), is_open, is_start)


def seconds_of_first_look(session: Session, recipe: Recipe) -> float:
    """The estimated seconds of a first look at a recipe."""
    seconds = session.preflight.epoch_seconds(recipe)
    length = first_look_length(session) * pace_of(session, recipe.training.epochs, seconds)
    epochs = max(1, math.ceil(length))
    return LOOK_SECONDS + epochs * session.preflight.relative_seconds(recipe, length / epochs) * seconds


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
    that slow recipes get no more of the time than fast ones; one whose refit has time for a share of `FEWEST_EPOCHS` epochs, with the
    square of that share. The recipe's key decides, so that its answer is always the same."""
    seconds, most = seconds_of_first_look(session, recipe), LARGEST_SHARE * budget.search_seconds
    fair = max(budget.search_seconds / FEWEST_LOOKS, (1 + SHORTEST) * LOOK_SECONDS)
    epochs, folds = recipe.training.epochs, fold_count(recipe.protocol)
    length = refit_length(budget.refit_seconds, epochs, session.preflight.epoch_seconds(recipe), folds)
    chance = min(1.0, fair / seconds) * min(1.0, length / min(FEWEST_EPOCHS, epochs)) ** 2
    return chance == 1 or (seconds <= most and Random(recipe.key).random() < chance)


def first_look_length(session: Session) -> float:
    """The length of first looks in epochs; 0 before it is known."""
    return float(private.user_attributes(session.study).get(FIRST_LOOK, 0.0))
