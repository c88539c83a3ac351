"""Codes interviews and policy documents by governance logic and tracks how the logics drift over time.

In short::

    import sibnlp

    document = sibnlp.read("interviews/anna_2016.docx")
    passages = sibnlp.segment(document)
    predictions = sibnlp.classify(passages, sibnlp.load_model("gov-fast"))
    report = sibnlp.track(predictions, codebooks=["osborne"])  # where passages have a stage or a date
    html = sibnlp.render(report)

Names are loaded when first used: ``import sibnlp`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public name → where it lives.
_NAMES = {
    "read": "sibnlp.readers",
    "segment": "sibnlp.segmentation",
    "SegmentSettings": "sibnlp.segmentation",
    "load_codebook": "sibnlp.codebook:load",
    "load_model": "sibnlp.model",
    "classify": "sibnlp.pipeline",
    "track": "sibnlp.pipeline",
    "render": "sibnlp.report",
    "Document": "sibnlp.types",
    "Passage": "sibnlp.types",
    "Predictions": "sibnlp.types",
    "Report": "sibnlp.types",
    "SibnlpError": "sibnlp.errors",
}
__all__ = ["__version__", *_NAMES]

if TYPE_CHECKING:
    from sibnlp.codebook import load as load_codebook
    from sibnlp.errors import SibnlpError
    from sibnlp.model import load_model
    from sibnlp.pipeline import classify, track
    from sibnlp.readers import read
    from sibnlp.report import render
    from sibnlp.segmentation import SegmentSettings, segment
    from sibnlp.types import Document, Passage, Predictions, Report


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'sibnlp' has no attribute {name!r}")
    module, _, attribute = _NAMES[name].partition(":")
    value = getattr(import_module(module), attribute or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
