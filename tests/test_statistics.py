"""Every statistic of the drift modules names its source and carries a number that can be checked.

A statistic is a function, private or not, whose return type holds a number that is estimated. Those that only sum, lay
out or pass on what another computes are listed with the reason; an entry that is no longer needed fails as well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "sibnlp"
MODULES = (
    "alignment", "breaks", "decompose", "detectors", "estimates", "intervals", "misfit", "overlap", "poles",
    "quantifiers", "refusals", "relations", "shrinkage", "tally", "trajectory",
)  # fmt: skip
NUMBERS = re.compile(r"\b(float|float64|Estimate|Error|Contrast|Noise|Rates|Split)\b")
SOURCE = re.compile(r"\b(1[89]|20)\d\d[a-z]?\b|, ch\. \d|§ ?\d")
# Not statistics of their own, and why.
NONE_OF_ITS_OWN = {
    "estimates.Estimates.weights": "weights of counts, 0 where nothing was decided",
    "estimates.Estimates.levels": "keeps what a quantifier gives",
    "estimates.Estimates._share": "picks the denominator of `ratio`, which has both",
    "estimates._OnDemand.outcomes": "passes on what a quantifier gives",
    "estimates._OnDemand.levels": "passes on what a quantifier gives",
    "estimates._OnDemand.stray": "passes on what a quantifier gives",
    "estimates._padded": "layout",
    "intervals.sum_by": "a sum",
    "intervals._expit": "a function of mathematics",
    "quantifiers.Passages.sums": "a sum",
    "quantifiers.Adjusted.levels": "a protocol",
    "quantifiers.Adjusted.stray": "a protocol",
    "quantifiers.Among.levels": "passes on what a quantifier gives",
    "quantifiers.Among.stray": "passes on what a quantifier gives",
    "quantifiers.adjusted._solve": "arithmetic of `adjust`, which has both",
    "quantifiers.counting.Counted.stray": "nil by definition",
    "quantifiers.design_based.Sampled._gold_sums": "a sum",
    "quantifiers.likelihood.Likely._ratio": "the exponential of what `_calibrate` fits",
    "quantifiers.gridded._shares": "Lagrange's polynomials, a function of mathematics",
    "quantifiers.likelihood.Likely._levels": "`maximum_likelihood` by period",
    "quantifiers.likelihood.Likely.stray": "unknown by definition",
    "trajectory._end": "a level, clipped",
    "trajectory.levels_of": "a level",
}
# Statistics whose answer is a word: rules with numbers of their own.
WORDS = ("refusals.correction", "refusals.misfit", "refusals.sample")


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function and method of the modules whose return type holds a number, by dotted name."""
    for module in MODULES:
        path = PACKAGE / module
        files = sorted(path.glob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        for file in files:
            room = file.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
            tree = ast.parse(file.read_text(encoding="utf-8"))
            for node in tree.body:
                for one, name in [(node, "")] if isinstance(node, ast.FunctionDef) else [
                    (inner, f"{node.name}.") for inner in getattr(node, "body", []) if isinstance(node, ast.ClassDef)
                ]:  # fmt: skip
                    if isinstance(one, ast.FunctionDef) and returns(one, f"{room}.{name}{one.name}"):
                        yield f"{room}.{name}{one.name}", one


def returns(node: ast.FunctionDef, name: str) -> bool:
    """Whether a function gives a statistic."""
    return name in WORDS or bool(node.returns and NUMBERS.search(ast.unparse(node.returns)))


def lacking(node: ast.FunctionDef) -> list[str]:
    """What a statistic's docstring lacks."""
    text = ast.get_docstring(node) or ""
    return [what for what, held in (("a source", SOURCE.search(text)), ("a doctest", ">>> " in text)) if not held]


def test_every_statistic_names_its_source_and_carries_a_number() -> None:
    found = {name: lacking(node) for name, node in functions() if name not in NONE_OF_ITS_OWN}
    wrong = {name: what for name, what in found.items() if what}
    assert not wrong, "\n".join(f"{name} lacks {' and '.join(what)}" for name, what in wrong.items())


def test_what_is_no_statistic_is_still_there() -> None:
    names = dict(functions())
    gone = [name for name in NONE_OF_ITS_OWN if name not in names]
    assert not gone
    complete = [name for name in NONE_OF_ITS_OWN if not lacking(names[name])]
    assert not complete, f"these have both and need no exception: {complete}"


def test_the_rule_sees_what_it_is_for() -> None:
    bare = ast.parse('def f() -> float:\n    """A mean.\n\n    >>> f()\n    1.0\n    """\n').body[0]
    assert isinstance(bare, ast.FunctionDef)
    assert lacking(bare) == ["a source"]
    assert len(dict(functions())) > 60
