"""The page as text: what it may run and fetch, that nothing of the data is markup, that the view arrives."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys

import lxml.html
import pytest

from sibnlp.report import page, render, view
from sibnlp.report.evaluation import render_evaluation
from tests.report import factory


@pytest.fixture(scope="module", params=["report", "evaluation"])
def hostile(request: pytest.FixtureRequest) -> str:
    return render(factory.report()) if request.param == "report" else render_evaluation(factory.evaluation())


@pytest.fixture(scope="module")
def clean() -> str:
    return render(factory.report(hostile=False))


def elements(html: str, tag: str) -> list[tuple[str, str]]:
    """Attributes and text of every element as a browser's tokenizer would see them."""
    return re.findall(rf"<{tag}\b([^>]*)>(.*?)</{tag}\s*>", html, re.DOTALL | re.IGNORECASE)


def directives(html: str) -> dict[str, list[str]]:
    content = lxml.html.fromstring(html).xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert len(content) == 1
    return {name: sources for name, *sources in (part.split() for part in content[0].split(";"))}


def test_policy_names_exactly_the_inlined_scripts_and_styles(hostile: str) -> None:
    def digests(tag: str) -> list[str]:
        texts = [text for attributes, text in elements(hostile, tag) if "application/json" not in attributes]
        return ["'sha256-" + base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() + "'" for t in texts]

    policy = directives(hostile)
    assert policy == {
        "default-src": ["'none'"],
        "script-src": digests("script"),
        "style-src": digests("style"),
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    assert len(policy["script-src"]) == 4
    assert "unsafe" not in str(policy)


def test_the_policy_comes_before_anything_it_rules(hostile: str) -> None:
    assert hostile.index("Content-Security-Policy") < min(hostile.index("<style"), hostile.index("<script"))


def test_nothing_of_the_data_is_markup(hostile: str) -> None:
    tree = lxml.html.fromstring(hostile)
    assert len(tree.xpath("//script")) == 5
    assert not tree.xpath("//img | //iframe | //object | //embed | //link | //base | //form")
    assert tree.xpath("//meta/@http-equiv") == ["Content-Security-Policy"]
    attributes = {name for element in tree.iter() if isinstance(element.tag, str) for name in element.attrib}
    assert not {name for name in attributes if name.startswith("on") or name in ("style", "src", "srcset", "action")}
    # Outside the scripts there is no trace of the payloads as tags.
    for payload in ("<script>window", "<img", "<svg/onload", '" onmouseover="'):
        assert payload not in re.sub(r"<script>.*?</script>", "", hostile, flags=re.DOTALL)


def test_hostile_text_is_still_there_to_read(hostile: str) -> None:
    assert "</script><script>window.pwned=1</script>" in lxml.html.fromstring(hostile).xpath("//h1")[0].text_content()


def test_direction_controls_and_surrogates_never_reach_the_page(hostile: str) -> None:
    body = re.sub(r"<script>.*?</script>", "", hostile, flags=re.DOTALL)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x07\ud800-\udfff\u2028\u2029]", body)
    assert "⟨U+202E⟩" in body
    hostile.encode()


def test_no_address_leads_to_a_network(hostile: str) -> None:
    tree = lxml.html.fromstring(hostile)
    assert all(href.startswith("#") for href in tree.xpath("//@href"))
    style = tree.xpath("//style")[0].text
    assert "url(" not in style
    assert "@import" not in style


def test_ids_are_unique_and_links_lead_somewhere(hostile: str) -> None:
    tree = lxml.html.fromstring(hostile)
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert {href[1:] for href in tree.xpath("//@href")} <= set(ids)
    references = tree.xpath("//@aria-labelledby")
    assert set(references) <= set(ids)


def test_the_data_arrives_as_it_left() -> None:
    report = factory.report()
    html = render(report)
    text = lxml.html.fromstring(html).xpath("//script[@id='report-data']")[0].text
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == json.loads(json.dumps(view.build(report)[1]))


def test_json_that_tries_to_leave_its_element() -> None:
    evil = {"a</script>": "<!-- & \u2028 \u2029 ]]>"}
    written = str(page.data(evil))
    assert json.loads(written) == evil
    assert not re.search("[<>&\u2028\u2029]", written)
    with pytest.raises(ValueError, match="not JSON compliant"):
        page.data(float("nan"))


def test_a_script_that_ends_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="ends or hides"):
        page._inline("script", "let a = '</SCRIPT>'")


def test_tables_are_tables(hostile: str) -> None:
    tree = lxml.html.fromstring(hostile)
    assert tree.xpath("/html/@lang") == ["en"]
    for table in tree.xpath("//table"):
        assert len(table.xpath("./caption")) == 1
        assert all(scope in ("col", "row", "rowgroup") for scope in table.xpath(".//th/@scope"))
        assert len(table.xpath(".//th")) == len(table.xpath(".//th/@scope"))


def test_the_findings_table_says_what_the_view_says(clean: str) -> None:
    shown, _ = view.build(factory.report(hostile=False))
    tree = lxml.html.fromstring(clean)
    for section in (*shown["sections"], *shown["documents"]):
        rows = tree.xpath(f"//table[@id='findings-{section['number']}']//tr[@class='group']/th")
        assert [row.text_content() for row in rows] == [domain["name"] for domain in section["findings"]]
        buttons = tree.xpath(f"//table[@id='findings-{section['number']}']//td[@class='num']/button[@aria-label]")
        shares = [s for d in section["findings"] for r in d["rows"] for s in r["shares"] if s["cell"] is not None]
        assert [b.text for b in buttons] == [s["estimate"] for s in shares]
        assert [b.get("data-cell") for b in buttons] == [str(s["cell"]) for s in shares]


def test_the_page_reads_as_expected(clean: str) -> None:
    tree = lxml.html.fromstring(clean)
    words = " ".join(" ".join(tree.xpath("//main")[0].itertext()).split())
    for expected in (
        "The Ways to Wellbeing bond Stage 3 rests on four interviews only. 1 file could not be read: see files",
        "Corrected . 36 of 72 figures: corrected by error rates measured on codings from this corpus.",
        "All domains ► NPG → NPM poles differ support 0.91, 0.85 +17.3 points: show the passages of both periods "
        "[+8.3, +26.3] shift in these passages [+14.3, +20.3] no change for margins from ×1.8 on undone by 5.0 points "
        "more false positives in one period 6 of 8 weights × quantifiers agree pacc, corrected −17.3 points",
        "Development 120 5 sources 5 speakers 27.5 14.7–40.3 count, uncorrected 35.0 21.3–48.7 corpus 30.4–39.6 pacc, "
        "corrected Co-existing NPG leads · support 0.84 Both present: NPM and NPG, neither moving the other. 4 "
        "passages with both, 3.2 expected by chance (p 0.41) Marked: in tension 3 2 for 1 against",
        "In tension tentative",
        "None established nearest: segregating",
        "Before believing a change, rule out that the instrument changed: The mix of transcripts differs",
        "Ada provider neither leads",
        "interviews/broken.docx the file is cut short",
        "3 tracked deletions (first: the old)",
        "Codebook osborne structure 1f0c…, wording 88ab…",
    ):
        assert expected in words


def test_the_same_report_gives_the_same_page(clean: str) -> None:
    assert render(factory.report(hostile=False)) == clean


def test_sizes_stay_sane(clean: str) -> None:
    assert len(clean.encode()) < 1_500_000


def test_importing_the_report_imports_nothing_heavy() -> None:
    code = "import sys, sibnlp.report, sibnlp.report.evaluation, sibnlp.report.view; " \
        "print([m for m in ('altair', 'vl_convert', 'jinja2', 'pandas', 'sklearn') if m in sys.modules])"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
