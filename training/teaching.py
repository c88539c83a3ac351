"""Codings for a fast model from a slower one: the uncoded passages of the pool, coded by a teacher.

Distillation (Hinton, Vinyals & Dean 2015, *Distilling the knowledge in a neural network*) with hard labels: the student
takes no soft ones. Only passages whose documents and speakers belong to the training split are taught; those of
development documents, of the validation and of the test split stay out, coded or not.
"""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Sequence

from sibnlp.codebook import Codebook
from sibnlp.model import Model
from sibnlp.targets import merge
from sibnlp.types import CodedPassage, Passage
from training.corpora import PUBLIC, REAL
from training.public_corpus.passages import document_of, groups, split_of

# What the teacher knows well enough to teach, and from which probability on a code is taught as given. Lower than the
# teacher's own thresholds: 0.3 did better on validation text than 0.5 with the unsure passages left out.
FAMILIES, GIVEN = ("logic", "domain", "dimension"), 0.3
log = logging.getLogger(__name__)


def uncoded() -> list[Passage]:
    """Passages of the pool that nobody coded and that may be learnt from; empty where the pool is not here."""
    path = REAL / "pool.jsonl.gz"
    if not path.is_file():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        pool = [row for row in map(json.loads, lines) if not row["dev_document"]]
    group = groups(pool)
    drawn = {json.loads(line)["id"] for line in (PUBLIC / "sample.jsonl").read_text(encoding="utf-8").splitlines()}
    found = []
    for row in pool:
        own = group[document_of(row)]
        if row["id"] not in drawn and split_of(own) == "train":
            found.append(Passage(row["id"], own, 0, len(row["text"]), row["text"], heading=row["title"] or ""))
    return found


def taught(teacher: Model, books: Sequence[Codebook]) -> list[CodedPassage]:
    """The uncoded passages with the teacher's codes; its name stands as their coder."""
    passages = uncoded()
    if not passages:
        log.warning("the pool is not here: nothing is taught, and the model will be weaker than the released one")
        return []
    predictions = teacher.predict(passages)
    home = {code: family.id for family in merge(books) for code in family.codes}
    columns = [(code, predictions.column(code)) for code in predictions.codes if home[code] in FAMILIES]
    log.info("%d passages taught by %s", len(passages), teacher.name)
    return [
        CodedPassage(
            passage,
            tuple(code for code, column in columns if predictions.probabilities[row, column] >= GIVEN),
            coder=f"taught by {teacher.name}",
            extent=FAMILIES,
        )
        for row, passage in enumerate(passages)
    ]
