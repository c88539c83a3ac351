"""A transformer of a few thousand random numbers, for tests of fitting and export; needs the extra ``train``.

    python -m tests.tiny_bert

fits one to the toy codings and writes it to ``tests/classifiers/tiny_encoder``, for the tests that run without torch.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.coded import WORDS, codebook, codings

CODES = ("bread", "boats", "glad", "sad")
CHECKED_IN = Path(__file__).parent / "classifiers" / "tiny_encoder"
SETTINGS: dict[str, Any] = {
    "pooling": "mean", "epochs": 30, "lr": 3e-3, "max_length": 48, "dropout": 0.0, "loss": "bce", "batch_size": 8,
}  # fmt: skip
SMALL: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24,
    "max_position_embeddings": 64,
}  # fmt: skip
DISTIL: dict[str, Any] = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24, "max_position_embeddings": 64}


def tiny_encoder(folder: Path, architecture: str = "bert", sentence_encoder: bool = False, **sizes: int) -> Path:
    """Write a random encoder with a word tokeniser as a Hugging Face folder."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted({w for group in WORDS.values() for w in group})]
    words += ["cheerful", "laughing", "gloomy", "weeping", "what", "about", "baking", "sailing"]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    # As some are published: padded to a fixed length, cut off early.
    tokenizer.enable_padding(length=40)
    tokenizer.enable_truncation(5)
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    size = DISTIL if architecture == "distilbert" else SMALL
    config = AutoConfig.for_model(architecture, **{"vocab_size": len(words), "pad_token_id": 0, **size, **sizes})
    for name in ("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"):
        if getattr(config, name, None) is not None:
            setattr(config, name, 2)
    torch.manual_seed(0)
    AutoModel.from_config(config).save_pretrained(folder)
    if sentence_encoder:
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    return folder


def main() -> None:
    """Write the checked-in encoder."""
    import tempfile

    from sibnlp.classifiers.encoder import EncoderClassifier
    from sibnlp.targets import targets

    with tempfile.TemporaryDirectory() as scratch:
        source = tiny_encoder(Path(scratch, "tiny"))
        coded = codings()
        classifier = EncoderClassifier(CODES, {**SETTINGS, "encoder": str(source)})
        classifier.fit([c.passage.text for c in coded], targets(coded, [codebook()], CODES), seed=0)
        shutil.rmtree(CHECKED_IN, ignore_errors=True)
        CHECKED_IN.mkdir(parents=True)
        classifier.save(CHECKED_IN)


if __name__ == "__main__":
    main()
