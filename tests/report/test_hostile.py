"""Every kind of page made from a study in which every name is an attack: nothing runs, leaves or misleads."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import lxml.html
import pytest

from tests.cli.shell import sibnlp
from tests.parsing.test_cells import cells_of, runs
from tests.report import hostile
from tests.report.conftest import Watched
from tests.report.test_html import directives

PAGES = ("drift", "run", "evaluation", "agreement")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return hostile.study(tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize("name", PAGES)
def test_the_fixture_reaches_the_page(pages: dict[str, Path], name: str) -> None:
    """Else the tests below would hold of a harmless page."""
    words = lxml.html.fromstring(pages[name].read_text(encoding="utf-8")).text_content()
    for attack in (hostile.SCRIPT, hostile.IMAGE, "⟨U+202E⟩evil"):
        assert attack in words, attack
    if name != "agreement":
        assert "{{7*7}}" in words and "window.pwned=1" in words


@pytest.mark.parametrize("name", PAGES)
def test_nothing_of_the_data_is_markup(pages: dict[str, Path], name: str) -> None:
    html = pages[name].read_text(encoding="utf-8")
    tree = lxml.html.fromstring(html)
    assert not tree.xpath("//img | //iframe | //object | //embed | //link | //base | //form | //svg")
    assert tree.xpath("//meta/@http-equiv") == ["Content-Security-Policy"]
    attributes = {key for element in tree.iter() if isinstance(element.tag, str) for key in element.attrib}
    assert not {key for key in attributes if key.startswith("on") or key in ("style", "src", "srcset", "action")}
    assert all(href.startswith("#") for href in tree.xpath("//@href"))
    policy = directives(html)
    assert policy["default-src"] == ["'none'"] and set(policy) == {
        "default-src", "script-src", "style-src", "base-uri", "form-action",
    }  # fmt: skip
    assert "unsafe" not in str(policy) and "http" not in str(policy)
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", PAGES)
def test_what_would_turn_or_hide_text_is_shown(pages: dict[str, Path], name: str) -> None:
    html = pages[name].read_text(encoding="utf-8")
    found = re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", html)
    assert found is None, ascii(html[found.start() - 80 : found.end() + 20])
    embedded = lxml.html.fromstring(html).xpath("//script[@id='report-data']")[0].text
    assert not re.search(r"\\u(202[a-e]|206[6-9]|00[01])", embedded), "escaped in the data, so shown by the script"


@pytest.mark.parametrize("name", PAGES)
def test_in_a_browser_nothing_runs_leaves_or_overflows(
    browser: Any, pages: dict[str, Path], name: str, tmp_path: Path
) -> None:
    watched = Watched(browser, pages[name], 1280, 800)
    page = watched.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert "⟨U+202E⟩" in page.locator("body").inner_text()
    if name in ("drift", "run"):
        _press(page)
    if name != "agreement":
        _save_tables(page, tmp_path)
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("img, iframe, object, embed, link").count() == 0
    assert page.evaluate("window.pwned") is None
    asked = [url for url in watched.asked if not url.startswith("blob:")]
    watched.context.close()
    assert watched.wrong == []
    # The only request is the page itself.
    assert len(asked) == 1 and asked[0].startswith("file:")


def _press(page: Any) -> None:
    """Open the passages, filter them, and press what each offers."""
    page.locator("nav button[data-cell='all']").click()
    for select in ("#by-speaker", "#by-role", "#by-document"):
        if page.locator(select).is_disabled():
            continue  # there is nothing to choose from
        values = [option.get_attribute("value") for option in page.locator(f"{select} option").all()]
        page.locator(select).select_option(values[-1])
        page.locator(select).select_option(values[0])
    page.locator("path.point").first.hover()
    for button in page.locator("#pane-list button").all()[:4]:
        button.click()
    assert re.search(r"⟨U\+202E⟩|window\.pwned", page.locator("#pane-list").inner_text())
    page.locator("#pane-close").click()


def _save_tables(page: Any, folder: Path) -> None:
    """Save every table as CSV, copy one, and look for what a spreadsheet would run."""
    for number, button in enumerate(page.locator("button[data-table=csv]:visible").all()):
        with page.expect_download() as download:
            button.click()
        download.value.save_as(folder / f"{number}.csv")
        cells = cells_of(folder / f"{number}.csv")
        # A signed number with words behind it that call and refer to nothing is none of OWASP's.
        assert cells and not [c for c in cells if runs(c) and not re.match(r"[+-]\d[\d.]*[\s;][^=|!(@]*$", c)]
    page.evaluate(
        "window.addEventListener('copy', (e) => { window.copied = ['plain', 'html'].map((kind) => "
        "e.clipboardData.getData(`text/${kind}`)); })"
    )
    # As if a domain were called so: whatever stands in a cell.
    page.evaluate("document.querySelector('main tbody th').textContent = '=1+2'")
    page.locator("button[data-table=html]:visible").first.click()
    plain, html = page.evaluate("window.copied")
    assert "'=1+2" in plain
    copied = lxml.html.fromstring(html)
    assert not copied.xpath("//img | //script | //iframe")
    (cell,) = [one for one in copied.xpath("//td | //th") if one.text_content() == "=1+2"]
    assert "mso-number-format:'\\@'" in cell.get("style")


def test_tables_beside_the_report_run_nothing(pages: dict[str, Path]) -> None:
    folder = pages["run"].parent
    assert not [cell for cell in cells_of(folder / "predictions.csv") if runs(cell)]
    json.loads((folder / "trajectory.json").read_text(encoding="utf-8"))


def test_messages_hold_no_control_of_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m\u202eb.docx").write_bytes(b"PK\x03\x04")
    done = sibnlp("segment", tmp_path, "-o", "-")
    assert done.code in (1, 2)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", done.err)
    assert "⟨U+001B⟩[31m⟨U+202E⟩b.docx" in done.err
