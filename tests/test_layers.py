"""The direction of imports: a part may import only what stands above it here."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "tuner"
LAYERS = [
    {"base"},
    {"networks", "data.catalogue"},
    {"recipe"},
    {"result", "space", "charts"},
    {"data"},
    {"study"},
    {"training", "init"},
    {"run", "references"},
    {"worker", "storage"},
    {"outcome"},
    {"refit"},
    {"search"},
    {"keras_tuner"},
    {"documents"},
    {"report"},
    {"deploy"},
    {"python"},
    {"commands"},
    {"__main__"},
]
HEAVY = {
    "tensorflow": {"networks", "training", "deploy"},
    "keras": {"networks", "training", "deploy", "python", "keras_tuner"},
    "optuna": {
        "study",
        "storage",
        "search",
        "refit",
        "documents",
        "outcome",
        "report",
        "python",
        "commands",
        "keras_tuner",
    },
}


def part_of(module: str) -> str:
    """The part that a module belongs to: its folder in the package, or its own name where it has a level of its own."""
    names = module.split(".")[1:3]
    return ".".join(names) if ".".join(names) in LEVEL else names[0]


def own_part(path: Path) -> str:
    """The part that a file belongs to."""
    return part_of(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))


def imports(path: Path) -> list[str]:
    """Every module that a file imports, anywhere in it."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return found


FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "__init__.py" or path.parent != PACKAGE]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_upward_only(path: Path) -> None:
    own = own_part(path)
    for module in imports(path):
        if module.startswith("tuner."):
            other = part_of(module)
            assert other == own or LEVEL[other] < LEVEL[own], f"{own} imports {module}"


def test_only_the_parameter_hp_needs_what_is_of_kerastuner() -> None:
    """`build(hp)` is a front-end of functions, which `networks` names as text and imports when a function has that parameter. Nothing
    else outside the package names it."""
    named = re.compile(r"tuner\.keras_tuner")
    users = {path.relative_to(PACKAGE).as_posix() for path in FILES if named.search(path.read_text(encoding="utf-8"))}
    assert {each for each in users if not each.startswith("keras_tuner/")} == {"networks/calling.py"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_libraries_stay_in_their_rows(path: Path) -> None:
    for module in imports(path):
        allowed = HEAVY.get(module.split(".")[0])
        assert allowed is None or own_part(path) in allowed, f"{own_part(path)} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_commands_and_summaries_print(path: Path) -> None:
    names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    prints = "print" in names or any(module.split(".")[0] == "rich" for module in imports(path))
    assert not prints or own_part(path) in {"commands", "__main__", "keras_tuner"}


@pytest.mark.parametrize("path", [path for path in FILES if own_part(path) == "charts"], ids=lambda path: path.name)
def test_charts_need_no_library(path: Path) -> None:
    """A learning curve is drawn for every trial, however short."""
    assert {module.split(".")[0] for module in imports(path)} <= {"tuner", *sys.stdlib_module_names}


def test_only_confirmation_reaches_the_held_out_part() -> None:
    """`held_out` is called where a confirmed model is tested, and where a report shows what that one predicted; `HeldOut`
    is named where it is made and passed."""
    called = re.compile(r"held_out\(")
    users = {path.relative_to(PACKAGE).as_posix() for path in FILES if called.search(path.read_text())}
    assert users == {"data/load.py", "worker/tasks.py", "worker/replication.py", "report/evidence.py"}


@pytest.mark.slow
def test_help_and_import_load_nothing_heavy() -> None:
    code = (
        "import sys, tuner.__main__, tuner.commands.cli; "
        "print([name for name in ('tensorflow', 'keras', 'optuna', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_recipes_and_networks_are_read_without_keras() -> None:
    code = "import sys, tuner.networks, tuner.recipe; print('keras' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"


def files_imported(path: Path) -> set[Path]:
    """The files of the package that a file imports."""
    places = (PACKAGE.parent / Path(*module.split(".")) for module in imports(path) if module.startswith("tuner"))
    return {file for place in places for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()}


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {path: files_imported(path) - {path} for path in FILES}
    order = TopologicalSorter(graph)
    order.prepare()  # raises CycleError and names the circle


def test_the_longest_chain_of_parts_has_twelve() -> None:
    graph: dict[str, set[str]] = {}
    for path in FILES:
        others = {part_of(module) for module in imports(path) if module.startswith("tuner.")}
        graph.setdefault(own_part(path), set()).update(others - {own_part(path)})
    length: dict[str, int] = {}
    for part in TopologicalSorter(graph).static_order():
        length[part] = 1 + max((length[other] for other in graph.get(part, ())), default=0)
    assert max(length.values()) <= 12, sorted(length.items(), key=lambda item: item[1])


def test_the_top_level_has_at_most_25_entries() -> None:
    entries = {path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py")}
    assert len(entries) <= 25, sorted(entries)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_has_30_to_250_lines(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 250
    assert lines >= 30 or path.name == "__init__.py" or path.name in SHORT


SHORT: set[str] = set()
"""Records that stand on their own in a file of less than 30 lines."""
