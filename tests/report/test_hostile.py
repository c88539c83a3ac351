"""Every kind of page made from a study in which every name is an attack: nothing runs, leaves or misleads."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lxml.html
import pytest

from tests.parsing.test_cells import cells_of, runs
from tests.report import hostile
from tests.report.test_browser import Watched, browser
from tests.report.test_html import directives

__all__ = ["browser"]  # a fixture, which pytest finds by its name
PAGES = ("drift", "run", "evaluation", "agreement")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return hostile.study(tmp_path_factory.mktemp("hostile"))


@pytest.fixture
def open_page(browser: Any, pages: dict[str, Path]) -> Iterator[Any]:
    opened: list[Watched] = []

    def open_(name: str, width: int = 1280) -> Watched:
        opened.append(Watched(browser, pages[name], width, 800))
        return opened[-1]

    yield open_
    for watched in opened:
        ran = watched.page.evaluate("window.pwned")
        asked = [url for url in watched.asked if not url.startswith("blob:")]
        watched.context.close()
        assert ran is None and watched.wrong == []
        # The only request is the page itself.
        assert len(asked) == 1 and asked[0].startswith("file:")


def outside_scripts(html: str) -> str:
    return re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)


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
@pytest.mark.parametrize("width", [1280, 390])
def test_in_a_browser_nothing_runs_leaves_or_overflows(open_page: Any, name: str, width: int) -> None:
    page = open_page(name, width).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("img, iframe, object, embed, link").count() == 0
    assert "⟨U+202E⟩" in page.locator("body").inner_text()


@pytest.mark.parametrize("name", ["drift", "run"])
def test_whatever_is_pressed_runs_nothing(open_page: Any, name: str) -> None:
    page = open_page(name).page
    page.locator("nav button[data-cell='all']").click()
    for select in ("#by-speaker", "#by-role", "#by-document"):
        for value in page.locator(f"{select} option").all()[:3]:
            page.locator(select).select_option(value.get_attribute("value"))
    page.locator("path.point").first.hover()
    page.locator("path.point").last.click()
    for button in page.locator("#pane-list button").all()[:6]:
        button.click()
    shown = page.locator("#pane-list").inner_text()
    assert "⟨U+202E⟩" in shown or "window.pwned" in shown
    assert page.locator("#pane img, #pane script, #pane iframe").count() == 0


@pytest.mark.parametrize("name", ["drift", "run"])
def test_saved_tables_run_nothing(open_page: Any, name: str, tmp_path: Path) -> None:
    page = open_page(name).page
    page.evaluate("window.addEventListener('copy', (e) => { window.copied = ['plain', 'html'].map((kind) => "
                  "e.clipboardData.getData(`text/${kind}`)); })")  # fmt: skip
    for number, button in enumerate(page.locator("button[data-table=csv]").all()):
        with page.expect_download() as download:
            button.click()
        download.value.save_as(tmp_path / f"{number}.csv")
        cells = cells_of(tmp_path / f"{number}.csv")
        assert cells and not [c for c in cells if runs(c) and not re.match(r"[+-]\d[\d.]*[\s;][^=|!(@]*$", c)]
    button = page.locator("button[data-table=html]").last
    button.click()
    plain, html = page.evaluate("window.copied")
    assert not [cell for row in plain.split("\n") for cell in row.split("\t") if re.match(r"[=@]|[+-](?!\d)", cell)]
    tree = lxml.html.fromstring(html)
    assert not tree.xpath("//img | //script | //iframe")
    assert all(
        "mso-number-format" in one.get("style") for one in tree.xpath("//td | //th") if one.text_content()[:1] == "="
    )


def test_tables_beside_the_report_run_nothing(pages: dict[str, Path]) -> None:
    folder = pages["run"].parent
    assert not [cell for cell in cells_of(folder / "predictions.csv") if runs(cell)]
    json.loads((folder / "trajectory.json").read_text(encoding="utf-8"))
    rows = list(csv.reader(io.StringIO((folder / "predictions.csv").read_text(encoding="utf-8-sig"), newline="")))
    assert any("'=" in cell or cell.startswith("'") for cell in rows[0]), "a code that begins with = is a column"


def test_messages_hold_no_control_of_the_terminal(tmp_path: Path) -> None:
    from tests.cli.shell import sibnlp

    (tmp_path / "a\x1b[31m\u202eb.docx").write_bytes(b"PK\x03\x04")
    done = sibnlp("segment", tmp_path, "-o", "-")
    assert done.code in (1, 2)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", done.err)
    assert "⟨U+001B⟩[31m⟨U+202E⟩b.docx" in done.err
