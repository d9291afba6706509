"""A Keras callback for plain Optuna scripts: a trial reports its training and is pruned, also over folds and by several metrics."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, Literal

import keras
import optuna
from optuna.pruners import WilcoxonPruner
from optuna.samplers import RandomSampler
from optuna.study import StudyDirection
from optuna.trial import BaseTrial, TrialState, create_trial

from tuner.base.errors import StudyError, near_miss

MARK = "completed_rung_"
"""What Optuna's successive halving and Hyperband store with a trial begins so."""
EMPTY: Mapping[str, Any] = {"curve": {}, "marks": {}}


class PruningCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports a metric to an Optuna trial after each epoch, and raises `optuna.TrialPruned` where the study's pruner stops the trial.

    With `folds` the same callback is passed to the `fit` of each fold. It reports the mean over the folds so far, at the steps fold ×
    epochs + epoch, from 1; to a `WilcoxonPruner` the value of each fold. With one fold, several calls of `fit` are one training. A
    trial is never pruned at its very last epoch, and always where a metric is not finite.

    For several objectives the curves are stored as user attributes of the trial, since Optuna's `report` takes one objective only; a
    trial is pruned where the pruner would stop it by each of its metrics alone.

    Args:
        trial: Optuna's trial.
        monitor: A metric in Keras's logs, or one for each objective of the study.
        folds: How often `fit` is called with this callback.
        keep: What counts of a fold: its last epoch, or the best one by the first metric.

    Raises:
        StudyError: For a metric that Keras does not log, another number of metrics than objectives, or more folds than `folds`.
    """

    def __init__(
        self, trial: BaseTrial, monitor: str | Sequence[str], *, folds: int = 1, keep: Literal["last", "best"] = "last"
    ) -> None:
        super().__init__()
        self.trial, self.folds, self.keep = trial, folds, keep
        self.monitors = (monitor,) if isinstance(monitor, str) else tuple(monitor)
        self.study: optuna.Study | None = getattr(trial, "study", None)  # a FixedTrial has none
        self.directions = self.study.directions if self.study else [StudyDirection.MINIMIZE] * len(self.monitors)
        self.compares_folds = folds > 1 and self.study is not None and isinstance(self.study.pruner, WilcoxonPruner)
        self.curves: list[list[tuple[float, ...]]] = []
        self.step = 0
        if len(self.monitors) != len(self.directions):
            names = ", ".join(self.monitors)
            raise StudyError(
                f"monitor: must name one metric for each of {len(self.directions)} objectives, got {names}"
            )

    @property
    def values(self) -> tuple[float, ...]:
        """The mean over the folds so far of each metric: what the objective returns for several."""
        return _means([self._kept(curve) for curve in self.curves if curve])

    @property
    def value(self) -> float:
        """The mean over the folds so far of the first metric: what the objective returns."""
        return self.values[0]

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Begin a fold."""
        if self.folds > 1 and len(self.curves) >= self.folds:
            raise StudyError(f"folds: must be the number of calls of fit, of which there are more than {self.folds}")
        if self.folds > 1 or not self.curves:
            self.curves.append([])

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Report the metrics, and stop the trial where the pruner says so."""
        values = self._read(logs or {})
        self.step = max(self.step, epoch) + 1  # further calls of `fit` go on counting
        if self.folds > 1:
            self.step = (len(self.curves) - 1) * int(self.params["epochs"]) + epoch + 1
        if values is None:
            return
        self.curves[-1].append(values)
        is_finite = all(map(math.isfinite, values))
        if self.compares_folds and is_finite:
            return
        means = _means([*map(self._kept, self.curves[:-1]), values])
        stops = self._report(len(self.curves) if self.compares_folds else self.step, means)
        is_last = len(self.curves) == self.folds and epoch + 1 >= self.params["epochs"]
        if not is_finite or (stops and not is_last):
            reason = "" if is_finite else f": {', '.join(self.monitors)} is not finite"
            raise optuna.TrialPruned(f"after epoch {epoch + 1} of fold {len(self.curves)}{reason}")

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """End a fold."""
        if not self.curves[-1]:
            raise StudyError(f"monitor: Keras logged no {' and no '.join(self.monitors)}: pass validation data to fit")
        fold = len(self.curves)
        if self.compares_folds and self._report(fold, self._kept(self.curves[-1])) and fold < self.folds:
            raise optuna.TrialPruned(f"after fold {fold}")

    def _read(self, logs: Mapping[str, Any]) -> tuple[float, ...] | None:
        """The metrics; None in an epoch without a validation (`validation_freq`)."""
        missing = [name for name in self.monitors if name not in logs]
        if not missing:
            return tuple(float(logs[name]) for name in self.monitors)
        if missing[0].startswith("val_") and not any(name.startswith("val_") for name in logs):
            return None
        raise StudyError(f"monitor: Keras logs no {missing[0]!r}; {near_miss(missing[0], logs)}")

    def _kept(self, curve: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
        if self.keep == "last":
            return curve[-1]
        best = max if self.directions[0] == StudyDirection.MAXIMIZE else min
        return best(curve, key=lambda values: values[0])

    def _report(self, step: int, values: Sequence[float]) -> bool:
        """Store the values of a step; whether the pruner would stop the trial."""
        if len(values) == 1:
            self.trial.report(values[0], step)
            return self.trial.should_prune()
        one = zip(self.monitors, values, self.directions, strict=True)
        return sum(self._report_one(step, *each) for each in one) == len(values)

    def _report_one(self, step: int, name: str, value: float, direction: StudyDirection) -> bool:
        """Store one of several metrics; whether the pruner would stop the trial by it alone."""
        mine = self.trial.user_attrs.get(name, EMPTY)
        mine = {**mine, "curve": {**mine["curve"], str(step): float(f"{value:.6g}")}}
        self.trial.set_user_attr(name, mine)
        if self.study is None:
            return False
        shadow = _study_by(name, direction, self.study)
        stops = shadow.pruner.prune(shadow, shadow.get_trials(deepcopy=False)[self.trial.number])
        marks = shadow.get_trials(deepcopy=False)[self.trial.number].system_attrs
        self.trial.set_user_attr(name, {**mine, "marks": {key: marks[key] for key in marks if key.startswith(MARK)}})
        return stops


def _means(values: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(fmean(each) for each in zip(*values, strict=True))


def _study_by(name: str, direction: StudyDirection, study: optuna.Study) -> optuna.Study:
    """The study's trials in memory with one of their metrics as the objective, for the pruner. It chooses by their numbers."""
    settings: dict[str, Any] = {"pruner": study.pruner, "sampler": RandomSampler(), "study_name": study.study_name}
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(verbosity, optuna.logging.WARNING))  # a line for each epoch says nothing
    shadow = optuna.create_study(direction=direction, **settings)
    optuna.logging.set_verbosity(verbosity)
    for trial in study.get_trials(deepcopy=False):
        stored = trial.user_attrs.get(name, EMPTY)
        curve = {int(step): value for step, value in stored["curve"].items()}
        state = trial.state if curve else TrialState.FAIL
        value = curve[max(curve)] if state == TrialState.COMPLETE else None
        attributes = {"intermediate_values": curve, "system_attrs": stored["marks"]}
        shadow.add_trial(create_trial(state=state, value=value, **attributes))
    return shadow
