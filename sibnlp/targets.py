"""What codings say about each code of a set of codebooks: holds, does not hold, or nobody looked.

One reading of codings for training and for evaluation, so that a model is judged by the rule it learnt by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sibnlp.codebook import DOMAINS, PASSAGE, RELATION, Codebook, adding
from sibnlp.errors import DataError
from sibnlp.types import CodedPassage


@dataclass(frozen=True, slots=True)
class FamilyCodes:
    """A family with its passage-level codes, as one or several codebooks define them together.

    Attributes:
        id: of the family.
        multiple: whether a passage may carry several of its codes.
        codes: ids, in the order of the codebooks.
        requires: id of the family without which this one is not coded; empty if none.
    """

    id: str
    multiple: bool
    codes: tuple[str, ...]
    requires: str = ""


def merge(codebooks: Sequence[Codebook]) -> tuple[FamilyCodes, ...]:
    """Families of several codebooks as one set: the codes of a family they share are united.

    Codes and families of cell level are left out: no single passage can carry them.

    Raises:
        DataError: no codebook, or two disagree about a family or a code.
    """
    if not codebooks:
        raise DataError("no codebook is given", "name at least one")
    codes: dict[str, list[str]] = {}
    kind: dict[str, tuple[bool, str]] = {}
    home: dict[str, str] = {}
    for book in codebooks:
        for family in book.families:
            if family.level != PASSAGE:
                continue
            if kind.setdefault(family.id, (family.multiple, family.requires)) != (family.multiple, family.requires):
                raise DataError(f"codebook {book.id!r} defines family {family.id!r} differently from another one")
            members = codes.setdefault(family.id, [])
            for code in book.codes_in(family.id):
                if home.setdefault(code.id, family.id) != family.id:
                    raise DataError(f"code {code.id!r} belongs to two families: {home[code.id]!r} and {family.id!r}")
                if code.level == PASSAGE and code.id not in members:
                    members.append(code.id)
    return tuple(FamilyCodes(id, *kind[id][:1], tuple(members), kind[id][1]) for id, members in codes.items())


def needs(family: str) -> int:
    """How many codes of the family it requires a passage must carry before a family is coded: 2 for a relation."""
    return 2 if family == RELATION else 1


def targets(
    codings: Sequence[CodedPassage], codebooks: Sequence[Codebook], codes: Sequence[str]
) -> NDArray[np.float64]:
    """What the codings say: float64 [n, k], 1 holds, 0 does not, NaN unknown.

    A code is known where its family lies in the coder's extent (an empty extent is every family), and there alone: of
    a coding that was read for stances only, logics say which stances there can be, and nothing else. Of a family that
    requires another it is known only where that other was found: without a logic there is no stance to be absent,
    without two no relation. Domains and dimensions are the exception: where there is no logic, there is none of them
    either, and a model that gives one is wrong. A code holds for its parents too.

    Raises:
        DataError: a coding carries a code that no codebook defines.
    """
    families = merge(codebooks)
    home = {code: family for family in families for code in family.codes}
    parent = {code.id: code.parent for book in codebooks for code in book.codes}
    found = np.full((len(codings), len(codes)), np.nan)
    for row, coding in enumerate(codings):
        given: set[str] = set()
        for code in coding.codes:
            if code not in parent:
                names = [book.id for book in codebooks]
                raise DataError(
                    f"passage {coding.passage.id!r} carries {code!r}, which no codebook ({', '.join(names)}) defines",
                    adding(code, names) or "name the codebook it is from, or correct the coding",
                )
            while code and code not in given:
                given.add(code)
                code = parent[code]
        carried = Counter(home[code].id for code in given if code in home)
        for column, code in enumerate(codes):
            family = home[code]
            looked = not coding.extent or family.id in coding.extent
            if not looked:
                continue
            if code in given:
                found[row, column] = 1.0
            elif not family.requires or family.id in DOMAINS or carried[family.requires] >= needs(family.id):
                found[row, column] = 0.0
    return found
