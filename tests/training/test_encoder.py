"""Fitting, stopping and going on, exporting: with transformers of a few thousand numbers (`make test-train`)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sibnlp.classifiers import Situated
from sibnlp.classifiers.encoder import EncoderClassifier
from sibnlp.errors import DataError, UnknownNameError
from sibnlp.model import load_model
from sibnlp.targets import targets
from sibnlp.training import Recipe, load_recipe, train
from tests.coded import codebook, codings
from tests.tiny_bert import CODES, SETTINGS, tiny_encoder

pytestmark = pytest.mark.train
CODED = codings()
TEXTS = [c.passage.text for c in CODED]
TRUTH = targets(CODED, [codebook()], CODES)
SHORT: dict[str, Any] = {**SETTINGS, "epochs": 4}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder(tmp_path_factory.mktemp("tiny") / "bert", sentence_encoder=True)


def fit(tiny: Path, work: Path, **settings: Any) -> EncoderClassifier:
    classifier = EncoderClassifier(CODES, {**SHORT, "encoder": str(tiny), **settings})
    classifier.fit(TEXTS, TRUTH, seed=3, work=work)
    return classifier


def log_of(work: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((work / "log.json").read_text())
    return read


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_the_checkpoint_is_a_standard_one(tiny: Path, tmp_path: Path, pooling: str) -> None:
    """What transformers makes of it by itself is what ONNX gives: the mean layer is one of theirs."""
    from transformers import pipeline

    classifier = fit(tiny, tmp_path, pooling=pooling, precision="fp32")
    config = json.loads((tmp_path / "checkpoint" / "config.json").read_text())
    assert config["problem_type"] == "multi_label_classification"
    assert list(config["id2label"].values()) == list(CODES)
    assert "auto_map" not in config
    assert str(tiny) not in json.dumps(config)
    pipe = pipeline("text-classification", str(tmp_path / "checkpoint"), top_k=None, function_to_apply="sigmoid")
    padded = pipe(TEXTS[:8], batch_size=8)
    default = pipeline("text-classification", str(tmp_path / "checkpoint"), top_k=None)(TEXTS[:8])
    ours = classifier.predict_proba(TEXTS[:8])
    for theirs in (padded, default):
        for row, one in zip(ours, theirs, strict=True):
            scores = {part["label"]: part["score"] for part in one}
            assert np.abs(row - [scores[code] for code in CODES]).max() < 1e-4


def test_pooling_follows_the_encoder(tiny: Path, tmp_path: Path) -> None:
    from sibnlp.training.encoder import load_encoder

    plain = tiny_encoder(tmp_path / "plain")
    layers = {
        (folder.name, pooling): load_encoder(
            CODES, {"encoder": str(folder), "pooling": pooling, "dropout": -1.0}
        ).config.num_hidden_layers
        for folder in (tiny, plain)
        for pooling in ("auto", "cls", "mean")
    }
    assert layers["bert", "auto"] == layers["bert", "mean"] == layers["plain", "mean"] == 3
    assert layers["plain", "auto"] == layers["plain", "cls"] == layers["bert", "cls"] == 2


def test_the_mean_layer_gives_the_mean(tiny: Path) -> None:
    import torch

    from sibnlp.training.encoder import load_encoder

    model = load_encoder(CODES, {"encoder": str(tiny), "pooling": "mean", "dropout": 0.0}).eval()
    ids = torch.tensor([[2, 5, 6, 7, 3, 0, 0], [2, 8, 3, 0, 0, 0, 0]])
    mask = (ids > 0).long()
    with torch.no_grad():
        states = model.bert(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
    before, after = states[-2], states[-1]
    for row, length in enumerate((5, 3)):
        mean = before[row, :length].mean(dim=0)
        # As near as the trace of the first piece that the residual leaves (1 : 64) allows.
        assert torch.cosine_similarity(after[row, 0], mean - mean.mean(), dim=0) > 0.995


def test_stopped_it_goes_on_and_ends_the_same(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sibnlp.training import trainer

    whole = fit(tiny, tmp_path / "whole", dropout=0.1)

    class KilledError(Exception):
        pass

    def stop(self: Any, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == 21:  # inside the third of four epochs of eight steps
            raise KilledError

    monkeypatch.setattr(trainer._Told, "on_step_end", stop, raising=False)
    with pytest.raises(KilledError):
        fit(tiny, tmp_path / "cut", dropout=0.1)
    assert not (tmp_path / "cut" / "checkpoint").exists()
    monkeypatch.undo()
    resumed = fit(tiny, tmp_path / "cut", dropout=0.1)
    assert log_of(tmp_path / "whole")["resumed_from"] is None
    assert log_of(tmp_path / "cut")["resumed_from"] == "checkpoint-20"
    assert log_of(tmp_path / "cut")["steps"] == log_of(tmp_path / "whole")["steps"] == 32
    assert np.allclose(resumed.predict_proba(TEXTS), whole.predict_proba(TEXTS), atol=1e-6)
    # A third time there is nothing left to train; another precision is exported from the same checkpoint.
    monkeypatch.setattr(trainer, "run", lambda *_, **__: pytest.fail("trained again"))
    assert np.array_equal(fit(tiny, tmp_path / "cut", dropout=0.1).predict_proba(TEXTS), resumed.predict_proba(TEXTS))
    fit(tiny, tmp_path / "cut", dropout=0.1, precision="fp32")
    monkeypatch.undo()
    fit(tiny, tmp_path / "cut", dropout=0.1, epochs=1)
    assert log_of(tmp_path / "cut")["steps"] == 8


def test_the_log_says_what_was_done(tiny: Path, tmp_path: Path) -> None:
    classifier = fit(tiny, tmp_path, max_length=16)
    log = log_of(tmp_path)
    assert log["n"] == 60
    assert log["seed"] == 3
    assert log["settings"]["encoder"] == str(tiny)
    assert log["codes"]["bread"] == {"positive": int(np.nansum(TRUTH[:, 0])), "known": 60}
    assert log["cut_off"] == sum(len(text.split()) >= 14 for text in TEXTS) > 0
    assert log["losses"][-1]["loss"] < log["losses"][0]["loss"]
    assert log["export"]["bytes"] == len(classifier.network_ or b"")
    assert 0 < log["export"]["mean_difference"] <= log["export"]["max_difference"] < 0.05


def test_int8_is_smaller_and_near(tmp_path: Path) -> None:
    """At a size where weights outweigh the graph: a quarter of the bytes."""
    from sibnlp.training.export import to_precision

    with pytest.raises(UnknownNameError, match="int8, int8_dynamic, fp32"):
        to_precision(b"", "int4", [])
    wide = tiny_encoder(tmp_path / "wide", hidden_size=64, intermediate_size=512, vocab_size=4000)
    (tmp_path / "work").mkdir()
    # The second and third are exported from the checkpoint of the first.
    stored, dynamic, large = (
        fit(wide, tmp_path / "work", pooling="cls", precision=p, lr=1e-3, epochs=8)
        for p in ("int8", "int8_dynamic", "fp32")
    )
    wanted = large.predict_proba(TEXTS)
    gaps = []
    for small in (stored, dynamic):
        assert len(small.network_ or b"") < 0.32 * len(large.network_ or b"")
        gaps.append(np.abs(small.predict_proba(TEXTS) - wanted))
        assert 0 < gaps[-1].max() < 0.05
    assert gaps[0].mean() < gaps[1].mean()


def test_towering_channels_are_computed_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """One channel a hundred times as large as the others costs them nothing."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    from sibnlp.training import quantise

    rng = np.random.default_rng(0)
    table = rng.normal(size=(50, 64)).astype(np.float32)
    table[:, 7] *= 100
    weights = rng.normal(size=(64, 32)).astype(np.float32)
    weights[7] /= 100
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["states"], "states"),
        helper.make_node("MatMul", ["states", "weights"], ["logits"], "product"),
    ]
    shape: list[Any] = [1, "pieces"]
    graph = helper.make_graph(
        nodes, "one product",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [*shape, 32])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(weights, "weights")],
    )  # fmt: skip
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    example = {"input_ids": list(range(50)), "token_type_ids": [0] * 50}

    def error(small: bytes) -> float:
        import onnxruntime

        feeds = {"input_ids": np.arange(50)[None]}
        whole, near = (
            onnxruntime.InferenceSession(one, providers=["CPUExecutionProvider"]).run(None, feeds)[0]
            for one in (network, small)
        )
        return float(np.abs(whole - near).mean())

    apart = quantise.quantise(network, [example])
    assert any(node.op_type == "MatMulInteger" for node in onnx.load_from_string(apart).graph.node)
    together = error(quantise.quantise(network))
    assert error(apart) < together / 10
    monkeypatch.setattr(quantise, "TOWERING", 1000.0)
    assert error(quantise.quantise(network, [example])) == together


@pytest.mark.parametrize(
    "architecture", ["bert", "roberta", "xlm-roberta", "electra", "distilbert", "deberta-v2", "mpnet", "modernbert"]
)
def test_any_architecture(tmp_path: Path, architecture: str) -> None:
    """Fitted, exported and equal to torch within 1e-4 (`export_onnx` refuses otherwise)."""
    folder = tiny_encoder(tmp_path / "encoder", architecture)
    can = architecture not in ("distilbert", "deberta-v2", "mpnet")
    classifier = fit(folder, tmp_path / "work", epochs=1, pooling="mean" if can else "cls")
    assert classifier.predict_proba(TEXTS[:3]).shape == (3, 4)
    if not can:
        with pytest.raises(DataError, match="cannot pool the mean"):
            fit(folder, tmp_path / "mean", pooling="mean")


def test_losses() -> None:
    import torch

    from sibnlp.training.losses import loss_of, positive_weights

    logits = torch.tensor([[2.0, -1.0], [0.5, 0.0]])
    y = torch.tensor([[1.0, 0.0], [float("nan"), 1.0]])
    each = torch.tensor([1.0, 3.0])
    plain = loss_of(logits, y, each, {"loss": "bce"}, None)
    cells = [np.log1p(np.exp(-2.0)), np.log1p(np.exp(-1.0)), 3 * np.log(2)]
    assert float(plain) == pytest.approx(sum(cells) / 5, abs=1e-6)
    doubled = loss_of(logits, y, each, {"loss": "balanced"}, torch.tensor([2.0, 1.0]))
    assert float(doubled) == pytest.approx((2 * cells[0] + cells[1] + cells[2]) / 5, abs=1e-6)
    asl = {"loss": "asymmetric", "gamma_positive": 1.0, "gamma_negative": 4.0, "margin": 0.05}
    p = 1 / (1 + np.exp(1.0)) - 0.05
    terms = [cells[0] * (1 - 1 / (1 + np.exp(-2.0))), -(p**4) * np.log(1 - p), 3 * np.log(2) * 0.5]
    assert float(loss_of(logits, y, each, asl, None)) == pytest.approx(sum(terms) / 5, abs=1e-6)
    # Without focusing and margin it is cross-entropy.
    none = {**asl, "gamma_positive": 0.0, "gamma_negative": 0.0, "margin": 0.0}
    assert float(loss_of(logits, y, each, none, None)) == pytest.approx(float(plain), abs=1e-6)
    truth = np.array([[1, 1, np.nan], [0, 1, 0], [0, 1, 0], [0, np.nan, 0]])
    assert positive_weights(truth, 2.5).tolist() == [2.5, 0.4, 2.5]
    assert positive_weights(truth, 10.0, np.array([2.0, 1, 1, 1])).tolist() == [1.5, 0.1, 10.0]


@pytest.mark.parametrize("loss", ["bce", "balanced", "asymmetric"])
def test_every_loss_learns(tiny: Path, tmp_path: Path, loss: str) -> None:
    found = fit(tiny, tmp_path, loss=loss, epochs=15).predict_proba(TEXTS)
    for column in (0, 1):
        positive = TRUTH[:, column] == 1
        assert found[positive, column].min() > found[~positive, column].max() - 0.1


def test_exactly_one_of_several(tiny: Path, tmp_path: Path) -> None:
    from transformers import pipeline

    rows = [i for i, c in enumerate(CODED) if len(set(c.codes) & {"bread", "boats"}) == 1]
    texts, truth = [TEXTS[i] for i in rows], np.column_stack([TRUTH[rows][:, :2], np.zeros(len(rows))])
    settings = {**SETTINGS, "encoder": str(tiny), "loss": "softmax", "precision": "fp32"}
    classifier = EncoderClassifier(("bread", "boats", "other"), settings)
    classifier.fit(texts, truth, seed=0, work=tmp_path)
    found = classifier.predict_proba(texts)
    assert np.allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == truth.argmax(axis=1)).mean() > 0.95
    (theirs,) = pipeline("text-classification", str(tmp_path / "checkpoint"), top_k=None)([texts[0]])
    scores = {part["label"]: part["score"] for part in theirs}
    assert np.abs(found[0] - [scores[code] for code in classifier.codes]).max() < 1e-4
    assert classifier.predict_proba([]).shape == (0, 3)
    with pytest.raises(DataError, match="exactly one code each; .* do not"):
        fit(tiny, tmp_path / "other", loss="softmax")


def test_what_is_frozen_stays(tiny: Path, tmp_path: Path) -> None:
    from transformers import AutoModel

    from sibnlp.training.export import load_checkpoint

    before = AutoModel.from_pretrained(str(tiny)).state_dict()

    def changed(**settings: Any) -> set[str]:
        work = tmp_path / "-".join(settings)
        fit(tiny, work, epochs=2, pooling="cls", **settings)
        after = load_checkpoint(work / "checkpoint").bert.state_dict()
        return {name for name, value in before.items() if not value.equal(after[name])}

    words, lower, upper = "embeddings.word_embeddings.weight", "encoder.layer.0", "encoder.layer.1"
    assert any(name.startswith("pooler") for name in changed(head_epochs=2))
    assert not [name for name in changed(head_epochs=2) if "pooler" not in name]
    partly = changed(freeze_layers=1)
    assert words not in partly
    assert not [name for name in partly if name.startswith(lower)]
    assert [name for name in partly if name.startswith(upper)]
    assert words not in changed(freeze_embeddings=True)
    assert {words, f"{lower}.output.dense.weight"} <= changed(head_epochs=1)


def test_what_is_frozen_has_no_dropout(tiny: Path) -> None:
    from sibnlp.training.encoder import load_encoder
    from sibnlp.training.trainer import still

    settings = {**SHORT, "encoder": str(tiny), "pooling": "cls", "freeze_layers": 1, "freeze_embeddings": False}
    model = load_encoder(CODES, settings).train()
    for module in still(model, settings):
        module.train(False)
    learning = {name for name, module in model.named_modules() if module.training}
    assert "bert.embeddings.dropout" not in learning
    assert not [name for name in learning if name.startswith("bert.encoder.layer.0")]
    assert {"bert.encoder.layer.1.attention.self", "bert.encoder.layer.1.output.dropout", "dropout"} <= learning
    assert still(model, {**settings, "freeze_layers": 0}) == []


def test_passages_are_drawn_by_weight() -> None:
    from sibnlp.training.trainer import ByLength

    order = ByLength([9] * 50, 4, seed=1, chances=np.array([2.0] * 5 + [1.0] * 5 + [0.25] * 39 + [0.0]))
    assert len(order) == 10 + 10
    seen = np.zeros(50, dtype=int)
    for epoch in range(40):
        order.set_epoch(epoch)
        rows = list(order)
        assert len(rows) == len(set(rows)) == len(order)
        assert rows == list(order)
        seen[rows] += 1
    assert (seen[:10] == 40).all()
    assert seen[49] == 0
    # 10 of 39, 40 times: each some ten times, and none never or always.
    assert (seen[10:49].min(), seen[10:49].max()) > (1, 1)
    assert seen[10:49].max() < 25


def test_a_weight_drawn_by_is_no_factor_too(tiny: Path, tmp_path: Path) -> None:
    truth = np.array([[i % 2, 1 - i % 2] for i in range(60)], dtype=np.float64)
    texts = ["yes quiet street" if i % 2 else "no loud river" for i in range(60)]
    rare = np.where(np.arange(60) < 30, 1.0, 0.1)
    steps = {}
    for weigh in ("loss", "draw"):
        classifier = EncoderClassifier(CODES[:2], {**SETTINGS, "epochs": 2, "encoder": str(tiny), "weigh": weigh})
        classifier.fit(texts, truth, seed=0, weights=rare, work=tmp_path / weigh)
        steps[weigh] = log_of(tmp_path / weigh)["steps"]
    assert steps == {"draw": 5 * 2, "loss": 8 * 2}
    with pytest.raises(UnknownNameError, match="no way to weigh passages named 'both'; known: loss, draw"):
        EncoderClassifier(CODES[:2], {**SETTINGS, "epochs": 2, "encoder": str(tiny), "weigh": "both"}).fit(
            texts, truth, seed=0, work=tmp_path / "both"
        )


def test_lower_layers_learn_more_slowly(tiny: Path) -> None:
    from sibnlp.training.encoder import load_encoder
    from sibnlp.training.trainer import parameter_groups

    settings = {**SHORT, "encoder": str(tiny), "pooling": "cls", "lr": 1.0, "head_lr": 5.0, "layer_decay": 0.5,
                "weight_decay": 0.1, "freeze_layers": 0, "freeze_embeddings": False}  # fmt: skip
    model = load_encoder(CODES, settings)
    rate = {id(p): (g["lr"], g["weight_decay"]) for g in parameter_groups(model, settings, set()) for p in g["params"]}
    named = {name: rate[id(parameter)] for name, parameter in model.named_parameters()}
    assert len(named) == len(rate)
    assert named["classifier.weight"] == named["bert.pooler.dense.weight"] == (5.0, 0.1)
    assert named["classifier.bias"] == (5.0, 0.0)
    assert named["bert.encoder.layer.1.output.dense.weight"] == (1.0, 0.1)
    assert named["bert.encoder.layer.0.output.dense.weight"] == (0.5, 0.1)
    assert named["bert.encoder.layer.0.output.LayerNorm.weight"] == (0.5, 0.0)
    assert named["bert.embeddings.word_embeddings.weight"] == (0.25, 0.1)


def test_a_context_can_tell(tiny: Path, tmp_path: Path) -> None:
    """Passages alike but for the question before them."""
    texts = []
    for i in range(40):
        text = Situated("yes quiet street")
        text.context = "what about baking" if i % 2 else "what about sailing"
        texts.append(text)
    truth = np.array([[i % 2, 1 - i % 2] for i in range(40)], dtype=np.float64)
    classifier = EncoderClassifier(("bread", "boats"), {**SETTINGS, "encoder": str(tiny), "context": ["context"]})
    classifier.fit(texts, truth, seed=0, work=tmp_path)
    assert ((classifier.predict_proba(texts[:2]) > 0.5) == [[False, True], [True, False]]).all()


def test_a_code_calibrates_on_what_was_kept(tiny: Path, tmp_path: Path) -> None:
    recipe = Recipe("encoder", held_out=0.3, settings={**SETTINGS, "encoder": str(tiny)})
    model = train(CODED, [codebook()], recipe, name="toy", work=tmp_path / "work")
    assert log_of(tmp_path / "work" / "whole")["n"] < 60
    assert model.manifest.cross_validation["groups"] < 10
    assert model.manifest.cross_validation["codes"]["bread"]["f1"] > 0.8
    folder = model.save(tmp_path / "toy")
    passages = [c.passage for c in codings(30, seed=9)]
    again = load_model(folder).predict(passages)
    assert np.array_equal(again.probabilities, model.predict(passages).probabilities)
    assert str(tiny) not in (folder / "head.json").read_text()


def test_folds(tiny: Path, tmp_path: Path) -> None:
    recipe = Recipe("encoder", folds=2, settings={**SETTINGS, "encoder": str(tiny)})
    model = train(CODED, [codebook()], recipe, name="toy", work=tmp_path)
    assert model.manifest.cross_validation["groups"] == 10
    assert [(log_of(tmp_path / name)["n"] < 60) for name in ("whole", "fold-0", "fold-1")] == [False, True, True]
    assert [path.name for path in tmp_path.glob("*/checkpoint")] == ["checkpoint"]


def test_code_of_an_encoder_s_own_is_not_run(tiny: Path, tmp_path: Path) -> None:
    for kind, refused in (("bert", False), ("unheard-of", True)):
        folder = tiny_encoder(tmp_path / kind)
        config = json.loads((folder / "config.json").read_text())
        own = {"AutoConfig": "evil.Config", "AutoModelForSequenceClassification": "evil.Model"}
        (folder / "config.json").write_text(json.dumps({**config, "model_type": kind, "auto_map": own}))
        (folder / "evil.py").write_text(f"open({str(tmp_path / 'harmed')!r}, 'w')\n")
        if refused:
            with pytest.raises(DataError, match="cannot be read"):
                fit(folder, tmp_path / "work")
        else:
            fit(folder, tmp_path / "work", epochs=1)
            assert "auto_map" not in (tmp_path / "work" / "checkpoint" / "config.json").read_text()
        assert not (tmp_path / "harmed").exists()


def test_unknown_names_are_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="bce, balanced, asymmetric, softmax"):
        fit(tiny, tmp_path, loss="hinge")
    with pytest.raises(UnknownNameError, match="auto, cls, mean"):
        fit(tiny, tmp_path, pooling="max")
    with pytest.raises(DataError, match="tokeniser of encoder .* cannot be read"):
        fit(tmp_path, tmp_path / "work")
    assert load_recipe("encoder").backend == "encoder"
    assert replace(load_recipe("encoder"), held_out=0).folds == 5


def test_an_encoder_as_embeddings(tiny: Path, tmp_path: Path) -> None:
    """The mean of its last states, over pieces that are there."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    from sibnlp.embeddings import load_embedder
    from sibnlp.training.export import export_embedder

    embedder = load_embedder(export_embedder(str(tiny), tmp_path / "e", "fp32"))
    found = embedder.embed(TEXTS[:5])
    tokenizer, model = AutoTokenizer.from_pretrained(str(tiny)), AutoModel.from_pretrained(str(tiny)).eval()
    for text, vector in zip(TEXTS[:5], found, strict=True):
        with torch.no_grad():
            batch = tokenizer([text], return_tensors="pt", padding=False, truncation=False)
            mean = model(**batch).last_hidden_state[0].mean(dim=0)
        assert np.abs(vector - (mean / mean.norm()).numpy()).max() < 1e-4
    assert sorted(embedder.save(tmp_path / "again")) == ["model.onnx", "tokenizer.json"]
    small = load_embedder(export_embedder(str(tiny), tmp_path / "small")).embed(TEXTS[:5])
    assert ((small * found).sum(axis=1) > 0.99).all()
