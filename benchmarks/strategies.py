"""Strategies of searching, replayed on the curves that `benchmarks/curves.py` recorded: in seconds, nothing is trained.

    python benchmarks/strategies.py [--seeds 40] [--warm] [--overhead 0.4] [--curves benchmarks/curves] [--out FILE]

Two workers have ten minutes on fashion and usps, one on digits, two on a table. Each look costs its recorded seconds with
those of tracing (times `--overhead`) and of proposing, and the training at full length of what is chosen in the end is paid
from the same budget. The figure is that of this training: the error on fashion and usps, the log loss at the best temperature
on digits and tables of classes, 1 - R² on others; strategies see that of one half of the validation part. `regret` is 0 for the
best recorded recipe and 1 for the median one, which a blind choice comes to. Without `--warm` no strategy knows the study's starts; with it
each looks at them first. Strategies are chosen on fashion, digits and concrete; usps, attrition and diabetes report.
"""

import argparse
import math
import statistics
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from common import about_this_machine, write_results
from decided import DECISIONS
from proposers import Proposer, at_random, by_gp, by_tpe, near_best
from recorded import read
from replay import Action, Figure, Pool, State, Strategy, pool, replay

HERE = Path(__file__).parent
FEWEST = 20
"""Fewest recipes at a length for a replay up to it; where the longest is not there yet, the budget shrinks with the length."""

FACTOR = 4


class Setting(NamedTuple):
    """A set's budget in seconds, what its recipes are judged by, and whether strategies may be chosen on it."""

    seconds: float
    figure: Figure
    is_for_choosing: bool


SETTINGS = {
    "fashion": Setting(600, "errors", True),
    "digits": Setting(60, "losses", True),
    "concrete": Setting(120, "errors", True),
    "usps": Setting(600, "errors", False),
    "attrition": Setting(120, "losses", False),
    "diabetes": Setting(120, "errors", False),
}


def main() -> None:
    """Replay all strategies on all recordings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--warm", action="store_true")
    parser.add_argument("--overhead", type=float, default=1.0)
    parser.add_argument("--budget", type=float, default=1.0, help="share of the seconds")
    parser.add_argument("--fewest", type=int, default=FEWEST, help="recipes that a length needs to be replayed")
    parser.add_argument("--curves", type=Path, default=HERE / "curves")
    parser.add_argument("--sets", nargs="+", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--only", nargs="+", default=list(STRATEGIES), choices=list(STRATEGIES))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    for name in arguments.sets:
        recording = read(arguments.curves / f"{name}.jsonl")
        recipes = pool(
            recording, SETTINGS[name].figure, arguments.fewest, cold=not arguments.warm, overhead=arguments.overhead
        )
        if len(recipes.candidates) < arguments.fewest // 2:
            print(f"{name}: too few recipes ({len(recipes.candidates)})")
            continue
        seconds = arguments.budget * SETTINGS[name].seconds / recipes.longest
        results[name] = {
            "recipes": len(recipes.candidates),
            "longest": recipes.longest,
            "best": recipes.scale[0],
            "median": recipes.scale[1],
            "seconds": seconds,
            "is_for_choosing": SETTINGS[name].is_for_choosing,
            "strategies": {each: measured(each, recipes, seconds, arguments.seeds) for each in arguments.only},
        }
        print("\n".join(table(name, results[name])), flush=True)
    print("\n".join(summary(results)))
    if arguments.out:
        about = {"seeds": arguments.seeds, "warm": arguments.warm, "overhead": arguments.overhead}
        write_results(arguments.out, {**about_this_machine(), **about, "sets": results})


def measured(strategy: str, recipes: Pool, seconds: float, seeds: int) -> dict[str, float]:
    """The mean figure of a strategy over the seeds, its regret, their standard errors, and its looks."""
    outcomes = [replay(STRATEGIES[strategy], recipes, seconds, seed) for seed in range(seeds)]
    best, median = recipes.scale
    figures = [each.figure for each in outcomes]
    return {
        "figure": statistics.fmean(figures),
        "error": standard_error(figures),
        "regret": (statistics.fmean(figures) - best) / (median - best),
        "regret_error": standard_error(figures) / (median - best),
        "looks": statistics.fmean(each.looks for each in outcomes),
        "recipes": statistics.fmean(each.recipes for each in outcomes),
    }


def standard_error(values: list[float]) -> float:
    """Of their mean."""
    return float(statistics.stdev(values) / len(values) ** 0.5)


def table(name: str, result: dict[str, Any]) -> Iterator[str]:
    """One set's strategies."""
    role = "choosing" if result["is_for_choosing"] else "reporting"
    length = "" if result["longest"] == 1 else f", up to 1/{result['longest']} of the length"
    scale = f"best {result['best']:.4f}, median {result['median']:.4f}"
    yield f"\n{name} ({role}): {result['recipes']} recipes{length}, {result['seconds']:.0f} s; {scale}"
    for strategy, row in result["strategies"].items():
        figure = f"{row['figure']:.4f} ± {row['error']:.4f}"
        regret = f"regret {row['regret']:5.2f} ± {row['regret_error']:.2f}"
        yield f"  {strategy:34} {figure}  {regret}  {row['looks']:5.1f} looks at {row['recipes']:5.1f} recipes"


def summary(results: dict[str, Any]) -> Iterator[str]:
    """Each strategy's mean regret over the sets of both roles."""
    for role, chosen in (("chosen on", True), ("reported on", False)):
        sets = {name: each["strategies"] for name, each in results.items() if each["is_for_choosing"] is chosen}
        if sets:
            yield f"\n{role} {', '.join(sets)}: mean regret"
            names = next(iter(sets.values()))
            means = {name: statistics.fmean(each[name]["regret"] for each in sets.values()) for name in names}
            yield from (f"  {name:34} {mean:5.2f}" for name, mean in sorted(means.items(), key=lambda each: each[1]))


def at_full_length(state: State, propose: Proposer) -> Action | None:
    """Every recipe at full length."""
    figures = state.observed.get(0, {})
    return _new(state, propose, figures, rung=0, share=state.pool.longest)


def halving(state: State, propose: Proposer, *, first: int = 0, factor: int = 3, learn: int = 6) -> Action | None:
    """Asynchronous successive halving over the recorded lengths from the one with this index on: the best 1/`factor` of a rung
    are trained again, four times as long (Li et al. 2018). Proposals learn from the longest length with `learn` figures."""
    shares = state.pool.shares
    first = min(first, len(shares) - 1)
    promoted = promotable(state, range(first, len(shares) - 1), factor)
    if promoted is not None:
        index, rung = promoted
        return Action(index, rung, shares[rung], state.pool.cost(index, shares[rung]))
    return _new(state, propose, figures_to_learn(state, learn), rung=first, share=shares[first])


def hyperband(state: State, propose: Proposer, *, factor: int = 4) -> Action | None:
    """Asynchronous Hyperband (Li et al. 2018): successive halving from each length as the first, in turn; a bracket with a
    longer first rung has fewer recipes."""
    shares = state.pool.shares
    brackets: dict[int, int] = state.memory.setdefault("brackets", {})
    last = len(shares) - 1
    for bracket in range(last + 1):
        members = {index for index, each in brackets.items() if each == bracket}
        promoted = promotable(state, range(bracket, last), factor, members)
        if promoted is not None:
            index, rung = promoted
            return Action(index, rung, shares[rung], state.pool.cost(index, shares[rung]))
    sizes = [math.ceil((last + 1) / (last - each + 1) * factor ** (last - each)) for each in range(last + 1)]
    counts = [sum(each == bracket for each in brackets.values()) for bracket in range(last + 1)]
    bracket = min(range(last + 1), key=lambda each: (counts[each] + 1) / sizes[each])
    action = _new(state, propose, figures_to_learn(state, 6), rung=bracket, share=shares[bracket])
    if action is not None:
        brackets[action.index] = bracket
    return action


def promotable(state: State, rungs: range, factor: int, members: set[int] | None = None) -> tuple[int, int] | None:
    """The recipe that goes on, with its next rung, at the highest rung first."""
    for rung in reversed(rungs):
        there = {
            index: value for index, value in state.observed.get(rung, {}).items() if members is None or index in members
        }
        for index in sorted(there, key=lambda each: (there[each], each))[: len(there) // factor]:
            if (index, rung + 1) not in state.begun:
                return index, rung + 1
    return None


def slots(state: State) -> Action | None:
    """Slots: 38 % of the time for two trials in a row, each as long as fits into a slot; they pause at a ninth and at a third, and
    the best third goes on. Four of five proposals are near the best."""
    budget, pool = state.budget, state.pool
    build = min(3.0, 0.05 * budget)
    slot = max((0.38 * budget - 4.5) / 2 - build, 0.3 * 0.38 * budget / 2)
    begun_first = len(state.begun) == 0
    promoted = promotable(state, range(2), 3)
    if promoted is not None:
        index, rung = promoted
        before, share = (whole_share(pool, index, slot) * factor for factor in ((9, 3), (3, 1))[rung - 1])
        action = Action(index, rung, share, pool.seconds_of(index, share) - pool.seconds_of(index, before))
    else:
        figures = figures_to_learn(state, 2)
        proposed = near_best(state, figures)
        if proposed is None:
            return None
        index, seconds = proposed
        rung = 2 if begun_first else 0
        share = whole_share(pool, index, slot) * (1 if begun_first else 9)
        action = Action(index, rung, share, pool.cost(index, share), seconds)
    is_late = not begun_first and state.time + action.seconds > 0.38 * budget + 0.15 * slot
    return None if is_late else action


def whole_share(pool: Pool, index: int, slot: float) -> float:
    """The length, as a share, of a trial that fills a slot; at most the full one."""
    lengths = [pool.longest * 1.1**step for step in range(60)]
    return next((share for share in lengths if pool.seconds_of(index, share) <= slot), lengths[-1])


def figures_to_learn(state: State, fewest: int) -> dict[int, float]:
    """The figures at the highest rung that has so many; else at the lowest one."""
    for rung in sorted(state.observed, reverse=True):
        if len(state.observed[rung]) >= fewest:
            return state.observed[rung]
    return state.observed[min(state.observed)] if state.observed else {}


def _new(state: State, propose: Proposer, figures: dict[int, float], *, rung: int, share: float) -> Action | None:
    """A recipe that is looked at for the first time: the starts, then what is proposed."""
    starts = [index for index in state.pool.starts if index in state.unknown()]
    proposed = (starts[0], 0.0) if starts else propose(state, figures)
    if proposed is None:
        return None
    index, seconds = proposed
    return Action(index, rung, share, state.pool.cost(index, share), seconds)


STRATEGIES: dict[str, Strategy] = {
    **DECISIONS,
    "random, full length": partial(at_full_length, propose=at_random),
    "TPE, full length": partial(at_full_length, propose=by_tpe),
    "GP, full length": partial(at_full_length, propose=by_gp),
    "slots": slots,
    "random, ASHA 3": partial(halving, propose=at_random),
    "random, ASHA 4": partial(halving, propose=at_random, factor=4),
    "random, ASHA 3 from 1/64": partial(halving, propose=at_random, first=1),
    "random, ASHA 4 from 1/64": partial(halving, propose=at_random, first=1, factor=4),
    "random, ASHA 3 from 1/16": partial(halving, propose=at_random, first=2),
    "random, Hyperband": partial(hyperband, propose=at_random),
    "TPE, ASHA 3": partial(halving, propose=by_tpe),
    "TPE, ASHA 4": partial(halving, propose=by_tpe, factor=4),
    "TPE, ASHA 3 from 1/64": partial(halving, propose=by_tpe, first=1),
    "TPE, ASHA 4 from 1/64": partial(halving, propose=by_tpe, first=1, factor=4),
    "GP, ASHA 3 from 1/64": partial(halving, propose=by_gp, first=1),
    "near the best, ASHA 3 from 1/64": partial(halving, propose=near_best, first=1),
}


if __name__ == "__main__":
    main()
