"""What every backend promises, run over the table of backends."""

from __future__ import annotations

import atexit
import functools
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sibnlp.classifiers import CLASSIFIERS, Classifier
from sibnlp.errors import DataError, UnknownNameError
from sibnlp.targets import targets
from tests.coded import codebook, codings, embeddings
from tests.tiny_bert import SETTINGS, tiny_encoder

CODES = ("bread", "boats", "glad", "sad")
# What needs the extra train to be fitted is fitted in `make test-train`; zero_shot learns from no codings.
BACKENDS = [
    pytest.param(name, marks=[pytest.mark.train] if name == "encoder" else [])
    for name in sorted(CLASSIFIERS)
    if name != "zero_shot"
]
ODD = ["", " \n\t", "!!!", "zzzz qqqq", "bread " * 3000, "Ünïcödé 😀 \ud800 flour", "I"]


@pytest.fixture(scope="module")
def static_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return embeddings(tmp_path_factory.mktemp("embeddings"))


@functools.cache
def bert_folder() -> Path:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    return tiny_encoder(folder / "bert")


def make(backend: str, static_folder: Path, codes: tuple[str, ...] = CODES, **settings: Any) -> Classifier:
    if backend == "encoder":
        settings = {**SETTINGS, "encoder": str(bert_folder()), **settings}
    if backend == "static":
        settings = {"embeddings": str(static_folder), "words": [1, 1], **settings}
    if backend == "ensemble":
        static = {"backend": "static", "settings": {"embeddings": str(static_folder)}}
        settings = {"members": [{"backend": "linear", "weight": 0.7}, static], **settings}
    classifier: Classifier = CLASSIFIERS.load(backend)(codes, settings)
    return classifier


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def fitted(backend: str, static_folder: Path) -> Classifier:
    classifier = make(backend, static_folder)
    coded = codings()
    classifier.fit([c.passage.text for c in coded], targets(coded, [codebook()], CODES), seed=0)
    return classifier


TEXTS = [c.passage.text for c in codings(40, seed=5)]


def test_learns(fitted: Classifier) -> None:
    found = fitted.predict_proba(TEXTS)
    truth = targets(codings(40, seed=5), [codebook()], CODES)
    assert found.shape == (40, 4)
    assert found.dtype == np.float64
    assert np.all((found > 0) & (found < 1))
    assert ((found[:, :2] > 0.5) == (truth[:, :2] == 1)).mean() > 0.8


def test_saved_and_loaded_gives_the_same(fitted: Classifier, tmp_path: Path) -> None:
    names = fitted.save(tmp_path)
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()} == set(names)
    assert not [n for n in names if not n.endswith((".safetensors", ".json", ".onnx"))]
    loaded = type(fitted).load(tmp_path)
    assert loaded.codes == fitted.codes
    assert np.array_equal(loaded.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    again = tmp_path / "again"
    again.mkdir()
    for name in loaded.save(again):
        assert (again / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_a_row_does_not_depend_on_its_batch(fitted: Classifier) -> None:
    whole = fitted.predict_proba(TEXTS + [t for t in ODD if "\ud800" not in t])
    for size in (1, 3, 7):
        parts = [fitted.predict_proba(TEXTS[i : i + size]) for i in range(0, len(TEXTS), size)]
        assert np.array_equal(np.concatenate(parts), whole[: len(TEXTS)])
    assert np.array_equal(fitted.predict_proba(TEXTS[::-1])[::-1], whole[: len(TEXTS)])


def test_odd_texts(fitted: Classifier) -> None:
    found = fitted.predict_proba(ODD)
    assert found.shape == (len(ODD), 4)
    assert np.isfinite(found).all()
    assert fitted.predict_proba([]).shape == (0, 4)


def test_the_same_seed_gives_the_same_classifier(backend: str, static_folder: Path, fitted: Classifier) -> None:
    coded = codings()
    other = fitted.fresh()
    other.fit([c.passage.text for c in coded], targets(coded, [codebook()], CODES), seed=0)
    assert np.array_equal(other.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


def test_unknown_is_not_negative(backend: str, static_folder: Path) -> None:
    """Passages unknown for a code change nothing for it but the features; as negatives they would."""
    texts = ["flour oven dough"] * 10 + ["sail mast hull"] * 10 + ["flour crust loaf"] * 30
    known = np.array([[1.0]] * 10 + [[0.0]] * 10 + [[np.nan]] * 30)
    unknown, negative = make(backend, static_folder, ("bread",)), make(backend, static_folder, ("bread",))
    unknown.fit(texts, known, seed=0)
    negative.fit(texts, np.nan_to_num(known), seed=0)
    assert unknown.predict_proba(["flour oven"])[0, 0] > 0.5
    assert negative.predict_proba(["flour crust loaf"])[0, 0] < unknown.predict_proba(["flour crust loaf"])[0, 0]


@pytest.mark.parametrize(("value", "low", "high"), [(0.0, 0.0, 0.05), (1.0, 0.95, 1.0), (np.nan, 0.0, 0.05)])
def test_a_code_of_one_class_is_constant(
    backend: str, static_folder: Path, value: float, low: float, high: float
) -> None:
    classifier = make(backend, static_folder, ("bread",))
    classifier.fit(TEXTS, np.full((len(TEXTS), 1), value), seed=0)
    found = classifier.predict_proba(TEXTS)
    assert np.unique(found).size == 1
    assert low < found[0, 0] < high


def test_weights_count(backend: str, static_folder: Path) -> None:
    """Of passages that contradict each other, those that weigh more are believed more."""
    texts = ["flour oven dough"] * 24 + ["sail mast hull"] * 8
    truth = np.array([[1.0]] * 12 + [[0.0]] * 20)
    found = []
    for heavy in (slice(0, 12), slice(12, 24)):
        weights = np.ones(32)
        weights[heavy] = 9.0
        classifier = make(backend, static_folder, ("bread",))
        classifier.fit(texts, truth, seed=0, weights=weights)
        found.append(classifier.predict_proba(["flour oven dough"])[0, 0])
    assert found[0] > found[1] + 0.05


def test_refuses_what_it_does_not_know(backend: str, static_folder: Path) -> None:
    with pytest.raises(UnknownNameError, match="nonsense"):
        make(backend, static_folder, nonsense=1)
    with pytest.raises(DataError, match="no text"):
        make(backend, static_folder).fit([], np.empty((0, 4)), seed=0)
    with pytest.raises(DataError, match="not fitted"):
        make(backend, static_folder).predict_proba(["x"])


def test_static_never_asks_the_network(static_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a network connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert make("static", static_folder).embedder.static.dim == 12  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="no embeddings"):
        make("static", static_folder, embeddings="minishlab/potion-base-8M").fit(["x"], np.ones((1, 4)), seed=0)


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import sibnlp.classifiers, sibnlp.model, sibnlp.training", "sklearn scipy torch model2vec transformers"),
        ("from sibnlp.classifiers.static import StaticClassifier as S; S.load(FOLDER).predict_proba(['x'])",
         "sklearn scipy.stats torch transformers"),
    ],
)  # fmt: skip
def test_imports_nothing_heavy(static_folder: Path, tmp_path: Path, statement: str, absent: str) -> None:
    classifier = make("static", static_folder)
    classifier.fit(TEXTS, np.tile([[1.0, 0, 1, 0], [0, 1, 0, 1]], (20, 1)), seed=0)
    classifier.save(tmp_path)
    code = f"import sys; from pathlib import Path; FOLDER = Path({str(tmp_path)!r}); {statement}; "
    code += f"print([m for m in {absent.split()} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
