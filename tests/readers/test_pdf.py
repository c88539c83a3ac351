"""PDFs are made here with reportlab, so that what must come out is known."""

from __future__ import annotations

import io
import random
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from reportlab.lib.enums import TA_JUSTIFY
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph

from sibnlp import readers
from sibnlp.errors import ReadError
from sibnlp.readers import pdf
from sibnlp.types import Document

TOP = A4[1] - 72
WORDS = re.findall(
    r"\S+",
    "the board of a provider network discussed inter-agency contracts with the municipality and asked whether its "
    "indicators had improved outcomes for residents who rely on integrated services since decision-making moved",
)


def draw(path: Path, *pages: list[str], encrypt: StandardEncryption | None = None, leading: float = 13) -> Path:
    """A PDF with these lines on its pages; an empty string leaves a gap."""
    canvas = Canvas(str(path), pagesize=A4, encrypt=encrypt)
    for lines in pages:
        canvas.setFont("Times-Roman", 11)
        for index, line in enumerate(lines):
            canvas.drawString(72, TOP - index * leading, line)
        canvas.showPage()
    canvas.save()
    return path


def blocks(document: Document) -> list[str]:
    """Blocks of a document, line ends as spaces."""
    return [" ".join(block.split()) for block in document.text.split("\n\n")]


def dropped(document: Document) -> dict[str, int]:
    """What was left out, counted."""
    return {entry.what: entry.count for entry in document.dropped}


def pages(document: Document) -> list[tuple[int, str]]:
    """Page numbers and the text under each page mark."""
    return [(int(m.value), document.text[m.start : m.end]) for m in document.marks if m.kind == "page"]


def paragraphs(seed: int, count: int) -> list[str]:
    """Paragraphs of made-up sentences."""
    rng = random.Random(seed)

    def sentence() -> str:
        words = rng.choices(WORDS, k=rng.randint(6, 22))
        return " ".join([words[0].capitalize(), *words[1:]]) + "."

    return [" ".join(sentence() for _ in range(rng.randint(2, 7))) for _ in range(count)]


def typeset(path: Path, texts: list[str], columns: int = 1, **style: object) -> Path:
    """A PDF that reportlab's own layout makes of paragraphs, with a header, a footer and page numbers."""

    def furniture(canvas: Canvas, template: BaseDocTemplate) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(72, A4[1] - 40, "Annual Review 2019")
        canvas.drawString(72, 45, "Confidential – Board copy")
        canvas.drawCentredString(A4[0] / 2, 30, str(template.page))

    template = BaseDocTemplate(str(path), pagesize=A4)
    width = 450 / columns - 10
    frames = [Frame(60 + index * (width + 20), 70, width, 700) for index in range(columns)]
    template.addPageTemplates([PageTemplate(frames=frames, onPage=furniture)])
    look = ParagraphStyle("x", **{"fontName": "Times-Roman", "fontSize": 11, "leading": 13, **style})
    template.build([Paragraph(text, look) for text in texts])
    return path


@pytest.mark.parametrize(
    ("style", "columns"),
    [
        ({"spaceAfter": 6}, 1),
        ({"spaceAfter": 6, "alignment": TA_JUSTIFY}, 1),
        ({"firstLineIndent": 14}, 1),
        ({"firstLineIndent": 14, "alignment": TA_JUSTIFY}, 1),
        ({"leftIndent": 20, "firstLineIndent": -20}, 1),
        ({"leading": 24, "spaceAfter": 12}, 1),
        ({"spaceAfter": 6}, 2),
    ],
)
def test_paragraphs_of_a_typeset_text_come_back(tmp_path: Path, style: dict[str, object], columns: int) -> None:
    texts = paragraphs(1, 60)
    document = pdf.read(typeset(tmp_path / "a.pdf", texts, columns, **style), "a.pdf")
    found = set(blocks(document))
    # A column that ends with a sentence leaves open whether its paragraph ended, too.
    assert sum(text in found for text in texts) >= 59
    assert " ".join(blocks(document)) == " ".join(texts)
    count = len(pages(document))
    assert dropped(document) == {"running headers and footers": 2 * count, "page numbers": count}


def test_paragraphs_without_any_gap_are_told_by_their_last_line(tmp_path: Path) -> None:
    texts = paragraphs(2, 60)
    document = pdf.read(typeset(tmp_path / "a.pdf", texts), "a.pdf")
    assert sum(text in set(blocks(document)) for text in texts) >= 42
    assert " ".join(blocks(document)) == " ".join(texts)


def test_each_page_has_a_mark_with_its_text_and_nothing_else(tmp_path: Path) -> None:
    bodies = [[f"Text of page {number} only."] for number in range(1, 6)]
    document = pdf.read(draw(tmp_path / "a.pdf", *bodies), "a.pdf")
    assert pages(document) == [(number, f"Text of page {number} only.") for number in range(1, 6)]


def test_running_lines_go_and_are_counted_with_an_example(tmp_path: Path) -> None:
    document = pdf.read(typeset(tmp_path / "a.pdf", paragraphs(3, 50), spaceAfter=6), "a.pdf")
    assert "Annual Review" not in document.text
    assert "Confidential" not in document.text
    assert document.dropped[0].example in ("Annual Review 2019", "Confidential – Board copy")


def test_left_and_right_headers_and_chapters_with_page_numbers_go(tmp_path: Path) -> None:
    chapters = ["Aims", "Aims", "Means", "Means", "Means", "Money"]
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    for number, chapter in enumerate(chapters, 11):
        canvas.drawString(72, A4[1] - 40, f"{number} Plan 2020" if number % 2 else f"Chapter: {chapter} {number}")
        canvas.drawString(72, TOP, f"Residents of area {number * 7} were asked what they value.")
        canvas.showPage()
    canvas.save()
    document = pdf.read(tmp_path / "a.pdf", "a.pdf")
    assert dropped(document) == {"running headers and footers": 6}
    assert "Plan" not in document.text
    assert "Chapter" not in document.text


def test_two_pages_keep_what_recurs(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", ["Minutes of the board", "", "We met."], ["Minutes of the board", "", "We left."])
    assert pdf.read(path, "a.pdf").text.count("Minutes of the board") == 2


def test_short_answers_at_page_tops_are_no_header(tmp_path: Path) -> None:
    bodies = [["Participant: Yeah.", "", f"Interviewer: Question {'abcdefgh'[i]} about contracts?"] for i in range(3)]
    bodies += [[f"Interviewer: Another {'ijklmnop'[i]}?", "", "Participant: No."] for i in range(4)]
    document = pdf.read(draw(tmp_path / "a.pdf", *bodies), "a.pdf")
    assert document.text.count("Participant: Yeah.") == 3


def test_numbers_in_the_margin_go(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    for page in range(2):
        canvas.setFont("Times-Roman", 11)
        for index in range(30):
            canvas.drawRightString(60, TOP - 14 * index, str(page * 30 + index + 1))
            canvas.drawString(80, TOP - 14 * index, "and so the contract went on for many years with no end in sight")
        canvas.showPage()
    canvas.save()
    document = pdf.read(tmp_path / "a.pdf", "a.pdf")
    assert dropped(document) == {"line numbers in the margin": 60}
    assert not any(char.isdigit() for char in document.text)


def test_a_paragraph_over_a_page_break_is_one_block_on_two_pages(tmp_path: Path) -> None:
    first = [
        "We signed the contract with the municipality because the",
        "alliance of providers in this part of the region had no",
    ]
    second = ["other way to share the risks of it.", "", "Then nothing happened."]
    document = pdf.read(draw(tmp_path / "a.pdf", first, second), "a.pdf")
    assert blocks(document) == [" ".join([*first, second[0]]), second[2]]
    assert pages(document)[1] == (2, "other way to share the risks of it.\n\nThen nothing happened.")


def test_a_footnote_in_the_way_stands_behind_the_paragraph(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    canvas.setFont("Times-Roman", 11)
    for index in range(20):
        canvas.drawString(
            72, TOP - 13 * index, "the contract was signed by the municipality and by all of the providers"
        )
    canvas.setFont("Times-Roman", 8)
    canvas.drawString(72, 80, "1 See the annual report of the board, page 12.")
    canvas.showPage()
    canvas.setFont("Times-Roman", 11)
    canvas.drawString(72, TOP, "in the end.")
    canvas.save()
    document = pdf.read(tmp_path / "a.pdf", "a.pdf")
    assert [block[-11:] for block in blocks(document)] == ["in the end.", "d, page 12."]
    assert [mark.kind for mark in document.marks if mark.kind != "page"] == ["footnote"]
    assert [number for number, _ in pages(document)] == [1, 2, 1]


@pytest.mark.parametrize(
    ("first", "second", "elsewhere", "expected"),
    [
        ("we talked about govern-", "ance and trust", "", "we talked about governance and trust"),
        ("it is an inter-", "agency arrangement", "The inter-agency board.", "it is an inter-agency arrangement"),
        ("we want co-", "production of care", "The production of care.", "we want co-production of care"),
        ("it was evidence-", "based policy", "We had no evidence.", "it was evidence-based policy"),
        ("a self-", "assessment of boards", "", "a self-assessment of boards"),
        ("the Anglo-", "Saxon model", "", "the Anglo-Saxon model"),
        ("between 2015-", "2019 we grew", "", "between 2015-2019 we grew"),
        ("we talked about coop\u00ad", "eration a lot", "", "we talked about cooperation a lot"),
        ("a pause -", "and then more", "", "a pause - and then more"),
    ],
)
def test_hyphens_at_line_ends(tmp_path: Path, first: str, second: str, elsewhere: str, expected: str) -> None:
    document = pdf.read(draw(tmp_path / "a.pdf", [first, second, "", elsewhere]), "a.pdf")
    assert blocks(document)[0] == expected


def test_headings_by_size_and_weight(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    for font, size, y, text in (
        ("Helvetica-Bold", 18, 0, "Strategy for care"),
        ("Times-Bold", 11, 40, "Our aims"),
        ("Times-Roman", 11, 53, "We want fewer admissions and a shared budget for every neighbourhood team"),
        ("Times-Roman", 11, 66, "in the region, and we will report on it."),
    ):
        canvas.setFont(font, size)
        canvas.drawString(72, TOP - y, text)
    canvas.save()
    document = pdf.read(tmp_path / "a.pdf", "a.pdf")
    headings = [document.text[mark.start : mark.end] for mark in document.marks if mark.kind == "heading"]
    assert headings == ["Strategy for care", "Our aims"]


def test_turned_pages_scaled_fonts_and_text_beyond_the_page(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    canvas.rotate(90)
    canvas.scale(11, 11)
    canvas.setFont("Times-Roman", 1)
    for index, line in enumerate(["The table of this page was", "turned to fit.", "", "It has two parts."]):
        canvas.drawString(5, -5 - index * 1.2, line)
    canvas.showPage()
    canvas.drawString(72, TOP, "Seen.")
    canvas.drawString(72, -900, "Unseen.")
    canvas.save()
    document = pdf.read(tmp_path / "a.pdf", "a.pdf")
    assert blocks(document) == ["The table of this page was turned to fit.", "It has two parts.", "Seen."]
    assert dropped(document) == {"lines outside the visible page": 1}


def test_layout_spaces_collapse_and_letters_beyond_the_bmp_survive(tmp_path: Path) -> None:
    assert pdf.read(draw(tmp_path / "a.pdf", ["far    apart"]), "a").text == "far apart"


def test_empty_pages_are_listed_and_a_scan_is_refused_with_advice(tmp_path: Path) -> None:
    document = pdf.read(draw(tmp_path / "a.pdf", ["One."], [], [], ["Four."]), "a.pdf")
    assert [number for number, _ in pages(document)] == [1, 4]
    assert ("pages without text", 2, "2-3") in [(entry.what, entry.count, entry.example) for entry in document.dropped]
    with pytest.raises(ReadError, match=r"scan\.pdf: no text in it \(a scanned document needs"):
        readers.read(draw(tmp_path / "scan.pdf", [], []))


def test_a_password_is_named_and_an_owner_password_is_no_hindrance(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"locked\.pdf: password-protected \(save a copy"):
        readers.read(draw(tmp_path / "locked.pdf", ["Secret."], encrypt=StandardEncryption("key", strength=128)))
    path = draw(tmp_path / "open.pdf", ["Open."], encrypt=StandardEncryption("", "owner", strength=128))
    assert readers.read(path).text == "Open."


def damage(cut: Callable[[bytes], bytes], tmp_path: Path) -> Path:
    buffer = tmp_path / "whole.pdf"
    path = tmp_path / "damaged.pdf"
    path.write_bytes(cut(draw(buffer, *([["Some text."]] * 9)).read_bytes()))
    return path


@pytest.mark.parametrize(
    "cut",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw[:-300],
        lambda raw: raw[:20],
        lambda raw: b"%PDF-1.4\n" + bytes(range(256)) * 50,
        lambda raw: b"%PDF-1.4\n" + bytes(range(256)) * 50 + b"\nstartxref\n0\n%%EOF",
        lambda raw: random.Random(0).randbytes(5000),
        lambda raw: b"Only text, with a wrong name.",
    ],
)
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, cut: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ReadError) as caught:
        readers.read(damage(cut, tmp_path))
    assert "damaged.pdf: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_attachments_are_counted_not_read(tmp_path: Path) -> None:
    import pypdfium2

    with pypdfium2.PdfDocument(draw(tmp_path / "a.pdf", ["Body."])) as file:
        file.new_attachment("hidden.txt").set_data(b"not for reading")
        out = io.BytesIO()
        file.save(out)
    (tmp_path / "b.pdf").write_bytes(out.getvalue())
    document = pdf.read(tmp_path / "b.pdf", "b.pdf")
    assert document.text == "Body."
    assert dropped(document) == {"attached files (not opened)": 1}


def test_too_many_pages_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MAX_PAGES", 2)
    with pytest.raises(ReadError, match="3 pages, more than 2"):
        pdf.read(draw(tmp_path / "a.pdf", ["a"], ["b"], ["c"]), "a.pdf")


def test_threads_do_not_disturb_each_other(tmp_path: Path) -> None:
    paths = [typeset(tmp_path / f"{seed}.pdf", paragraphs(seed, 20), spaceAfter=6) for seed in range(6)]
    alone = [pdf.read(path, path.name).text for path in paths]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(lambda path: pdf.read(path, path.name).text, paths)) == alone


def test_every_real_file_gives_text_or_one_line_within_20_s(shared: Path) -> None:
    files = sorted([*(shared / "bench/robust/pdf").rglob("*.pdf"), *(shared / "transcripts").glob("*.pdf")])
    assert len(files) > 50
    for path in files:
        began = time.monotonic()
        document, error = None, ""
        try:
            document = readers.read(path)
        except ReadError as problem:
            error = str(problem)
        if document is None:
            assert error.startswith(f"{path}: ")
            assert "\n" not in error
        else:
            assert document.text.strip()
            for mark in document.marks:
                assert document.text[mark.start : mark.end].strip(), f"{path} has an empty {mark}"
        assert time.monotonic() - began < 20, path


def test_a_real_interview_keeps_its_turns(shared: Path) -> None:
    document = readers.read(shared / "transcripts/pdpilot_P1.pdf")
    assert dropped(document) == {
        "lines outside the visible page": 149,
        "page numbers": 5,
        "line numbers in the margin": 99,  # 95 turns; at four page breaks the next number shows on both pages
    }
    spoken = blocks(document)
    assert spoken[0] == "Interview"
    assert len(spoken) == 95
    assert all(block.startswith(("Dan: ", "Participant: ")) for block in spoken[1:])
    assert {turn.speaker for turn in document.turns} == {"Dan", "Participant"}
