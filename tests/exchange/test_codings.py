"""From spans to passages, and what counts as read: uncoded is not negative."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sibnlp import codebook, exchange
from sibnlp.errors import ReadError, TableError
from sibnlp.exchange import ASKED, Coder, Coding, Extent, Options, Project, ProjectCode, ProjectDocument, Selection
from tests.exchange.test_refi_export import machine_project
from tests.exchange.tools import TEXTS, Habits, qdpx

PARAGRAPHS = [
    f"Paragraph number {n} says a few things of its own, in about fifteen words or perhaps some more."
    for n in range(10)
]
TEXT = "\n\n".join(PARAGRAPHS)


def project(*marks: tuple[str, str, str], extents: tuple[Extent, ...] = ()) -> Project:
    """One document of ten paragraphs; marks are (words, code, coder)."""
    selections = []
    for number, (words, code, coder) in enumerate(marks):
        at = TEXT.index(words)
        selections.append(Selection(f"s{number}", at, at + len(words), (Coding(f"c{number}", code, coder),)))
    codes = (
        ProjectCode("L", "Logic"), ProjectCode("npm", "NPM", parent="L"), ProjectCode("npg", "New Public Governance", parent="L"),
        ProjectCode("T", "Tone"), ProjectCode("sad", "sad", parent="T"), ProjectCode("x", "anything else"),
        ProjectCode("sub", "contracts", parent="npm"),
    )  # fmt: skip
    coders = (Coder("a", "Anna"), Coder("b", "Ben"), Coder("m", "gov-fast", machine=True))
    return Project(
        "p", codes, coders, (ProjectDocument("d", "doc", TEXT, selections=tuple(selections)),), extents=extents
    )


def read(one: Project, tmp_path: Path, books: list[str] | None = None, **options: object) -> exchange.Codings:
    exchange.save(one, tmp_path / "p.qdpx")
    return exchange.read_codings(tmp_path / "p.qdpx", [codebook.load(b) for b in books or ()], Options(**options))


def paragraphs(coded: exchange.Codings, coder: str = "Anna") -> dict[int, tuple[str, ...]]:
    return {PARAGRAPHS.index(row.passage.text): row.codes for row in coded.rows if row.coder == coder}


TWO = ((PARAGRAPHS[2], "npm", "a"), (PARAGRAPHS[6], "npg", "a"))


@pytest.mark.parametrize(
    ("extent", "read_"),
    [("", range(2, 7)), ("span", range(2, 7)), ("passages", (2, 6)), ("documents", range(10)), ("all", range(10))],
)
def test_only_what_was_read_is_a_row(extent: str, read_: range, tmp_path: Path) -> None:
    found = paragraphs(read(project(*TWO), tmp_path, extent=extent))
    assert sorted(found) == list(read_)
    assert found[2] == ("NPM",) and found[6] == ("New_Public_Governance",)
    assert all(not codes for number, codes in found.items() if number not in (2, 6))


def test_an_inferred_extent_is_said_with_its_share_and_a_way_out(tmp_path: Path) -> None:
    said = "\n".join(read(project(*TWO), tmp_path).notes)
    assert "not recorded" in said and "Anna 50% of 1 document" in said and "--extent documents" in said


def test_a_recorded_extent_is_taken_and_an_asked_one_wins(tmp_path: Path) -> None:
    start = TEXT.index(PARAGRAPHS[1])
    recorded = Extent("a", "d", ((start, TEXT.index(PARAGRAPHS[4])),), ("Logic",), ASKED)
    one = project(*TWO, extents=(recorded,))
    # Paragraph 6 carries a code, so it was read whatever the record says.
    assert sorted(paragraphs(read(one, tmp_path))) == [1, 2, 3, 6]
    assert sorted(paragraphs(read(one, tmp_path, extent="documents"))) == list(range(10))
    assert not any("not recorded" in note for note in read(one, tmp_path).notes)


def test_families_a_coder_never_used_are_unknown(tmp_path: Path) -> None:
    one = project(*TWO, (PARAGRAPHS[4], "sad", "b"))
    extents = {row.coder: row.extent for row in read(one, tmp_path, extent="documents").rows}
    assert extents == {"Anna": ("Logic",), "Ben": ("Tone",)}


def test_recorded_families_are_those_of_the_record(tmp_path: Path) -> None:
    whole = ((0, len(TEXT)),)
    one = project(*TWO, extents=(Extent("a", "d", whole, ("Logic", "Tone"), ASKED), Extent("b", "d", whole, (), ASKED)))
    extents = {row.coder: row.extent for row in read(one, tmp_path).rows}
    assert extents == {"Anna": ("Logic", "Tone"), "Ben": ()}
    # Ben read everything and found nothing: rows without codes, of every family.
    assert len(paragraphs(read(one, tmp_path), "Ben")) == 10


def test_a_sentence_counts_for_its_passage_and_a_long_selection_for_all(tmp_path: Path) -> None:
    long = TEXT[TEXT.index(PARAGRAPHS[3]) : TEXT.index(PARAGRAPHS[6]) + 12]
    found = paragraphs(read(project(("number 1 says a few", "npm", "a"), (long, "npg", "a")), tmp_path))
    assert found[1] == ("NPM",)
    assert [number for number, codes in found.items() if "New_Public_Governance" in codes] == [3, 4, 5]


def test_codes_are_found_in_a_codebook_by_id_name_or_the_code_above(tmp_path: Path) -> None:
    one = project(*TWO, (PARAGRAPHS[4], "sub", "a"), (PARAGRAPHS[5], "x", "a"))
    coded = read(one, tmp_path, ["osborne"])
    assert paragraphs(coded) == {2: ("NPM",), 3: (), 4: ("NPM",), 5: (), 6: ("NPG",)}
    said = "\n".join(coded.notes)
    assert "left out: anything else" in said and "count for the code above them: contracts" in said


def test_a_project_without_a_code_of_the_codebook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"no coding has a code of the codebook osborne.*anything else"):
        read(project((PARAGRAPHS[1], "x", "a")), tmp_path, ["osborne"])


def test_a_project_s_own_codes_are_a_codebook(tmp_path: Path) -> None:
    book = read(project(*TWO, (PARAGRAPHS[4], "sub", "a"), (PARAGRAPHS[5], "x", "a")), tmp_path).codebook
    assert book is not None
    assert [family.id for family in book.families] == ["Logic", "Tone", "codes"]
    assert {(code.id, code.family, code.parent) for code in book.codes} == {
        ("NPM", "Logic", ""), ("New_Public_Governance", "Logic", ""), ("contracts", "Logic", "NPM"), ("sad", "Tone", ""),
        ("anything_else", "codes", ""),
    }  # fmt: skip


def test_a_folder_that_was_coded_with_is_a_code(tmp_path: Path) -> None:
    book = read(project(*TWO, (PARAGRAPHS[4], "L", "a")), tmp_path).codebook
    assert book is not None and {code.parent for code in book.codes if code.id == "NPM"} == {"Logic"}


def test_a_machine_s_codings_say_so(tmp_path: Path) -> None:
    coded = read(project(*TWO, (PARAGRAPHS[3], "npm", "m")), tmp_path)
    assert {row.coder for row in coded.rows} == {"Anna", "gov-fast"}
    assert all((dict(row.passage.extra).get("model") == "gov-fast") == (row.coder == "gov-fast") for row in coded.rows)


def test_coders_can_be_chosen_and_named_as_machines(tmp_path: Path) -> None:
    one = project(*TWO, (PARAGRAPHS[3], "npm", "b"))
    assert {row.coder for row in read(one, tmp_path, coders=("ben",)).rows} == {"Ben"}
    assert all(
        "model" in dict(row.passage.extra) for row in read(one, tmp_path, machines=("Ben",), coders=("Ben",)).rows
    )
    with pytest.raises(TableError, match="no coder named 'Zoe'.*Anna, Ben"):
        read(one, tmp_path, coders=("Zoe",))


def test_a_wrong_extent_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="known: passages, span, documents, all"):
        read(project(*TWO), tmp_path, extent="everything")


def test_codings_of_the_interviewer_s_questions_are_counted(tmp_path: Path) -> None:
    path = qdpx(tmp_path / "study.qdpx", Habits(names="full"))
    one = exchange.load(path)
    at = TEXTS["Ben 2019"].index("What do the targets do?")
    question = Selection("q", at, at + 23, (Coding("qc", one.codes[1].id, one.coders[0].id),))
    ben = one.documents[1]
    exchange.save(
        replace(one, documents=(one.documents[0], replace(ben, selections=(question, *ben.selections)))), path
    )
    coded = exchange.read_codings(path)
    assert any("1 codings lie in no passage" in note for note in coded.notes)
    assert all("targets do" not in row.passage.text for row in coded.rows)
    assert {row.passage.speaker for row in coded.rows} == {"Anna", "Ben"}


def test_drift_takes_one_coder_and_names_several(tmp_path: Path) -> None:
    exchange.save(project(*TWO, (PARAGRAPHS[3], "npm", "b")), tmp_path / "p.qdpx")
    with pytest.raises(TableError, match="several coders: Anna, Ben"):
        exchange.read_predictions(tmp_path / "p.qdpx")
    one = exchange.read_predictions(tmp_path / "p.qdpx", Options(coders=("Anna",)))
    assert len(one) == 5 and one.model == "Anna" and one.codes_of(0) == ("NPM",)


def test_names_of_documents_are_made_unique(tmp_path: Path) -> None:
    one = machine_project()
    twice = replace(
        one, documents=(one.documents[0], replace(one.documents[0], id="d2", selections=())), cases=(), links=()
    )
    exchange.save(twice, tmp_path / "p.qdpx")
    documents, _ = exchange.read_documents(tmp_path / "p.qdpx")
    assert [document.id for document in documents] == ["Anna <2015>", "Anna <2015> (2)"]


def test_tables_pass_through(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"text": "A passage.", "codes": ["NPM"], "coder": "me"}\n', encoding="utf-8")
    coded = exchange.read_codings(tmp_path / "c.jsonl", [codebook.load("osborne")])
    assert coded.rows[0].codes == ("NPM",) and coded.codebook is None and not coded.notes


@pytest.mark.parametrize("pair", ["extent", "colour=red", "=x"])
def test_wrong_pairs_are_misuse(pair: str) -> None:
    with pytest.raises(TableError, match=r"KEY=VALUE \(keys: extent, coder, machine, stage"):
        exchange.options_of([pair])


def test_advice_is_in_the_words_of_the_command(tmp_path: Path) -> None:
    exchange.save(project(*TWO), tmp_path / "p.qdpx")
    flat = replace(project(*TWO), codes=tuple(replace(c, name=f"a::{c.name}") for c in project().codes))
    exchange.save(flat, tmp_path / "flat.qdpx")
    said = "\n".join(exchange.read_codings(tmp_path / "flat.qdpx", (), exchange.options_of([])).notes)
    assert "Say --project extent=documents if" in said and "--project extent=passages if" in said
    assert "say --project separator='::' to follow it" in said
    for pair, message in (
        ("stage=set", "--project stage: no document has a stage"),
        ("stage=name", "name with --project pattern"),
        ("pattern={", "--project pattern: "),
        ("extent=some", "--project extent: 'some' is none"),
    ):
        with pytest.raises(TableError) as caught:
            exchange.read_codings(tmp_path / "p.qdpx", (), exchange.options_of([pair]))
        assert message in str(caught.value)


@pytest.mark.parametrize("name", ["notes.docx", "notes.txt", "notes"])
def test_what_holds_no_codings_by_its_name_is_told_what_does(name: str, tmp_path: Path) -> None:
    for read_ in (exchange.read_codings, exchange.read_predictions):
        with pytest.raises(ReadError, match=r"\.csv .*coded projects: \.qdpx .*sibnlp classify") as caught:
            read_(tmp_path / name)
        assert ".toml" not in str(caught.value) and str(caught.value).count(".jsonl") == 1


def test_pairs_are_options() -> None:
    made = exchange.options_of(["extent=documents", "coder=Anna, Ben", "stage=set:Round", "separator=::"])
    assert (made.extent, made.coders, made.stage, made.separator) == ("documents", ("Anna", "Ben"), "set:Round", "::")
