"""Every point and cell of the demo's report, pressed by mouse and by keyboard: each opens what it counts.

What a figure should open is worked out anew from the predictions and the words on the page, not from the page's data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sibnlp import codebook, project
from sibnlp.report.text import capital
from sibnlp.types import is_spoken
from tests.cli.shell import sibnlp
from tests.conftest import ROOT
from tests.report.conftest import Watched

CASE = ROOT / "corpora" / "demo" / "case"
PAGE = 100
# What the page shows of itself after a press; the next thing to press is scrolled to in the same step.
STEP = """(next) => {
  const text = (id) => document.getElementById(id).textContent;
  const all = window.walked;
  const said = { title: text("pane-title"), summary: text("pane-summary"), status: text("pane-status"),
    hidden: document.getElementById("pane").hidden, focus: document.activeElement.id,
    rows: [...document.querySelectorAll("#pane-list > li")].map((li) => Number(li.dataset.row)),
    blank: [...document.querySelectorAll("#pane-list > li .text")].filter((p) => !p.textContent.trim()).length,
    wanted: Number(document.querySelector("#pane-list > li.wanted")?.dataset.row ?? -1),
    pressed: [...document.querySelectorAll("[aria-pressed=true][data-cell], .point.open")].map((e) => all.indexOf(e)) };
  if (next === null) return said;
  const e = all[next];
  e.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
  const box = e.getClientRects()[0];
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const hit = document.elementFromPoint(x, y);
  return { ...said, x, y, hits: hit === e || e.contains(hit) ||
    (e.matches(".point") && hit && hit.matches(".point") && e.closest(".chart") === hit.closest(".chart")) };
}"""
# All there is to press, with where it stands, in words.
FOUND = """() => {
  document.querySelectorAll("details").forEach((d) => { d.open = true; });
  window.walked = [...document.querySelectorAll(".point, button[data-cell]")];
  return window.walked.map((e) => {
    const cell = e.closest("td, th"), row = e.closest("tr"), table = e.closest("table"), part = e.closest("tbody");
    const words = (x, s) => x && x.querySelector(s) ? x.querySelector(s).textContent.trim() : "";
    return { where: e.closest(".chart") ? e.closest(".chart").id : table ? table.id || table.classList[0] : "contents",
      label: e.getAttribute("aria-label") || "", text: e.textContent.trim(), row: e.dataset.row || "",
      column: cell ? cell.dataset.label || (cell.classList[0] || "") : "",
      head: row ? words(row, "th bdi") || words(row, "th") : "",
      group: part ? words(part, ".group th") : "",
      logic: row ? words(row, "td[data-label=Logic]").split(/\\s+/).pop() : "",
      line: e.closest("div, small") ? e.closest("div, small").textContent.trim() : "",
      small: e.closest("small") ? e.closest("small").textContent.trim() : "" };
  });
}"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo case's report, as `sibnlp run` writes it."""
    out = tmp_path_factory.mktemp("demo") / "report"
    done = sibnlp("run", CASE, "-o", out)
    assert done.code == 0, done.err
    return out


class Truth:
    """Sets of passages by what the page calls them."""

    def __init__(self, folder: Path) -> None:
        self.rows: list[dict[str, Any]] = pq.read_table(folder / "predictions.parquet").to_pylist()
        self.periods = {stage.name: stage.id for stage in project.load(CASE).stage}
        books = [codebook.load(name) for name in ("osborne", "oflynn")]
        self.codes = {capital(code.name or code.id): code.id for book in books for code in book.codes}
        self.domains = [codebook.framework(book).domains for book in books]
        self.logics = [list(codebook.framework(book).logics) for book in books]

    def domain(self, name: str) -> str | None:
        return None if name in ("", "All domains") else self.codes[name]

    def of(
        self, section: int, period: str | None, *codes: str | None, any_of: tuple[str, ...] = (), **columns: str
    ) -> set[int]:
        """Rows of a section's scope and period that carry all of the codes, and any of some."""
        return {
            i for i, row in enumerate(self.rows)
            if is_spoken(row["kind"]) == (section <= 2)
            and (period is None or row["stage"] == self.periods[period])
            and all(code in row["codes"] for code in codes if code)
            and (not any_of or any(code in row["codes"] for code in any_of))
            and all(row[key] == value for key, value in columns.items())
        }  # fmt: skip

    def heard(self, section: int, which: str) -> set[int]:
        """Rows of both ends, of those heard at both, only at the end, or only at the start."""
        first, *_, last = self.periods
        ends = [self.of(section, first), self.of(section, last)]
        then, now = ({self.rows[i]["actor"] or self.rows[i]["speaker"] for i in end} for end in ends)
        people = {"both": then | now, "stayed": then & now, "came": now - then, "left": then - now}[which]
        return {i for i in ends[0] | ends[1] if (self.rows[i]["actor"] or self.rows[i]["speaker"]) in people}


def number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def expected(truth: Truth, item: dict[str, str], title: str) -> set[int] | int | None:  # noqa: C901 - a case a table
    """Rows that a press should list, or how many; None where the page's words do not say."""
    where, column, head, text = item["where"], item["column"], item["head"], item["text"].split(": show")[0].strip()
    name, _, digit = where.rpartition("-")
    section = int(digit) if digit.isdigit() else 0
    if where == "contents":
        return set(range(len(truth.rows)))
    if where == "figure-compared":
        code, _, period = re.match(r"(\w+), (.*), ([^,]+): ", item["label"]).groups()  # type: ignore[union-attr]
        return truth.of(1, period, code)
    if name == "figure":
        code, panel, period = re.match(r"(\w+), (.*), ([^,]+): ", item["label"]).groups()  # type: ignore[union-attr]
        found = truth.of(section, period, code, truth.domain(panel))
        assert f"n = {len(truth.of(section, period))}," in item["label"]
        return found
    domain = truth.domain(item["group"] or head) if name in ("findings", "shifts", "parts") else None
    ends = (next(iter(truth.periods)), list(truth.periods)[-1])
    logics = tuple(truth.logics[(section - 1) % 2]) if section else ()
    if name == "findings":
        if column == "num" or column == "n":
            assert number(text) == len(truth.of(section, head))
            return truth.of(section, head)
        if column.endswith(" %"):
            found = truth.of(section, head, column[:-2], domain)
            of = len(truth.of(section, head))
            assert f" {len(found)} of {of} passages" in item["label"]
            assert text == f"{100 * len(found) / of:.1f}"
            return found
        if re.fullmatch(r"\d+ (for|against)", text):
            return number(text)
        if column == "relation":
            return truth.of(section, head, domain, any_of=logics)
    if name == "shifts":
        codes = logics if column == "Leads" else (column,)
        return truth.of(section, ends[0], domain, any_of=codes) | truth.of(section, ends[1], domain, any_of=codes)
    if name == "parts":
        carry = truth.of(section, None, domain, item["logic"])
        return {
            "Change": truth.heard(section, "both") & carry, "Within": truth.heard(section, "stayed") & carry,
            "Voice": truth.heard(section, "stayed"), "Entry": truth.heard(section, "came") & carry,
            "Exit": truth.heard(section, "left") & carry,
        }[column]  # fmt: skip
    if name == "agenda":
        return agenda(truth, section, item["logic"] or head.split()[-1], column)
    if where == "compared-table":
        section = 1 if "Osborne" in column else 2
        logics, talk = tuple(truth.logics[section - 1]), truth.heard(section, "both")
        if head.startswith("Leading"):
            return talk & truth.of(section, None, any_of=logics)
        if head.startswith("Poles"):
            return talk & truth.of(section, None, truth.domain(text[:-2]), any_of=logics)
        if head.startswith("Change of"):
            return talk & truth.of(section, None, item["line"].split()[0])
        if head.startswith("Change due"):
            parts = re.findall(r"[+−–][\d.]*", item["line"].replace(": show the passages", ""))
            return agenda(
                truth, section, item["line"].split()[0], ("Agenda", "Within domains", "Other")[parts.index(text)]
            )
    if name == "actors":
        actor = {"actor": head}
        if text.isdigit() and item["small"].startswith("of "):
            assert number(text) == len(truth.of(section, column, **actor))
            return truth.of(section, column, **actor)
        if text.isdigit():
            found = truth.of(section, column, item["small"].split()[0], **actor)
            assert number(text) == len(found)
            return found
        return truth.of(section, column, any_of=logics, **actor)
    if name == "groups":
        found = truth.of(section, column, item["line"].split()[0], role=head)
        of = len(truth.of(section, column, role=head))
        assert text == f"{100 * len(found) / of:.1f}"
        return found
    if where == "sources":
        assert number(text) == len({i for i, row in enumerate(truth.rows) if row["document"] == head})
        return {i for i, row in enumerate(truth.rows) if row["document"] == head}
    if item["row"]:  # a quotation: its cell is named by the title
        code, within, period = re.fullmatch(r"(\w+)(?: in (.*))?, ([^,]+)", title).groups()  # type: ignore[union-attr]
        return truth.of(section, period, code, truth.domain(within or ""))
    return None


def agenda(truth: Truth, section: int, code: str, column: str) -> set[int]:
    """Passages behind a part of a change that is split by what is talked about."""
    talk, n = (
        truth.heard(section, "both"),
        [len(set(row["codes"]) & set(truth.domains[(section - 1) % 2])) for row in truth.rows],
    )
    carry = talk & truth.of(section, None, code)
    apart = {i for i in carry if n[i] != 1}
    return {
        "Change": carry, "Agenda": {i for i in talk if n[i]}, "Within domains": {i for i in carry if n[i]},
        "Other": apart or {i for i in talk if n[i] != 1},
    }[column]  # fmt: skip


def of_each_kind(items: list[dict[str, str]]) -> list[int]:
    """The first of each kind: of a chart's logic, a table's column and what stands in it."""
    found: dict[tuple[str, ...], list[int]] = {}
    for i, item in enumerate(items):
        shape = item["label"].split(",")[0] if item["label"] else re.sub(r"[\W\d]+", "0", item["text"])[-24:]
        found.setdefault((item["where"], item["column"] or item["head"], shape[:8]), []).append(i)
    return [places[0] for places in found.values()]


# Minutes each: `make test-slow` walks, one of each kind and then all.
pytestmark = pytest.mark.slow
WALKS = [
    *(pytest.param((how, False), id=f"{how}, of each kind") for how in ("mouse", "keyboard")),
    *(pytest.param((how, True), id=f"{how}, all") for how in ("mouse", "keyboard")),
]


@pytest.fixture(params=WALKS)
def walked(
    browser: Any, demo: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[list[dict[str, str]], dict[int, dict[str, Any]], Watched]]:
    """All there is to press, and what the page showed after each press."""
    watched = Watched(browser, demo / "report.html", 1280, 900)
    page = watched.page
    how, everything = request.param
    items = page.evaluate(FOUND)
    places = list(range(len(items))) if everything else of_each_kind(items)
    assert len(items) > 1000
    shown = {}
    said = page.evaluate(STEP, places[0])
    for i, then in zip(places, [*places[1:], None], strict=True):
        if how == "mouse":
            assert said["hits"], f"under the middle of {items[i]} lies something else"
            page.mouse.click(said["x"], said["y"])
        else:
            page.evaluate("(i) => window.walked[i].focus()", i)
            page.keyboard.press("Enter")
        shown[i] = said = page.evaluate(STEP, then)
    yield items, shown, watched
    watched.context.close()


def test_every_point_and_cell_opens_what_it_counts(walked: Any, demo: Path) -> None:
    items, shown, watched = walked
    truth = Truth(demo)
    unsaid, wrong = [], []
    for i, said in shown.items():
        item = items[i]
        try:
            want = expected(truth, item, said["title"])
            check(i, item, said, want)
        except AssertionError as error:
            wrong.append(f"{item['where']} {item['column']} {item['head']} {item['text'][:30]}: {str(error)[:160]}")
            continue
        if want is None:
            unsaid.append(item)
    assert wrong == []
    assert watched.wrong == []
    # Of the sums in the table side by side alone nothing on the page says how many passages they have.
    assert {item["head"] for item in unsaid} <= {"Domain–logic pairs", "Relations in the last period"}


def check(i: int, item: dict[str, str], said: dict[str, Any], want: set[int] | int | None) -> None:
    assert not said["hidden"]
    assert said["title"] and said["summary"]
    assert not said["blank"]
    assert (
        i in said["pressed"]
        or item["row"]
        or item["where"] == "contents"
        or "for" in item["text"]
        or "against" in item["text"]
    ), "not marked as open"
    n = len(want) if isinstance(want, set) else want
    found = re.match(r"([\d,]+) passages? listed\.", said["status"])
    if found is None:
        assert said["status"].startswith("Nothing to list: no passage is behind this figure"), said["status"]
        assert not said["rows"] and not n, (said["status"], n)
        return
    listed = int(found[1].replace(",", ""))
    assert listed > 0
    assert n is None or listed == n, (listed, n)
    assert len(said["rows"]) >= min(listed, PAGE)
    if isinstance(want, set):
        assert set(said["rows"]) <= want
        assert len(set(said["rows"])) == len(said["rows"])
