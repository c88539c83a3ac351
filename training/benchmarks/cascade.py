"""What the cascade's margin costs and saves, on development text: the share that goes to ``gov-base``, and the loss.

    python -m training.benchmarks.cascade [FAST BASE]

The margin is chosen here: one at which macro-F1 is at most half a point under that of ``gov-base`` where codes are as
rare as in running text, and the loss is small where passages were sought out because they carry codes, while the
cascade stays four times as fast as ``gov-base``. Both kinds of text stand in the table.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from sibnlp.codebook import load as load_codebook
from sibnlp.model import cascade, load_model
from sibnlp.targets import targets
from sibnlp.types import CodedPassage
from training import corpora

MARGINS = (-0.5, 0.0, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
FAMILIES = ("logic", "domain")


def curve(arguments: Sequence[str] = ()) -> list[str]:
    """The curve as a Markdown table."""
    fast, base = (load_model(name) for name in (arguments or ("gov-fast", "gov-base")))
    books = [load_codebook(name) for name in ("osborne", "oflynn")]
    sets: dict[str, tuple[list[CodedPassage], dict[str, list[str]]]] = {
        f"validation, {s}": (corpora.public("validation", s), {}) for s in ("probability", "enriched")
    }
    sets |= {name: corpora.development(name) for name in ("dev", "dev_natural")}
    lines = ["| margin | " + " | ".join(f"{name}: share to base | loss, logic / domain" for name in sets) + " |"]
    lines.append("|---:|" + "---:|" * 2 * len(sets))
    known = {}
    for name, (codings, contested) in sets.items():
        passages = [coding.passage for coding in codings]
        truth = targets(codings, books, base.codes)
        for row, coding in enumerate(codings):
            unknown = contested.get(coding.passage.id, ())
            truth[row, [base.codes.index(code) for code in unknown if code in base.codes]] = np.nan
        known[name] = passages, truth, base.predict(passages), fast.predict(passages)
    for margin in MARGINS:
        model = cascade(fast, base, margin, "")
        cells = []
        for _, truth, better, quick in known.values():
            order = [fast.codes.index(code) for code in base.codes]
            p = quick.probabilities[:, order].astype(np.float64)
            go = (np.log(p / (1 - p)) >= model.classifier.limits).any(axis=1)  # type: ignore[attr-defined]
            losses = []
            for family in FAMILIES:
                columns = [base.codes.index(c) for f in base.manifest.families if f["id"] == family for c in f["codes"]]
                whole, left = (
                    np.mean([_f1(given[:, j], truth[:, j]) for j in columns])
                    for given in (better.assigned, better.assigned & go[:, None])
                )
                losses.append(f"{100 * (whole - left):.1f}")
            cells += [f"{go.mean():.0%}", " / ".join(losses)]
        lines.append(f"| {margin:g} | " + " | ".join(cells) + " |")
    return lines


def _f1(given: np.ndarray, truth: np.ndarray) -> float:
    known = ~np.isnan(truth)
    hits = int((given & (truth == 1)).sum())
    return 2 * hits / max(int(given[known].sum() + (truth == 1).sum()), 1)


if __name__ == "__main__":
    print("\n".join(curve(sys.argv[1:])))
