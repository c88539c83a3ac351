"""What a screen reader is told: Chromium's accessibility tree of the report, before and after a press."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Any


def tree(page: Any) -> dict[str, list[dict[str, Any]]]:
    """Nodes that are exposed, by role: their name, description and properties."""
    session = page.context.new_cdp_session(page)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for node in session.send("Accessibility.getFullAXTree")["nodes"]:
        if not node["ignored"]:
            facts = {one["name"]: one["value"].get("value") for one in node.get("properties", [])}
            said = {key: node.get(key, {}).get("value", "") for key in ("name", "description")}
            found[node["role"]["value"]].append({**said, **facts})
    return found


def test_a_report_is_told_in_order_and_a_press_says_what_it_opened(open_page: Any) -> None:
    page = open_page("clean").page
    told = tree(page)
    # Figures are named; the picture in each says where the same numbers stand as a table; points say theirs.
    assert len({one["name"] for one in told["figure"]}) == len(told["figure"]) == page.locator(".chart").count()
    assert all(one["name"] for one in told["figure"])
    assert len(told["graphics-document"]) == len(told["figure"])
    assert all("table" in one["name"] for one in told["graphics-document"])
    points = [one["name"] for one in told["button"] if "%, " in one["name"] and ", n = " in one["name"]]
    assert len(points) == page.locator(".point").count()
    # Tables are named by their captions, without the buttons that stand in them, and have headers.
    assert len(told["table"]) > 10
    assert all(one["name"] and "Copy for Word" not in one["name"] for one in told["table"])
    bare = (
        "ts => ts.filter(t => !t.tHead.querySelector('th[scope=col]') || !t.querySelector('tbody th')).map(t => t.id)"
    )
    assert page.locator("main table").evaluate_all(bare) == []
    # One main, one contents; regions are told apart by name; headings go down one step at a time from a single first.
    assert len(told["main"]) == len(told["navigation"]) == 1
    regions = [one["name"] for one in told["region"]]
    assert all(regions)
    assert len(set(regions)) == len(regions)
    levels = [one["level"] for one in told["heading"]]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    # A press moves to the heading of what it opened, which is read with the figure and how many are listed.
    page.locator("path.point[aria-label^='NPG, All domains, Development: 35.0%']").first.click()
    told = tree(page)
    (focused,) = [one for one in told["heading"] if one.get("focused")]
    assert focused["name"] == "NPG, Development"
    assert "42 of 120 passages" in focused["description"]
    assert focused["description"].endswith("42 passages listed.")
    (status,) = told["status"]
    assert status["live"] == "polite"
    assert len(told["complementary"]) == 1


def test_a_press_opens_the_nearest_point_though_another_lies_over_it(open_page: Any) -> None:
    page = open_page("clean").page
    found = page.evaluate("""() => {
      for (const p of document.querySelectorAll("path.point")) {
        p.scrollIntoView({ block: "center", behavior: "instant" });
        const b = p.getBoundingClientRect(), x = b.x + b.width / 2, y = b.y + b.height / 2;
        const top = document.elementFromPoint(x, y);
        if (top && top !== p && top.matches("path.point")) return [x, y, p.getAttribute("aria-label")];
      }
    }""")
    assert found, "no two points overlap: this page tests nothing"
    page.mouse.click(*found[:2])
    label = page.evaluate("document.querySelector('path.point.open').getAttribute('aria-label')")
    assert label.rpartition(":")[0] == found[2].rpartition(":")[0]
