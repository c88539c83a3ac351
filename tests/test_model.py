"""Model folders: what is saved is what is loaded, and nothing else is believed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sibnlp import model as model_module
from sibnlp.codebook import Code
from sibnlp.errors import CodebookError, ModelError, OutputExistsError, UnknownNameError
from sibnlp.manifest import fingerprints
from sibnlp.model import Model, available, load_model
from sibnlp.training import Recipe, train
from tests.cli.shell import sibnlp
from tests.coded import codebook, codings


@pytest.fixture(scope="module")
def model() -> Model:
    return train(codings(), [codebook()], Recipe("linear", settings={"chars": [0, 0]}), name="toy")


@pytest.fixture
def folder(model: Model, tmp_path: Path) -> Path:
    return model.save(tmp_path / "toy")


PASSAGES = [c.passage for c in codings(30, seed=9)]


def test_loaded_predicts_the_same(model: Model, folder: Path) -> None:
    before, after = model.predict(PASSAGES), load_model(folder).predict(PASSAGES)
    assert np.array_equal(before.probabilities, after.probabilities)
    assert np.array_equal(before.assigned, after.assigned)
    assert after.model == "toy"
    assert after.codes == model.codes
    assert after.passages == tuple(PASSAGES)


def test_batches_change_nothing_and_progress_adds_up(model: Model) -> None:
    seen: list[int] = []
    whole = model.predict(PASSAGES)
    parts = model.predict(PASSAGES, batch_size=7, progress=seen.append)
    assert np.array_equal(whole.probabilities, parts.probabilities)
    assert sum(seen) == len(PASSAGES)
    assert len(seen) == 5
    assert model.predict([]).probabilities.shape == (0, len(model.codes))


def test_codes_hold_at_or_over_the_threshold_as_stored(model: Model) -> None:
    found = model.predict(PASSAGES)
    column = found.column("bread")
    over = found.probabilities[:, column] >= np.float32(model.thresholds["bread"])
    assert np.array_equal(found.assigned[:, column], over)
    assert over.any()
    assert not over.all()


def test_exclusive_and_dependent_families(model: Model) -> None:
    assert model.codes == ("bread", "boats", "glad", "sad")
    sure = replace(model.manifest, thresholds=dict.fromkeys(model.codes, 0.5))
    given = replace(model, manifest=sure).assign(
        np.array([[0.9, 0.9, 0.6, 0.7], [0.9, 0.1, 0.8, 0.8], [0.1, 0.1, 0.9, 0.2], [0.9, 0, 0.6, 0.4]], np.float32)
    )
    assert given.tolist() == [
        [True, True, False, True],
        [True, False, True, False],
        [False, False, False, False],
        [True, False, True, False],
    ]


def test_the_folder_appears_whole_or_not_at_all(model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutputExistsError):
        model.save(folder)
    before = (folder / "manifest.json").read_bytes()
    monkeypatch.setattr(model_module, "fingerprints", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.save(folder, overwrite=True)
    assert (folder / "manifest.json").read_bytes() == before
    assert [p.name for p in folder.parent.iterdir()] == ["toy"]
    monkeypatch.undo()
    assert load_model(model.save(folder, overwrite=True)).name == "toy"
    assert (folder / "head.safetensors").stat().st_mode & 0o044 == 0o044


def test_only_a_model_is_replaced(model: Model, tmp_path: Path) -> None:
    project, coded = tmp_path / "project", tmp_path / "coded.jsonl"
    project.mkdir()
    (project / "notes.txt").write_text("months of work")
    coded.write_text(json.dumps({"text": "x", "codes": ["NPM"]}))
    done = sibnlp("train", coded, "-o", project, "--force")
    assert done.code == 2
    assert "holds files but no manifest.json" in done.err
    with pytest.raises(ModelError, match="is no model and is not replaced"):
        model.save(project, overwrite=True)
    with pytest.raises(ModelError, match="is a file"):
        model.save(coded, overwrite=True)
    assert [p.name for p in project.iterdir()] == ["notes.txt"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["coded.jsonl", "project"]
    assert load_model(model.save(tmp_path / "empty" / "m", overwrite=True)).name == "toy"


def test_the_old_model_comes_back_where_the_new_cannot_move_in(
    model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = Path.rename

    def stuck(self: Path, target: Path) -> Path:
        if self.name == "model":
            raise PermissionError(self)
        return move(self, target)

    monkeypatch.setattr(Path, "rename", stuck)
    with pytest.raises(PermissionError):
        model.save(folder, overwrite=True)
    assert load_model(folder).name == "toy"
    assert [p.name for p in folder.parent.iterdir()] == ["toy"]


def test_codings_with_left_out_codes_can_be_read(tmp_path: Path) -> None:
    half = [
        replace(c, codes=tuple(code for code in c.codes if code != "boats")[:1], extent=("topic",))
        for c in codings()
        if not {"glad", "sad"} & set(c.codes)
    ]
    folder = train(half, [codebook()], Recipe("linear", settings={"chars": [0, 0]}), name="toy").save(tmp_path / "toy")
    loaded = load_model(folder)
    assert set(loaded.manifest.left_out) == {"boats", "glad", "sad"}
    (known,) = loaded.codebooks()
    assert {(code.id, code.family) for code in known.codes} == {(c.id, c.family) for c in codebook().codes}
    assert [(f.id, f.multiple, f.requires) for f in known.families] == [("topic", True, ""), ("tone", False, "topic")]
    gold = tmp_path / "gold.jsonl"
    gold.write_text("\n".join(json.dumps({"text": c.passage.text, "codes": c.codes}) for c in codings()))
    done = sibnlp("evaluate", folder, gold, "-o", tmp_path / "e")
    assert done.code == 0, done.err
    assert "the model has no boats, glad, sad" in done.err
    edit(folder, lambda m: m.pop("left_out_families"))
    assert [f.id for f in load_model(folder).codebooks()[0].families] == ["topic"]


def test_evaluate_checks_the_codebook(folder: Path, tmp_path: Path) -> None:
    toml = 'id = "toy"\n[[families]]\nid = "topic"\n[[families]]\nid = "tone"\nmultiple = false\nrequires = "topic"\n'
    for code, family in (("bread", "topic"), ("boats", "topic"), ("glad", "tone"), ("sad", "tone")):
        toml += f'[[codes]]\nid = "{code}"\nfamily = "{family}"\n'
    book, gold = tmp_path / "book.toml", tmp_path / "gold.jsonl"
    book.write_text(toml)
    gold.write_text("\n".join(json.dumps({"text": c.passage.text, "codes": c.codes}) for c in codings()))
    done = sibnlp("evaluate", folder, gold, "-o", tmp_path / "e", "--codebook", book)
    assert done.code == 0, done.err
    assert "definitions or criteria differ" in done.err
    done = sibnlp("evaluate", folder, gold, "-o", tmp_path / "f", "--codebook", "osborne")
    assert done.code == 2
    assert "not trained with this codebook" in done.err


def edit(folder: Path, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(bytes(raw))


def outside(folder: Path, name: str) -> None:
    (folder.parent / "secret").write_text("x")
    edit(folder, lambda m: m["files"].update({name: {"sha256": "0" * 64, "bytes": 1}}))


def link(path: Path, target: Path) -> None:
    path.rename(target)
    path.symlink_to(target)


def rename(manifest: dict) -> None:  # type: ignore[type-arg]
    coded = {key: manifest[key] for key in ("codes", "families", "thresholds", "calibration")}
    manifest.update(json.loads(json.dumps(coded).replace("bread", "cake")))


HARM: dict[str, tuple[Callable[[Path], object], str]] = {
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "manifest.json: is missing"),
    "bad JSON": (lambda f: (f / "manifest.json").write_text("{"), "manifest.json: cannot be read"),
    "not a table": (lambda f: (f / "manifest.json").write_text("[]"), "manifest.json: is not a table"),
    "binary": (lambda f: (f / "manifest.json").write_bytes(b"\xff\xfe\x00"), "manifest.json: cannot be read"),
    "deep": (lambda f: (f / "manifest.json").write_text("[" * 100_000), "manifest.json: cannot be read"),
    "newer format": (lambda f: edit(f, lambda m: m.update(format_version=2)), "is of format 2.*upgrade"),
    "unknown backend": (lambda f: edit(f, lambda m: m.update(backend="os.system")), "backend 'os.system'"),
    "missing key": (lambda f: edit(f, lambda m: m.pop("thresholds")), "'thresholds' is missing"),
    "wrong type": (lambda f: edit(f, lambda m: m.update(codes="NPM")), "'codes' is missing or not"),
    "missing threshold": (lambda f: edit(f, lambda m: m["thresholds"].pop("bread")), "incomplete"),
    "text for a number": (lambda f: edit(f, lambda m: m["thresholds"].update(bread="high")), "do not fit"),
    "left-out families": (lambda f: edit(f, lambda m: m.update(left_out_families={})), "left_out_families"),
    "a left-out family": (lambda f: edit(f, lambda m: m.update(left_out_families=[{}])), "incomplete"),
    "missing file": (lambda f: (f / "head.safetensors").unlink(), "head.safetensors: is missing"),
    "changed weight": (lambda f: flip(f / "head.safetensors"), "head.safetensors: was changed"),
    "changed word": (lambda f: flip(f / "vocabulary.json"), "vocabulary.json: was changed"),
    "longer file": (lambda f: (f / "head.json").write_text("{} "), "head.json: was changed"),
    "not listed": (lambda f: (f / "evil.py").write_text("1/0"), "evil.py: is not listed"),
    "not listed, below": (lambda f: shutil.copytree(f, f / "sub"), "is not listed"),
    "link": (lambda f: os.symlink("/etc/passwd", f / "x"), "x: is a symbolic link"),
    "link for a file": (lambda f: link(f / "head.json", f.parent / "elsewhere"), "head.json: is a symbolic link"),
    "up": (lambda f: outside(f, "../secret"), r"'\.\./secret', which is not a plain name"),
    "absolute": (lambda f: outside(f, "/etc/passwd"), "not a plain name"),
    "sideways": (lambda f: outside(f, "a/../head.json"), "not a plain name"),
    "backslash": (lambda f: outside(f, "..\\secret"), "not a plain name"),
    "other codes": (lambda f: edit(f, rename), "other codes than the classifier"),
}  # fmt: skip


@pytest.mark.parametrize("harm", HARM)
def test_damage_is_refused_by_name(folder: Path, harm: str) -> None:
    spoil, message = HARM[harm]
    spoil(folder)
    with pytest.raises(ModelError, match=message):
        load_model(folder)


def test_weights_that_are_no_weights(folder: Path) -> None:
    (folder / "head.safetensors").write_bytes(b"junk")
    edit(folder, lambda m: m["files"].update(fingerprints(folder, ["head.safetensors"])))
    with pytest.raises(ModelError, match="cannot be read as linear"):
        load_model(folder)


def test_the_card_may_be_edited(model: Model, tmp_path: Path) -> None:
    folder = model.save(tmp_path / "m", documents={"card.md": "weak"})
    (folder / "card.md").write_text("weak, as we found")
    assert load_model(folder).name == "toy"


def test_names() -> None:
    with pytest.raises(UnknownNameError, match="nonesuch"):
        load_model("nonesuch")
    with pytest.raises(ModelError, match="is not a model folder"):
        load_model("no/such/folder")


@pytest.mark.skipif("gov-fast" not in available(), reason="models/gov-fast is not built (make models)")
def test_the_shipped_model() -> None:
    found = load_model("gov-fast").predict(PASSAGES[:2])
    assert {"NPM", "NPG", "PVM"} <= set(found.codes)
    assert len(found) == 2
    size = sum(path.stat().st_size for path in available()["gov-fast"].rglob("*") if path.is_file())
    assert size <= 16e6


def test_codebooks_are_checked(model: Model) -> None:
    book = codebook()
    assert model.check_codebook(book) is None
    reworded = replace(book, codes=(replace(book.codes[0], definition="all of baking"), *book.codes[1:]))
    assert "definitions or criteria differ" in str(model.check_codebook(reworded))
    with pytest.raises(CodebookError, match="codes or families differ"):
        model.check_codebook(replace(book, codes=(*book.codes, Code("jam", "topic"))))
    with pytest.raises(CodebookError, match=r"not trained with this codebook \(it knows: toy\)"):
        model.check_codebook(replace(book, id="osborne"))
