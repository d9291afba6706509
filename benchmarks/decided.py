"""The decision of `tuner.search.decision` as a strategy of a replay."""

import statistics
from functools import partial

from proposers import Proposer, at_random, by_tpe
from replay import Action, State, Strategy

from tuner.base.extrapolation import Look
from tuner.search.decision import Contender, Longer, New, Price, Situation, decide
from tuner.search.ladder import Ladder, Rung


def decided(state: State, propose: Proposer, *, first: int) -> Action | None:
    """What the decision says, with looks from the length with this index on."""
    if state.memory.get("is_over"):
        return None
    pool, shares = state.pool, state.pool.shares
    first = min(first, len(shares) - 1)
    situation = situation_of(state, first)
    action = decide(situation, new_ones=bool(state.unknown()))
    match action:
        case Longer(number=index):
            rung = first + next(each.rung for each in situation.contenders if each.number == index)
            return Action(index, rung, shares[rung], pool.cost(index, shares[rung]))
        case New():
            starts = [index for index in pool.starts if index in state.unknown()]
            index, seconds = (starts[0], 0.0) if starts else propose(state, figures_at_first(state)) or (0, 0.0)
            return Action(index, first, shares[first], pool.cost(index, shares[first]), seconds)
        case _:
            state.memory["is_over"] = True
            return None


def situation_of(state: State, first: int) -> Situation:
    """The state of a replay as the decision sees it."""
    pool, shares = state.pool, state.pool.shares
    full = length_of(state, pool.longest)
    rungs = tuple(
        Rung(place + 1, length_of(state, share), 1, is_last=share == pool.longest)
        for place, share in enumerate(shares[first:])
    )
    contenders = []
    for index in dict.fromkeys(index for index, _ in sorted(state.begun)):
        looks, begun = looks_of(state, index), sum(each == index for each, _ in state.begun)
        is_open = len(looks) == begun < len(rungs)
        kind = str(pool.candidates[index].at.get("network.kind", ""))
        contenders.append(Contender(index, looks, len(looks), begun, Price(epoch_seconds(state, index)), kind, is_open))
    known = [each.price.epoch_seconds for each in contenders if each.looks]
    best = state.best()
    return Situation(
        contenders=contenders,
        ladder=Ladder(round(full), rungs),
        seconds=state.budget - state.time,
        workers=2,
        usual=Price(statistics.fmean(known) if known else epoch_seconds(state, 0)),
        most_for_refits=pool.cost(best, pool.longest) if best is not None else 0.0,
    )


def looks_of(state: State, index: int) -> tuple[Look, ...]:
    """The looks at a recipe, the shortest first."""
    found = []
    for rung in sorted(state.observed):
        if index in state.observed[rung]:
            error, share = state.observed[rung][index], state.pool.shares[rung]
            spread = state.pool.noise[share]
            found.append(Look(length_of(state, share), 1, -error, error, spread * error))
    return tuple(found)


def length_of(state: State, share: int) -> float:
    """The length in epochs of 1/`share`."""
    look = state.pool.candidates[0].look(state.pool.longest)
    assert look is not None
    return look.length * state.pool.longest / share


def epoch_seconds(state: State, index: int) -> float:
    """Seconds of an epoch of a recipe."""
    longest = state.pool.longest
    return state.pool.seconds_of(index, longest) / length_of(state, longest)


def figures_at_first(state: State) -> dict[int, float]:
    """What a sampler learns from: the figures of the highest rung that has six, else of the first one."""
    for rung in sorted(state.observed, reverse=True):
        if len(state.observed[rung]) >= 6:
            return state.observed[rung]
    return state.observed[min(state.observed)] if state.observed else {}


DECISIONS: dict[str, Strategy] = {
    f"decision, {name} from 1/{4 ** (4 - first)}": partial(decided, propose=propose, first=first)
    for first in (1, 2, 3)
    for name, propose in (("random", at_random), ("TPE", by_tpe))
}
