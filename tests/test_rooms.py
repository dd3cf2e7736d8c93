"""The rooms: none stands on what stands on it, and the hall stays small."""

import ast
import graphlib
import importlib
import itertools
import re
import statistics
from pathlib import Path

ROOT = Path(__file__).parent.parent
HALL = ROOT / "genlab"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(
        ".__init__"
    ): path
    for path in sorted(HALL.rglob("*.py"))
}


def imports(path: Path) -> set[str]:
    """What a module imports of genlab, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    # The package itself runs before any of its modules, whoever asks for it.
    return {name for name in found if name in MODULES and name != "genlab"}


ARROWS = {name: imports(path) for name, path in MODULES.items() if name != "genlab"}


def room(module: str) -> str:
    """The room of a module; those of the hall are one, the ground, but for the door."""
    name = module.split(".")[1]
    return name if (HALL / name).is_dir() or name == "__main__" else "ground"


ROOMS: dict[str, set[str]] = {room(module): set() for module in ARROWS}
for module, others in ARROWS.items():
    ROOMS[room(module)] |= {room(other) for other in others} - {room(module)}


def test_no_room_stands_on_one_that_stands_on_it():
    order = list(graphlib.TopologicalSorter(ROOMS).static_order())  # or CycleError
    assert order[0] == "ground"


def test_the_map_draws_each_room_on_those_right_below_it():
    below: dict[str, set[str]] = {}
    for name in graphlib.TopologicalSorter(ROOMS).static_order():
        below[name] = ROOMS[name].union(*(below[other] for other in ROOMS[name]))
    steps = {
        (other, name)
        for name, others in ROOMS.items()
        for other in others
        if name != "__main__" and not any(other in below[one] for one in others)
    }
    chart = (ROOT / "WORKSPACE.md").read_text().split("```mermaid\n")[1].split("```")[0]
    drawn = set()
    for line in re.sub(r"\[.*?\]", "", chart).splitlines()[1:]:
        groups = [group.replace(" ", "").split("&") for group in line.split("-->")]
        for pair in itertools.pairwise(groups):
            drawn |= set(itertools.product(*pair))
    assert drawn == steps


def test_no_modules_import_each_other_in_a_circle():
    graphlib.TopologicalSorter(ARROWS).prepare()


def test_names_are_imported_from_their_homes():
    """Not from a module that imports them itself."""
    guests = {
        name: {
            alias.asname or alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for name, path in MODULES.items()
    }
    borrowed = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {alias.name} of {node.module}"
        for folder in ("genlab", "experiments", "configs", "benchmarks", "tests")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in guests.get(node.module, ())
        and f"{node.module}.{alias.name}" not in MODULES
    ]
    assert not borrowed


def test_what_is_taken_of_a_module_by_its_name_is_there():
    """Also in what only a long command runs."""
    missing = [
        f"{path.relative_to(ROOT)}:{line}: {module}.{name}"
        for folder in ("genlab", "experiments", "configs", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for module, name, line in taken(ast.parse(path.read_text()))
        if not hasattr(importlib.import_module(module), name)
    ]
    assert not missing


def taken(tree: ast.AST) -> list[tuple[str, str, int]]:
    """`module.name` of genlab's modules wherever one is written, and `from module import name`, with lines."""
    imported = [
        (f"{node.module}.{alias.name}", node.module, alias, node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in MODULES
        for alias in node.names
    ]
    modules = {
        a.asname or a.name: full for full, _, a, _ in imported if full in MODULES
    }
    shadowed = {
        node.arg if isinstance(node, ast.arg) else node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.arg)
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    }
    return [
        *(
            (home, a.name, line)
            for full, home, a, line in imported
            if full not in MODULES
        ),
        *(
            (modules[node.value.id], node.attr, node.lineno)
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in modules.keys() - shadowed
        ),
    ]


def test_hall_is_small_and_files_are_short():
    hall = {path.name for path in HALL.glob("*.py")} - {"__main__.py"}
    assert len(hall) <= 9
    lengths = {name: len(p.read_text().splitlines()) for name, p in MODULES.items()}
    assert statistics.median(lengths.values()) < 160
    assert not {name: length for name, length in lengths.items() if length > 300}
