"""A browser to open reports in, from file://, with the pages that the tests look at."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sibnlp.report import render
from sibnlp.report.evaluation import render_evaluation
from tests.cli.shell import sibnlp
from tests.report import factory

CHROMIUM = Path(os.environ.get("SIBNLP_CHROMIUM", "/usr/bin/chromium"))
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
DRAWN = "() => [...document.querySelectorAll('.chart')].every(c => c.dataset.drawn === 'yes')"


def absent(reason: str) -> None:
    """Without what it names these tests cannot run: at home they are skipped, where they must run they fail."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright is not installed (pip install playwright)")
    if not CHROMIUM.exists():
        absent(f"{CHROMIUM} is not there (apt install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield started
        started.close()


class Watched:
    """A page that remembers what went wrong and what was asked of the network."""

    def __init__(self, browser: Any, path: Path, width: int, height: int) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        self.page = self.context.new_page()
        # A loaded machine may take a minute to draw what takes a second by itself.
        self.page.set_default_timeout(180_000)
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda m: self.wrong.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.wrong.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_function(DRAWN)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    pages = {
        "clean": render(factory.report(hostile=False)),
        "hostile": render(factory.report()),
        "monthly": render(factory.monthly()),
        "dated": render(factory.monthly(dated=True)),
        "long": render(factory.report(hostile=False, documents=False, n_per_interview=120)),
        "evaluation": render_evaluation(factory.evaluation()),
    }
    for name, html in pages.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    _agreement(folder)
    return folder


HOSTILE = "<img src=x onerror=window.pwned=1>"


def _agreement(folder: Path) -> None:
    """The page that ``sibnlp agree`` itself writes, of two people and a model, one of a hostile name."""
    codes = ["NPM", "PVM"]
    rows = [
        {"text": f"Passage {i}.", "id": f"d{i // 5}:{i}", "document": f"d{i // 5}", "coder": coder,
         "codes": [code for n, code in enumerate(codes) if (i + n * step) % 3 == 0]}
        for step, coder in enumerate((HOSTILE, "ben", "gov-fast"), 1) for i in range(60)
    ]  # fmt: skip
    path = folder / "codings.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = sibnlp("agree", path, "--resamples", 50, "-o", folder / "agreement.json")
    assert done.code == 0, done.err


@pytest.fixture
def open_page(browser: Any, folder: Path) -> Iterator[Any]:
    opened: list[Watched] = []

    def open_(name: str, width: int = 1280, height: int = 800) -> Watched:
        opened.append(Watched(browser, folder / f"{name}.html", width, height))
        return opened[-1]

    yield open_
    for watched in opened:
        asked = [url for url in watched.asked if not url.startswith(("file:", "blob:", "data:"))]
        watched.context.close()
        assert watched.wrong == []
        assert asked == []
