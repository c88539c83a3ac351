"""Whether everybody can use the page: axe-core on every page, and colours that colour-blind readers tell apart."""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sibnlp.report import charts
from tests.conftest import ROOT
from tests.report.conftest import DRAWN

# axe-core (Deque, MPL-2.0) is used and not kept: npm fetches it into build/, which git ignores.
AXE = "axe-core-4.14.1"
INTEGRITY = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@functools.cache
def axe() -> str:
    """The script of axe-core, fetched once; skipped with its reason where there is no npm or no registry."""
    folder = ROOT / "build" / "axe"
    packed = folder / f"{AXE}.tgz"
    if not packed.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed: axe-core cannot be fetched (apt install npm)")
        folder.mkdir(parents=True, exist_ok=True)
        name, _, version = AXE.rpartition("-")
        done = subprocess.run([str(npm), "pack", f"{name}@{version}"], cwd=folder, capture_output=True, text=True,
                              timeout=120, check=False)  # fmt: skip
        if not packed.exists():
            pytest.skip(f"npm could not fetch {AXE}: {done.stderr.strip()[-200:]}")
    digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    assert f"sha512-{digest}" == INTEGRITY, f"{packed} is not the {AXE} that was looked at"
    with tarfile.open(packed) as archive:
        member = archive.extractfile("package/axe.min.js")
        assert member is not None
        return member.read().decode()


def violations(page: Any) -> list[str]:
    """What axe-core finds wrong, a line each."""
    found = page.evaluate(
        # A caption says that it is one where rows are blocks: it may not, says HTML, but nobody is misled by it.
        "async (tags) => (await axe.run(document, { runOnly: { type: 'tag', values: tags },"
        " rules: { 'aria-allowed-role': { enabled: innerWidth > 620 } } })).violations"
        ".map((v) => `${v.id}: ${v.help} (${v.nodes.length}: ${v.nodes[0].html.slice(0, 200)})`)",
        WCAG,
    )
    return list(found)


@pytest.mark.parametrize("name", ["clean", "monthly", "evaluation"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(browser: Any, folder: Path, name: str, width: int) -> None:
    # The page's own policy keeps axe out, as it keeps out everything.
    context = browser.new_context(viewport={"width": width, "height": 800}, bypass_csp=True)
    page = context.new_page()
    page.set_default_timeout(180_000)
    try:
        page.goto((folder / f"{name}.html").as_uri())
        page.wait_for_function(DRAWN)
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        page.evaluate(axe())
        assert violations(page) == []
        if name != "evaluation":
            page.locator("#findings-1 td.num button").first.click()
            assert violations(page) == []
    finally:
        context.close()


def test_the_page_is_walked_in_order_by_keyboard(open_page: Any) -> None:
    """Skip link, contents, figure as one stop, buttons; into the list, and back to where it was opened."""
    page = open_page("clean").page
    stops = []
    for _ in range(14):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(
            "(e => e.classList.contains('skip') ? 'skip' : e.id || e.getAttribute('href') || e.tagName.toLowerCase())"
            "(document.activeElement)"))  # fmt: skip
    assert stops[0] == "skip"
    assert stops.index("#compared") < stops.index("#section-1") < stops.index("#provenance") < stops.index("print")
    figures = page.locator(".chart").count()
    assert page.locator(".chart [tabindex='0']").count() == figures


def linear(colour: str) -> np.ndarray:
    """A colour ``#rrggbb`` as linear RGB."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


# Machado, Oliveira & Fernandes (2009, IEEE TVCG 15), severity 1.0; rows of the published matrices, over linear RGB.
SEEN = {
    "all cones": np.eye(3),
    "no red cones": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                              [-0.003882, -0.048116, 1.051998]]),
    "no green cones": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                                [-0.011820, 0.042940, 0.968881]]),
}  # fmt: skip


def lab(rgb: np.ndarray) -> np.ndarray:
    """Linear RGB as CIE L*a*b* (D65)."""
    xyz = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                    [0.0193339, 0.1191920, 0.9503041]]) @ np.clip(rgb, 0, 1)  # fmt: skip
    t = xyz / np.array([0.95047, 1.0, 1.08883])
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_lab_of_known_colours() -> None:
    """White and sRGB red as everybody gives them: L*a*b* 100, 0, 0 and 53.24, 80.09, 67.20 (Lindbloom)."""
    assert lab(linear("#ffffff")) == pytest.approx([100, 0, 0], abs=0.02)
    assert lab(linear("#ff0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.05)


@pytest.mark.parametrize("eyes", SEEN)
@pytest.mark.parametrize("codes", [("NPM", "NPG"), ("NPM", "PVM"), ("NPM", "NPG", "PVM"), ("NPM", "a", "b", "c", "d")])
def test_logics_are_told_apart_without_red_or_green_cones(eyes: str, codes: tuple[str, ...]) -> None:
    looks = charts.styles(codes)
    for one, other in itertools.combinations(looks.values(), 2):
        apart = np.linalg.norm(lab(SEEN[eyes] @ linear(one["colour"])) - lab(SEEN[eyes] @ linear(other["colour"])))
        # Ten is clearly two colours side by side; lines and points differ in dash and shape as well, for greys.
        assert apart >= 10, (eyes, one["colour"], other["colour"], apart)
        assert one["shape"] != other["shape"]
        assert one["dash"] != other["dash"]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.2 (1 to 21)."""
    light, dark = sorted((float(np.array([0.2126, 0.7152, 0.0722]) @ linear(c)) for c in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_what_stands_in_figures_is_dark_enough() -> None:
    """Axe cannot see through an SVG: text in figures needs 4.5, lines 3 (WCAG 2.2, 1.4.3 and 1.4.11)."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    looks = charts.styles(("NPM", "a", "b", "c", "d")).values()
    colours = [charts.INK, charts.MUTED, *(look["colour"] for look in looks)]
    assert all(contrast(colour, "#ffffff") >= 4.5 for colour in colours)
