"""``sibnlp sample``."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sibnlp.cli import options
from sibnlp.cli.console import output_file, say, warn
from sibnlp.cli.recording import current
from sibnlp.cli.run import period_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sibnlp.codebook import Codebook
    from sibnlp.ledger import Entry, Ledger
    from sibnlp.sampling import Stratum
    from sibnlp.types import Predictions

PRECISIONS = (0.01, 0.02, 0.03, 0.05)


def command(
    predictions: Annotated[Path, typer.Argument(help="From `sibnlp classify`.", show_default=False)],
    stream: Annotated[str, typer.Option("--for", help="`training` or `estimation`.", show_default=False)],
    n: Annotated[int, typer.Option("-n", help="Passages to draw; 0 prints the table of needed sizes alone.", min=0)],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            show_default=False,
            help="Queue to code: .jsonl, .csv, .xlsx (fill in `codes`, with `;` between them, and `read`), .qdpx, "
            ".json (Label Studio), .zip (INCEpTION).",
        ),
    ] = None,
    code: Annotated[list[str], typer.Option(help="Codes it is about; may be repeated. All where not given.")] = [],  # noqa: B006 - typer copies it
    codebook: Annotated[
        list[str],
        typer.Option(
            help="Codebook that coders choose from; may be repeated. Where not given, the predictions' codes and those "
            "of the shipped codebooks they are from."
        ),
    ] = [],  # noqa: B006
    period: Annotated[
        str | None,
        typer.Option(help="Strata: stage, year, quarter or month; as in `sibnlp drift`.", show_default=False),
    ] = None,
    allocation: Annotated[
        str, typer.Option(help="Of the estimation sample: `neyman` (more where codes are likely) or `proportional`.")
    ] = "neyman",
    before: Annotated[
        list[Path], typer.Option(help="Predictions of earlier rounds, oldest first: says when to stop training.")
    ] = [],  # noqa: B006
    ledger: Annotated[
        Path | None,
        typer.Option(
            help="What was drawn so far; `sampled.jsonl` beside the queue where not given.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the draw for estimation.")] = 1,
    force: options.Force = False,
) -> None:
    """Say what to code next: for training a model, or for estimating shares. The two are never mixed.

    `--for training` takes passages the model is unsure of, rare codes first, unlike one another; with `--before` it
    says whether the rounds still differ. `--for estimation` draws at random, stratified by period and score, and
    records each passage's chance; a second draw adds to the first. It shows no suggestions, so that nobody is led.

    What is drawn is remembered in `sampled.jsonl`, with the codes that may be given. A passage drawn for one stream is
    never drawn for the other. Coded queues come back by `sibnlp collect`.

    Examples:
    - `sibnlp sample predictions.parquet --for estimation -n 0  # how many are needed`
    - `sibnlp sample predictions.parquet --for estimation -n 300 -o check.xlsx`
    - `sibnlp sample predictions.parquet --for training -n 100 -o round1.qdpx --codebook mine.toml`
    """
    import numpy as np

    from sibnlp import ledger as ledgers
    from sibnlp import periods as periods_module
    from sibnlp import sampling, tables
    from sibnlp.cli.codings import tried
    from sibnlp.errors import DataError

    _check(stream, allocation, n, output, force)
    tried([predictions, *before], predictions=True)
    given = tables.read_predictions(predictions)
    codes = code or list(given.codes)
    if unknown := [one for one in codes if one not in given.codes]:
        raise DataError(f"the predictions hold no code {unknown[0]!r}", f"they hold: {', '.join(given.codes)}")
    place = ledger or (output or predictions).with_name(ledgers.FILE_NAME)
    book = ledgers.read(place)
    labels, _ = periods_module.assign(given.passages, period_of(period) if period else "")
    other = ledgers.ESTIMATION if stream == ledgers.TRAINING else ledgers.TRAINING
    books = _books(given, codebook)
    allowed = _allowed(given, books, named=bool(codebook))
    bound, conditional = sampling.unconditional(given, books)
    frame = np.array([not sampling.overlaps(one, book.spans(other)) for one in given.passages])
    if out := int((~frame).sum()):
        warn(f"{out} passages were drawn for {other} and are left alone")
        if stream == ledgers.ESTIMATION:
            warn(f"shares will stand for the other {int(frame.sum())}: draw for estimation first where you can")
    revised: dict[str, float] = {}
    if stream == ledgers.TRAINING:
        _say_stability(before, given, book)
        entries = _for_training(bound, n, codes, frame, book)
    else:
        # Whatever they are made by, strata are fair; codes whose scores mean something else only make them poor.
        known = [code for code in codes if code not in conditional]
        parts = sampling.strata(bound, labels, known or codes, frame)
        _say_power(bound, known, parts, book)
        _say_conditional([code for code in codes if code in conditional], conditional)
        rng = np.random.default_rng([seed, book.round(stream)])
        entries, revised = _for_estimation(given, n, parts, allocation, book, rng) if n else ([], {})
    if not n or not output:
        return
    if not entries:
        raise DataError("nothing is left to draw", "every passage was drawn before")
    entries = [replace(one, codes=allowed) for one in entries]
    suggested = _suggested(given, entries) if stream == ledgers.TRAINING else [()] * len(entries)
    _write(output, entries, suggested, codes, books if codebook else (), given.model, force)
    with output_file(place, force=True) as part:
        book.add(entries, revised).write(part)
    current().counts |= {"predictions": len(given), "left alone": out, "drawn": len(entries), "revised": len(revised)}
    current().resolved |= {"round": book.round(stream), "model": given.model}
    say(f"{output}: {len(entries)} passages for {stream}, round {book.round(stream)}; remembered in {place}")
    if revised:
        warn(f"{len(revised)} drawn before belong to the same sample: collect them again, their chances are larger now")
    say(f"next, when coded: sibnlp collect {output} --ledger {place} -o codings.jsonl")


def _check(stream: str, allocation: str, n: int, output: Path | None, force: bool) -> None:
    """Refuse what cannot be meant before any work is done."""
    from sibnlp import ledger as ledgers
    from sibnlp import sampling
    from sibnlp.errors import OutputExistsError

    if stream not in ledgers.STREAMS:
        raise typer.BadParameter(f"--for {stream!r} is neither training nor estimation")
    if allocation not in (sampling.NEYMAN, sampling.PROPORTIONAL):
        raise typer.BadParameter(f"allocation {allocation!r} is neither neyman nor proportional")
    if n and not output:
        raise typer.BadParameter("-o names the queue to write")
    if output and output.exists() and not force:
        raise OutputExistsError(output)


def _books(given: Predictions, codebook: Sequence[str]) -> list[Codebook]:
    """The codebooks named; else the shipped ones that define any code of the predictions."""
    from sibnlp.codebook import load, shipped

    if codebook:
        return [load(name) for name in codebook]
    books = [load(name) for name in shipped()]
    return [book for book in books if any(code.id in given.codes for code in book.codes)]


def _allowed(given: Predictions, books: Sequence[Codebook], named: bool) -> tuple[str, ...]:
    """Codes that a coder may give: the codebooks', and the predictions' own unless codebooks were named."""
    codes = [] if named else list(given.codes)
    return tuple(dict.fromkeys([*codes, *(code.id for book in books for code in book.codes)]))


def _for_training(
    given: Predictions, n: int, codes: Sequence[str], frame: NDArray[np.bool_], book: Ledger
) -> list[Entry]:
    from sibnlp import ledger as ledgers
    from sibnlp import sampling

    had = book.spans(ledgers.TRAINING)
    earlier = [row for row, one in enumerate(given.passages) if sampling.overlaps(one, had)]
    frame = frame.copy()
    frame[earlier] = False
    rows = [row for row, _ in sampling.training(given, n, codes, frame, earlier)]
    start = f"T{book.round(ledgers.TRAINING)}"
    return [
        ledgers.Entry(f"{start}-{number:04d}", ledgers.TRAINING, given.passages[row])
        for number, row in enumerate(rows, 1)
    ]


def _for_estimation(
    given: Predictions, n: int, parts: Sequence[Stratum], allocation: str, book: Ledger, rng: np.random.Generator
) -> tuple[list[Entry], dict[str, float]]:
    from sibnlp import ledger as ledgers
    from sibnlp import sampling
    from sibnlp.errors import DataError

    first = next((k for k, one in enumerate(book.entries) if one.stream == ledgers.ESTIMATION), None)
    if first is not None and any(one.stream == ledgers.TRAINING for one in book.entries[first:]):
        raise DataError(
            "passages were drawn for training since the first draw for estimation: no chance could be told for more",
            "begin another sample with --ledger, and draw enough at once (-n 0 prints how many)",
        )
    had = {(one.passage.document, one.passage.id): one for one in book.of(ledgers.ESTIMATION)}
    rows = {row: had[key] for row, one in enumerate(given.passages) if (key := (one.document, one.id)) in had}
    strata = {int(row): part.name for part in parts for row in part.rows}
    moved = [entry for row, entry in rows.items() if strata.get(row) != entry.stratum]
    if len(rows) < len(had) or moved:
        what = "passages that are not among these predictions" if len(rows) < len(had) else "other strata"
        raise DataError(
            f"earlier draws for estimation are of {what}",
            "draw more of a sample from the same predictions, codes, codebooks and periods, or begin another with "
            "--ledger; other versions of sibnlp may draw other strata",
        )
    now, before = sampling.estimation(parts, n, allocation, list(rows), rng)
    start = f"E{book.round(ledgers.ESTIMATION)}"
    entries = [
        ledgers.Entry(
            f"{start}-{number:04d}", ledgers.ESTIMATION, given.passages[one.row], one.stratum, one.probability
        )
        for number, one in enumerate(now, 1)
    ]
    revised = {rows[one.row].ticket: one.probability for one in before}
    return entries, {
        t: p for t, p in revised.items() if p != next(e.probability for e in had.values() if e.ticket == t)
    }


def _suggested(given: Predictions, entries: Sequence[Entry]) -> list[tuple[str, ...]]:
    place = {(one.document, one.id): row for row, one in enumerate(given.passages)}
    return [given.codes_of(place[one.passage.document, one.passage.id]) for one in entries]


def _write(
    output: Path,
    entries: Sequence[Entry],
    suggested: Sequence[Sequence[str]],
    codes: Sequence[str],
    codebooks: Sequence[Codebook],
    model: str,
    force: bool,
) -> None:
    from sibnlp import exchange
    from sibnlp import ledger as ledgers

    with output_file(output, force) as part:
        if exchange.is_project(output):
            queued = [exchange.queued(e.ticket, e.passage, tuple(s)) for e, s in zip(entries, suggested, strict=True)]
            made = exchange.queue_project(queued, codes, codebooks, model)
            problems = exchange.save(made, part)
        else:
            problems = exchange.save_rows(ledgers.queue_rows(entries, suggested), part)
    for problem in problems:
        warn(f"  not kept: {problem}")


def _say_stability(before: Sequence[Path], given: Predictions, book: Ledger) -> None:
    """Whether the model still changes its mind from round to round."""
    from sibnlp import ledger as ledgers
    from sibnlp import sampling, tables

    if not before:
        return
    drawn = {(one.passage.document, one.passage.id) for one in book.of(ledgers.TRAINING)}
    rounds = [*(tables.read_predictions(path) for path in before), given]
    kappas = []
    for number, (old, new) in enumerate(pairwise(rounds), 1):
        found = sampling.stability(old, new, drawn)
        kappas.append(found.kappa)
        code, kappa = found.lowest
        say(
            f"round {number} to {number + 1}: κ {found.kappa:.3f} on {found.n} passages nobody coded for training"
            + (f"; lowest {code} {kappa:.3f}" if code else "")
        )
    if sampling.is_stable(kappas):
        say(f"stop: the last {sampling.WINDOW} pairs of rounds agree at {sampling.STABLE} or more on average")
    else:
        say(f"go on: stop when {sampling.WINDOW} pairs of rounds in a row agree at {sampling.STABLE} on average")


def _say_conditional(codes: Sequence[str], conditional: Mapping[str, tuple[str, str]]) -> None:
    """Which codes the table leaves out, and why."""
    if not codes:
        return
    family, required = conditional[codes[0]]
    warn(
        f"left out of the table and of the strata: {', '.join(codes)}. Their scores hold only where the family they "
        f"require was found ({family} requires {required}), and the predictions have no code of it "
        "(classify with a model that codes it, or name the codebook the codes are from with --codebook)"
    )


def _say_power(given: Predictions, codes: Sequence[str], parts: Sequence[Stratum], book: Ledger) -> None:
    """How many passages an interval of a width needs, by code: at random, and by the strata.

    `given` is `sibnlp.sampling.unconditional`: what is expected is the share of all passages, as it will be estimated.
    """
    from sibnlp import ledger as ledgers
    from sibnlp import sampling

    if not codes:
        return
    had, n = len(book.of(ledgers.ESTIMATION)), sum(len(part.rows) for part in parts)
    print(f"passages to code for an interval ± so many points (of {n}; drawn so far {had}): at random / by strata")
    width = max(map(len, codes))
    print("  ".join([" " * width, "expected", *(f"{f'± {100 * p:g}':>11}" for p in PRECISIONS)]))
    for code in codes:
        share = sum(float(given.probabilities[part.rows, given.column(code)].sum()) for part in parts) / max(n, 1)
        cells = [
            f"{sampling.needed(share, p, n)} / {sampling.needed_stratified(given, parts, code, p)}" for p in PRECISIONS
        ]
        print("  ".join([code.ljust(width), f"{share:>8.1%}", *(f"{cell:>11}" for cell in cells)]))
