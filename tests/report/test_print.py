"""The report on paper: what was asked for, in a sensible length, with running heads and page numbers."""

from __future__ import annotations

import io
from typing import Any

import pypdfium2

from sibnlp.report.page import running
from tests.report import factory


def printed(page: Any) -> list[str]:
    """Text of each page of the PDF that the browser prints."""
    page.wait_for_function("document.documentElement.dataset.paper === 'yes'")
    document = pypdfium2.PdfDocument(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    return [sheet.get_textpage().get_text_bounded().replace("\r\n", "\n") for sheet in document]


def test_pages_have_their_numbers_and_the_title_above_them(open_page: Any) -> None:
    pages = printed(open_page("clean").page)
    assert all(f"{i} / {len(pages)}" in text for i, text in enumerate(pages, 1))
    assert all("The Ways to Wellbeing bond" in text.split("\n")[0] for text in pages[1:])


def test_evidence_is_collapsed_to_the_appendix(open_page: Any) -> None:
    page = open_page("clean").page
    short = printed(page)
    quoted = "They come every quarter"
    appendix = next(i for i, text in enumerate(short) if "Appendix: exemplars" in text)
    assert not any(quoted in text for text in short[:appendix])
    assert any(quoted in text for text in short[appendix:])
    # Three sections of 24, 48 and 24 cells with everything about them, and the appendix.
    assert len(short) <= 16
    page.locator("#print-quotes").check()
    assert len(printed(page)) > len(short)


def test_the_passages_that_are_open_are_printed_at_the_end(open_page: Any) -> None:
    page = open_page("long").page
    page.locator("#findings-1 td.num button").first.click()
    assert page.locator("#pane-list > li").count() == 100
    pages = printed(page)
    start = next(i for i, text in enumerate(pages) if "All passages, Development" in text)
    assert "Provenance" in "".join(pages[:start])
    assert page.locator("#pane-list > li").count() == 500
    assert "Show 100 more" not in "".join(pages)
    page.keyboard.press("Escape")
    assert len(printed(page)) == start


def test_figures_are_laid_out_for_the_sheet(open_page: Any) -> None:
    page = open_page("clean").page
    page.wait_for_function("document.documentElement.dataset.paper === 'yes'")
    assert page.locator(".paper").count() == page.locator(".chart").count()
    page.emulate_media(media="print")
    assert page.locator("#figure-1").is_hidden()
    assert page.locator("#figure-1 + .paper svg").is_visible()
    assert page.locator(".paper .point").count() == 0


def test_a_hostile_title_stays_a_title(open_page: Any) -> None:
    style = running(factory.HOSTILE[0] + '"; } * { display: none } @page { content: "')
    assert style.count('"') == 4
    assert style.count("{") == style.count("}") == 5
    pages = printed(open_page("hostile").page)
    assert "The Ways to Wellbeing bond</script>" in pages[1].split("\n")[0]
