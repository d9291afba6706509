"""A trial: one set of values, as the tuner has it and as Optuna's storage has it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.trial import FixedTrial, FrozenTrial, TrialState

from tuner.keras_tuner.hyperparameters import HyperParameters

VALUES = "keras_tuner:hyperparameters"
"""The attribute of a stored trial that has its space, its values and its results."""


class TrialStatus:
    """The values of a trial's `status`."""

    RUNNING, COMPLETED, FAILED = "RUNNING", "COMPLETED", "FAILED"
    INVALID, IDLE, STOPPED = "INVALID", "IDLE", "STOPPED"


@dataclass
class Trial:
    """One set of values. `status`: RUNNING, COMPLETED, FAILED, INVALID (it runs again); of what is no trial IDLE (wait) or STOPPED.
    `metrics` are those of the best epoch, `best_step` from 0; `asked` are the names that its run asked for. `is_pruned`: it was stopped."""

    trial_id: str
    hyperparameters: HyperParameters
    status: str = "RUNNING"
    score: float | None = None
    best_step: int = 0
    message: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    asked: tuple[str, ...] | None = None
    is_pruned: bool = False

    def is_like(self, values: Mapping[str, Any]) -> bool:
        """Whether a trial with these values would do the same again."""
        own = self.hyperparameters.values
        names = [name for name in own if not name.startswith("tuner/") and (self.asked is None or name in self.asked)]
        return all(values.get(name, own[name]) == own[name] for name in names)

    def to_json(self) -> str:
        """All of it but its id and its status."""
        others = {name: getattr(self, name) for name in ("score", "best_step", "message", "metrics", "asked")}
        plain = {"hyperparameters": self.hyperparameters.get_config(), **others}
        return json.dumps(plain, default=lambda value: value.item())  # of NumPy's numbers

    def summary(self) -> None:
        """Print it."""
        values = [f"{name}: {value}" for name, value in self.hyperparameters.values.items()] or [
            "default configuration"
        ]
        score = [] if self.score is None else [f"Score: {self.score}"]
        print("\n".join([f"Trial {self.trial_id} summary", "Hyperparameters:", *values, *score, self.message or ""]))


def id_of(run: FrozenTrial) -> str:
    """A trial's id: the number of its first run."""
    return str(run.user_attrs.get("again", f"{run.number:04d}"))


def stored_trial(run: FrozenTrial) -> Trial:
    """The trial of a run."""
    plain = json.loads(run.system_attrs[VALUES])
    hyperparameters = HyperParameters.from_config(plain.pop("hyperparameters"))
    status = "RUNNING" if run.state is TrialState.RUNNING else "INVALID"
    return Trial(id_of(run), hyperparameters, run.user_attrs.get("status", status), **plain)


def suggested(hyperparameters: HyperParameters) -> FixedTrial:
    """What stands for the values of a trial in Optuna. A value that the space does not have is left out."""
    values = hyperparameters.values
    active = [each for each in hyperparameters.space if each.name in values and hyperparameters.is_active(each)]
    allowed = [each for each in active if each.allows(values[each.name])]
    trial = FixedTrial({each.label: each.value_of(values[each.name]) for each in allowed})
    for each in allowed:
        each.hole.suggest(trial, each.label)
    return trial
