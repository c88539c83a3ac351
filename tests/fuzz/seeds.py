"""Good files to begin from, small and full of features, made by the project's own fixtures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from sibnlp import exchange
from sibnlp.manifest import Manifest
from tests.exchange import tools
from tests.exchange.test_label_studio import tasks
from tests.exchange.test_taguette import MARKS, PAGE
from tests.readers import test_opendocument as odt
from tests.readers import word_files as word
from tests.readers.test_pdf import draw
from tests.readers.test_rtf import HEAD
from tests.readers.test_web import PAGE as WEB

TALK = (
    "Dr Vos: How did the contract change your work? Tell me how it was, and who decided.\n\n"
    "Anna: At first we were paid for each person. It was about numbers \u2013 how many, how fast.\n\n"
    "Dr Vos: And later?\n\nAnna: Later we sat down together. \u201cWhat would good look like?\u201d they asked \U0001f642.\n"
)
STAMPED = "00:01 Anna: We lost\n00:05 the contract in spring.\n00:09 Ben: And later?\n00:12 Anna: Later we won.\n"
NOTES = (
    "---\ntitle: Minutes\n---\n# Minutes\n\nA first paragraph, [00:12:03] with a time.\n\n## Decided\n\n- one thing\n"
    "- another\n  that goes on\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\n# no heading\n```\n\nTitle\n=====\n\nThe end.\n"
)
VTT = (
    "WEBVTT\nKind: captions\n\nNOTE made by hand\n\nSTYLE\n::cue { color: red }\n\n1\n00:00:01.000 --> 00:00:04.000 "
    "align:start\n<v Anna Berg>At first we were <i>paid</i> &amp; counted.</v>\n\n00:04.000 --> 00:06.000\nBEN: And "
    "later?\n\nsome-id\n00:06.000 --> 00:08.000\nBEN: And later?\nAnd what then?\n"
)
SRT = (
    "1\n00:00:01,000 --> 00:00:04,000\nAnna: At first we were paid.\n\n2\n00:00:04,000 --> 00:00:06,500\n<font "
    "color=red>- And later?</font>\n- Later we won.\n\n3\nno time here\n"
)
RTF = HEAD + (
    r"{\stylesheet{\s1\outlinelevel0 heading 1;}}{\info{\title x}}\pard\s1 Title\par\pard One {\b bold} word\'e9\u8217?"
    r"\tab and\line a line.\par{\*\revtbl{a;}}{\deleted gone}{\v hidden}{\footnote\pard a note}\trowd\cellx1\cellx2"
    r"\intbl a\cell b\cell\row\pard{\field{\*\fldinst HYPERLINK x}{\fldrslt here}}{\pict\bin4 abcd}\par}"
)
TABLE = 'id,text,document,speaker,stage,date,page\nr1,"One, two.",a.txt,Anna,1,2016-03,3\nr2,Three,a.txt,Ben,2,2017,\n'
CODED = (
    "document,passage,start,end,text,speaker,stage,codes,coder,extent\na.txt,a.txt:0-9,0,9,One. Two.,Anna,1,NPM;NPG,MK,"
    'logic\na.txt,a.txt:11-16,11,16,Three,Ben,2,"[""NPM""]",MK,logic\na.txt,,20,24,Four,,2,,MK,logic\n'
)
TAGS = "tag,parent,description\nControl,,of others\nTargets,Control,numbers\n"
BOOK = (
    'id = "toy"\nname = "Toy"\nversion = "1"\n[[families]]\nid = "logic"\nmultiple = true\n[[families]]\nid = "tone"\n'
    'requires = "logic"\nmultiple = false\n[[codes]]\nid = "NPM"\nfamily = "logic"\ndefinition = "control"\ninclude = '
    '["a", "b"]\n[[codes]]\nid = "sub"\nparent = "NPM"\nfamily = "logic"\n[[codes]]\nid = "glad"\nfamily = "tone"\n'
    'poles = {NPM = "x"}\n'
)
PROJECT = (
    'title = "A study"\n[documents]\nfolder = "texts"\npattern = "{date}_{actor}"\n[segment]\nmax_words = 90\n[[stage]]\n'
    'id = "1"\nname = "Start"\nstart = 2014-01-01\nend = "2015"\n[model]\nname = "gov-fast"\ncodebooks = ["osborne"]\n'
    "[drift]\nlevel = 0.9\nmargin = 2\n"
)


def _text(folder: Path) -> None:
    (folder / "a.txt").write_text(TALK, encoding="utf-8")
    (folder / "b.txt").write_text(STAMPED, encoding="utf-8")
    (folder / "c.txt").write_text(TALK, encoding="utf-16")
    (folder / "d.txt").write_bytes("Gr\u00f6\u00dfe \u2013 \u201ewie\u201c".encode("cp1252"))


def _markdown(folder: Path) -> None:
    (folder / "a.md").write_text(NOTES, encoding="utf-8")


def _vtt(folder: Path) -> None:
    (folder / "a.vtt").write_text(VTT, encoding="utf-8")


def _srt(folder: Path) -> None:
    (folder / "a.srt").write_text(SRT, encoding="utf-8")


def _docx(folder: Path) -> None:
    body = "".join((
        word.styled("H", "Title"), word.p(word.r("Anna: At first "), word.field("PAGE", word.r("we were paid."))),
        word.p('<w:ins>', word.r("new"), '</w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del>'),
        f"<w:tbl><w:tr>{word.tc(word.p(word.r('a')))}{word.tc(word.p(word.r('b')))}</w:tr></w:tbl>",
        word.p(word.r("note"), '<w:r><w:footnoteReference w:id="2"/></w:r>'),
        "<w:sdt><w:sdtContent>" + word.p(word.r("in a control", "<w:vanish/>")) + "</w:sdtContent></w:sdt>",
    ))  # fmt: skip
    styles = '<w:style w:styleId="H"><w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>'
    notes = f'<w:footnote w:id="2">{word.p(word.r("the note"))}</w:footnote>'
    word.make(folder / "a.docx", body, styles=styles, footnotes=notes, header1=word.p(word.r("running")))


def _odt(folder: Path) -> None:
    body = (
        '<text:h text:outline-level="1">Title</text:h>' + odt.p("Anna: At <text:span>first</text:span><text:s "
        'text:c="3"/>we<text:tab/>were<text:line-break/>paid.') + "<text:list><text:list-item>" + odt.p("item")
        + "</text:list-item></text:list><table:table><table:table-row><table:table-cell>" + odt.p("a")
        + '</table:table-cell><table:table-cell table:number-columns-repeated="2">' + odt.p("b")
        + "</table:table-cell></table:table-row></table:table>" + odt.p('<text:note text:note-class="footnote">'
        "<text:note-body>" + odt.p("the note") + "</text:note-body></text:note>")
    )  # fmt: skip
    odt.make(folder / "a.odt", body)


def _rtf(folder: Path) -> None:
    (folder / "a.rtf").write_bytes(RTF.encode("latin-1"))


def _pdf(folder: Path) -> None:
    draw(folder / "a.pdf", ["Running head", "", "The board of a provider network dis-", "cussed contracts.", "", "1"],
         ["Running head", "", "And later?", "- an item", "- another", "", "2"])  # fmt: skip
    raw = (folder / "a.pdf").read_bytes()
    (folder / "b.pdf").write_bytes(raw.replace(b"/Type /Page\n", b"/Type /Page\n/Rotate 90\n"))


def _html(folder: Path) -> None:
    (folder / "a.html").write_text(WEB, encoding="utf-8")
    (folder / "b.html").write_text("<p>Just a line of text that stands alone.<br>And one more.", encoding="utf-8")


def _csv(folder: Path) -> None:
    (folder / "a.csv").write_text(TABLE, encoding="utf-8")
    (folder / "b.csv").write_text("text\nOne, two.\n", encoding="utf-8")


def _xlsx(folder: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for row in (["Notes"], ["id", "text", "date", "n"], ["r1", "One.", "2016-03-01", 1], ["r2", "Two.", None, 2.5]):
        book.active.append(row)
    book.save(folder / "a.xlsx")


def _jsonl(folder: Path) -> None:
    rows = [{"id": "r1", "text": "One.", "start": 0, "end": 4, "tags": ["a"], "n": 1.5}, {"text": "Two \ud83d\ude42"}]
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def _parquet(folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": ["One.", "Two."], "codes": [["a"], []], "n": [1, None]}), folder / "a.parquet")


_DOCUMENTS: dict[str, Callable[[Path], None]] = {
    ".txt": _text, ".md": _markdown, ".vtt": _vtt, ".srt": _srt, ".docx": _docx, ".odt": _odt, ".rtf": _rtf,
    ".pdf": _pdf, ".html": _html, ".csv": _csv, ".xlsx": _xlsx, ".jsonl": _jsonl, ".parquet": _parquet,
}  # fmt: skip


def documents(folder: Path, suffix: str) -> None:
    """Documents with this suffix."""
    _DOCUMENTS[suffix](folder)


def qdpx(folder: Path) -> None:
    """Projects as several tools write them."""
    for name in ("nvivo for windows", "atlas.ti 26", "quackdas", "inline text"):
        tools.qdpx(folder / f"{name.replace(' ', '-')}.qdpx", tools.TOOLS[name])


def qdc(folder: Path) -> None:
    """A codebook out of a project."""
    project = tools.qdpx(folder / "study.qdpx", tools.Habits())
    exchange.save(exchange.load(project), folder / "study.qdc")
    project.unlink()


def uima(folder: Path) -> None:
    """A UIMA project, as we write it."""
    project = tools.qdpx(folder / "study.qdpx", tools.Habits())
    exchange.save(exchange.load(project), folder / "study.zip")
    project.unlink()


def taguette(folder: Path) -> None:
    """A Taguette database."""
    tools.taguette(folder / "study.sqlite3", {"page": PAGE}, MARKS, login="anna")


def label_studio(folder: Path) -> None:
    """Annotated tasks."""
    (folder / "tasks.json").write_text(json.dumps(tasks(utf16=True)), encoding="utf-8")


def coded_csv(folder: Path) -> None:
    """Codings and a list of codes."""
    (folder / "coded.csv").write_text(CODED, encoding="utf-8")
    (folder / "tags.csv").write_text(TAGS, encoding="utf-8")


def codebooks(folder: Path) -> None:
    """A codebook with every kind of key."""
    (folder / "book.toml").write_text(BOOK, encoding="utf-8")


def projects(folder: Path) -> None:
    """A project file."""
    (folder / "project.toml").write_text(PROJECT, encoding="utf-8")


def manifests(folder: Path) -> None:
    """The manifest of a model with one code and no file."""
    family = {"id": "f", "multiple": True, "requires": "", "codes": ["a"]}
    calibration = {"a": {"slope": 1.0, "intercept": 0.0}}
    book = {"id": "b", "structure": "0" * 16, "wording": "0" * 16}
    Manifest(
        "m", "linear", "0.1.0", "2026-01-01", ("a",), (family,), (book,), {"a": 0.5}, calibration, {}, 1
    ).write(folder)  # fmt: skip
