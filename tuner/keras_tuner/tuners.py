"""The tuners: KerasTuner's interface to a search whose trials run in training processes, one for each core."""

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tuner.keras_tuner.oracles as oracles
from tuner.keras_tuner.hypermodel import HyperModel, hypermodel_of
from tuner.keras_tuner.hyperparameters import HyperParameters
from tuner.keras_tuner.oracle import Oracle
from tuner.keras_tuner.search import Trials
from tuner.keras_tuner.trial import Trial

ABSENT = (
    "on_search_begin on_search_end on_trial_begin on_trial_end on_epoch_begin on_epoch_end on_batch_begin on_batch_end "
    "pre_create_trial"
)
"""Methods of KerasTuner's that a subclass may override there, and that nothing calls here."""

CURES = {
    **dict.fromkeys(ABSENT.split(), "put it into `HyperModel.fit`, `run_trial` or a Keras callback"),
    **dict.fromkeys(
        ("save_model", "save_weights"), "give `fit` the `callbacks` that it gets: they save the best weights"
    ),
    **dict.fromkeys(("get_state", "set_state"), "a project with the same `directory` goes on by itself"),
    "distribution_strategy": "each trial has a process and its cores; for several devices set one in `HyperModel.build`",
    "logger": "give `search` a Keras callback, or read the project with Optuna's dashboard",
    **dict.fromkeys(
        ("applications", "HyperEfficientNet", "HyperImageAugment", "HyperResNet", "HyperXception"),
        "write the network as a function, or wrap one of keras.applications in it",
    ),
    **dict.fromkeys(("Linear", "Range"), "ask `hp.Float` and `hp.Int` of the argument of the function"),
    "SklearnTuner": "override `run_trial` of a tuner and return the score",
}
"""What to do without a method, an argument, a class or a module of KerasTuner's."""


def __getattr__(name: str) -> Any:
    """Raises `ImportError`, whose text `from ... import` shows, for what has a cure."""
    if name in CURES:
        raise ImportError(f"tuner.keras_tuner has no {name}: {CURES[name]}")
    raise AttributeError(f"tuner.keras_tuner has no {name}")


class Tuner:
    """A search. Of KerasTuner's arguments it has no `distribution_strategy`. Its own are `workers`, the number of training processes
    ("auto": one for each core; 0: trials run in this process), and `pruner`: "median" stops trainings that are worse than the median
    of the others at the same epoch, None stops none."""

    def __init__(
        self,
        oracle: Oracle,
        hypermodel: Any = None,
        max_model_size: int | None = None,
        optimizer: Any = None,
        loss: Any = None,
        metrics: Any = None,
        directory: Any = None,
        project_name: str | None = None,
        tuner_id: str | None = None,
        overwrite: bool = False,
        executions_per_trial: int = 1,
        workers: int | str = "auto",
        pruner: str | None = "median",
        **unknown: Any,
    ) -> None:
        if not isinstance(oracle, Oracle):
            raise ValueError(f"Expected `oracle` argument to be an instance of `Oracle`, got {oracle!r}")
        if names := [name for name, value in unknown.items() if name not in CURES or value is not None]:
            cure = "; ".join(CURES[name] for name in names if name in CURES)
            raise ValueError(f"Unrecognized arguments {names} for {type(self).__name__}{cure and f': {cure}'}")
        if names := [name for name in ABSENT.split() if hasattr(type(self), name)]:
            raise ValueError(
                f"{type(self).__name__} overrides {', '.join(names)}, which nothing calls here: {CURES[names[0]]}"
            )
        if hypermodel is None and type(self).run_trial is Tuner.run_trial:
            raise ValueError(
                "Received `hypermodel=None`: pass one, or override `run_trial` in a subclass of this tuner"
            )
        self.oracle, self.hypermodel, self.model = oracle, hypermodel_of(hypermodel), None
        self.max_model_size, self.optimizer, self.loss, self.metrics = max_model_size, optimizer, loss, metrics
        self.directory, self.project_name, self.tuner_id = (
            directory or ".",
            project_name or "untitled_project",
            tuner_id,
        )
        self.executions_per_trial, self.workers, self.pruner = executions_per_trial, workers, pruner
        self.watch: Callable[..., bool] = _go_on
        is_old = oracle.open_project(Path(self.directory), self.project_name, overwrite=overwrite)
        if self.hypermodel:
            self._explore(self.hypermodel)
        if "KERASTUNER_TUNER_ID" in os.environ:
            print("KERASTUNER_TUNER_ID: no chief is needed, each process that runs this script takes trials")
        if is_old:
            print(f"Reloading {self.project_dir}, which has {len(oracle.trials)} trials")

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "model": None, "watch": _go_on}

    def __getattr__(self, name: str) -> Any:
        cure = f": {CURES[name]}" if name in CURES else ""
        raise AttributeError(f"{type(self).__name__} of tuner.keras_tuner has no {name}{cure}")

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Run trials until there are `max_trials`, or none that is new. The arguments are those of `fit`, or of your `run_trial`."""
        if (
            type(self).run_trial is Tuner.run_trial
            and isinstance(self.hypermodel, HyperModel)
            and type(self.hypermodel).fit is HyperModel.fit
        ):
            from tuner.keras_tuner.training import complaint

            if problem := complaint(self, self.model, fit_kwargs):
                raise ValueError(problem)
        Trials(self, fit_args, fit_kwargs).run()

    def run_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> Any:
        """Train the models of a trial; what `fit` returned for each. Override it to tune anything else: it runs in a training process,
        and returns the objective, metrics by name, or a list of such."""
        from tuner.keras_tuner.training import trained

        values = trial.hyperparameters.values
        own = {name: values[f"tuner/{name}"] for name in ("epochs", "initial_epoch") if f"tuner/{name}" in values}
        return trained(self, trial, args, {**kwargs, **own})

    def get_best_models(self, num_models: int = 1) -> list[Any]:
        """The Keras models of the best trials with the weights of their best epochs."""
        return [self.load_model(each) for each in self.oracle.get_best_trials(num_models)]

    def load_model(self, trial: Trial) -> Any:
        """The model of a trial with the weights of its best epoch."""
        from tuner.keras_tuner.training import built, with_weights

        return with_weights(built(self, trial.hyperparameters), self.checkpoint(trial.trial_id))

    def get_best_hyperparameters(self, num_trials: int = 1) -> list[HyperParameters]:
        """The values of the best trials."""
        return [each.hyperparameters for each in self.oracle.get_best_trials(num_trials)]

    def search_space_summary(self, extended: bool = False) -> None:
        """Print the search space."""
        space = self.oracle.get_space().space
        print(f"Search space summary\nDefault search space size: {len(space)}")
        for each in space:
            print(f"{each.name} ({each.kind})\n{ ({k: v for k, v in each.get_config().items() if k != 'name'}) }")

    def results_summary(self, num_trials: int = 10) -> None:
        """Print the best trials."""
        print(
            f"Results summary\nResults in {self.project_dir}\nShowing {num_trials} best trials\n{self.oracle.objective}\n"
        )
        for each in self.oracle.get_best_trials(num_trials):
            each.summary()

    def reload(self) -> None:
        """Do nothing: each trial is stored when it ends, and a tuner begins with those that are stored."""

    save = reload

    @property
    def remaining_trials(self) -> int | None:
        """How many more trials may begin; None without a limit."""
        return self.oracle.remaining_trials()

    @property
    def project_dir(self) -> str:
        """The project's folder: weights, and what its training processes print."""
        return str(Path(self.directory) / self.project_name)

    def get_trial_dir(self, trial_id: str) -> str:
        """The folder of a trial."""
        self.checkpoint(trial_id).parent.mkdir(parents=True, exist_ok=True)
        return str(self.checkpoint(trial_id).parent)

    def checkpoint(self, trial_id: str) -> Path:
        """The file of a trial's weights."""
        return Path(self.project_dir) / f"trial_{trial_id}" / "checkpoint.weights.h5"

    def _explore(self, hypermodel: HyperModel) -> None:
        """Build models until each conditional scope was active once, so that its parameters are known."""
        hp, met = self.oracle.get_space(), set()
        hypermodel.declare_hyperparameters(hp)
        self.oracle.update_space(hp)
        waiting = [self.oracle.get_space().values]
        while waiting:
            hp = self.oracle.get_space()
            hp.values = waiting.pop()
            hp.ensure_active_values()
            self.model = hypermodel.build(hp)
            self.oracle.update_space(hp)
            for conditions in (each for each in hp.inactive if each not in met):
                met.add(conditions)
                waiting.append({**hp.values, **{each.name: each.values[0] for each in conditions}})


class RandomSearch(Tuner):
    """Random values."""

    def __init__(self, hypermodel: Any = None, objective: Any = None, *arguments: Any, **options: Any) -> None:
        _make(self, oracles.RandomSearch, hypermodel, objective, arguments, options)


class BayesianOptimization(Tuner):
    """Values that Parzen estimators of the earlier trials propose."""

    def __init__(self, hypermodel: Any = None, objective: Any = None, *arguments: Any, **options: Any) -> None:
        _make(self, oracles.BayesianOptimization, hypermodel, objective, arguments, options)


class GridSearch(Tuner):
    """Every combination of values."""

    def __init__(self, hypermodel: Any = None, objective: Any = None, *arguments: Any, **options: Any) -> None:
        _make(self, oracles.GridSearch, hypermodel, objective, arguments, options)


class Hyperband(Tuner):
    """Many short trainings, of which the best go on."""

    def __init__(self, hypermodel: Any = None, objective: Any = None, *arguments: Any, **options: Any) -> None:
        _make(self, oracles.Hyperband, hypermodel, objective, arguments, {"pruner": None, **options})


def _make(tuner: Tuner, kind: type[Oracle], hypermodel: Any, objective: Any, arguments: Any, options: Any) -> None:
    """Give the tuner an oracle of this kind; each of both gets the options that it knows."""
    names = {name for each in (Oracle, kind) for name in inspect.signature(each).parameters} & options.keys()
    oracle = kind(objective, *arguments, **{name: options.pop(name) for name in names})
    Tuner.__init__(tuner, oracle, hypermodel, **options)


def _go_on(execution: int, epoch: int, logs: object) -> bool:
    """The watch of a training that nobody follows."""
    return True
