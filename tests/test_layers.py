"""Imports go downwards only: a module imports from lower levels, never from its own or a higher one."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

LEVELS = {
    0: "errors arrow",
    1: "types registry sentences intervals calibrate agreement manifest wordpieces abstention words places chunks "
    "overlap names",
    2: "columns embeddings parsing speech codebook project set_agreement unitising recognisers actors shrinkage "
    "gold_notes",
    3: "cascade periods tables segmentation metadata project_template classifiers quantifiers detectors targets "
    "pseudonyms",
    4: "readers aggregate misfit model evaluate exchange ledger sampling",
    5: "refusals gold tally exemplars instrument training explain guard",
    6: "estimates corpus",
    7: "sharding trajectory relations decompose alignment poles",
    8: "breaks",
    9: "follow runners runlog",
    10: "pipeline report batch",
    11: "cli spacy_component",
    12: "__main__",
}
LEVEL = {name: level for level, names in LEVELS.items() for name in names.split()}
# A seam's members are named in its table, as text, and imported by nobody else.
SEAMS = ("readers", "classifiers", "quantifiers", "detectors", "exchange", "recognisers", "runners")
PACKAGE = Path(__file__).resolve().parent.parent / "sibnlp"
FILES = sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Modules of our own that a file imports, inside functions as well."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("sibnlp.")}


def room(module: str) -> str:
    """The top-level room of ``sibnlp.room.member``."""
    return module.split(".")[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts == ("__init__",):
        return  # the public names: lazy, and of every level
    own = parts[0]
    assert own in LEVEL, f"{own} has no level: give it one in this file"
    for module in imported(path):
        target = room(module)
        if target == own or target not in LEVEL:
            continue
        assert LEVEL[target] < LEVEL[own], f"{path.name} (level {LEVEL[own]}) imports {module} (level {LEVEL[target]})"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_members_of_a_seam_are_reached_through_its_table(path: Path) -> None:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    members = {seam: {file.stem for file in (PACKAGE / seam).glob("*.py")} - {"__init__"} for seam in SEAMS}
    past = [
        module
        for module in imported(path)
        for names in [module.split(".")[1:]]
        if names[0] in SEAMS and len(names) > 1 and names[1] in members[names[0]] and parts[0] != names[0]
    ]
    assert not past, f"{'/'.join(parts)} imports past the registry: {past}"


def test_importing_sibnlp_loads_nothing_heavy() -> None:
    heavy = "torch", "spacy", "sklearn", "pyarrow", "scipy", "altair", "numpy"
    code = f"import sys, sibnlp; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_loads_nothing_heavy() -> None:
    heavy = "torch", "spacy", "sklearn", "pyarrow", "scipy", "altair"
    code = (
        "import sys\nfrom sibnlp.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_only_training_imports_torch() -> None:
    for path in FILES:
        names = {alias.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                 if isinstance(node, ast.Import) for alias in node.names}  # fmt: skip
        names |= {node.module or "" for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                  if isinstance(node, ast.ImportFrom)}  # fmt: skip
        heavy = {name for name in names if name.split(".")[0] in ("torch", "transformers", "sentence_transformers")}
        assert not heavy or path.parent.name == "training", f"{path} imports {heavy}"


def test_public_names_exist_and_are_few() -> None:
    import sibnlp

    assert len(sibnlp._NAMES) <= 15
    for name in sibnlp._NAMES:
        assert callable(getattr(sibnlp, name))
