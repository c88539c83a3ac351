"""A commented project file from what was found in a folder."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sibnlp.types import Source, is_spoken

_TEMPLATE = """\
# A sibnlp project. Run it with: sibnlp run {folder} -o report
# Every key is optional; what stands behind '#' is the default or an example.

title = {title}

[documents]
folder = "."                        # relative to this file
# include = ["**/*"]                # which files, as glob patterns
# exclude = ["drafts/**"]
{pattern}# metadata = "metadata.csv"         # found by itself in the folder; one row a file (document, stage, date,
                                    # kind, actor, role) or a label (speaker, actor, role); more columns pass

# Periods with a meaning, in order; a document belongs to one by its own stage or by its date (bounds inclusive).
# [[stage]]
# id = "1"
# name = "development"
# start = "2011"
# end = "2015"

{speakers}
[segment]
# max_words = 120                   # longest passage
# min_words = 15                    # shorter blocks join their neighbour
# interviewer = "context"           # or "classify" (treat the interviewer like anybody), or "drop"
{interviewers}

[model]
# name = "gov-fast"                 # sibnlp models lists those that ship; or a folder from sibnlp train
# codebooks = ["osborne", "oflynn"] # which drift you see depends on the codebook: both run side by side

[drift]
# period = "stage"                  # or year, quarter, month
# denominator = "talk"              # share of all passages; or "domain": share of the domain's passages
# weight = "passage"                # or words, document, actor: what counts the same
# gold = "coded.jsonl"              # codings by people to correct the figures by
# quantifier = ""                   # the best that holds; or count, probabilistic, acc, pacc, emq, design_based
# margin = 2.0                      # odds ratio below which a change counts as none

# Metadata of single files; they win over the table and the file name.
{documents}"""


def describe(folder: str, sources: Sequence[Source]) -> str:
    """A project file for a folder.

    Args:
        folder: its name.
        sources: what reading its files gave; files that failed stand as comments.

    Returns:
        TOML, valid as it stands.
    """
    read = [source for source in sources if not source.problem]
    answering = {label: None for source in read if is_spoken(source.kind) for label in source.speakers}
    asking = sorted({label for source in read for label in source.interviewers})
    lines = [f'# [[speaker]]\n# label = {_quote(label)}\n# actor = ""\n# role = ""\n' for label in sorted(answering)]
    entries = []
    for source in sources:
        if source.problem:
            entries.append(f"# could not be read: {' '.join(source.problem.split())}\n")
        else:
            entries.append(
                # What is found is a comment: written out, it would win over a metadata table added later, and stop the
                # run once a file is gone.
                f"# [[document]]\n# path = {_quote(source.id)}\n# kind = {_quote(source.kind or '')}  # as found\n"
                f'# stage = ""\n# date = ""\n# actor = ""\n# role = ""\n'
            )
    return _TEMPLATE.format(
        folder=" ".join(folder.split()),
        title=_quote(folder),
        pattern='# pattern = "{date}_{actor}_{kind}"  # metadata in file names; also {stage}, {role}, {*}, folders\n',
        speakers="# Who stands behind a label in the transcripts, so that one person is one actor throughout.\n"
        + "\n".join(lines),
        interviewers=f"# interviewers = {json.dumps(asking, ensure_ascii=False)}  # as found; correct it if wrong",
        documents="\n".join(entries),
    )


def _quote(text: str) -> str:
    # JSON's escapes are a subset of TOML's basic strings, except that TOML forbids a raw DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
