"""The runs of a document's experiments under any choice of readings: equal recipes have the same runs, whatever experiment or
reading they were made for."""

from collections.abc import Sequence

from tuner.documents.document import Choice, Document, Variant
from tuner.documents.experiment import Experiment
from tuner.documents.runs import Run


class Reader:
    """Finds runs by their recipe; `trainings` has them by recipe and seed."""

    def __init__(self, document: Document, runs: Sequence[Run]) -> None:
        self.document = document
        self._names: dict[tuple[str, Choice], str] = {}
        self.trainings: dict[str, dict[int, Run]] = {}
        self._variants: dict[tuple[str, str], Variant] = {}
        self._found: dict[tuple[str, str], tuple[Run, ...]] = {}
        experiments = {each.id: each for each in document.experiment}
        choices = {name: document.choice(name) for name in {run.reading for run in runs}}
        for run in sorted(runs, key=lambda run: (run.repeat, -len(run.figures))):
            if run.experiment in experiments:
                key = self.training(experiments[run.experiment], choices[run.reading])
                self.trainings.setdefault(key, {}).setdefault(run.repeat, run)

    def reading(self, experiment: Experiment, choice: Choice) -> str:
        """The name of a choice for an experiment."""
        key = experiment.id, choice
        if key not in self._names:
            self._names[key] = self.document.reading_name(experiment, choice)
        return self._names[key]

    def training(self, experiment: Experiment, choice: Choice) -> str:
        """Equal for trainings that differ in the seed alone."""
        return self._variant(experiment, choice).training

    def _variant(self, experiment: Experiment, choice: Choice) -> Variant:
        name = experiment.id, self.reading(experiment, choice)
        if name not in self._variants:
            self._variants[name] = self.document.variant(experiment, choice)
        return self._variants[name]

    def network(self, experiment: Experiment) -> str:
        """Equal for experiments with the same recipe: runs of one network."""
        return self.training(experiment, self.document.first_choice)

    def runs(self, experiment: Experiment, choice: Choice) -> tuple[Run, ...]:
        """All runs of an experiment under a choice, by seed."""
        name = experiment.id, self.reading(experiment, choice)
        if name not in self._found:
            same = self.trainings.get(self.training(experiment, choice), {})
            self._found[name] = tuple(run.as_run_of(*name, seed) for seed, run in same.items())
        return self._found[name]

    def dataset(self, experiment: Experiment) -> str:
        """The name of its data set."""
        return self._variant(experiment, self.document.first_choice).recipe.data.name
