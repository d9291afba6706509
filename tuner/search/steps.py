"""What a search does next, in the two kinds of budgets: with fixed epochs, trainings go on to the rungs of their pruner; where the
minutes decide, trials are looks, and a decision says where the next seconds go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from tuner.recipe import Recipe
from tuner.refit.session import Session
from tuner.refit.time_budget import Minutes, TimeBudget
from tuner.search import looks
from tuner.search.clock import Clock
from tuner.search.decision import Longer, New, decide
from tuner.search.ladder import Ladder
from tuner.search.proposals import Proposal
from tuner.search.rungs import Rungs, rungs_of
from tuner.storage.trainings import StoredTraining


@dataclass(frozen=True)
class Step:
    """What begins now: a `training` that goes on, with the recipe of a `longer` look at it if there is one; else something new, if
    `new` is true; else nothing. `is_decided`: nothing begins since refits promise more."""

    training: StoredTraining | None = None
    longer: Recipe | None = None
    new: bool = False
    is_decided: bool = False


@dataclass(frozen=True)
class WholeTrainings:
    """Each trial has the epochs of its recipe."""

    session: Session
    clock: Clock
    needs_measurement: bool = False

    @property
    def rungs(self) -> Rungs:
        """The rungs of the study's pruner."""
        return rungs_of(self.session.file, self.session.deterministic)

    def step(self, trainings: Sequence[StoredTraining], new_ones: bool, time_is_short: bool) -> Step:
        """The first interrupted training; then the one that its rung promotes. Once nothing new begins, the best of each rung
        continues; if time is short, all that can be trained to their end in the rest of it."""
        interrupted = next((each for each in trainings if each.state == "interrupted"), None)
        at_least = 0 if new_ones else len(trainings) if time_is_short else 1
        training = interrupted or self.rungs.promotable(trainings, at_least, self.clock.can_finish)
        return Step(training, new=new_ones)

    def worth_its_price(self, proposal: Proposal, alike: Iterable[Proposal]) -> Proposal:
        """The proposal itself."""
        return proposal

    def has_time_for(self, recipe: Recipe) -> bool:
        """Whether its training fits, as far as its cost is known."""
        return self.clock.has_time_for(self.session.preflight.seconds(recipe) or 0.0)

    def first(self, proposal: Proposal) -> Proposal:
        """The proposal as it begins."""
        return proposal


@dataclass(frozen=True)
class Looks:
    """Each trial is a look, as long as its rung of the study's ladder says."""

    session: Session
    clock: Clock
    budget: Minutes

    @property
    def needs_measurement(self) -> bool:
        """Whether the length of looks is not known yet: it follows from the epoch time of the first recipe."""
        return self.ladder is None

    @property
    def ladder(self) -> Ladder | None:
        """The study's ladder."""
        return looks.ladder_of(self.session)

    def step(self, trainings: Sequence[StoredTraining], new_ones: bool, time_is_short: bool) -> Step:
        """The first interrupted look; then what the decision says."""
        interrupted = next((each for each in trainings if each.state == "interrupted"), None)
        ladder = self.ladder
        if interrupted or ladder is None:
            return Step(interrupted, new=new_ones)
        situation = looks.situation(self.session, ladder, trainings, self.budget, self.clock)
        action = decide(situation, new_ones)
        if not isinstance(action, Longer):
            return Step(new=isinstance(action, New), is_decided=not isinstance(action, New))
        training = next(each for each in trainings if each.first == action.number)
        return Step(training, looks.longer_look(self.session, training, ladder))

    def worth_its_price(self, proposal: Proposal, alike: Iterable[Proposal]) -> Proposal:
        """The proposal; if it is too dear, one of some others of its kind. Starts and queued trials are worth a look."""
        if proposal.start is not None or proposal.queued:
            return proposal
        return looks.worth_its_price(self.session, self.budget, chain([proposal], alike))

    def has_time_for(self, recipe: Recipe) -> bool:
        """Whether a first look at it fits; while there is no model, in any case."""
        return (
            self.clock.has_time_for(looks.seconds_of_first_look(self.session, recipe))
            or not self.session.record.ranking
        )

    def first(self, proposal: Proposal) -> Proposal:
        """The proposal as a look of the first rung."""
        ladder = self.ladder
        assert ladder is not None
        return looks.first_look(self.session, proposal, ladder)


def steps_of(session: Session, budget: TimeBudget, clock: Clock) -> WholeTrainings | Looks:
    """The kind of steps that a budget has."""
    return Looks(session, clock, budget) if isinstance(budget, Minutes) else WholeTrainings(session, clock)
