"""What only the whole study file can tell: whether every corner of its space can be searched as it says."""

from collections.abc import Mapping
from typing import Any

from tuner.base.decode import encode
from tuner.base.errors import Invalid, near_miss
from tuner.base.metrics import metrics_for
from tuner.recipe import Data, Recipe, fold_count, validated_part
from tuner.result import OBJECTIVES
from tuner.space import Assignment, Choice, Range, allowed_text, fill, scripted_trial
from tuner.study.file import StudyFile
from tuner.study.fit import check_protocol
from tuner.study.pruners import Asha, NoPruner, check_pruner
from tuner.study.samplers import check_sampler
from tuner.study.settings import NO_LIMIT


def check(study: StudyFile) -> None:
    """Raise `Invalid` with its address where the study could not be searched. Decodes every corner."""
    recipes = [recipe for _, recipe in study.corners]
    for recipe in recipes:
        if validated_part(recipe.protocol) == "test":
            raise Invalid("recipe.protocol", "validates on the test part, which no search may see")
        _check_objectives(study.objectives, recipe)
        check_protocol(recipe)
    if study.start:
        _check_starts(study)
    losses = sorted({recipe.training.loss.kind for recipe in recipes})
    if "validation_loss" in study.objectives and len(losses) > 1:
        problem = f"validation_loss cannot be compared between the losses {', '.join(losses)}; use validation_accuracy"
        raise Invalid("objective", problem)
    if not isinstance(study.search.pruner, NoPruner) and len(study.objectives) > 1:
        raise Invalid("search.pruner", "must be 'none' with several objectives: Optuna prunes by a single figure only")
    if study.fits_epochs:
        _check_fitted(study)
    check_sampler(study.search.sampler, study.space)
    folds = {fold_count(recipe.protocol) for recipe in recipes}
    check_pruner(study.search.pruner, study.objectives[0], study.epochs, min(folds), study.budget.trials or NO_LIMIT)
    if study.unbuildable and study.unbuildable.share == 1:
        raise study.unbuildable.example


def _check_fitted(study: StudyFile) -> None:
    """Trials of different lengths can be compared at shares of their length only."""
    if not isinstance(study.search.pruner, NoPruner | Asha):
        problem = f"must be 'asha' or 'none' where trials differ in length, got {study.search.pruner.kind!r}"
        raise Invalid("search.pruner", f"{problem}; or say budget.epochs = 'fixed'")
    if len(study.objectives) > 1 or not OBJECTIVES[study.objectives[0]].validated:
        problem = f"must be one figure of the validation part, got {', '.join(study.objectives)}"
        raise Invalid("objective", f"{problem}: with budget.epochs 'fit' the time is the same for all")


def _check_starts(study: StudyFile) -> None:
    """A start names holes as Optuna does (`network.dense.widths[0]`), as many as it likes, with values that they take."""
    known = _holes(study)
    for index, assignment in enumerate(study.start):
        for address, value in assignment.items():
            place = f"start[{index}].{address}"
            if address not in known:
                raise Invalid(place, f"no hole of the recipe has this address; {near_miss(address, known)}")
            if not known[address].allows(value):
                raise Invalid(place, f"must be {allowed_text(known[address], instead_of=value)}, got {value!r}")


def fitting_starts(study: StudyFile) -> tuple[Assignment, ...]:
    """The study's starts for a space that settings have made smaller: without those of a branch that is gone, and without
    the values of what is no hole any more."""
    known = _holes(study)
    _, recipe = study.corners[0]
    kept = []
    for start in study.start:
        gone = [address for address in start if address.endswith("kind") and address not in known]
        if any(_at(encode(recipe), address) != start[address] for address in gone):
            continue
        kept.append({name: value for name, value in start.items() if name in known and known[name].allows(value)})
    return tuple(kept)


def _holes(study: StudyFile) -> dict[str, Choice | Range]:
    """All holes by address."""
    known: dict[str, Choice | Range] = {}
    for given, _ in study.corners:
        trial = scripted_trial(given)
        fill(study.space, trial)
        known.update(trial.holes)
    return known


def _at(plain: Any, address: str) -> Any:
    for step in address.split("."):
        plain = plain.get(step) if isinstance(plain, Mapping) else None
    return plain


def _check_objectives(objectives: tuple[str, ...], recipe: Recipe) -> None:
    for name in objectives:
        if OBJECTIVES[name].validated and validated_part(recipe.protocol) == "none":
            raise Invalid("objective", f"{name} needs a validation part, which protocol.kind 'none' does not have")
        known = figures_after_an_epoch(recipe)
        if OBJECTIVES[name].validated and name not in known:
            raise Invalid("objective", f"must be one of {', '.join(known)} for {recipe.data.name}, got {name!r}")


def figures_after_an_epoch(recipe: Recipe) -> tuple[str, ...]:
    """The validation figures that an epoch has: on data of the catalogue accuracy and loss, on own data all of the task's."""
    names = ("accuracy",) if isinstance(recipe.data, Data) else tuple(metrics_for(recipe.data.task))
    return tuple(f"validation_{name}" for name in (*names, "loss"))
