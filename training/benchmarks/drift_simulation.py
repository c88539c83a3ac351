"""``python -m training.benchmarks.drift_simulation``: how often the intervals hold, written to DRIFT.md.

One process, no threads, everything from one seed. ``--panels`` says how many panels a cell has; parts can be named.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sibnlp import refusals
from sibnlp.breaks import LEVEL, Series
from sibnlp.decompose import split, within_interval
from sibnlp.detectors.penalised import Penalised
from sibnlp.intervals import CORPUS, holm
from sibnlp.quantifiers import QUANTIFIERS, Gold, Passages
from sibnlp.relations import CO_EXISTING, IN_TENSION, REINFORCING, SEGREGATING, Rule
from sibnlp.shrinkage import STRENGTH, risk
from sibnlp.shrinkage import change as drawn_change
from sibnlp.tally import SUPPORT, support, tally
from training.benchmarks import drift_panels
from training.benchmarks.drift_bounds import best_power
from training.benchmarks.drift_panels import READING, Panel, classifier, code, draw, people

HERE = Path(__file__).parent
SHARED = HERE.parent.parent.parent / "shared"
SEED = 20_261_128
PREVALENCES, F1S = (0.04, 0.13, 0.30), (0.60, 0.72, 0.85)
RUNGS = ("count of codings", "design_based", "pacc", "acc", "emq")
# EMQ fits its calibration anew for every cluster; a fifth of the panels says enough of it.
SLOW = {"emq": 5}
Row = Sequence[object]


def table(head: Row, rows: Sequence[Row]) -> list[str]:
    """A Markdown table."""
    lines = ["| " + " | ".join(map(str, head)) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""]


def samples(panel: Panel, prevalences: Sequence[float], rng: np.random.Generator) -> tuple[Gold, Gold]:
    """Gold to correct by error rates (600 passages, or as many as give 45 positives), and a sample by period."""
    n = max(200, int(np.ceil(45 / float(np.mean(prevalences)) / 3)))
    each = tuple(max(30, int(np.ceil(6 / p))) for p in prevalences)
    return code(panel, (n,) * len(prevalences), rng), code(panel, each, rng)


def estimate(name: str, panel: Panel, rates: Gold, sample: Gold) -> Any:
    """Levels of a panel by one of `RUNGS`."""
    if name == RUNGS[0]:
        passages, gold, name = people(panel), None, "count"
    else:
        passages, gold = panel.passages, sample if name == "design_based" else rates
    return QUANTIFIERS.load(name)().adjust(passages, gold).levels(np.ones(len(panel.truth)))


Drawer = Callable[[np.random.Generator], Panel]


def cover(prevalences: Sequence[float], drawer: Drawer, n: int) -> dict[str, dict[str, dict[str, float]]]:
    """Of one cell, by rung: how often each kind of interval holds its truth, and how wide it is (level, change).

    Truths are those of `Panel`; a *process* interval is held against the prevalence drawn from, a *corpus* interval
    against the panel's own share.
    """
    rng = np.random.default_rng(SEED)
    hits: dict[str, dict[str, list[bool]]] = {r: defaultdict(list) for r in RUNGS}
    width: dict[str, dict[str, list[float]]] = {r: defaultdict(list) for r in RUNGS}
    for i in range(n):
        panel = drawer(rng)
        rates, sample = samples(panel, prevalences, rng)
        for rung in RUNGS:
            if i % SLOW.get(rung, 1):
                continue
            found = estimate(rung, panel, rates, sample)
            for stage in range(3):
                low, high = found.level(stage)
                hits[rung]["level"].append(bool(low <= panel.process[stage] <= high))
                width[rung]["level"].append(high - low)
                low, high = found.level(stage, kind=CORPUS)
                hits[rung]["level, corpus"].append(bool(low <= panel.corpus[stage] <= high))
            change = found.contrast(0, 2)
            true, own = (t[2] - t[0] for t in (panel.process, panel.corpus))
            hits[rung]["change"].append(bool(change.low <= true <= change.high))
            width[rung]["change"].append(change.high - change.low)
            hits[rung]["change, corpus"].append(bool(change.corpus_low <= own <= change.corpus_high))
    return {
        rung: {
            "covered": {what: float(np.mean(held)) for what, held in hits[rung].items()},
            "width": {what: float(np.mean(held)) for what, held in width[rung].items()},
        }
        for rung in RUNGS
    }


# Cells that are done, kept in a file where one is named, so that a stopped run goes on where it was.
KEPT: list[Path] = []


def kept(label: str, n: int, run: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], int]:
    """What a cell gives, and of how many panels: from the file where it is done of as many or more."""
    path = KEPT[0] if KEPT else None
    held = json.loads(path.read_text(encoding="utf-8")) if path and path.is_file() else {}
    done = {int(key.split("|")[1]): key for key in held if key.split("|")[::2] == [label, str(SEED)]}
    if done and max(done) >= n:
        return held[done[max(done)]], max(done)
    held[f"{label}|{n}|{SEED}"] = found = run()
    if path:
        path.write_text(json.dumps(held), encoding="utf-8")
    return found, n


def coverage(cells: Mapping[str, tuple[Sequence[float], Drawer]], n: int) -> list[str]:
    """How often 95 % intervals hold their truth, and how wide they are beside those of complete human coding."""
    rows, parts, panels = [], defaultdict(list), {}
    for label, (prevalences, drawer) in cells.items():
        cell, panels[label] = kept(label, n, lambda p=prevalences, d=drawer: cover(p, d, n))  # type: ignore[misc]
        for rung in RUNGS:
            mean = cell[rung]["covered"]
            wide = {what: w / cell[RUNGS[0]]["width"][what] for what, w in cell[rung]["width"].items()}
            rows.append(
                [label, panels[label], rung, *(f"{100 * mean[what]:.1f}" for what in ("level", "change")),
                 *("–" if rung == RUNGS[0] else f"{100 * mean[w]:.1f}" for w in ("level, corpus", "change, corpus")),
                 f"{wide['level']:.2f}", f"{wide['change']:.2f}"]
            )  # fmt: skip
            for what, held in mean.items():
                if not (rung == RUNGS[0] and "corpus" in what):
                    parts[rung, what].append(held)
    head = ["panel", "panels", "stands on", "level, process", "change, process", "level, corpus", "change, corpus",
            "width of level / human", "of change / human"]  # fmt: skip
    summary = [
        [rung, what, f"{100 * np.mean(held):.1f}", f"{100 * min(held):.1f}"] for (rung, what), held in parts.items()
    ]
    every = [one for held in parts.values() for one in held]
    whole = f"All cells: mean {100 * np.mean(every):.1f} %, lowest {100 * min(every):.1f} %."
    fewest = min(panels.values())
    chance = 100 * float(np.sqrt(0.95 * 0.05 / fewest))
    of_slow = " and ".join(f"one in {part} for {rung}" for rung, part in SLOW.items())
    return [
        f"{whole} Of so many panels as stand beside each cell ({of_slow}); at {fewest} a change that covers 95 % has a "
        f"Monte-Carlo error of {chance:.1f} points, its level less.",
        "",
        *table(["stands on", "interval", "mean over cells, %", "lowest cell, %"], summary),
        *table(head, rows),
    ]


def drawn_cells() -> dict[str, tuple[Sequence[float], Drawer]]:
    """Binormal scores at three prevalences and three F1."""
    cells: dict[str, tuple[Sequence[float], Drawer]] = {}
    for f1 in F1S:
        for p in PREVALENCES:
            model = classifier(f1, p)
            cells[f"F1 {f1:.2f}, {p:.0%}"] = (
                (p,) * 3,
                lambda rng, p=p, model=model: draw((p,) * 3, model, rng),  # type: ignore[misc]
            )
    return cells


def real_cells() -> dict[str, tuple[Sequence[float], Drawer]]:
    """Scores of real passages.

    *gov-base*: NPM by the shipped model in the validation split of corpora/public, from which it learnt its thresholds
    only; *linear* and *CR* (positive): by a linear model out of fold, in the training split and in customer reviews.
    """
    cells: dict[str, tuple[Sequence[float], Drawer]] = {}
    sources = {"NPM, gov-base": shipped_scores(), "NPM, linear": public_scores(), "CR, linear": review_scores()}
    for name, (scores, truth, group) in sources.items():
        for p in PREVALENCES:
            cells[f"{name}, {p:.0%}"] = (
                (p,) * 3,
                lambda rng, p=p, s=scores, t=truth, g=group: redraw(
                    draw((p,) * 3, classifier(0.7, p), rng), s, t, g, p, rng
                ),  # type: ignore[misc]
            )
    return cells


def redraw(
    panel: Panel,
    scores: NDArray[np.float64],
    truth: NDArray[np.float64],
    group: NDArray[np.int64],
    prevalence: float,
    rng: np.random.Generator,
) -> Panel:
    """A panel with scores of real passages of the same class; each actor speaks out of half of the documents."""
    p = panel.passages
    found = np.empty(len(panel.truth))
    groups = np.unique(group)
    for actor in range(p.n_clusters):
        mine = np.isin(group, rng.choice(groups, len(groups) // 2, replace=False))
        for kind in (0, 1):
            here = (p.cluster == actor) & (panel.truth == kind)
            pool = scores[mine & (truth == kind)]
            found[here] = rng.choice(pool, int(here.sum()))
    cut = best_cut(scores, truth, prevalence)
    return replace(panel, passages=replace(p, score=found, given=found >= cut))


def best_cut(scores: NDArray[np.float64], truth: NDArray[np.float64], prevalence: float) -> float:
    """Score at or over which F1 is highest when the code has a given prevalence."""
    cuts = np.quantile(scores, np.linspace(0.3, 0.999, 300))
    true, false = (np.array([(scores[truth == kind] >= cut).mean() for cut in cuts]) for kind in (1, 0))
    f1 = 2 * prevalence * true / (prevalence * (true + 1) + (1 - prevalence) * false)
    return float(cuts[int(np.argmax(f1))])


def out_of_fold(
    texts: Sequence[str], truth: NDArray[np.float64], group: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities of a linear classifier on words, each passage by a model that has not seen its document."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    x = TfidfVectorizer(min_df=2, sublinear_tf=True, ngram_range=(1, 2)).fit_transform(texts)
    scores = np.zeros(len(texts))
    for fit, held in GroupKFold(5).split(x, truth, group):
        model = LogisticRegression(C=10, max_iter=1000).fit(x[fit], truth[fit])
        scores[held] = model.predict_proba(x[held])[:, 1]
    return scores, truth, group


def shipped_scores() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """NPM in the validation split of corpora/public, by the shipped model ``gov-base``."""
    from sibnlp.model import load_model
    from training.corpora import ROOT, public

    codings = public("validation")
    found = load_model(ROOT / "models" / "gov-base").predict([coding.passage for coding in codings])
    truth = np.array([float("NPM" in coding.codes) for coding in codings])
    _, group = np.unique([coding.passage.document for coding in codings], return_inverse=True)
    return found.probabilities[:, found.column("NPM")].astype(np.float64), truth, group


def public_scores() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """NPM in the training split of corpora/public."""
    from training.corpora import public

    codings = public("train")
    truth = np.array([float("NPM" in coding.codes) for coding in codings])
    _, group = np.unique([coding.passage.document for coding in codings], return_inverse=True)
    return out_of_fold([coding.passage.text for coding in codings], truth, group)


def bench(name: str) -> tuple[list[str], NDArray[np.float64]]:
    """A public set of `shared/bench`: all its texts, and whether each has the label of the positive class."""
    spec = importlib.util.spec_from_file_location("bench_load", SHARED / "bench" / "load.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    train_texts, train_labels, test_texts, test_labels = module.load(name)
    return [*train_texts, *test_texts], np.array([float(label == "1") for label in (*train_labels, *test_labels)])


def review_scores() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """CR, in groups of forty neighbours (reviews of one product stand together)."""
    texts, truth = bench("cr")
    return out_of_fold(texts, truth, np.arange(len(texts)) // 40)


COUNT, PLAIN, OURS = "count", "PACC", "drawn"


def errors(n: int) -> list[str]:
    """Absolute errors against corpus truth, of levels and of changes, with shifts of several sizes and without."""
    rows, held = [], defaultdict(list)
    for f1 in F1S:
        for label, prevalences in TRENDS.items():
            rng, model = np.random.default_rng(SEED), classifier(f1, float(np.mean(prevalences)))
            level, change, inside = defaultdict(list), defaultdict(list), []
            for _ in range(n):
                panel = draw(prevalences, model, rng)
                rates, sample = samples(panel, prevalences, rng)
                true = panel.corpus[2] - panel.corpus[0]
                found = {
                    name: estimate(kind, panel, rates, sample) for name, kind in ((COUNT, "count"), (PLAIN, "pacc"))
                }
                point = drawn_change(found[PLAIN], 0, 2)
                for name, one in found.items():
                    level[name].append(np.abs(one.values - panel.corpus).mean())
                    change[name].append(abs(one.values[2] - one.values[0] - true))
                change[OURS].append(abs(point - true))
                interval = found[PLAIN].contrast(0, 2)
                inside.append(
                    max(interval.low, interval.corpus_low) <= point <= min(interval.high, interval.corpus_high)
                )
            levels = [float(np.mean(level[name])) for name in (COUNT, PLAIN)]
            changes = [float(np.mean(change[name])) for name in (COUNT, PLAIN, OURS)]
            held[f1].append(float(np.mean(inside)))
            rows.append(
                [f"{f1:.2f}", label, *(f"{m:.4f}" for m in (*levels, *changes)),
                 *(f"{100 * (m / base - 1):+.0f} %"
                   for m, base in ((levels[1], levels[0]), (changes[1], changes[0]), (changes[2], changes[0])))]
            )  # fmt: skip
    head = ["F1", "prevalence", "level: count", "PACC", "change: count", "PACC", "PACC, drawn", "PACC to count, level",
            "change", "change, drawn"]  # fmt: skip
    both = 100 * float(np.mean([one for part in held.values() for one in part]))
    return [
        *table(head, rows),
        "*Drawn*: the change that is printed (`sibnlp.shrinkage`); its intervals are those of the change that is not "
        f"drawn, so their coverage above holds. The drawn change lay inside both intervals in {both:.1f} % of panels.",
        "",
        "What drawing costs and spares, by how many of its standard errors a change is away from zero: mean squared "
        "error in units of the corrected change's variance, exact, at a gain of 0.5 (strength 0 corrects in full).",
        "",
        *table(
            ["strength", *EFFECTS],
            [[name, *(f"{risk(effect, 0.5, strength):.2f}" for effect in EFFECTS)]
             for name, strength in (("count", 1e9), ("0", 0.0), ("1", 1.0), (f"{STRENGTH} (ours)", STRENGTH),
                                    ("2", 2.0), ("3", 3.0))],
        ),
    ]  # fmt: skip


# The first two are those the aims are stated for.
TRENDS = {
    "6 → 15 → 30 %": (0.06, 0.15, 0.30), "13 % throughout": (0.13, 0.13, 0.13),
    "4 % throughout": (0.04, 0.04, 0.04), "30 % throughout": (0.30, 0.30, 0.30),
    "10 → 13 → 17 %": (0.10, 0.13, 0.17), "8 → 13 → 20 %": (0.08, 0.13, 0.20),
}  # fmt: skip
EFFECTS = (0, 1, 2, 3, 4, 6, 8)


def refused(n: int) -> list[str]:
    """How often a correction is refused when the last stage's false-positive rate is 6 points higher, and when not."""
    rows = []
    for f1 in F1S:
        for p in PREVALENCES:
            model = classifier(f1, p)
            spread = float(np.hypot(1, READING))
            false = float(stats.norm.sf(model.threshold / spread))
            true = float(stats.norm.sf((model.threshold - model.distance) / spread))
            moved = model.threshold - float(stats.norm.isf(min(false + 0.06, 0.99))) * spread
            shares = []
            covered: list[bool] = []
            for shift, swap in ((0.0, 0.0), (moved, 0.0), (0.0, 0.06 / (true - false))):
                rng, hits, gains = np.random.default_rng(SEED), [], []
                for _ in range(n):
                    panel = draw((p,) * 3, model, rng, shift=(0, 0, shift), swap=(0, 0, swap))
                    rates, sample = samples(panel, (p,) * 3, rng)
                    why = refusals.misfit(panel.passages, rates)
                    hits.append(bool(why))
                    gains.append(refusals.gain_bound(rates) < refusals.LEAST_GAIN)
                    if shift:
                        found = estimate("design_based", panel, rates, sample)
                        change = found.contrast(0, 2)
                        covered.append(change.low <= panel.process[2] - panel.process[0] <= change.high)
                        low, high = found.level(2)
                        covered.append(low <= panel.process[2] <= high)
                shares.append(float(np.mean(hits)))
            best = best_power(model, p, moved, int((rates.row >= 0).sum()) // 3, refusals.NEEDLESS)
            rows.append(
                [f"{f1:.2f}", f"{p:.0%}", f"{false:.1%}", *(f"{100 * s:.0f}" for s in (*shares[:2], *best, shares[2])),
                 f"{100 * np.mean(covered):.1f}"]
            )  # fmt: skip
    mean = [f"{np.mean([float(row[i]) for row in rows]):.0f}" for i in range(3, 8)]
    covered_mean = f"{np.mean([float(row[8]) for row in rows]):.1f}"
    head = ["F1", "prevalence", "FPR", "needless, %", "scores of negatives higher: refused, %",
            "the best test could, %", "with all passages coded, %", "negatives that score like positives: refused, %",
            "design-based covers then, %"]  # fmt: skip
    return [
        *table(head, [*rows, ["mean", "", "", *mean, covered_mean]]),
        "*The best test could*: the power of an efficient test that knows both classes' distributions and all "
        "variances (`training/benchmarks/drift_bounds.py`), with the gold as it is and with every passage coded.",
        "",
    ]


def null_shifts(n: int) -> list[str]:
    """Share of panels without any change in which any of the framework's eight cells shows a shift after Holm."""
    rows = []
    # Two logics on all talk, and each in three domains.
    cells = (0.13, 0.13, *(0.045,) * 6)
    for rung in ("count of codings", "design_based", "pacc"):
        rng, shown = np.random.default_rng(SEED), 0
        for _ in range(n):
            p_values = []
            for p in cells:
                panel = draw((p,) * 3, classifier(0.75, p), rng)
                rates, sample = samples(panel, (p,) * 3, rng)
                p_values.append(estimate(rung, panel, rates, sample).contrast(0, 2).p)
            shown += min(holm(p_values)) < 0.05
        rows.append([rung, f"{100 * shown / n:.1f}"])
    return table(["stands on", "panels with any shift, % (8 cells)"], rows)


def decomposition(n: int) -> list[str]:
    """Within-change when only who is asked changes, and when six stayers move by 20 points."""
    rows = []
    for label, base, step in (("pure composition", 0.2, 0.0), ("20 points within six stayers", 0.15, 0.2)):
        rng, out = np.random.default_rng(SEED), 0
        for _ in range(n):
            # Stayers keep (or move) their level; newcomers and leavers differ from them by 20 points.
            lean = rng.normal(0, 0.5, 15)
            voice, level = [np.zeros(15), np.zeros(15)], [np.zeros(15), np.zeros(15)]
            for stage in (0, 1):
                for actor in range(15):
                    if not (actor < 6 or (actor < 10 and stage == 0) or (actor >= 10 and stage == 1)):
                        continue
                    p = base + step * stage + (0.2 if actor >= 10 else 0.0)
                    p = 1 / (1 + np.exp(-(np.log(p / (1 - p)) + lean[actor] + rng.normal(0, 0.3))))
                    passages = int(rng.integers(50, 151))
                    voice[stage][actor], level[stage][actor] = passages, rng.binomial(passages, p) / passages
            stay = (voice[0] > 0) & (voice[1] > 0)
            assert split((level[0], level[1]), (voice[0], voice[1])).parts["total"] is not None
            low, high = within_interval((level[0], level[1]), (voice[0], voice[1]), stay, 0.95)
            out += low > 0 or high < 0
        rows.append([label, f"{100 * out / n:.1f}"])
    return table(["panels", "within-change excludes zero, %"], rows)


def relation_cells(n: int) -> list[str]:
    """Cells whose relation is known, marked by a classifier that is right six times in ten."""
    rng = np.random.default_rng(SEED)
    kinds = (IN_TENSION, REINFORCING, CO_EXISTING)
    right: dict[str, int] = defaultdict(int)
    said: dict[str, int] = defaultdict(int)
    tentative = tentative_right = 0
    drawn: dict[str, int] = defaultdict(int)
    for i in range(n):
        truth = (*kinds, SEGREGATING)[i % 4]
        size, actors = int(rng.integers(30, 121)), int(rng.integers(4, 13))
        cluster = rng.integers(0, actors, size)
        second_share = 0.03 if truth == SEGREGATING else 0.4
        first, second = rng.random(size) < 0.45, rng.random(size) < second_share
        first, second = (held ^ (rng.random(size) < 0.05) for held in (first, second))
        joint = np.flatnonzero(first & second)
        marks = {kind: np.zeros(size, dtype=np.bool_) for kind in kinds}
        for row in joint.tolist():
            own = truth if truth in kinds and rng.random() < 0.85 else str(rng.choice(kinds))
            given = own if rng.random() < 0.6 else str(rng.choice([kind for kind in kinds if kind != own]))
            marks[given][row] = True
        cell = tally(cluster, first, second, marks)
        rule = Rule(("NPM", "NPG"), (True, True), (0, 0))
        answer = rule(cell.sums())[0]
        drawn[truth] += 1
        if answer is None:
            continue
        held = support(cell, lambda again, rule=rule: rule(again)[0], str(i))  # type: ignore[misc]
        if held >= SUPPORT:
            said[answer] += 1
            right[answer] += answer == truth
        else:
            tentative, tentative_right = tentative + 1, tentative_right + (answer == truth)
    rows = [
        [kind, drawn[kind], said[kind], f"{100 * right[kind] / said[kind]:.0f}" if said[kind] else "–"]
        for kind in drawn
    ]
    total = f"{100 * sum(right.values()) / max(sum(said.values()), 1):.0f}"
    rows.append(["all", sum(drawn.values()), sum(said.values()), total])
    loose = f"{tentative} more were tentative, {100 * tentative_right / max(tentative, 1):.0f} % of them right."
    return [*table(["relation", "cells drawn", "said with support ≥ 0.80", "right, %"], rows), loose, ""]


def breaks(n: int) -> list[str]:
    """Change points on 24 months of 60 interviews, with and without a step of 15 points; and on the TCPD series."""
    rows = []
    for base in (0.15, 0.30):
        for step in (0.0, 0.15):
            rng, found, near = np.random.default_rng(SEED), 0, 0
            for _ in range(n):
                month = np.sort(np.concatenate([np.arange(24), rng.integers(0, 24, 36)]))
                actor = rng.integers(0, 15, 60)
                effect = rng.normal(0, drift_panels.ACTOR, 15)[actor] + rng.normal(0, drift_panels.INTERVIEW, 60)
                passages, at = rng.integers(50, 151, 60), int(rng.integers(6, 19))
                p = np.where(month >= at, base + step, base)
                coded = rng.binomial(passages, 1 / (1 + np.exp(-(np.log(p / (1 - p)) * 1.06 + effect))))
                series = Series(passages.astype(float), coded / passages, month, np.arange(60), actor, 24)
                held = [
                    middle for start, middle, end in series.proposed(Penalised())
                    if series.p(start, middle, end, rng) <= LEVEL
                ]  # fmt: skip
                found, near = found + bool(held), near + any(abs(point - at) <= 2 for point in held)
            rows.append(
                [f"{base:.0%}", f"{step:+.0%}", f"{100 * found / n:.1f}", f"{100 * near / n:.1f}" if step else "–"]
            )
    head = ["prevalence", "step", "any change point, %", "within two months, %"]
    return [*table(head, rows), *tcpd()]


TCPD = """\
Where the noise is not known, the scale allows for values that hang together (`hanging_together`). That rule came after
these series had been seen under the default before it (0.773); it has nothing to tune, and `bank`, which wanders, is
most of what it gains. Other defaults tried: mBIC with segment lengths 0.766, scaled by the standard deviation 0.742.
"""


def tcpd() -> list[str]:
    """Mean F1 on the seven univariate series."""
    sys.path.insert(0, str(SHARED / "bench" / "tcpd"))
    import cpd_score  # type: ignore[import-not-found]

    rows, ours = [], []
    for name in cpd_score.NAMES:
        published = cpd_score.PUB[name]
        if published["f1_binseg"] is None:
            continue
        y = np.array([np.nan if v is None else float(v) for v in cpd_score.series(name)[0][0]])
        known = ~np.isnan(y)
        y = np.interp(np.arange(len(y)), np.flatnonzero(known), y[known])
        ours.append(
            [cpd_score.f1(name, Penalised().detect(y)), *(published[f"f1_{m}"] for m in ("zero", "binseg", "pelt"))]
        )
        rows.append([name, *(f"{value:.2f}" for value in ours[-1])])
    rows.append(["mean", *(f"{value:.3f}" for value in np.mean(ours, axis=0))])
    head = ["TCPD series", "ours", "none", "BinSeg (published default)", "PELT (published default)"]
    return [*table(head, rows), *TCPD.splitlines(), ""]


def quapy_errors(n: int) -> list[str]:
    """Mean absolute error on Subj and CR at uniformly drawn prevalence, beside QuaPy's on the same draws."""
    import quapy.functional  # type: ignore[import-untyped]
    from quapy.method.aggregative import EMQ  # type: ignore[import-untyped]

    rows = []
    for name in ("subj", "cr"):
        texts, truth = bench(name)
        scores, truth, _ = out_of_fold(texts, truth, np.arange(len(texts)) % 5)
        rng = np.random.default_rng(SEED)
        order = rng.permutation(len(truth))
        half = len(truth) // 2
        calibrating, test = order[:half], order[half:]
        gold = Gold(
            scores[calibrating], scores[calibrating] >= 0.5, truth[calibrating], np.arange(half) % 10, np.ones(half),
            np.full(half, -1), np.arange(half), 10, False,
        )  # fmt: skip
        positive, negative = (test[truth[test] == kind] for kind in (1, 0))
        rates = {
            "acc": [float((scores[calibrating] >= 0.5)[truth[calibrating] == kind].mean()) for kind in (1, 0)],
            "pacc": [float(scores[calibrating][truth[calibrating] == kind].mean()) for kind in (1, 0)],
        }
        prior = float(truth[calibrating].mean())
        found = defaultdict(list)
        for _ in range(n):
            p = round(float(rng.random()) * 250)
            drawn = np.concatenate([rng.choice(positive, p), rng.choice(negative, 250 - p)])
            z, given = scores[drawn], scores[drawn] >= 0.5
            passages = Passages(z, given, np.zeros(250, int), np.arange(250) % 10, np.full(250, np.nan), 1, 10)
            for one in ("acc", "pacc", "emq"):
                adjusted = QUANTIFIERS.load(one)().adjust(passages, gold)
                ours = adjusted.levels(np.ones(250)).values[0]
                if one == "emq":  # on the same calibrated posteriors: uncalibrated ones would flatter ours
                    odds = adjusted.ratio * prior / (1 - prior)
                    posterior = np.stack([1 / (1 + odds), odds / (1 + odds)], axis=1)
                    theirs = EMQ.EM(np.array([1 - prior, prior]), posterior)[0][1]
                else:
                    x = given.mean() if one == "acc" else z.mean()
                    theirs = quapy.functional.solve_adjustment_binary(x, *rates[one])
                found[one].append((abs(min(max(ours, 0.0), 1.0) - p / 250), abs(float(theirs) - p / 250)))
        for one, pairs in found.items():
            mine, other = np.mean(pairs, axis=0)
            rows.append([name, one, f"{mine:.4f}", f"{other:.4f}", f"{100 * (mine / other - 1):+.1f} %"])
    return table(["set", "quantifier", "ours", "QuaPy", "difference"], rows)


PARTS: dict[str, tuple[str, float, Callable[[int], list[str]]]] = {
    "coverage": ("Coverage, drawn scores", 1.0, lambda n: coverage(drawn_cells(), n)),
    "real": ("Coverage, scores of real passages", 1.0, lambda n: coverage(real_cells(), n)),
    "errors": ("Errors of PACC beside counting", 0.5, errors),
    "refused": ("Refusals", 0.3, refused),
    "null": ("Shifts that are none", 0.5, null_shifts),
    "decomposition": ("Decomposition", 1.0, decomposition),
    "relations": ("Relations", 2.0, relation_cells),
    "breaks": ("Change points", 0.5, breaks),
    "quapy": ("Subj and CR beside QuaPy", 0.1, quapy_errors),
}
INTRODUCTION = """# Drift: do the intervals hold?

Written by `python -m training.benchmarks.drift_simulation`. Panels have the founding studies' size: 31 interviews of
50–150 passages, 15 actors, 3 stages; six actors stay throughout, four leave after the second stage, two after the
first, three come for the last. Actors differ (standard deviation {actor} on the logit scale), so do their interviews
({interview}) and how the classifier reads an actor ({reading}). *Process* intervals are held against the prevalence the
panels were drawn from, *corpus* intervals against the share of the panel's own passages. Gold to correct by error
rates: 600 passages, or as many as give 45 positives; a probability sample: 30 passages a stage, or as many as give 6
positives.
"""


def main() -> None:
    """Run the parts asked for and write DRIFT.md; parts not run keep what stands there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="all by default")
    parser.add_argument("--panels", type=int, default=1000)
    parser.add_argument("-o", "--output", type=Path, default=HERE / "DRIFT.md")
    parser.add_argument(
        "--resume", type=Path, metavar="FILE", help="keep finished cells of coverage here, and take them from here"
    )
    asked = parser.parse_args()
    KEPT[:] = [asked.resume] if asked.resume else []
    before = sections(asked.output.read_text(encoding="utf-8")) if asked.output.is_file() else {}
    text = [INTRODUCTION.format(actor=drift_panels.ACTOR, interview=drift_panels.INTERVIEW, reading=READING)]
    for name, (title, part, run) in PARTS.items():
        if name in (asked.parts or PARTS):
            n, start = max(int(asked.panels * part), 10), time.process_time()
            lines = run(n)
            taken = time.process_time() - start
            machine = f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}"
            run_on = (
                f"{'At least ' if KEPT else ''}{n} panels (draws, cells) a row, seed {SEED}, {taken:.0f} s of one core"
                f"{' beyond what was kept' if KEPT else ''} ({machine}), {date.today()}."
            )
            before[title] = "\n".join([run_on, "", *lines])
            print(f"## {title}\n\n{before[title]}", flush=True)
        if title in before:
            text.append(f"## {title}\n\n{before[title].strip()}\n")
    asked.output.write_text("\n".join(text), encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """What stands under each heading."""
    parts = text.split("\n## ")[1:]
    return {part.partition("\n")[0].strip(): part.partition("\n")[2].strip() for part in parts}


if __name__ == "__main__":
    main()
