"""What a short training says about a long one, from the recorded curves.

    python benchmarks/lengths.py [--curves benchmarks/curves] [--out benchmarks/results/lengths.json]

For each set and length: the rank correlation (Spearman) with the longest that enough recipes have; how far the logarithm of
the figure at the longest is from a straight line in its logarithm here (`residual`); the exponent b of figure ~ length ** -b
to the next length, over recipes and over the better half of them; the noise of the logarithm between two seeds, and that of the
validation part, by which two recipes are compared. The figure is the error, or the log loss at the best temperature; of numeric
targets both are 1 - R².
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from common import about_this_machine, write_results
from numpy.typing import NDArray
from recorded import SHARES, Candidate, Look, Recording, read
from scipy.stats import spearmanr

HERE = Path(__file__).parent
FEWEST, SHORTEST_OF_LONGEST = 8, 16
Figure = Literal["errors", "losses"]


def main() -> None:
    """Print a table for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curves", type=Path, default=HERE / "curves")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    results = {path.stem: about(read(path)) for path in sorted(arguments.curves.glob("*.jsonl"))}
    for name, result in results.items():
        print("\n".join(table(name, result)), flush=True)
    if arguments.out:
        write_results(arguments.out, {**about_this_machine(), "results": results})


def about(recording: Recording) -> dict[str, Any]:
    """All figures of one set."""
    share, candidates = recording.complete(FEWEST)
    kinds: tuple[Figure, ...] = ("errors",) if recording.is_regression else ("errors", "losses")
    return {
        "recipes": len(recording.candidates),
        "complete": len(candidates),
        "longest": share,
        "overhead": quartiles([each.overhead for each in recording.candidates]),
        "begin": quartiles([each.begin for each in recording.candidates]),
        **{kind: list(rows(candidates, share, kind)) for kind in kinds if share <= SHORTEST_OF_LONGEST},
    }


def rows(candidates: Sequence[Candidate], longest: int, kind: Figure) -> Iterator[dict[str, Any]]:
    """A row for each length."""
    for share in SHARES[: SHARES.index(longest) + 1]:
        having = [each for each in candidates if each.look(share)]
        if len(having) < FEWEST:
            continue
        here, there = logarithms(having, share, kind), logarithms(having, longest, kind)
        yield {
            "share": share,
            "length": float(np.median([look(each, share).length for each in having])),
            "seconds": quartiles([look(each, share).seconds for each in having]),
            "figure": quartiles(np.exp(here).tolist()),
            "rank_correlation": round(float(spearmanr(here, there).statistic), 3),
            "rank_correlation_of_the_better_half": better_half(here, there),
            **line(here, there),
            **exponents(candidates, share, longest, kind),
            "validation_noise": validation_noise(having, share, kind),
            **noise(candidates, share, kind),
        }


def line(here: NDArray[np.float64], there: NDArray[np.float64]) -> dict[str, float]:
    """The straight line from one logarithm to the other, and the deviation from it."""
    slope, offset = np.polyfit(here, there, 1)
    residual = float(np.std(there - slope * here - offset, ddof=2))
    return {"line_slope": round(float(slope), 3), "residual": round(residual, 3)}


def better_half(here: NDArray[np.float64], there: NDArray[np.float64]) -> float:
    """The rank correlation among the recipes that are in the better half at the longest length."""
    best = np.argsort(there)[: max(FEWEST // 2, len(there) // 2)]
    return round(float(spearmanr(here[best], there[best]).statistic), 3)


def exponents(candidates: Sequence[Candidate], share: int, longest: int, kind: Figure) -> dict[str, Any]:
    """Mean and deviation of the exponent from this length to the next one; of all recipes, and of those that are in the better
    half at the longest."""
    following = next((each for each in SHARES if each < share), 0)
    both = [each for each in candidates if each.look(share) and each.look(following)]
    if len(both) < FEWEST or share == longest:
        return {}
    change = logarithms(both, share, kind) - logarithms(both, following, kind)
    ratio = np.log([look(each, following).examples / look(each, share).examples for each in both])
    found, best = change / ratio, np.argsort(logarithms(both, longest, kind))[: len(both) // 2]
    return {"exponent": mean_and_deviation(found), "exponent_of_the_better_half": mean_and_deviation(found[best])}


def noise(candidates: Sequence[Candidate], share: int, kind: Figure) -> dict[str, Any]:
    """The deviation of the logarithm between seeds."""
    twice = [each for each in candidates if each.look(share, 0) and each.look(share, 1)]
    if len(twice) < FEWEST:
        return {}
    gaps = logarithms(twice, share, kind) - logarithms(twice, share, kind, seed=1)
    best = np.argsort(logarithms(twice, share, kind))[: len(twice) // 2]
    deviations = [round(float(np.sqrt(np.mean(each**2) / 2)), 3) for each in (gaps, gaps[best])]
    return {"noise": deviations[0], "noise_of_the_better_half": deviations[1]}


def validation_noise(candidates: Sequence[Candidate], share: int, kind: Figure) -> float:
    """The deviation of the logarithm of a recipe's figure that comes from which examples are validated, without what all recipes
    have in common: from the differences of the two halves."""
    halves = np.log([[max(each, 0.001) for each in getattr(look(one, share), kind)[1:]] for one in candidates])
    return round(float(np.std(halves[:, 0] - halves[:, 1], ddof=1)) / 2, 3)


def look(candidate: Candidate, share: int, seed: int = 0) -> Look:
    """A training that was recorded."""
    found = candidate.look(share, seed)
    assert found is not None
    return found


def logarithms(candidates: Sequence[Candidate], share: int, kind: Figure, seed: int = 0) -> NDArray[np.float64]:
    """The logarithm of the figure of each; an error of 0 counts as 0.001."""
    return np.log([max(getattr(look(each, share, seed), kind)[0], 0.001) for each in candidates])


def quartiles(values: Sequence[float]) -> list[float]:
    """The 25th, 50th and 75th percentile."""
    return [float(f"{each:.3g}") for each in np.percentile(values, [25, 50, 75])] if len(values) else []


def mean_and_deviation(values: NDArray[np.float64]) -> list[float]:
    """Mean and standard deviation."""
    return [round(float(values.mean()), 3), round(float(values.std(ddof=1)), 3)]


def table(name: str, result: dict[str, Any]) -> Iterator[str]:
    """The figures of one set as text."""
    yield f"\n{name}: {result['recipes']} recipes, {result['complete']} complete to 1/{result['longest']} of the length; overhead {result['overhead']} s, from the cache {result['begin']} s (quartiles)"
    for kind in ("errors", "losses"):
        for row in result.get(kind, ()):
            b, best = row.get("exponent", ["", ""]), row.get("exponent_of_the_better_half", ["", ""])
            yield (
                f"  {kind:6} 1/{row['share']:<3} {row['length']:7.3f} epochs  {row['seconds'][1]:7.2f} s  figure {row['figure']}"
                f"  rho {row['rank_correlation']} (better half {row['rank_correlation_of_the_better_half']})"
                f"  to longest: slope {row['line_slope']} residual {row['residual']}"
                f"  b {b[0]} ± {b[1]} (better half {best[0]} ± {best[1]})"
                f"  validation noise {row['validation_noise']} seed noise {row.get('noise', '–')} ({row.get('noise_of_the_better_half', '–')})"
            )


if __name__ == "__main__":
    main()
