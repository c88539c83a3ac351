"""The spaCy component: found by its entry point, exact, and carried by spaCy's own containers."""

from __future__ import annotations

import subprocess
import sys

import pytest
import spacy
from spacy.tokens import Doc, DocBin

from sibnlp.model import load_model
from sibnlp.segmentation import segment
from sibnlp.types import Document

TEXTS = [
    "They dock us if the form is late. So the form comes first, and the payment follows the target we signed for.",
    "Interviewer: And now?\n\nAnna: We ring each other up and settle it together, the three of us, over tea.\n\n"
    "Interviewer: Really?\n\nAnna: Really. What one learns the others hear the same day.",
    "",
    "  \n ",
    "😀 e\u0301 don't–stop. They pay per result; the provider with the lowest price wins the tender again and again.",
]


@pytest.fixture(scope="module")
def nlp() -> spacy.language.Language:
    pipeline = spacy.blank("en")
    pipeline.add_pipe("sibnlp", config={"model": "gov-fast"})
    return pipeline


def results(doc: Doc) -> tuple[object, ...]:
    group = doc.spans["sibnlp"]
    return [(span.start, span.end, span.label_) for span in group], group.attrs, dict(doc.cats)


def test_spacy_finds_it_without_importing_us() -> None:
    code = "import spacy; nlp = spacy.blank('en'); nlp.add_pipe('sibnlp'); print(nlp.pipe_names)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['sibnlp']"


def test_a_doc_says_what_the_library_says(nlp: spacy.language.Language) -> None:
    doc = nlp(TEXTS[0])
    expected = load_model("gov-fast").predict(segment(Document("", TEXTS[0])))
    assert {
        code: pytest.approx(float(p)) for code, p in zip(expected.codes, expected.probabilities[0], strict=True)
    } == doc.cats
    group = doc.spans["sibnlp"]
    assert [span.label_ for span in group] == list(expected.codes_of(0))
    assert len(group) == len(group.attrs["scores"]) == len(group.attrs["offsets"])
    for span, (start, end) in zip(group, group.attrs["offsets"], strict=True):
        assert span.start_char <= start < end <= span.end_char


def test_cats_are_the_maximum_over_passages(nlp: spacy.language.Language) -> None:
    text = TEXTS[0] + "\n\n" + "The weather held all week and the children swam. " * 3 + "\n\n" + TEXTS[4]
    passages = segment(Document("", text))
    assert len(passages) > 1
    expected = load_model("gov-fast").predict(passages).probabilities.max(axis=0)
    assert list(nlp(text).cats.values()) == pytest.approx(expected.tolist())


def test_an_empty_doc_has_zero_everywhere(nlp: spacy.language.Language) -> None:
    for text in TEXTS[2:4]:
        doc = nlp(text)
        assert not doc.spans["sibnlp"]
        assert set(doc.cats.values()) == {0.0}


def test_pipe_equals_one_by_one(nlp: spacy.language.Language) -> None:
    one_by_one = [results(nlp(text)) for text in TEXTS]
    for size in (1, 2, 50):
        assert [results(doc) for doc in nlp.pipe(TEXTS, batch_size=size)] == one_by_one


def test_two_processes_equal_one(nlp: spacy.language.Language) -> None:
    assert [results(doc) for doc in nlp.pipe(TEXTS * 3, n_process=2, batch_size=2)] == [
        results(doc) for doc in nlp.pipe(TEXTS * 3)
    ]


def test_docs_survive_bytes_and_docbin(nlp: spacy.language.Language) -> None:
    docs = [nlp(text) for text in TEXTS]
    for doc in docs:
        assert results(Doc(nlp.vocab).from_bytes(doc.to_bytes())) == results(doc)
    stored = DocBin(docs=docs, store_user_data=True).to_bytes()
    assert [results(doc) for doc in DocBin().from_bytes(stored).get_docs(nlp.vocab)] == [results(doc) for doc in docs]


def test_a_saved_pipeline_loads_again(nlp: spacy.language.Language, tmp_path) -> None:
    nlp.to_disk(tmp_path / "pipeline")
    again = spacy.load(tmp_path / "pipeline")
    assert results(again(TEXTS[0])) == results(nlp(TEXTS[0]))
    assert results(again(TEXTS[4])) == results(nlp(TEXTS[4]))


def test_config_reaches_the_policy() -> None:
    pipeline = spacy.blank("en")
    pipeline.add_pipe(
        "sibnlp", config={"spans_key": "codes", "interviewer": "classify", "max_words": 10, "min_words": 1}
    )
    doc = pipeline(TEXTS[1])
    assert "codes" in doc.spans
    assert "sibnlp" not in doc.spans
