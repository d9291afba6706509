"""Where the next seconds of a search go: a new recipe, a longer look at a known one, or no more looks but refits.

A pure function of what is stored. Each action has a gain: by how much it is expected to lower the logarithm of the error of the
recipe that would be refitted (the knowledge gradient: Frazier et al. 2008), and a price in seconds. The best action is that with
the most gain a second, looked at up to any rung, since one look alone may say too little to change a choice (KG*: Frazier & Powell
2010). A second of searching also has a price: refits are shorter or fewer by it. Once that costs more than any look promises, the
search is over.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from tuner.base.curve_learning import learned, learned_by_kind
from tuner.base.extrapolation import Belief, Curves, Look, expected_gain
from tuner.refit.time_budget import LONG_ENOUGH, refit_length
from tuner.search.ladder import FACTOR, LOOK_SECONDS, Ladder, Rung

FEWEST_FIRST_LOOKS = 8
"""So many recipes get a first look before anything is decided: beliefs about recipes begin with them."""

GOING_ON = 3
"""One of so many looks of a rung and a kind of networks is followed by a longer one before further recipes are looked at: what longer
looks would show can be expected only from those that there are. Dense networks are ahead of convolutional ones in short looks at
pictures, and behind in long ones."""

MUTATED = 0.5, 0.25
"""A mutation of the leader: the standard deviation of its first look's logarithmic error around the leader's, and by how much its mean is
worse, both relative to the standard deviation among new recipes. In 24 stored searches 31 % of 249 mutations were better than the nearest
earlier recipe, by a root mean square of a tenth to a third of that deviation."""

AVERAGED = 0.1
"""By how much the logarithm of one network's error exceeds that of an average of many; an average of k exceeds it by a k-th of that.
Measured on refits: 0.05 (three of a table of 2,000 rows, R²), 0.09 (two of Fashion-MNIST)."""

SLOWER = 1.2
"""A look may take so many times as long as expected before time ends it: a look that is cut off shows nothing."""


@dataclass(frozen=True)
class Contender:
    """A recipe of the search: the number of its training, the looks at it (the shortest first), the number of its last rung (0
    before its first look has ended) and of its last begun one, its price, the kind of its network, whether it can get a longer look now,
    and whether it is a start of the study."""

    number: int
    looks: tuple[Look, ...]
    rung: int
    begun: int
    price: "Price"
    kind: str
    is_open: bool
    is_start: bool = False


@dataclass(frozen=True)
class Price:
    """What training a recipe costs: the seconds of an epoch in one fold, and the epochs in a unit of its looks' lengths (`Look.pace`)."""

    epoch_seconds: float
    pace: float = 1.0

    def seconds(self, rung: Rung) -> float:
        """The seconds of a look."""
        return LOOK_SECONDS + rung.length * self.pace * rung.folds * self.epoch_seconds


@dataclass(frozen=True)
class Situation:
    """What a decision depends on: the contenders, the ladder, the seconds until the end of the call, how many processes train, the
    usual price of a new recipe, the most seconds that are worth giving to refits, the seconds of the leader's refit of full length, the
    seconds that looks have left, and the share of the new recipes that are mutations of a leader."""

    contenders: Sequence[Contender]
    ladder: Ladder
    seconds: float
    workers: int
    usual: Price
    most_for_refits: float = math.inf
    refit_seconds: float = math.inf
    seconds_for_looks: float = math.inf
    mutations: float = 0.0

    def has_time(self, seconds: float) -> bool:
        """Whether a look that is expected to take so many seconds can end before refits must begin."""
        return SLOWER * seconds < self.seconds_for_looks


@dataclass(frozen=True)
class Longer:
    """A longer look at the contender with this number."""

    number: int


@dataclass(frozen=True)
class New:
    """A first look at a new recipe."""


@dataclass(frozen=True)
class Refit:
    """No more looks."""


Action = Longer | New | Refit


@dataclass(frozen=True)
class Option:
    """An action and its gain a second."""

    action: Action
    rate: float


def decide(situation: Situation, new_ones: bool = True) -> Action:
    """The best action; with `new_ones` false no new recipes."""
    known = [each for each in situation.contenders if each.looks]
    if new_ones and len(situation.contenders) < FEWEST_FIRST_LOOKS:
        return New()
    if not known:
        return New() if new_ones else Refit()
    curves = learned_by_kind([(each.kind, each.looks) for each in known])
    final = [curves[each.kind].refitted(each.looks, _refit_length(situation, each.price)) for each in known]
    leader = known[min(range(len(known)), key=lambda place: final[place].mean)]
    options = _options(situation, curves, known, final, new_ones)
    best = max(options, key=lambda option: option.rate, default=Option(Refit(), 0.0))
    if best.rate <= price_of_a_second(situation, curves[leader.kind]):
        return Refit()
    return (_due(situation, curves) if isinstance(best.action, New) else None) or best.action


def _due(situation: Situation, curves: Mapping[str, Curves]) -> Longer | None:
    """A second look at the best start of each kind of networks, and at each start where looks say little, whatever the first one showed;
    then a longer look at the most promising recipe of a rung and a kind of which too few have one, the highest rung first."""
    for rung in reversed(situation.ladder.rungs[:-1]):
        step = situation.ladder.after(rung.number)
        assert step is not None
        open_ones = [
            each
            for each in situation.contenders
            if each.is_open and each.rung == rung.number and situation.has_time(each.price.seconds(step))
        ]
        says_little = step.folds == 1 and step.length < LONG_ENOUGH * situation.ladder.epochs
        due = {each.number for each in open_ones if each.is_start and rung.number == 1}
        if starts := due if says_little else due & _best_starts(situation):
            return Longer(min(starts))
        for kind in sorted({each.kind for each in situation.contenders}):
            ended = [each for each in situation.contenders if each.kind == kind and each.rung >= rung.number]
            further = sum(each.begun > rung.number for each in ended)
            waiting = [each for each in open_ones if each.kind == kind]
            if waiting and len(ended) // GOING_ON > further:
                return Longer(min(waiting, key=lambda each: curves[kind].belief(each.looks).mean).number)
    return None


def _best_starts(situation: Situation) -> set[int]:
    """The number of the start of each kind of networks with the lowest error in its first look."""
    starts = [each for each in situation.contenders if each.is_start and each.looks]
    starts.sort(key=lambda each: each.looks[0].error, reverse=True)
    return set({each.kind: each.number for each in starts}.values())


def price_of_a_second(situation: Situation, curves: Curves) -> float:
    """By how much the logarithm of the refitted error rises where refits get one second of one process less: they are shorter, or, where
    there is time for full length, the average has fewer members."""
    if situation.seconds > situation.most_for_refits:
        return 0.0
    seconds = max(situation.workers * situation.seconds, 1e-6)
    members = seconds / situation.refit_seconds
    return (AVERAGED / members if members >= situation.workers else curves.last_slope) / seconds


def _options(
    situation: Situation,
    curves: Mapping[str, Curves],
    known: Sequence[Contender],
    final: Sequence[Belief],
    new_ones: bool,
) -> list[Option]:
    noise = _noise(known)
    order = sorted(range(len(known)), key=lambda place: final[place].mean)
    best, second = final[order[0]].mean, final[order[1]].mean if len(known) > 1 else math.inf
    options = []
    for place, each in enumerate(known):
        rival = second if place == order[0] else best
        ahead = abs(final[place].mean - rival)
        seconds = each.price.seconds
        step = situation.ladder.after(each.rung) if each.is_open else None
        if step and math.isfinite(ahead) and situation.has_time(seconds(step)):
            kind = curves[each.kind]
            belief, ladder = kind.belief(each.looks), situation.ladder
            rate = _best_rate(ladder, kind, noise, belief, each.rung, ahead, seconds, is_new=False)
            options.append(Option(Longer(each.number), rate))
    if new_ones:
        options.append(Option(New(), _rate_of_new_ones(situation, curves[known[order[0]].kind], known, best, noise)))
    return options


def _rate_of_new_ones(
    situation: Situation, curves: Curves, known: Sequence[Contender], best: float, noise: float
) -> float:
    """The gain a second of first looks at new recipes, some of them mutations of the leader, whose kind has these curves."""
    common, price = learned([each.looks for each in known]), situation.usual
    unknown = common.toward(common.first, _refit_length(situation, price)).mean - best
    rate = _best_rate(situation.ladder, common, noise, common.first, 0, unknown, price.seconds, is_new=True)
    share, worse = MUTATED
    deviation = math.sqrt(common.first.variance)
    mutation = replace(common.first, variance=(share * deviation) ** 2)
    mutated = _best_rate(situation.ladder, curves, noise, mutation, 0, worse * deviation, price.seconds, is_new=True)
    return situation.mutations * mutated + (1 - situation.mutations) * rate


def _best_rate(
    ladder: Ladder,
    curves: Curves,
    noise: float,
    belief: Belief,
    rung: int,
    ahead: float,
    seconds_of: Callable[[Rung], float],
    is_new: bool,
) -> float:
    """The most gain a second of looks up to any rung. Of new recipes only the best share of each rung goes on."""
    best, cost, share, learned_variance = 0.0, 0.0, 1.0, 0.0
    while (step := ladder.after(rung)) is not None:
        cost += share * seconds_of(step)
        at_rung = curves.at(belief, step.length)
        after = at_rung.after(at_rung.mean, noise / step.folds)
        learned_variance += at_rung.variance - after.variance
        best = max(best, expected_gain(ahead, math.sqrt(learned_variance)) / cost)
        belief, rung, share = after, rung + 1, share / FACTOR if is_new else 1.0
    return best


def _noise(known: Sequence[Contender]) -> float:
    """The usual noise of a look in one fold."""
    return median([each.looks[-1].noise * each.looks[-1].folds for each in known])


def _refit_length(situation: Situation, price: Price) -> float:
    """The length of a refit in all the time that is left, two processes side by side training two refits, in the unit of looks."""
    seconds, ladder = min(situation.seconds, situation.most_for_refits), situation.ladder
    return refit_length(seconds, ladder.epochs, price.epoch_seconds, ladder.rungs[-1].folds) / price.pace
