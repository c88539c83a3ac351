"""``sibnlp pseudonymise``."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sibnlp.cli import options
from sibnlp.cli.console import list_failures, output_file, output_folder, progress, say
from sibnlp.cli.recording import current
from sibnlp.parsing.cells import neutral

if TYPE_CHECKING:
    from sibnlp.actors import Actor, Listed
    from sibnlp.pseudonyms import ActorMap, Doubt, Kept, Replacement, Replacer
    from sibnlp.types import Document

FORMAT = "sibnlp actor map 1"
OFFSETS = "offsets.json"
_AROUND = 40


def command(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Files or folders to read; with --restore, what was written.", show_default=False),
    ],
    output: options.OutputFolder,
    actors: Annotated[
        Path, typer.Option("--map", help="Who is who (.json); not in the output folder.", show_default=False)
    ],
    names: Annotated[
        Path | None,
        typer.Option(
            help="Table of names (.csv): column `name` and, as you like, `pseudonym` and `kind` (person, organisation, "
            "place).",
            show_default=False,
        ),
    ] = None,
    recogniser: Annotated[
        list[str],
        typer.Option(help="Finds further names: `capitalised`, `spacy`, a package's, or `none`; may be repeated."),
    ] = ["capitalised"],  # noqa: B006 - typer copies it
    restore: Annotated[bool, typer.Option("--restore", help="Put the names back, by the map.")] = False,
    force: options.Force = False,
) -> None:
    """Replace names of people in texts; the way back is kept apart.

    Names come from a list, from speakers' labels and the actors of metadata.csv, and from recognisers. What is only
    likely to be a name is left as it is and listed in `MAP.review.csv` beside the map, with its place: read that list,
    add names to your list, and run again. No list finds everything: read the texts before you give them away.

    The folder gets the texts (.txt), their metadata.csv and `offsets.json`: which span of a text stands for which of
    the original, without the names. With `--restore` texts, and tables of codings of them, get names and offsets back.

    Examples:
    - `sibnlp pseudonymise interviews/ -o shared --map private/actors.json --names private/names.csv`
    - `sibnlp pseudonymise shared coded.jsonl -o restored --map private/actors.json --restore`
    """
    inside = output.resolve()
    for path in (actors, _review(actors)):
        if inside == path.resolve() or inside in path.resolve().parents:
            raise typer.BadParameter(f"{path} must not lie in {output}: it says who is who")
    if any(inside == path.resolve() or path.resolve() in inside.parents for path in paths if path.is_dir()):
        raise typer.BadParameter(f"{output} lies in a folder that is read: nothing is written among the originals")
    if restore:
        _restore(paths, output, actors, force)
        return
    _pseudonymise(paths, output, actors, names, recogniser, force)


def _review(actors: Path) -> Path:
    return actors.with_suffix(".review.csv")


def _pseudonymise(
    paths: Sequence[Path], output: Path, actors: Path, names: Path | None, recogniser: Sequence[str], force: bool
) -> None:
    from sibnlp import corpus, pseudonyms
    from sibnlp.actors import actors as gather
    from sibnlp.errors import OutputExistsError
    from sibnlp.recognisers import RECOGNISERS
    from sibnlp.segmentation import interviewers_of
    from sibnlp.types import Document, Source

    for path in (actors, _review(actors)):
        if path.exists() and not force:
            raise OutputExistsError(path)
    finders = [RECOGNISERS.load(name) for name in recogniser if name != "none"]
    inputs = corpus.find(paths)
    known = corpus.known_beside(paths, [one.id for one in inputs])
    with progress() as show:
        read = list(corpus.read_documents(inputs, show))
    failed = [one for one in read if isinstance(one, Source)]
    documents = [one for one in read if isinstance(one, Document)]
    if known:
        documents = [known.apply(one, interviewers_of(known.apply(one))) for one in documents]
    labels = [turn.speaker for one in documents for turn in one.turns if turn.speaker]
    belonging = [(speaker.label, speaker.actor) for one in documents for speaker in one.speakers]
    labels += [row.get("actor", "") for row in ((known and known.documents) or {}).values() if row.get("actor")]
    people = gather(_listed(names) if names else [], labels, belonging)
    replacer = pseudonyms.Replacer(people, pseudonyms.common_words(one.text for one in documents))
    kept: dict[str, pseudonyms.Kept] = {}
    reviews: list[dict[str, Any]] = []
    said: list[dict[str, str]] = []
    n = 0
    with output_folder(output, force) as folder:
        for number, document in enumerate(documents, 1):
            found, doubts = _find(document, replacer, finders, people)
            changed, layer = pseudonyms.apply(document.text, found)
            name = f"{number:03d}.txt"
            (folder / name).write_text(changed, encoding="utf-8", newline="\n", errors="replace")
            originals = tuple(document.text[start:end] for start, end, _, _ in layer.spans)
            kept[name] = pseudonyms.Kept(document.id, layer, originals)
            reviews += [_doubt(document, name, one) for one in doubts]
            said += _metadata(document, name, replacer, people)
            n += len(found)
        (folder / OFFSETS).write_text(_offsets(kept), encoding="utf-8")
        with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["document", "speaker", "stage", "date", "kind", "actor", "role"])
            writer.writeheader()
            writer.writerows({key: neutral(value) for key, value in row.items()} for row in said)
        _write_map(pseudonyms.ActorMap(tuple(people), kept), actors)
        with output_file(_review(actors), force=True) as part, part.open("w", encoding="utf-8-sig", newline="") as file:
            columns = ["document", "written", "start", "end", "text", "context", "why"]
            review = csv.DictWriter(file, columns)
            review.writeheader()
            review.writerows({key: neutral(value) for key, value in row.items()} for row in reviews)
    current().counts |= {"texts": len(documents), "names": n, "people": len(people), "to look at": len(reviews)}
    say(f"{output}: {len(documents)} texts, {n} names of {len(people)} people replaced; who is who: {actors}")
    say(f"{len(reviews)} places to look at: {_review(actors)}")
    say("file names are numbers; times, page numbers and further columns of the metadata are not carried over")
    raise typer.Exit(list_failures([*failed, *(Source(one.id) for one in documents)]))


def _find(
    document: Document, replacer: Replacer, finders: Sequence[Any], people: Sequence[Actor]
) -> tuple[list[Replacement], list[Doubt]]:
    """Names of the actors, labels of turns that do not stand in the text, and what recognisers say."""
    from sibnlp.actors import is_generic
    from sibnlp.pseudonyms import Doubt, Replacement

    found, doubts = replacer.find(document.text)
    by_label = _by_label(document, people)
    labels: list[Replacement] = []
    at = 0
    for turn in document.turns:
        # The label stands before the turn, or on a line of its own above it; or nowhere, as in captions.
        place = document.text.rfind(turn.speaker, at, turn.start) if turn.speaker else -1
        if turn.speaker and place < 0:
            label = turn.speaker if is_generic(turn.speaker) else by_label.get(turn.speaker, turn.speaker)
            labels.append(Replacement(turn.start, turn.start, f"{label}: "))
        elif turn.speaker and turn.speaker in by_label:
            labels.append(Replacement(place, place + len(turn.speaker), by_label[turn.speaker]))
        at = turn.end
    # Whoever speaks is known, whatever his name may mean elsewhere.
    found = [one for one in found if not _overlaps(one, labels)] + labels
    doubts = [one for one in doubts if not _overlaps(one, labels)]
    taken = [(one.start, one.end) for one in found] + [(one.start, one.end) for one in doubts]
    for finder in finders:
        for one in finder.find(document.text):
            if any(start < one.end and one.start < end for start, end in taken):
                continue
            if one.sure:
                found.append(Replacement(one.start, one.end, "[name]"))
            doubts.append(Doubt(one.start, one.end, one.why, one.sure))
            taken.append((one.start, one.end))
    return found, sorted(doubts, key=lambda one: one.start)


def _by_label(document: Document, people: Sequence[Actor]) -> dict[str, str]:
    """Pseudonyms by the labels of one document's speakers."""
    from sibnlp.actors import is_generic

    by_name = {name.casefold(): actor.pseudonym for actor in people for name in actor.names}
    own = {speaker.label: speaker.actor for speaker in document.speakers}
    labels = {*own, *(turn.speaker for turn in document.turns if turn.speaker)}
    found = {label: by_name.get(own.get(label, label).casefold()) or by_name.get(label.casefold()) for label in labels}
    return {label: name for label, name in found.items() if name and not is_generic(label)}


def _overlaps(one: Replacement | Doubt, others: Sequence[Replacement]) -> bool:
    return any(one.start < other.end and other.start < one.end for other in others)


def _doubt(document: Document, name: str, one: Doubt) -> dict[str, Any]:
    around = document.text[max(0, one.start - _AROUND) : one.end + _AROUND]
    return {
        "document": document.id, "written": name, "start": one.start, "end": one.end,
        "text": document.text[one.start : one.end], "context": " ".join(around.split()),
        "why": one.why + ("; replaced by [name]" if one.replaced else ""),
    }  # fmt: skip


def _metadata(document: Document, name: str, replacer: Replacer, people: Sequence[Actor]) -> Iterator[dict[str, str]]:
    from sibnlp import pseudonyms

    by_name = {one.casefold(): actor.pseudonym for actor in people for one in actor.names}
    by_label = _by_label(document, people)

    def hidden(text: str) -> str:
        if whole := by_label.get(text) or by_name.get(text.casefold()):
            return whole
        return pseudonyms.apply(text, replacer.find(text)[0])[0]

    own = {"document": name, "stage": document.stage, "date": document.date, "kind": document.kind}
    yield {key: value for key, value in own.items() if value}
    for speaker in document.speakers:
        label = hidden(speaker.label)
        yield {"document": name, "speaker": label, "actor": hidden(speaker.actor), "role": speaker.role or ""}


def _listed(path: Path) -> list[Listed]:
    from sibnlp.actors import ORGANISATION, PERSON, PLACE, Listed
    from sibnlp.errors import TableError

    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or "name" not in rows[0]:
        raise TableError(path, "has no column 'name'", "a name a row; columns 'pseudonym' and 'kind' are optional")
    kinds = {"organisation": ORGANISATION, "organization": ORGANISATION, "place": PLACE, "location": PLACE}
    cells = ({key: str(row.get(key) or "").strip() for key in ("name", "pseudonym", "kind")} for row in rows)
    return [
        Listed(row["name"], row["pseudonym"], kinds.get(row["kind"].casefold(), PERSON)) for row in cells if row["name"]
    ]


def _offsets(kept: Mapping[str, Kept]) -> str:
    """Layers of all documents as JSON, without a name."""
    documents = {
        name: {"raw_sha256": one.layer.raw_sha256, "sha256": one.layer.sha256, "spans": one.layer.spans}
        for name, one in kept.items()
    }
    columns = ["raw_start", "raw_end", "start", "end"]
    return json.dumps({"unit": "code point", "spans": columns, "documents": documents}, indent=1) + "\n"


def _write_map(people: ActorMap, path: Path) -> None:
    import os

    content = {
        "format": FORMAT,
        "actors": [{"pseudonym": one.pseudonym, "names": one.names} for one in people.actors],
        "documents": {
            name: {
                "document": one.document, "raw_sha256": one.layer.raw_sha256, "sha256": one.layer.sha256,
                "spans": one.layer.spans, "originals": one.originals,
            }
            for name, one in people.documents.items()
        },
    }  # fmt: skip
    with output_file(path, force=True) as part:
        part.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", errors="replace")
        os.chmod(part, 0o600)  # its owner's alone


def _read_map(path: Path) -> ActorMap:
    from sibnlp.actors import Actor
    from sibnlp.errors import ReadError
    from sibnlp.pseudonyms import ActorMap, Kept, Layer

    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["format"] != FORMAT:
            raise KeyError(raw["format"])
        documents = {}
        for name, one in raw["documents"].items():
            spans = tuple((int(a), int(b), int(c), int(d)) for a, b, c, d in one["spans"])
            layer = Layer(one["raw_sha256"], one["sha256"], spans)
            documents[name] = Kept(one["document"], layer, tuple(map(str, one["originals"])))
        people = tuple(Actor(one["pseudonym"], tuple(one["names"])) for one in raw["actors"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReadError(path, f"is no actor map: {error}", "name the file that --map wrote") from error
    return ActorMap(people, documents)


def _restore(paths: Sequence[Path], output: Path, actors: Path, force: bool) -> None:
    """Names back into texts, names and offsets back into tables."""
    from sibnlp import pseudonyms
    from sibnlp.errors import DataError, ReadError

    people = _read_map(actors)
    files = [file for path in paths for file in (sorted(path.glob("*.txt")) if path.is_dir() else [path])]
    if not files:
        raise DataError("no text to restore", "name the folder that was written, or tables of codings")
    with output_folder(output, force) as folder:
        for file in files:
            if file.suffix.lower() != ".txt":
                _restore_table(file, folder / file.name, people)
                continue
            if file.name not in people.documents:
                raise ReadError(file, f"is not in {actors}", "only texts that were written with this map come back")
            one = people.documents[file.name]
            text = file.read_bytes().decode("utf-8", "replace")
            if pseudonyms.sha256(text) != one.layer.sha256:
                raise ReadError(file, "was changed since it was written", "restore the codings of it by themselves")
            target = folder / (one.document.replace("\\", "/").rpartition("/")[2] + ".txt")
            if target.exists():
                target = folder / f"{file.stem} {target.name}"
            target.write_text(pseudonyms.restore(text, one.layer, one.originals), encoding="utf-8", newline="\n")
    say(f"{output}: {len(files)} files with their names back")


def _restore_table(path: Path, target: Path, people: ActorMap) -> None:
    from sibnlp import pseudonyms, tables
    from sibnlp.cli.codings import tried
    from sibnlp.errors import TableError
    from sibnlp.tables import files

    tables.check_format(target)
    tried([path])
    rows, places, _ = files.load(path)
    back = {actor.pseudonym: actor.names[0] for actor in people.actors}
    made = []
    for number, row in enumerate(rows):
        one = people.documents.get(str(row.get("document") or ""))
        if one is None:
            place = places[number] if places else f"row {number + 1}"
            raise TableError(path, f"document {row.get('document')!r} is not in the map", "", place)
        start, end = int(row["start"]), int(row["end"])
        raw_start, raw_end = one.layer.to_raw(start, end)
        text = pseudonyms.restore(str(row["text"]), one.layer, one.originals, start)
        own = {"document": one.document, "start": raw_start, "end": raw_end, "text": text}
        own["passage"] = f"{one.document}:{raw_start}-{raw_end}"
        named = {key: back.get(str(row[key]), row[key]) for key in ("speaker", "actor") if row.get(key)}
        made.append({**row, **own, **named})
    tables.write(made, target)
