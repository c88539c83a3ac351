"""Write the projects that docs/tutorial.md works on, from the demo case: a researcher's own coding, in REFI-QDA.

``study.qdpx``: ten interviews she coded by the three logics; ``later.qdpx``: four more that she coded after the model
was trained, to hold it against; ``others.qdpx``: every other interview, uncoded. Stages are variables of the sources.

Usage: ``python training/tutorial.py FOLDER``
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from sibnlp import exchange
from sibnlp.exchange import Coder, Coding, Project, ProjectCode, ProjectDocument, Selection, Value, Variable

GOLD = Path(__file__).resolve().parent.parent / "corpora" / "demo" / "gold.jsonl"
LOGICS = {"NPM": "New Public Management", "NPG": "New Public Governance", "PVM": "Public Value Management"}
N_CODED, N_LATER = 10, 4
CODES = (
    ProjectCode("logic", "Logic", "Which logic of governing speaks from the passage.", codable=False),
    *(ProjectCode(id, f"{id}: {name}", parent="logic") for id, name in LOGICS.items()),
)
RESEARCHER = Coder("researcher", "A. Researcher")


def document(name: str, rows: list[dict[str, Any]], coded: bool) -> ProjectDocument:
    """One interview as a transcript, with what she marked in it."""
    text, marks = "", []
    for number, row in enumerate(rows):
        text += "\n\n" * bool(text) + f"{row['speaker'] or 'Interviewer'}: "
        start = len(text)
        text += " ".join(row["text"].split())
        given = [code for code in row["codes"] if code in LOGICS] if coded else []
        codings = tuple(Coding(f"{name} {number} {code}", code, RESEARCHER.id) for code in given)
        if codings:
            marks.append(Selection(f"{name} {number}", start, len(text), codings))
    values = (Value("stage", rows[0]["stage"]), Value("date", rows[0]["date"]), Value("kind", "interview"))
    return ProjectDocument(name, name, text + "\n", selections=tuple(marks), values=values)


def main() -> None:
    """Write the three projects."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    interviews: dict[str, list[dict[str, Any]]] = {}
    for line in GOLD.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if "interview" in row["document"]:
            interviews.setdefault(Path(row["document"]).stem, []).append(row)
    # Every third: from all three stages, as one would choose interviews to code first.
    chosen = [name for number, name in enumerate(interviews) if number % 3 == 0][:N_CODED]
    later = [name for number, name in enumerate(interviews) if number % 3 == 1][::3][:N_LATER]
    others = [name for name in interviews if name not in (*chosen, *later)]
    variables = (Variable("stage", "stage"), Variable("date", "date"), Variable("kind", "kind"))
    for file, names in (("study", chosen), ("later", later), ("others", others)):
        coded = file != "others"
        documents = tuple(document(name, interviews[name], coded) for name in names)
        project = Project(file, CODES, (RESEARCHER,) if coded else (), documents, variables)
        exchange.save(project, folder / f"{file}.qdpx")
        print(f"{folder / file}.qdpx: {len(names)} interviews")


if __name__ == "__main__":
    main()
