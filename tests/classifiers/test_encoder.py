"""The encoder in use, without torch: the checked-in network is made by ``python -m tests.tiny_bert``."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sibnlp.classifiers import Situated, texts_of
from sibnlp.classifiers.encoder import EncoderClassifier
from sibnlp.errors import CodebookError, DataError, ModelError
from sibnlp.manifest import fingerprints
from sibnlp.model import Model, load_model
from sibnlp.training import Recipe, train
from sibnlp.types import Passage
from sibnlp.wordpieces import Tokens
from tests.coded import codebook, codings
from tests.tiny_bert import CHECKED_IN, CODES

CODED = codings(40, seed=5)
TEXTS = [c.passage.text for c in CODED]
ODD = ["", " \n\t", "!!!", "zzzz qqqq", "bread flour " * 3000, "Ünïcödé 😀 \ud800 flour", "I"]


@pytest.fixture(scope="module")
def encoder() -> EncoderClassifier:
    return EncoderClassifier.load(CHECKED_IN)


@pytest.fixture
def folder(encoder: EncoderClassifier, tmp_path: Path) -> Path:
    """A model folder of the backend, with the calibration of another model of the same codes."""
    linear = train(codings(), [codebook()], Recipe("linear", settings={"chars": [0, 0]}), name="toy")
    return Model(encoder, replace(linear.manifest, backend="encoder")).save(tmp_path / "toy")


def test_tells_the_topics(encoder: EncoderClassifier) -> None:
    found = encoder.predict_proba(TEXTS)
    assert encoder.codes == CODES
    assert found.dtype == np.float64
    for column, code in enumerate(("bread", "boats")):
        assert ((found[:, column] > 0.5) == [code in c.codes for c in CODED]).all()


def test_a_row_does_not_depend_on_its_batch_nor_on_cores(
    encoder: EncoderClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = encoder.predict_proba([*TEXTS, *ODD])
    assert np.isfinite(whole).all()
    for size in (1, 3, 7, 47):
        mixed = [*ODD, *TEXTS][::-1]
        parts = [encoder.predict_proba(mixed[i : i + size]) for i in range(0, len(mixed), size)]
        found = np.concatenate(parts)[::-1]
        assert np.array_equal(np.concatenate([found[len(ODD) :], found[: len(ODD)]]), whole)
    for cores in (1, 8):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        assert np.array_equal(encoder.predict_proba([*TEXTS, *ODD]), whole)
    assert encoder.predict_proba([]).shape == (0, 4)


def test_saved_again_gives_the_same_bytes(encoder: EncoderClassifier, tmp_path: Path) -> None:
    names = encoder.save(tmp_path)
    assert sorted(names) == sorted(path.name for path in tmp_path.iterdir())
    for name in names:
        assert (tmp_path / name).read_bytes() == (CHECKED_IN / name).read_bytes(), name


def test_a_context_is_read_as_second_segment(encoder: EncoderClassifier) -> None:
    passage = Passage("p", "d", 0, 5, "flour", context="What about sail?", heading="Mast", extra=(("before", "keel"),))
    other = EncoderClassifier(CODES, {**encoder.settings, "context": ["before", "heading", "context", "missing"]})
    (text,) = texts_of([passage], other)
    assert text == "flour"
    assert isinstance(text, Situated)
    assert text.context == "keel\nMast\nWhat about sail?"
    assert type(texts_of([passage], encoder)[0]) is str
    assert type(texts_of([replace(passage, context="", heading="", extra=())], other)[0]) is str
    with_context, without = encoder.predict_proba([text, "flour"])
    assert not np.array_equal(with_context, without)


def test_long_texts_are_cut_and_of_a_context_the_end_is_kept() -> None:
    tokens = Tokens((CHECKED_IN / "tokenizer.json").read_text(), 12, 3)
    text = Situated("flour " * 4)
    text.context = "mast mast sail anchor rope"
    (pair,) = tokens.encode([text])
    assert pair.tokens == ["[CLS]", *["flour"] * 4, "[SEP]", "sail", "anchor", "rope", "[SEP]"]
    assert pair.type_ids == [0] * 6 + [1] * 4
    assert [len(one.ids) for one in tokens.encode(["flour " * 100, "flour", ""])] == [12, 3, 2]
    assert json.loads(tokens.to_json())["truncation"] is None


def test_loading_needs_neither_torch_nor_network(folder: Path) -> None:
    code = (
        "import sys, socket; from pathlib import Path\n"
        "def refuse(*_, **__): raise AssertionError('a network connection was opened')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from sibnlp.model import load_model\n"
        f"load_model({str(folder)!r}).classifier.predict_proba(['flour'])\n"
        "print([m for m in 'torch transformers datasets onnx sklearn scipy model2vec'.split() if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_fitting_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sibnlp.training.encoder.find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"needs torch, .*pip install 'sibnlp\[train\]'"):
        EncoderClassifier(CODES).fit(["x"], np.ones((1, 4)), seed=0)


# What a folder must not be able to do.


def change(name: str) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        raw = bytearray((folder / name).read_bytes())
        raw[len(raw) // 2] ^= 1
        (folder / name).write_bytes(bytes(raw))

    return harm


def manifest(**values: Any) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        path = folder / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return harm


def listed(name: str, content: bytes) -> Callable[[Path], None]:
    """A file that the manifest vouches for, as one who makes a harmful model can have it."""

    def harm(folder: Path) -> None:
        (folder / name).write_bytes(content)
        files = json.loads((folder / "manifest.json").read_text())["files"]
        manifest(files={**files, **fingerprints(folder, [name])})(folder)

    return harm


def other_codes(folder: Path) -> None:
    head = json.loads((folder / "head.json").read_text())
    listed("head.json", json.dumps({**head, "codes": [*head["codes"], "more"]}).encode())(folder)


PICKLE = b"cos\nsystem\n(S'touch harmed'\ntR."
# y = x · w, where w is to be read from a file the network names (written by onnx.helper, location "w.bin").
ELSEWHERE = (
    b'\x08\x08:b\n\x11\n\x01x\n\x01w\x12\x01y"\x06MatMul\x12\x01g*\x1e\x08\x04\x08\x04\x10\x01B\x01wj\x11\n\x08location'
    b"\x12\x05w.binp\x01Z\x14\n\x01x\x12\x0f\n\r\x08\x01\x12\t\n\x03\x12\x01n\n\x02\x08\x04b\x14\n\x01y\x12\x0f\n\r\x08"
    b"\x01\x12\t\n\x03\x12\x01n\n\x02\x08\x04B\x04\n\x00\x10\x11"
)
HARM: dict[str, tuple[Callable[[Path], object], str]] = {
    "network changed": (change("model.onnx"), "model.onnx: was changed"),
    "tokeniser changed": (change("tokenizer.json"), "tokenizer.json: was changed"),
    "head changed": (change("head.json"), "head.json: was changed"),
    "no network": (lambda f: (f / "model.onnx").unlink(), "model.onnx: is missing"),
    "no tokeniser": (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json: is missing"),
    "newer format": (manifest(format_version=99), "is of format 99; this version reads up to 1"),
    "pickle": (lambda f: (f / "model.pkl").write_bytes(PICKLE), "model.pkl: is not listed"),
    "pickle, vouched for": (listed("model.pkl", PICKLE), "model.pkl: is of a kind that can hold code"),
    "module, vouched for": (listed("modeling.py", b"import os"), "modeling.py: is of a kind that can hold code"),
    "library, vouched for": (listed("ops.so", b"\x7fELF"), "ops.so: is of a kind that can hold code"),
    "weights elsewhere": (listed("model.onnx", ELSEWHERE), "keeps weights in another file"),
    "no network, vouched for": (listed("model.onnx", b"GGUF"), "cannot be read as encoder"),
    "other codes": (other_codes, "4 scores for 5 codes"),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_harmed_folder_is_refused_by_name(folder: Path, harm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_model(folder).classifier.predict_proba(["flour"]).shape == (1, 4)
    spoil, message = HARM[harm]
    spoil(folder)
    # Beside the process lies what the network asks for.
    np.zeros(16, np.float32).tofile(folder.parent / "w.bin")
    monkeypatch.chdir(folder.parent)
    with pytest.raises(ModelError, match=message):
        load_model(folder)
    assert not (folder.parent / "harmed").exists()


def test_a_configuration_with_code_of_its_own_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"model_type": "bert", "auto_map": {"AutoModelForSequenceClassification": "evil.Model"}}
    listed("config.json", json.dumps(config).encode())(folder)

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a network connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    loaded = load_model(folder)
    assert np.array_equal(
        loaded.classifier.predict_proba(TEXTS), EncoderClassifier.load(CHECKED_IN).predict_proba(TEXTS)
    )
    shutil.copy(folder / "config.json", folder / "evil.py")
    with pytest.raises(ModelError, match="evil.py: is not listed"):
        load_model(folder)


def test_another_codebook_is_refused(folder: Path) -> None:
    model = load_model(folder)
    assert model.check_codebook(codebook()) is None
    with pytest.raises(CodebookError, match="codes or families differ"):
        model.check_codebook(replace(codebook(), codes=codebook().codes[:-1]))
    with pytest.raises(CodebookError, match="not trained with this codebook"):
        model.check_codebook(replace(codebook(), id="other"))
