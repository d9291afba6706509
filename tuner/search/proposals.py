"""What is tried next, as a function of the stored trials: enqueued trials, the study's starts, the next point of a walk
through the space, or the sampler's proposal. Nothing is written before a proposal begins."""

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial

from tuner.base.errors import Invalid
from tuner.base.extrapolation import FARTHEST, Belief, until_best
from tuner.recipe import Recipe
from tuner.refit.ranking import curves_of, kind_of
from tuner.refit.session import Session
from tuner.search.view import View, observed_trials
from tuner.space import Assignment, Range, centre, grid, nearest_assignment, size
from tuner.storage import TrialRecord
from tuner.storage.trainings import StoredTraining
from tuner.study import StudyFile
from tuner.study.samplers import Grid, Learner, PlainSampler, Sampler, Tpe

BY_SAMPLER, BY_CHANCE = 5, 15
"""How often a sampler may propose a known recipe, and after that a random one, before the rest of a small space is walked point
by point."""

SMALL_SPACE = 10_000

PROPOSED_ANEW = 2
"""How many parameters a mutation of the best trial proposes anew, on average."""

CONTINUOUS = 0.75
"""So many of the mutations change continuous parameters only. In 699 stored looks after the first few of their searches these lowered the
leading logarithmic error by 0.022 on average, other mutations by 0.008, recipes without a near relative by 0.012; they also need no new
graph."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A trial that may begin: its parameters with their distributions, what the sampler stores with it, and the recipe, or the
    `complaint` why the parameters make none. `start` is its place among the study's starts, `queued` the waiting trial that
    becomes this one, `asked` the key of the recipe before its epochs were fitted to the time, `continues` the trial whose
    training it continues."""

    recipe: Recipe | None
    complaint: str = ""
    params: Mapping[str, Any]
    distributions: Mapping[str, BaseDistribution]
    system_attributes: Mapping[str, Any]
    start: int | None = None
    queued: FrozenTrial | None = None
    asked: str | None = None
    continues: FrozenTrial | None = None


class Proposer:
    """Proposes for one study. Its only state, the place in a walk, follows from the stored trials."""

    def __init__(self, session: Session) -> None:
        self.session, self.study, self.file = session, session.study, session.file
        sampler = self.file.search.sampler
        has_window = isinstance(sampler, Tpe) and len(session.objectives) == 1
        self.direction = session.direction if has_window else None
        self.near = self.file.search.near if len(session.objectives) == 1 else 0.0
        self.starts: Sequence[Assignment] = self.study.user_attrs.get("starts", first_trials(self.file))
        self._continuous = {
            name for name, hole in self.file.holes.items() if isinstance(hole, Range) and not hole.whole
        }
        self.walk: Iterator[Assignment] | None = None
        if isinstance(sampler, Grid):
            self.walk = session.preflight.longest_first(sampler.walk(self.file.space), self.file.recipe_at)

    def proposals(self, trainings: Sequence[StoredTraining]) -> Iterator[Proposal]:
        """What could be tried next, the best first. Recipes that were tried before may be among them."""
        for training in trainings:
            if training.state == "waiting":
                fixed = training.last.system_attrs.get("fixed_params", {}) | training.last.params
                yield self._propose(trainings, fixed, queued=training.last)
        begun = sum(training.start is not None for training in trainings)
        for index, start in list(enumerate(self.starts))[begun:]:
            yield self._propose(trainings, start, start=index)
        if self.walk is not None:
            yield from self._walked(trainings, self.walk)
            return
        leaders = self._leaders
        for attempt in range(BY_SAMPLER + BY_CHANCE):
            yield self._propose(trainings, self._mutation(leaders, trainings, attempt), attempt)
        if size(self.file.space) <= SMALL_SPACE:
            yield from self._walked(trainings, grid(self.file.space, SMALL_SPACE))

    def alike(self, proposal: Proposal, trainings: Sequence[StoredTraining]) -> Iterator[Proposal]:
        """Some other proposals of the same kinds: with the same branches of the space. None is a mutation: leaders are fast, so that
        all slow proposals would become one."""
        kinds = {key: value for key, value in proposal.params.items() if key.endswith(".kind")}
        for attempt in range(1, 2 * BY_SAMPLER):
            yield self._propose(trainings, kinds, attempt)

    @property
    def _leaders(self) -> Sequence[tuple[TrialRecord, Belief]]:
        """The trials that may be mutated, and what is known of their logarithmic errors: the best one, or, where the minutes decide, all
        with their beliefs about a training four times as long as the longest look; none if none are mutated."""
        ranking = self.session.record.ranking if self.near else ()
        if not any(trial.looks for trial in ranking):
            return [(trial, Belief(0.0, 0.0, 1.0)) for trial in ranking[:1]]
        kinds = curves_of(ranking)
        longest = max(look.length for trial in ranking for look in trial.looks)
        length = min(float(self.file.epochs), FARTHEST * longest)

        def believed(trial: TrialRecord) -> Belief:
            curves = kinds[kind_of(trial)]
            return curves.at(curves.belief(until_best(trial.looks)), length)

        return [(trial, believed(trial)) for trial in ranking]

    def _mutation(
        self, leaders: Sequence[tuple[TrialRecord, Belief]], trainings: Sequence[StoredTraining], attempt: int
    ) -> Assignment:
        """Most of a leader's parameters, for such a share of the proposals as the study says; else nothing. The leader is drawn as often as
        it is likely to be the best (Thompson 1933): looks are uncertain, and kinds of networks differ in how fast they learn."""
        chance = np.random.default_rng(self._seeds(trainings, attempt))
        if not leaders or chance.random() >= self.near:
            return {}
        errors = [chance.normal(belief.mean, math.sqrt(belief.variance)) for _, belief in leaders]
        best = leaders[int(np.argmin(errors))][0].params
        continuous = self._continuous & best.keys() if chance.random() < CONTINUOUS else set()
        changeable = continuous or best.keys()
        anew = {name for name in best if name in changeable and chance.random() < PROPOSED_ANEW / len(changeable)}
        return {name: value for name, value in best.items() if name not in anew}

    def _seeds(self, trainings: Sequence[StoredTraining], attempt: int) -> tuple[int, int, int, *tuple[int, ...]]:
        own = () if self.session.deterministic else self.session.leases.own_numbers
        return self.file.search.seed, attempt, len(trainings), *own

    def _walked(self, trainings: Sequence[StoredTraining], assignments: Iterator[Assignment]) -> Iterator[Proposal]:
        tried = {frozenset(training.last.params.items()) for training in trainings if training.state != "failed"}
        for assignment in assignments:
            if frozenset(assignment.items()) not in tried:
                yield self._propose(trainings, assignment, BY_SAMPLER)

    def _propose(
        self,
        trainings: Sequence[StoredTraining],
        fixed: Assignment,
        attempt: int = 0,
        start: int | None = None,
        queued: FrozenTrial | None = None,
    ) -> Proposal:
        settings, seed = self.file.search.sampler, seed_of_trial(*self._seeds(trainings, attempt))
        if isinstance(settings, PlainSampler) and settings.is_one_sequence:
            seed = self.file.search.seed
        sampler = make_sampler(settings, seed) if attempt < BY_SAMPLER else RandomSampler(seed)
        view = View(self.study, observed_trials(trainings, self.direction), sampler)
        number = max((training.last.number for training in trainings), default=-1) + 1
        trial = Suggestions(view, view.new_trial(number), sampler, fixed)
        recipe, complaint = None, ""
        try:
            recipe = self.file.fill(trial)
        except Invalid as error:  # a combination that no corner has
            complaint = str(error)
        return Proposal(
            recipe=recipe,
            complaint=complaint,
            params=trial.params,
            distributions=trial.distributions,
            system_attributes=view.store_attributes(),
            start=start,
            queued=queued,
        )


def first_trials(file: StudyFile) -> tuple[Assignment, ...]:
    """What is tried first: the study's own starts; or the middle of its space, with layers of medium and of full width."""
    if file.start:
        return file.start
    if not file.search.centre or not isinstance(file.search.sampler, Learner):
        return ()
    middles = [centre(file.space), centre(file.space, largest=("widths", "filters"))]
    return _distinct([each for each in middles if each])


def all_starts(file: StudyFile, warm: Sequence[Any]) -> tuple[Assignment, ...]:
    """The study's first trials, then those of the `warm` recipes (plain data) that its space has, each once."""
    nearest = [nearest_assignment(file.space, recipe) for recipe in warm]
    return _distinct([*first_trials(file), *(each for each in nearest if each is not None)])


def make_sampler(settings: Sampler, seed: int) -> BaseSampler:
    """Optuna's sampler for one proposal. Raises `MissingPackage` where it needs one that is not installed."""
    with warnings.catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning):
        return settings.make(seed)


def seed_of_trial(seed: int, attempt: int, trials: int, *own: int) -> int:
    """The sampler's seed for the next proposal. It follows from the stored trials, so that an interrupted study proposes the same
    as an uninterrupted one; with one seed for all, a study would propose the same points again after a pause. Of processes side by side
    each has an `own` number: those that read the same trials would propose the same."""
    return int(np.random.SeedSequence([seed, attempt, trials, *own]).generate_state(1)[0])


def _distinct(assignments: Sequence[Assignment]) -> tuple[Assignment, ...]:
    return tuple(each for index, each in enumerate(assignments) if each not in assignments[:index])


class Suggestions:
    """Suggests as an Optuna trial does: a fixed value, one that the sampler proposes for all parameters jointly, or one that it
    proposes for this parameter alone."""

    def __init__(self, view: View, trial: FrozenTrial, sampler: BaseSampler, fixed: Assignment) -> None:
        self.view, self.trial, self.sampler = view, trial, sampler
        sampler.before_trial(view, trial)
        jointly = sampler.sample_relative(view, trial, sampler.infer_relative_search_space(view, trial))
        self.proposed = (fixed, jointly)
        self.params: dict[str, Any] = {}
        self.distributions: dict[str, BaseDistribution] = {}

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._suggest(name, CategoricalDistribution(choices))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return int(self._suggest(name, IntDistribution(low, high, log, step)))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        return float(self._suggest(name, FloatDistribution(low, high, log, step)))

    def _suggest(self, name: str, distribution: BaseDistribution) -> Any:
        for assignment in self.proposed:
            if name in assignment and _allows(distribution, assignment[name]):
                value = assignment[name]
                break
        else:
            value = self.sampler.sample_independent(self.view, self.trial, name, distribution)
        self.params[name], self.distributions[name] = value, distribution
        self.trial.params[name], self.trial.distributions[name] = value, distribution
        return value


def _allows(distribution: BaseDistribution, value: Any) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    return bool(distribution.low <= value <= distribution.high)
