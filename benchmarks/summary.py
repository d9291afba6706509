"""The benchmarks' results as Markdown, written between the marks in docs/speed.md and docs/strategies.md.

python benchmarks/summary.py
"""

import json
import re
import statistics
from pathlib import Path
from typing import Any

from strategies import SETTINGS

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


def main() -> None:
    """Replace what stands between the marks by the tables of the newest results."""
    write(DOCS / "speed.md", summary(HERE / "results"))
    write(DOCS / "strategies.md", searches(HERE / "results"))


def write(page: Path, tables: str) -> None:
    """Replace what stands between the marks of a page."""
    text, body = page.read_text(encoding="utf-8"), f"{BEGIN}\n{tables}\n{END}"
    replaced = re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: body, text, flags=re.DOTALL)
    page.write_text(replaced, encoding="utf-8")


def summary(results: Path) -> str:
    """The tables of all results, with the machine and the versions."""
    epochs, peers = (json.loads((results / f"{name}.json").read_text()) for name in ("epochs", "peers"))
    sampling = [json.loads(path.read_text()) for path in sorted(results.glob("sampling-*.json"))]
    versions = peers["versions"]
    about = ", ".join(f"{name} {each}" for name, each in versions.items() if each and name != "tuner")
    return "\n\n".join(
        [
            f"Measured with {about}.",
            f"Epochs per second against Optuna's way with plain `fit`, which has all cores ({_where(epochs)}):",
            _epochs_table(epochs["results"]),
            f"The same dense space on Fashion-MNIST, {peers['seconds']:.0f} s each ({_where(peers)}); the target is the best "
            f"validation accuracy that a peer has in the end, {peers['results']['target']:.4f}. Where this tuner has several "
            "times, those are of further seeds; the other figures are of the first one:",
            _peers_table(peers["results"]["contenders"]),
            "What the search itself costs a trial, in milliseconds that the trial waits (of these, until it was proposed; "
            f"{_where(sampling[0])}):",
            _sampling_table(sampling),
        ]
    )


def _where(result: dict[str, Any]) -> str:
    machine = result["machine"]
    return f"{machine['cores']} cores of an {machine['processor']}"


def searches(results: Path) -> str:
    """The tables of recorded curves: what short trainings say, and what strategies find."""
    lengths, whole, third = (
        json.loads((results / f"{name}.json").read_text()) for name in ("lengths", "strategies", "strategies-third")
    )
    machine, sets = lengths["machine"], whole["sets"]
    recorded = "; ".join(f"{name} {each['recipes']} ({each['complete']})" for name, each in lengths["results"].items())
    return "\n\n".join(
        [
            f"Recorded on one core of an {machine['processor']}: recipes of each set (of these, up to the longest length that "
            f"enough have): {recorded}.",
            _lengths_table(lengths["results"]),
            f"Mean regret over {third['seeds']} seeds and its standard error, in a third of the time; strategies may be chosen "
            f"on {_names(sets, True)}, and are reported on {_names(sets, False)}:",
            _strategies_table(third["sets"]),
            "In the whole time, in which most strategies look at every recipe:",
            _strategies_table(sets),
        ]
    )


def _names(sets: dict[str, Any], is_for_choosing: bool) -> str:
    return ", ".join(name for name, each in sets.items() if each["is_for_choosing"] is is_for_choosing) or "none"


def _lengths_table(results: dict[str, Any]) -> str:
    header = [
        "set",
        "length",
        "epochs",
        "seconds",
        "tracing",
        "figure",
        "rank correlation",
        "residual",
        "exponent",
        "seeds",
    ]
    rows = []
    for name, result in results.items():
        for row in result.get(SETTINGS[name].figure, ()):
            exponent = "{} ± {}".format(*row["exponent"]) if "exponent" in row else ""
            length = "1" if row["share"] == 1 else f"1/{row['share']}"
            seconds, tracing = row["seconds"][1], result["overhead"][1]
            figures = [f"{row['rank_correlation']}", f"{row['residual']}", exponent, f"{row.get('noise', '')}"]
            rows.append(
                [name, length, f"{row['length']:g}", f"{seconds:g}", f"{tracing:g}", f"{row['figure'][1]:g}", *figures]
            )
    return _table(header, rows)


def _strategies_table(sets: dict[str, Any]) -> str:
    rows = []
    for strategy in next(iter(sets.values()))["strategies"]:
        found = {name: each["strategies"][strategy] for name, each in sets.items()}
        cells = [f"{each['regret']:.2f} ± {each['regret_error']:.2f}" for each in found.values()]
        means = []
        for chosen in (True, False):
            regrets = [each["regret"] for name, each in found.items() if sets[name]["is_for_choosing"] is chosen]
            means.append(f"{statistics.fmean(regrets):.2f}" if regrets else "")
        rows.append([strategy, *cells, *means])
    rows.sort(key=lambda row: row[-2])
    return _table(["strategy", *sets, "mean for choosing", "mean for reporting"], rows)


def _epochs_table(results: dict[str, Any]) -> str:
    header = ["network", "`fit`", "ours", "ours in bfloat16", "second process", "share of matrix products"]
    rows = []
    for name, case in results.items():
        rate, ratio, share = case["epochs per second"], case["ratio"], case["share of matrix product"]
        half = ratio.get("ours, bfloat16")
        rows.append(
            [
                name,
                f"{rate['fit']:.2f}/s",
                f"{rate['ours']:.2f}/s, {ratio['ours']:.1f}×",
                f"{half:.1f}×" if half else "",
                f"{case['second process']:.2f}×",
                f"{share['ours']:.0%} (`fit` {share['fit']:.0%})",
            ]
        )
    return _table(header, rows)


def _peers_table(contenders: dict[str, Any]) -> str:
    marks = list(next(iter(contenders.values()))["marks"])
    header = [
        "",
        "epochs",
        "first epoch after",
        "target after",
        *(f"{mark}: validation, test" for mark in marks),
        "memory",
    ]
    rows = []
    for name, each in contenders.items():
        reached = [when for when in each["seconds to the target"] if when is not None]
        rows.append(
            [
                name,
                f"{each['epochs']:.0f}",
                f"{each['first epoch (s)']:.1f} s",
                ", ".join(f"{when:.0f} s" for when in reached) or "never",
                *(f"{each['marks'][mark]['validation']:.4f}, {each['marks'][mark]['test']:.4f}" for mark in marks),
                f"{each['peak memory (GiB)']:.1f} GiB",
            ]
        )
    return _table(header, rows)


def _sampling_table(results: list[dict[str, Any]]) -> str:
    counts = sorted({count for each in results for count in each["results"]}, key=int)
    rows = [
        [
            {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(each["storage"], each["storage"]),
            *(_waits(each["results"].get(count)) for count in counts),
        ]
        for each in results
    ]
    return _table(["", *(f"{int(count):,} trials" for count in counts)], rows)


def _waits(row: dict[str, float] | None) -> str:
    return f"{row['a trial waits (ms)']:.0f} ({row['proposing (ms)']:.0f})" if row else ""


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
