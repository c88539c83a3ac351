"""The page in a browser, from file://: it draws, opens its passages, obeys the keyboard, and runs nothing hostile."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.report import factory
from tests.report.conftest import HOSTILE


@pytest.mark.parametrize("name", ["clean", "hostile", "monthly", "evaluation", "agreement"])
@pytest.mark.parametrize("width", [1280, 390])
def test_charts_are_drawn_and_nothing_overflows(open_page: Any, name: str, width: int) -> None:
    watched = open_page(name, width)
    page = watched.page
    for chart in page.query_selector_all(".chart"):
        assert chart.query_selector("svg")
        assert len(chart.query_selector_all("svg .mark-symbol path")) > 2
        assert "table" in chart.get_attribute("aria-label")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.pwned") is None
    # The only request is the page itself.
    assert len(watched.asked) == 1


def test_a_code_shows_by_keyboard_which_words_moved_it(open_page: Any) -> None:
    page = open_page("clean").page
    page.locator("path.point").first.click()
    entry = page.locator("#pane-list > li").first
    said = entry.locator(".text").inner_text()
    why = entry.locator("button.why").first
    assert "show the words that moved it" in why.inner_text()
    why.focus()
    page.keyboard.press("Enter")
    assert why.get_attribute("aria-pressed") == "true"
    marks = entry.locator(".text mark").all()
    assert [mark.get_attribute("class") for mark in marks] == ["for", "against"]
    assert said.startswith(marks[0].inner_text())
    assert entry.locator(".text").inner_text() == said
    assert f"{marks[0].inner_text()} +1.25" in entry.locator(".moved").inner_text()
    # Told apart without colour: one line is solid, the other dotted.
    styles = [mark.evaluate("m => getComputedStyle(m).textDecorationStyle") for mark in marks]
    assert styles == ["solid", "dotted"]
    page.keyboard.press("Enter")
    assert entry.locator("mark").count() == 0
    assert entry.locator(".moved").is_hidden()


@pytest.mark.parametrize("width", [1280, 390])
def test_an_agreement_shows_its_figures_and_runs_no_name(open_page: Any, folder: Path, width: int) -> None:
    page = open_page("agreement", width).page
    text = page.locator("body").inner_text()
    assert HOSTILE in text and "gov-fast" in text
    assert page.locator("img").count() == 0 and page.evaluate("window.pwned") is None
    figures = json.loads((folder / "agreement.json").read_text(encoding="utf-8"))
    for code in ("NPM", "PVM"):
        row = page.locator("tr", has_text=code).first
        assert row.is_visible()
        assert f"{figures['codes'][code]['ac1']['value']:.2f}" in row.inner_text().replace("\u2212", "-")


def test_an_evaluation_marks_what_moved_its_errors(open_page: Any) -> None:
    page = open_page("evaluation").page
    first = page.locator("table.errors tbody tr").first
    assert [mark.get_attribute("class") for mark in first.locator("mark").all()] == ["for", "against"]
    assert "+1.50" in first.locator(".moved").first.inner_text()
    assert page.locator(".chart").count() == 5


def test_every_figure_of_the_view_is_a_point(open_page: Any) -> None:
    page = open_page("clean").page
    # 2 logics × 3 stages × (2 panels side by side; 4 panels, one of them with an empty stage; 8 panels; 4 panels with
    # an empty stage 2).
    assert page.locator("path.point").count() == 12 + (24 - 2) + 48 + (24 - 8)


def test_a_click_on_a_point_opens_its_passages(open_page: Any) -> None:
    page = open_page("clean").page
    point = page.locator("path.point[aria-label^='NPG, All domains, Development: 35.0%']").first
    point.click()
    assert page.locator("#pane-title").inner_text() == "NPG, Development"
    assert page.locator("#pane-status").inner_text() == "42 passages listed."
    assert page.locator("#pane-list > li").count() == 42
    for item in page.locator("#pane-list > li").all()[:5]:
        assert any(code.startswith("NPG") for code in item.locator(".codes .given").all_inner_texts())


def test_a_table_cell_opens_its_passages_and_escape_returns(open_page: Any) -> None:
    page = open_page("clean").page
    button = page.locator("#findings-1 td.num button[aria-label]").nth(4)
    coded = button.get_attribute("aria-label")
    button.focus()
    page.keyboard.press("Enter")
    listed = page.locator("#pane-list > li").count()
    assert f", {listed} of " in coded
    assert button.get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.activeElement.id") == "pane-title"
    page.keyboard.press("Escape")
    assert page.locator("#pane").is_hidden()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == coded


def test_points_are_reached_and_opened_by_keyboard(open_page: Any) -> None:
    page = open_page("clean").page
    assert page.locator("#figure-1 path.point[tabindex='0']").count() == 1
    page.locator("#figure-1 path.point").first.focus()
    page.keyboard.press("ArrowRight")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("NPM, All domains, Initial operation")
    page.keyboard.press(" ")
    assert page.locator("#pane-title").inner_text() == "NPM, Initial operation"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == label


def test_filters_narrow_the_list(open_page: Any) -> None:
    page = open_page("clean").page
    page.locator("nav button[data-cell='all']").click()
    assert page.locator("#pane-status").inner_text() == "352 passages listed."
    assert page.locator("#pane-list > li").count() == 100
    page.locator("#pane-more").click()
    assert page.locator("#pane-list > li").count() == 200
    page.locator("#by-speaker").select_option("Cem")
    assert page.locator("#pane-status").inner_text() == "72 of 352 passages match."
    page.locator("#by-document").select_option("interviews/cem_1.docx")
    assert page.locator("#pane-status").inner_text() == "24 of 352 passages match."
    page.locator("#by-text").fill("NOBODY owned")
    page.wait_for_function("() => document.querySelectorAll('#pane-list > li').length < 24")
    assert all("Nobody owned it" in text for text in page.locator("#pane-list .text").all_inner_texts())


def test_a_long_list_is_drawn_as_it_is_asked_for(open_page: Any) -> None:
    page = open_page("long").page
    page.locator("#findings-1 td.num button").first.click()
    assert page.locator("#pane-list > li").count() == 100
    assert page.locator("#pane-more").inner_text() == "Show 100 more of 500"


def test_a_quotation_leads_to_itself(open_page: Any) -> None:
    page = open_page("clean").page
    quote = page.locator("#findings-1 blockquote").nth(2)
    said = quote.locator("p").inner_text().strip("“”").removesuffix(" […]")
    quote.locator("button").click()
    assert page.locator("#pane-list > li.wanted").inner_text().count(said) == 1
    assert page.locator("#pane-list > li.wanted").is_visible()


def test_a_citation_is_copied(open_page: Any) -> None:
    watched = open_page("clean")
    page = watched.page
    page.locator("path.point").first.click()
    page.locator("#pane-list button").first.click()
    page.wait_for_function("() => document.querySelector('#pane-status').textContent === 'Citation copied.'")
    page.locator("#by-text").focus()
    page.keyboard.press("Control+V")
    pasted = page.locator("#by-text").input_value()
    assert pasted.startswith("“")
    assert "Ada, provider, 2015-03-01; interviews/ada_1.docx, 00:" in pasted


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_figure_is_saved_without_a_network(open_page: Any, kind: str, tmp_path: Path) -> None:
    page = open_page("clean").page
    with page.expect_download() as download:
        page.locator(f"button[data-save={kind}]").first.click()
    assert download.value.suggested_filename == f"figure-compared.{kind}"
    download.value.save_as(tmp_path / "figure")
    assert (tmp_path / "figure").read_bytes().startswith(b"<svg" if kind == "svg" else b"\x89PNG")


def test_hostile_text_is_shown_and_runs_nothing(open_page: Any) -> None:
    page = open_page("hostile").page
    page.locator("nav button[data-cell='all']").click()
    shown = "\n".join(page.locator("#pane-list .text").all_inner_texts())
    for text in factory.HOSTILE[:3]:
        assert text in shown
    assert "⟨U+202E⟩over⟨U+202C⟩" in shown
    page.locator("path.point").first.hover()
    page.locator("path.point").last.click()
    page.wait_for_timeout(200)
    assert page.evaluate("window.pwned") is None
    assert page.locator("img, iframe, #pane script").count() == 0


def test_a_tooltip_says_the_figure(open_page: Any) -> None:
    page = open_page("clean").page
    page.locator("path.point").first.hover()
    page.wait_for_selector("#tip:not([hidden])")
    assert "interval 14.7 to 40.3, n = 120" in page.locator("#tip").inner_text()


def test_turning_a_phone_lays_the_panels_out_anew(open_page: Any) -> None:
    page = open_page("clean", 390, 844).page
    assert page.locator("#figure-1").get_attribute("data-layout").startswith("1×")
    page.set_viewport_size({"width": 844, "height": 390})
    page.wait_for_function("() => document.querySelector('#figure-1').dataset.layout.startsWith('2×')")


@pytest.mark.parametrize("kind", ["csv", "tex"])
def test_a_table_is_saved(open_page: Any, kind: str, tmp_path: Path) -> None:
    page = open_page("clean").page
    with page.expect_download() as download:
        page.locator(f"#shifts-1 button[data-table={kind}]").click()
    assert download.value.suggested_filename == f"shifts-1.{kind}"
    download.value.save_as(tmp_path / "table")
    text = (tmp_path / "table").read_text(encoding="utf-8")
    if kind == "csv":
        header, first, *_ = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
        assert header == ["Domain", "Leading logic", "NPM", "NPG"]
        assert first[:2] == ["All domains", "► NPG → NPM; poles differ; support 0.91, 0.85"]
        assert first[2].startswith("+17.3 [+8.3, +26.3] shift; in these passages [+14.3, +20.3]; no change for margins")
    else:
        assert "\\begin{tabular}" in text
        assert "$\\blacktriangleright$ NPG $\\rightarrow$ NPM; poles differ" in text
        assert "95 \\% interval" in text
        rows = [line for line in text.splitlines() if line.endswith("\\\\")]
        assert {line.count(" & ") for line in rows} == {3}


def test_a_saved_table_runs_nothing(open_page: Any, tmp_path: Path) -> None:
    page = open_page("hostile").page
    page.evaluate("document.querySelector('#shifts-1 tbody th').textContent = '=HYPERLINK(\"x\") \\\\input{x} & 5%'")
    for kind, expected in (
        ("csv", "\"'=HYPERLINK("),
        ("tex", '=HYPERLINK("x") \\textbackslash{}input\\{x\\} \\& 5\\%'),
    ):
        with page.expect_download() as download:
            page.locator(f"#shifts-1 button[data-table={kind}]").click()
        download.value.save_as(tmp_path / kind)
        assert expected in (tmp_path / kind).read_text(encoding="utf-8")


def test_a_table_is_copied_for_a_word_processor(open_page: Any) -> None:
    page = open_page("hostile").page
    page.evaluate("window.addEventListener('copy', (e) => { window.copied = e.clipboardData.getData('text/html'); })")
    page.locator("#findings-1 button[data-table=html]").click()
    copied = page.evaluate("window.copied")
    assert copied.count("<tr>") == page.locator("#findings-1 tr").count()
    assert "border-top:1.5pt solid" in copied
    assert "<img" not in copied
    assert "<script" not in copied


def test_a_passage_is_marked_in_its_context(open_page: Any) -> None:
    page = open_page("clean").page
    page.locator("path.point").first.click()
    entry = page.locator("#pane-list > li").nth(1)
    said = entry.locator(".text").inner_text()
    entry.locator("button", has_text="In context").click()
    assert entry.locator("mark").inner_text() == said
    assert entry.locator(".around").count() in (1, 2)
    entry.locator("button", has_text="Alone").click()
    assert entry.locator("mark, .around").count() == 0


@pytest.mark.parametrize("where", ["#shifts-1 td button", "#parts-1 td button", "#actors-1 td small button",
                                   "#findings-1 td.relation button.link", "#parts-1 td[data-label=Voice] button",
                                   "#compared-table td button", "#agenda-1 td[data-label=Other] button"])  # fmt: skip
def test_every_new_cell_opens_its_passages(open_page: Any, where: str) -> None:
    page = open_page("clean").page
    page.locator(where).first.click()
    assert page.locator("#pane-list > li").count() > 0
    assert page.locator("#pane-summary").inner_text()


def test_a_change_point_opens_its_passages(open_page: Any) -> None:
    page = open_page("dated").page
    # A line has no width but its stroke's, so that Playwright takes it for invisible: pressed where a reader would.
    box = page.locator("#figure-1 line.point").first.evaluate(
        "line => { line.scrollIntoView({block: 'center'}); const b = line.getBoundingClientRect();"
        " return [b.x + b.width / 2, b.y + b.height / 2]; }"
    )
    page.mouse.click(*box)
    assert page.locator("#pane-title").inner_text() == "NPM, around 2017-01"
    listed = page.locator("#pane-list > li").count()
    page.locator("#breaks-1 td[data-label=p] button").click()
    assert page.locator("#pane-list > li").count() == listed > 0
