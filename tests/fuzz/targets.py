"""What is fuzzed: for each kind of file, seeds made by the project's own fixtures, and a check that must never fail.

A check writes the bytes to a file, reads it as a user's command would, and looks at what comes out
(`tests.fuzz.invariants`). It raises for a finding and for nothing else: `sibnlp.errors.SibnlpError` is an answer.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from sibnlp import codebook, exchange, project, readers
from sibnlp.errors import SibnlpError
from sibnlp.manifest import MANIFEST, read_manifest, verify
from sibnlp.segmentation import SegmentSettings
from tests.fuzz import seeds
from tests.fuzz.invariants import check_document, check_error, check_passages, check_project


@dataclass(frozen=True)
class Target:
    """One kind of file.

    Attributes:
        suffix: of the file that is written.
        use: reads it and checks what comes out.
        seeds: writes good files into a folder.
        modules: what is instrumented beside sibnlp: libraries in Python that do the parsing.
    """

    suffix: str
    use: Callable[[Path], None]
    seeds: Callable[[Path], None]
    modules: tuple[str, ...] = ()

    def check(self, raw: bytes) -> None:
        """Raise if these bytes break a promise."""
        path = _folder() / f"input{self.suffix}"
        path.write_bytes(raw)
        try:
            self.use(path)
        except SibnlpError as error:
            check_error(error)

    def make_seeds(self) -> list[bytes]:
        """The seeds, shortest first."""
        folder = Path(tempfile.mkdtemp(prefix="sibnlp-seeds-"))
        try:
            self.seeds(folder)
            return sorted((one.read_bytes() for one in folder.iterdir() if one.is_file()), key=len)
        finally:
            shutil.rmtree(folder)


@cache
def _folder() -> Path:
    """One folder for the life of the process, in memory where there is such a place."""
    home = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="sibnlp-fuzz-", dir=home if home.is_dir() else None))


def _read(path: Path) -> None:
    document = readers.read(path, "d")
    check_document(document)
    assert readers.read(path, "d") == document, "a reader that is not deterministic"
    check_passages(document)
    check_passages(document, SegmentSettings(max_words=7, min_words=3))


def _import(path: Path) -> None:
    found = exchange.load(path)
    check_project(found)
    try:
        documents, _ = exchange.read_documents(path)
        for document in documents:
            check_document(document)
            check_passages(document)
        exchange.read_codings(path, (), exchange.Options(extent="span"))
    except SibnlpError as error:
        check_error(error)


def _book(path: Path) -> None:
    book = codebook.load(path)
    assert len({code.id for code in book.codes}) == len(book.codes)
    assert book.structure and book.wording
    codebook.framework(book)


def _project(path: Path) -> None:
    settings = project.load(path)
    assert settings.root == path.parent


def _model(path: Path) -> None:
    folder = path.parent / "model"
    folder.mkdir(exist_ok=True)
    (folder / MANIFEST).write_bytes(path.read_bytes())
    manifest = read_manifest(folder)
    assert set(manifest.thresholds) >= set(manifest.codes)
    verify(folder, manifest)


def _reader(suffix: str, *modules: str) -> Target:
    return Target(suffix, _read, partial(seeds.documents, suffix=suffix), modules)


def _importer(suffix: str, make: Callable[[Path], None], *modules: str) -> Target:
    return Target(suffix, _import, make, modules)


TARGETS: dict[str, Target] = {
    "text": _reader(".txt"),
    "markdown": _reader(".md"),
    "vtt": _reader(".vtt"),
    "srt": _reader(".srt"),
    "docx": _reader(".docx"),
    "odt": _reader(".odt"),
    "rtf": _reader(".rtf", "striprtf"),
    "pdf": _reader(".pdf"),
    "html": _reader(".html", "trafilatura"),
    "csv": _reader(".csv"),
    "xlsx": _reader(".xlsx", "openpyxl"),
    "jsonl": _reader(".jsonl"),
    "parquet": _reader(".parquet"),
    "qdpx": _importer(".qdpx", seeds.qdpx),
    "qdc": _importer(".qdc", seeds.qdc),
    "uima": _importer(".zip", seeds.uima),
    "taguette": _importer(".sqlite3", seeds.taguette),
    "label_studio": _importer(".json", seeds.label_studio),
    "coded_csv": _importer(".csv", seeds.coded_csv),
    "codebook": Target(".toml", _book, seeds.codebooks),
    "project": Target(".toml", _project, seeds.projects),
    "manifest": Target(".json", _model, seeds.manifests),
}
