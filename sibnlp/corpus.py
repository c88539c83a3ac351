"""From paths to passages: which files, in which order, and what became of each.

What a file's trouble is stays with that file: it is recorded, and the rest goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from sibnlp import exchange, metadata, project, readers
from sibnlp.errors import ProjectError, ReadError, SibnlpError
from sibnlp.guard import Guard, at_risk
from sibnlp.project import FILE_NAME, METADATA_NAME, Settings
from sibnlp.segmentation import SegmentSettings, interviewers_of, kind_of, outside_turns, segment
from sibnlp.types import Document, Passage, Source

# Called with the stage of the work, how much is done and how much there is.
Progress = Callable[[str, int, int], None]

# Ends the names of folders that hold what is done of a run (`sibnlp.sharding.store`).
WORK_SUFFIX = ".work"
# What is said of a file that is not looked at because it is not in the folder that was given.
STRAY = "is a link to a file outside its folder", "copy the file into the folder"
_NEVER_DOCUMENTS = ("readme", "license", "licence")


@dataclass(frozen=True, slots=True)
class Input:
    """A file to read, with the id its document will have.

    Attributes:
        stray: whether it is a link out of the folder that it was found in: a folder from somebody else must not bring
            files of this machine into a report.
    """

    path: Path
    id: str
    stray: bool = False


@dataclass(slots=True)
class Corpus:
    """Everything read: passages in input order, and what became of each file."""

    passages: list[Passage] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)

    @property
    def failed(self) -> list[Source]:
        """The files that could not be read."""
        return [source for source in self.sources if source.problem]


def find(paths: Iterable[Path], alone: bool | None = None) -> list[Input]:
    """Files to read, for commands that take files and folders.

    Args:
        paths: files, taken as they are; folders, searched for everything a reader answers for. With a single folder
            the ids are relative to it; with several paths they are relative to the current folder, so that two files of
            one name stay apart.
        alone: whether to take ids as for a single path; as the paths are where None.

    Raises:
        ProjectError: a path does not exist, or a folder holds nothing readable.
    """
    paths = list(paths)
    alone = len(paths) == 1 if alone is None else alone
    return [one for path in paths for one in each_in(path, alone)]


def each_in(path: Path, alone: bool) -> Iterator[Input]:
    """What `find` gives for one of its paths, one by one."""
    if path.is_dir():
        prefix = PurePosixPath(".") if alone else PurePosixPath(path.as_posix())
        empty = True
        for one in _in_folder(path, ("**/*",), ()):
            empty = False
            yield replace(one, id=str(prefix / one.id))
        if empty:
            raise ProjectError(path, "no readable file in this folder", f"readable: {' '.join(suffixes())}")
    elif path.exists():
        yield Input(path, path.name if alone else path.as_posix())
    else:
        raise ProjectError(path, "no such file or folder")


def known_beside(paths: Sequence[Path], ids: Sequence[str]) -> metadata.Metadata | None:
    """Metadata for a single folder given to a command: its ``metadata.csv``, or its project file's.

    Args:
        paths: given.
        ids: of the documents there, as `find` has them.

    Raises:
        ProjectError: the table or the project file is not valid.
    """
    if len(paths) != 1 or not paths[0].is_dir():
        return None
    settings = project.load(paths[0])
    if (paths[0] / settings.documents.folder).resolve() != paths[0].resolve():
        return None  # the project's documents lie elsewhere, so its paths do not mean these files
    return metadata.gather(settings, ids)


def suffixes() -> list[str]:
    """File name endings that have a reader."""
    return sorted(suffix for entry in readers.READERS.values() for suffix in entry.suffixes)


def find_documents(settings: Settings) -> list[Input]:
    """The documents of a project.

    Raises:
        ProjectError: the folder is missing, or nothing in it fits.
    """
    folder = settings.root / settings.documents.folder
    if not folder.is_dir():
        raise ProjectError(folder, "no such folder", "see documents.folder in the project file")
    table = settings.documents.metadata
    inside = _in_folder(folder, settings.documents.include, settings.documents.exclude)
    found = [one for one in inside if not table or one.path.resolve() != (settings.root / table).resolve()]
    if not found:
        raise ProjectError(folder, "no readable document in this folder", f"readable: {' '.join(suffixes())}")
    return found


def _in_folder(folder: Path, include: Sequence[str], exclude: Sequence[str]) -> Iterator[Input]:
    """Documents in a folder, one by one, in the order of their names, folder by folder."""
    try:
        # As text: of a hundred thousand files it takes a fifth of the memory that paths do.
        hits = {str(path) for pattern in include for path in folder.glob(pattern)}
        hits -= {str(path) for pattern in exclude for path in folder.glob(pattern)}
    except (ValueError, NotImplementedError) as error:
        fix = 'a pattern is relative to the folder, as "interviews/**/*.docx"'
        raise ProjectError(folder, f"documents.include or documents.exclude: {error}", fix) from error
    home = folder.resolve()
    for path in map(Path, sorted(hits, key=lambda hit: hit.replace(os.sep, "\0"))):
        inside = path.relative_to(folder)
        if is_document_name(inside.as_posix()) and path.is_file() and not _is_ours(path):
            yield Input(path, inside.as_posix(), not path.resolve().is_relative_to(home))


def is_document_name(name: str) -> bool:
    """Whether a file is taken for a document, by its path inside the folder that is searched."""
    path = PurePosixPath(name)
    # What is kept of a run that is not finished lies beside its output, maybe among the documents.
    if any(part.startswith((".", "~$")) or part.endswith(WORK_SUFFIX) for part in path.parts):
        return False
    if path.name in (FILE_NAME, METADATA_NAME) or path.stem.lower() in _NEVER_DOCUMENTS:
        return False
    # A format that has advice has no reader, but is a document: it is listed with the advice.
    return readers.readable(Path(name)) or path.suffix.lower() in readers.ADVICE


def _is_ours(path: Path) -> bool:
    """Whether a file is something this library wrote: its own output is not one of the documents.

    A table of passages without further columns in front is ours, wherever it lies; a report says so itself.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return path.name == "predictions.parquet"
    if suffix not in (".html", ".csv", ".jsonl"):
        return False
    try:
        with path.open("rb") as file:
            head = file.read(400).removeprefix(b"\xef\xbb\xbf")
    except OSError:
        return False  # reading it will say why
    if suffix == ".html":
        return b'<meta name="generator" content="sibnlp">' in head
    if suffix == ".csv":
        return head.startswith(b"document,passage,start,end,text,")
    return head.startswith(b'{"document": ') and b', "passage": ' in head


def read_documents(inputs: Sequence[Input], progress: Progress | None = None) -> Iterator[Document | Source]:
    """Read files one by one; those at risk (`sibnlp.guard.at_risk`) in a process apart.

    Yields:
        A document, or a `Source` with its ``problem`` for a file that cannot be read, in the order of the inputs. A
        coded project gives all its documents.
    """
    with Guard() as guard:
        if any(at_risk(one.path) for one in inputs):
            guard.start()
        for number, one in enumerate(inputs):
            try:
                if one.stray:
                    raise ReadError(one.path, *STRAY)
                if exchange.is_project(one.path):
                    yield from in_project(one, len(inputs) == 1, guard)
                elif at_risk(one.path):
                    yield guard.read(one.path, one.id)
                else:
                    yield readers.read(one.path, one.id)
            except SibnlpError as error:
                yield Source(one.id, problem=str(error))
            if progress:
                progress("reading", number + 1, len(inputs))


def in_project(one: Input, alone: bool, guard: Guard | None = None) -> Iterator[Document | Source]:
    """The documents of a coded project, by their names in it, and its sources that cannot be read."""
    documents, problems = guard.read_project(one.path) if guard else exchange.read_documents(one.path)
    for document in documents:
        yield document if alone else replace(document, id=f"{one.id}/{document.id}")
    for problem in problems:
        yield Source(problem.place or one.id, problem=f"{one.path}, {problem}")


def collect(
    inputs: Sequence[Input],
    settings: SegmentSettings | None = None,
    known: metadata.Metadata | None = None,
    progress: Progress | None = None,
) -> Corpus:
    """Read and segment files.

    Args:
        inputs: from `find` or `find_documents`.
        settings: of segmentation.
        known: metadata to apply.
        progress: told of each file.
    """
    corpus = Corpus()
    for document in read_documents(inputs, progress):
        if isinstance(document, Source):
            corpus.sources.append(document)
            continue
        try:
            document = with_metadata(document, known, settings)
            passages = segment(document, settings)
            source = _source(document, passages, settings)
        except SibnlpError as error:
            corpus.sources.append(Source(document.id, problem=f"{document.id}: {error}"))
            continue
        corpus.passages += passages
        corpus.sources.append(source)
    return corpus


def with_metadata(
    document: Document, known: metadata.Metadata | None, settings: SegmentSettings | None = None
) -> Document:
    """A document with what is known of it; as it is where nothing is."""
    return known.apply(document, interviewers_of(known.apply(document), settings)) if known else document


def _source(document: Document, passages: Sequence[Passage], settings: SegmentSettings | None) -> Source:
    asking = interviewers_of(document, settings)
    outside = outside_turns(document)
    return Source(
        id=document.id,
        format=document.format,
        encoding=document.encoding,
        kind=None if document.rows else kind_of(document),
        stage=document.stage,
        date=document.date,
        n_passages=len(passages),
        n_words=sum(passage.n_words for passage in passages),
        n_context=sum(turn.speaker in asking for turn in document.turns),
        speakers=tuple(dict.fromkeys(passage.speaker for passage in passages if passage.speaker)),
        interviewers=tuple(sorted(asking)),
        dropped=(*document.dropped, *([outside] if outside else [])),
    )
