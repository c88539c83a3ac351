"""Every command that takes codings takes the same small project from every tool, and finds the same in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sibnlp import exchange
from sibnlp.exchange import Coder, Coding, Extent, Project, ProjectCode, ProjectDocument, Selection
from sibnlp.tables import files
from tests.cli.shell import sibnlp
from tests.coded import WORDS

FORMATS = (".qdpx", ".zip", ".sqlite3", ".json", ".xlsx")
N_DOCUMENTS, N_EACH = 8, 8
ALL = ("--project", "extent=all")


def paragraphs() -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """By document: paragraphs of seventeen words, each with its codes."""
    rng = np.random.default_rng(3)
    made: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for number in range(N_DOCUMENTS * N_EACH):
        topic = ("bread", "boats", "")[number % 3]
        words = [*rng.choice(WORDS[topic], 9), *rng.choice(WORDS[""], 7), f"w{number}"]
        text = " ".join(str(word) for word in rng.permutation(words)).capitalize() + "."
        made.setdefault(f"interview {number // N_EACH}", []).append((text, (topic,) if topic else ()))
    return made


TRUTH = {text: codes for document in paragraphs().values() for text, codes in document}


def project() -> Project:
    """One person read everything and coded two topics."""
    documents, extents = [], []
    for name, parts in paragraphs().items():
        text, marks = "\n\n".join(text for text, _ in parts), []
        for part, codes in parts:
            at = text.index(part)
            given = tuple(Coding(f"coding {name} {at} {code}", f"code {code}", "anna") for code in codes)
            marks += [Selection(f"mark {name} {at}", at, at + len(part), given, name=part)] if given else []
        documents.append(ProjectDocument(name, name, text, selections=tuple(marks)))
        extents.append(Extent("anna", name, ((0, len(text)),)))
    tree = (
        ProjectCode("topic", "topic", codable=False), ProjectCode("code bread", "bread", parent="topic"),
        ProjectCode("code boats", "boats", parent="topic"),
    )  # fmt: skip
    return Project("study", tree, (Coder("anna", "anna"),), tuple(documents), extents=tuple(extents))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project in every format, its codebook, and a model."""
    made = tmp_path_factory.mktemp("formats")
    for suffix in FORMATS[:-1]:
        exchange.save(project(), made / f"study{suffix}")
    run("convert", made / "study.qdpx", made / f"study{FORMATS[-1]}", "--extent", "all")
    run("convert", made / "study.qdpx", made / "book.toml")
    run("train", made / "study.qdpx", "-o", made / "model", *ALL, "--codebook", made / "book.toml")
    return made


def run(*arguments: object) -> str:
    done = sibnlp(*arguments)
    assert done.code == 0, f"{arguments[0]}: {done.err}"
    return done.out + done.err


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_command_takes_it(suffix: str, folder: Path, tmp_path: Path) -> None:
    study, n = folder / f"study{suffix}", N_DOCUMENTS * N_EACH
    book = ("--codebook", folder / "book.toml")

    run("segment", study, "-o", tmp_path / "passages.jsonl")
    assert [row["text"] for row in lines(tmp_path / "passages.jsonl")] == list(TRUTH)

    run("convert", study, tmp_path / "codings.jsonl", "--extent", "all", *book)
    codings = lines(tmp_path / "codings.jsonl")
    assert {row["text"]: tuple(row["codes"]) for row in codings} == TRUTH and len(codings) == n

    said = run("train", study, "-o", tmp_path / "model", *ALL, *book)
    assert f"2 codes from {n} passages" in said

    run("classify", study, "--model", folder / "model", "-o", tmp_path / "p.jsonl")
    predictions = lines(tmp_path / "p.jsonl")
    assert [row["text"] for row in predictions] == list(TRUTH)
    assert np.mean([tuple(row["codes"]) == TRUTH[row["text"]] for row in predictions]) > 0.9

    run("evaluate", folder / "model", study, "-o", tmp_path / "evaluation", *ALL, "--resamples", 20)
    metrics = json.loads((tmp_path / "evaluation" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["n_passages"] == n and metrics["n_documents"] == N_DOCUMENTS
    assert metrics["codes"]["bread"]["support"] == sum(codes == ("bread",) for codes in TRUTH.values())

    run("agree", study, tmp_path / "p.jsonl", "-o", tmp_path / "agreement.json", *ALL, *book, "--resamples", 20)
    agreement = json.loads((tmp_path / "agreement.json").read_text(encoding="utf-8"))
    assert agreement["n_documents"] == N_DOCUMENTS and len(agreement["coders"]) == 2
    assert agreement["families"]["topic"]["alpha"]["value"] > 0.9

    run("drift", study, "-o", tmp_path / "drift", *ALL, *book)
    cells = json.loads((tmp_path / "drift" / "trajectory.json").read_text(encoding="utf-8"))["prevalence"]
    (bread,) = [cell for cell in cells if cell["code"] == "bread" and cell["domain"] is None]
    assert bread["n_passages"] == n
    assert bread["estimate"] == pytest.approx(sum(codes == ("bread",) for codes in TRUTH.values()) / n)

    run("sample", tmp_path / "p.jsonl", "--for", "training", "-n", 5, "-o", tmp_path / f"queue{suffix}", *book)
    queued = exchange.load(tmp_path / f"queue{suffix}") if exchange.is_project(study) else None
    texts = (
        [one.text for one in queued.documents]
        if queued
        else [r["text"] for r in files.load(tmp_path / "queue.xlsx")[0]]
    )
    assert len(texts) == 5 and set(texts) <= set(TRUTH)
