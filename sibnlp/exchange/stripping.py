"""What names the people who worked on a project, taken out of it before it is given away.

Names of coders, their GUIDs and dates, paths of their machines. Names of those who are spoken of in the texts are
another matter (``sibnlp pseudonymise``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from sibnlp.exchange.project import Coding, Project, ProjectDocument, Selection

# A drive, a home, a share, a URL of a file: everything up to the next white space or quotation mark.
_PATH = re.compile(
    r"(?:file:///?|[A-Za-z]:[\\/]|\\\\|(?<![\w/.])/(?:Users|home|Volumes|mnt|media|private|tmp|var|root)/)[^\s\"'<>|]*"
)


def strip(project: Project) -> Project:
    """A project without names of its coders, dates and paths; models keep their names.

    Coders are ``coder 1`` … in the project's order, in remarks and notes as well.
    """
    people = [coder for coder in project.coders if not coder.machine]
    ids = {coder.id: f"coder {number}" for number, coder in enumerate(people, 1)}
    ids |= {coder.id: coder.id for coder in project.coders if coder.machine}
    clean = _cleaner({coder.name: ids[coder.id] for coder in people})

    def coder_of(id: str) -> str:
        return ids.get(id, "")

    def coding(one: Coding) -> Coding:
        return replace(one, coder=coder_of(one.coder), created="", note=clean(one.note))

    def selection(one: Selection) -> Selection:
        codings = tuple(coding(each) for each in one.codings)
        # The name is a quotation, and the text itself is not touched.
        return replace(one, codings=codings, description=clean(one.description), coder=coder_of(one.coder), created="")

    def document(one: ProjectDocument) -> ProjectDocument:
        return replace(
            one,
            name=re.split(r"[\\/]", one.name.rstrip("\\/"))[-1] if _PATH.search(one.name) else one.name,
            selections=tuple(selection(each) for each in one.selections),
            codings=tuple(coding(each) for each in one.codings),
            description=clean(one.description),
            coder=coder_of(one.coder),
            created="",
        )

    return replace(
        project,
        name=clean(project.name),
        description=clean(project.description),
        coders=tuple(
            coder if coder.machine else replace(coder, id=ids[coder.id], name=ids[coder.id])
            for coder in project.coders
        ),
        codes=tuple(replace(code, description=clean(code.description)) for code in project.codes),
        documents=tuple(document(one) for one in project.documents),
        cases=tuple(replace(case, description=clean(case.description)) for case in project.cases),
        groups=tuple(replace(group, description=clean(group.description)) for group in project.groups),
        notes=tuple(
            replace(
                note, name=clean(note.name), text=clean(note.text), description=clean(note.description),
                coder=coder_of(note.coder), created="",
            )
            for note in project.notes
        ),
        extents=tuple(replace(extent, coder=coder_of(extent.coder)) for extent in project.extents),
    )  # fmt: skip


def _cleaner(names: dict[str, str]) -> Callable[[str], str]:
    """Replaces names of coders and paths in a remark."""
    longest = sorted((name for name in names if len(name) > 1), key=len, reverse=True)
    folded = {name.casefold(): new for name, new in names.items()}
    pattern = (
        re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest)) + r")(?!\w)", re.IGNORECASE) if longest else None
    )

    def clean(text: str) -> str:
        text = _PATH.sub("[path]", text)
        return pattern.sub(lambda hit: folded.get(hit[0].casefold(), "coder"), text) if pattern else text

    return clean
