"""Runs of experiments, and how they are stored: as trials of an Optuna study of their document, and in one file, which is kept
with the project: each training once, the recipes that they share, and the runs of each experiment under each reading."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import TrialState, create_trial

from tuner.base.errors import TunerError
from tuner.base.writing import write_text
from tuner.data.catalogue import CATALOGUE
from tuner.documents.document import Document, Variant
from tuner.documents.figures import CURVE_FIGURE, GAPS, STATISTICS, deviation
from tuner.networks import Layer, layer_table
from tuner.recipe import Recipe
from tuner.worker.replication import Replicated

TRAINING_FIELDS = ("key", "ended", "seconds", "figures", "every", "curve", "confusion", "regions")


@dataclass(frozen=True)
class Run:
    """A run of `experiment` under `reading` (empty: the first ones), the `repeat`th. A `curve` has a value for each `every`
    epochs (of the first fold), or for each member of an ensemble; `confusion` rows are true classes; `regions` are the outputs
    all over the plane, for points in it; `environment` is the machine and the versions."""

    experiment: str
    reading: str
    repeat: int
    key: str
    recipe: Mapping[str, Any]
    figures: Mapping[str, float]
    curve: Mapping[str, Sequence[float]]
    confusion: Sequence[Sequence[int]]
    ended: str
    seconds: float
    environment: Mapping[str, str]
    every: int = 1
    regions: Sequence[str] = field(default_factory=list)

    def figure(self, name: str) -> float | None:
        """A figure of the run, or one of `GAPS` or `STATISTICS`; None where it has none."""
        if name in self.figures:
            return self.figures[name]
        if name in GAPS:
            high, low = (self.figures.get(each) for each in GAPS[name])
            return high - low if high is not None and low is not None else None
        parts = CURVE_FIGURE.fullmatch(name)
        if parts is None:
            return None
        statistic, epochs, of = parts.groups()
        curve = self.curve.get(of, ())[: int(epochs) // self.every if epochs else None]
        return STATISTICS[statistic](curve) if len(curve) >= (1 if statistic in ("mean", "highest") else 2) else None

    @property
    def dataset(self) -> str:
        """The name of its data set."""
        return str(self.recipe["data"]["name"])

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of its network."""
        recipe = Recipe.from_dict(self.recipe)
        entry = CATALOGUE[recipe.data.name]
        return layer_table(recipe.network, entry.shape, len(entry.classes))

    @property
    def names(self) -> tuple[str, str, int]:
        """Experiment, reading and repeat."""
        return self.experiment, self.reading, self.repeat

    def to_dict(self) -> dict[str, Any]:
        """Plain data; numbers that JSON lacks become the texts `nan` and `inf`."""
        return dict(json.loads(json.dumps(asdict(self)), parse_constant=lambda name: str(float(name))))

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> "Run":
        """What `to_dict` wrote."""
        figures = {name: float(value) for name, value in plain["figures"].items()}
        curve = {name: [float(value) for value in values] for name, values in plain["curve"].items()}
        return Run(**{**plain, "figures": figures, "curve": curve})


def values_of(figure: str, runs: Sequence[Run]) -> list[float]:
    """A figure of the runs that have it; the parameters of each layer, which are the same in all of them."""
    if figure == "layer_parameters":
        return [float(layer.parameters) for layer in runs[0].layers if layer.parameters] if runs else []
    return [value for run in runs if (value := run.figure(figure)) is not None]


def run_of(variant: Variant, answer: Replicated, environment: Mapping[str, str]) -> Run:
    """The run that training gives. Figures over folds are means; `fold_spread` is the deviation of their test accuracies."""
    folds = [fold.epochs for fold in answer.result.folds]
    every = -(-len(folds[0]) // 100)  # a longer curve is stored for every second, third, ... epoch
    training = [[epoch.training for epoch in epochs] for epochs in folds]
    validated = [[epoch.validation for epoch in epochs if epoch.validation] for epochs in folds]
    last = [each[-1] for each in training], answer.test, [each[-1] for each in validated if each]
    figures, curve = {"parameters": float(answer.result.parameters)}, dict[str, Sequence[float]]()
    for part, by_fold in zip(("training", "test", "validation"), last, strict=True):
        for metric in ("loss", "accuracy") if by_fold else ():
            figures[f"{part}_{metric}"] = fmean([each.value(metric) for each in by_fold])
    for part, epochs in (("training", training[0]), ("validation", validated[0])):
        for metric in ("loss", "accuracy") if epochs else ():
            curve[f"{part}_{metric}"] = [round(each.value(metric), 5) for each in epochs[every - 1 :: every]]
    if validated[0]:
        figures["highest_validation_accuracy"] = fmean([max(each.accuracy for each in scores) for scores in validated])
    if answer.attacked_accuracy is not None:
        figures["attacked_accuracy"] = answer.attacked_accuracy
    if len(folds) > 1:
        curve["fold_test_accuracy"] = [scores.accuracy for scores in answer.test]
        curve["fold_validation_accuracy"] = [scores[-1].accuracy for scores in validated if scores]
        figures["fold_spread"] = deviation(curve["fold_test_accuracy"])
    if answer.single:
        figures["single_accuracy"] = fmean(answer.single)
        figures["ensemble_accuracy"] = answer.ensemble[-1]
        figures["members_left_out"] = float(len(answer.left_out))
        curve |= {"single_accuracy": list(answer.single), "ensemble_accuracy": list(answer.ensemble)}
    recipe, ended, seconds = variant.recipe.to_dict(), answer.result.ended, answer.result.seconds
    confusion, regions = [list(row) for row in answer.confusion], list(answer.regions)
    return Run(
        *variant.names, variant.key, recipe, figures, curve, confusion, ended, seconds, environment, every, regions
    )


def open_baseline(storage: BaseStorage, document: Document) -> optuna.Study:
    """The document's study in the storage, created if it is new."""
    name = f"document: {document.name}"
    study = optuna.create_study(study_name=name, storage=storage, direction="maximize", load_if_exists=True)
    study.set_user_attr("title", document.title)
    return study


def stored_runs(study: optuna.Study) -> Iterator[Run]:
    """All runs of the document's study."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        yield Run.from_dict(trial.user_attrs["run"])


def store_run(study: optuna.Study, run: Run) -> None:
    """Add a run to its document's study as a trial, with attributes for the dashboard's table."""
    curve = run.curve.get("validation_accuracy") or run.curve["training_accuracy"]
    plain = run.to_dict()
    figures = {name: value if isinstance(value, str) else round(value, 5) for name, value in plain["figures"].items()}
    columns = {"experiment": run.experiment, "reading": run.reading or "first", "repeat": run.repeat}
    attributes = {**columns, "seconds": round(run.seconds, 1), **figures, "run": plain}
    values = {run.every * number: value for number, value in enumerate(curve, start=1)}
    study.add_trial(create_trial(value=run.figures["test_accuracy"], user_attrs=attributes, intermediate_values=values))


def is_of(document: Document, run: Run) -> bool:
    """Whether the document as it is now asks for a run: its experiment and reading exist and give exactly its recipe."""
    if run.experiment not in document.by_id:
        return False
    variant = document.variant(document.by_id[run.experiment], document.choice(run.reading), run.repeat)
    return variant.key == run.key and variant.reading == run.reading


def write_results(path: Path, document: Document, runs: Iterable[Run]) -> None:
    """Write all runs of a document, atomically."""
    environments, recipes = list[Any](), list[Any]()
    trainings, variants = dict[str, dict[str, Any]](), dict[tuple[str, str], dict[str, str]]()
    for run in sorted(runs, key=lambda run: run.names):
        plain = run.to_dict()
        seed = plain["recipe"].pop("seed")
        numbers = {"recipe": _number(recipes, plain["recipe"]), "environment": _number(environments, run.environment)}
        trainings[run.key] = {**{name: plain[name] for name in TRAINING_FIELDS}, "seed": seed, **numbers}
        variants.setdefault((run.experiment, run.reading), {})[str(run.repeat)] = run.key
    seconds = round(sum(each["seconds"] for each in trainings.values()), 1)
    head = {"title": document.title, "seconds": seconds, "environments": environments}
    lists = {
        "recipes": recipes,
        "runs": [{"experiment": name, "reading": reading, "of": of} for (name, reading), of in variants.items()],
        "trainings": [trainings[key] for key in sorted(trainings)],
    }
    write_text(path, _lines(head, lists))


def read_results(path: Path) -> list[Run]:
    """The runs that `write_results` wrote; none where there is no file. Raises `TunerError` for another file."""
    if not path.exists():
        return []
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        trainings = {
            each["key"]: {
                **{name: each[name] for name in TRAINING_FIELDS},
                "recipe": {**plain["recipes"][each["recipe"]], "seed": each["seed"]},
                "environment": plain["environments"][each["environment"]],
            }
            for each in plain["trainings"]
        }
        return [
            Run.from_dict({**trainings[key], **variant, "repeat": int(repeat)})
            for variant in plain["runs"]
            for repeat, key in variant.pop("of").items()
        ]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        problem = f"{path} does not hold a document's results ({error!r}); move it away, or give another --results"
        raise TunerError(problem) from None


def _number(values: list[Any], value: Mapping[str, Any]) -> int:
    """The place of a value in the list, to which a new one is appended."""
    if value not in values:
        values.append(value)
    return values.index(value)


def _lines(head: Mapping[str, Any], lists: Mapping[str, Sequence[Any]]) -> str:
    """JSON with an entry on each line, so that version control shows what changed."""
    blocks = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    for name, entries in lists.items():
        lines = ",\n".join(f"  {json.dumps(entry, separators=(',', ':'))}" for entry in entries)
        blocks.append(f" {json.dumps(name)}: [\n{lines}\n ]")
    return "{\n" + ",\n".join(blocks) + "\n}\n"
