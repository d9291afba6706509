"""Checks of a whole study file: whether every corner of its space can be searched as the file says."""

from tuner.base.errors import Invalid, near_miss, require
from tuner.base.metrics import metrics_for
from tuner.data.splits import require_sizes
from tuner.networks import Function
from tuner.recipe import Data, Recipe, describe, fold_count, validated_part
from tuner.result import OBJECTIVES
from tuner.space import Assignment, value_at
from tuner.study.file import StudyFile
from tuner.study.pruners import Asha, NoPruner, check_pruner
from tuner.study.samplers import check_sampler
from tuner.study.settings import NO_LIMIT


def check(study: StudyFile) -> None:
    """Raise `Invalid` with its address where the study cannot be searched. Decodes every corner."""
    recipes = [recipe for _, recipe in study.corners]
    for recipe in recipes:
        _check_protocol(recipe)
        _check_objectives(study.objectives, recipe)
    _check_starts(study)
    losses = sorted({recipe.training.loss.kind for recipe in recipes})
    if "validation_loss" in study.objectives and len(losses) > 1:
        problem = f"validation_loss cannot be compared between the losses {', '.join(losses)}; use validation_accuracy"
        raise Invalid("objective", problem)
    pruner = study.search.pruner
    if not isinstance(pruner, NoPruner) and len(study.objectives) > 1:
        raise Invalid("search.pruner", "must be 'none' with several objectives: Optuna prunes by a single metric only")
    if study.fits_epochs:
        _check_fitted(study)
    check_sampler(study.search.sampler, study.space)
    folds = min(fold_count(recipe.protocol) for recipe in recipes)
    check_pruner(pruner, study.objectives[0], study.epochs, folds, study.budget.trials or NO_LIMIT)
    if study.unbuildable and study.unbuildable.share == 1:
        raise study.unbuildable.example


def _check_protocol(recipe: Recipe) -> None:
    if validated_part(recipe.protocol) == "test":
        raise Invalid("recipe.protocol", "validates on the test part, which no search may use")
    data = describe(recipe.data)
    classes = len(data.classes) if data.task == "classification" else 1
    try:
        require_sizes(recipe.protocol, data.training_examples, classes, data.rarest)
    except Invalid as complaint:
        raise complaint.inside("recipe") from None


def _check_objectives(objectives: tuple[str, ...], recipe: Recipe) -> None:
    """Each epoch has the accuracy and the loss for data of the catalogue, all metrics of the task for own data and for functions, and
    those that a function's model was compiled with."""
    own = recipe.network.info.metrics if isinstance(recipe.network, Function) else None
    names = ("accuracy",) if isinstance(recipe.data, Data) and own is None else tuple(metrics_for(recipe.data.task))
    known = [f"validation_{name}" for name in dict.fromkeys((*names, *(own or ()), "loss"))]
    for objective in objectives:
        if not OBJECTIVES[objective].validated:
            continue
        if validated_part(recipe.protocol) == "none":
            raise Invalid("objective", f"{objective} needs a validation part, which protocol.kind 'none' does not have")
        require(objective in known, "objective", f"be one of {', '.join(known)} for {recipe.data.name}", objective)


def _check_fitted(study: StudyFile) -> None:
    """Looks of growing length take the place of a pruner."""
    cure = "or set budget.epochs = 'fixed'"
    kind, names = study.search.pruner.kind, ", ".join(study.objectives)
    rule = "be 'asha' or 'none' where the minutes decide the length of trials"
    require(isinstance(study.search.pruner, NoPruner | Asha), "search.pruner", f"{rule}, {cure}", kind)
    if len(study.objectives) > 1 or not OBJECTIVES[study.objectives[0]].validated:
        problem = f"must be one metric of the validation part, got {names}: with budget.epochs 'fit' all trials take equal time"
        raise Invalid("objective", f"{problem}; {cure}")


def _check_starts(study: StudyFile) -> None:
    """A start names holes as Optuna does (`network.dense.widths[0]`): any number of them, with allowed values."""
    for index, assignment in enumerate(study.start):
        for address, value in assignment.items():
            place = f"start[{index}].{address}"
            if address not in study.holes:
                raise Invalid(place, f"no hole of the recipe has this address; {near_miss(address, study.holes)}")
            hole = study.holes[address]
            if not hole.allows(value):
                raise Invalid(place, f"must {hole.allowed_text(value)}, got {value!r}")


def fitting_starts(study: StudyFile) -> tuple[Assignment, ...]:
    """The starts for a space that settings have narrowed: without the starts of removed branches, and without values of
    addresses that are no longer holes."""
    known = study.holes
    recipe = study.corners[0][1].to_dict()
    remaining = []
    for start in study.start:
        fixed = [address for address in start if address.endswith("kind") and address not in known]
        if all(value_at(recipe, address) == start[address] for address in fixed):
            remaining.append({name: each for name, each in start.items() if name in known and known[name].allows(each)})
    return tuple(remaining)
