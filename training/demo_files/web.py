"""The strategy as a page of a government's site: navigation, cookies, breadcrumbs, notices of other things."""

from __future__ import annotations

import html
from itertools import pairwise

from training.demo_files.mess import curly
from training.demo_files.source import Record, Source

_TAGS = {"heading": "h2", "paragraph": "p", "list_item": "li"}
_TOP = """<!DOCTYPE html>
<html lang="en-CA">
<head>
<meta charset="utf-8">
<title>{title} | Department of Public Safety and Return</title>
<style>body {{ font-family: sans-serif }} .cookie-banner {{ position: fixed; bottom: 0 }}</style>
<script>window.dataLayer = window.dataLayer || [];</script>
</head>
<body>
<div class="cookie-banner" role="dialog" aria-label="Cookies">
<p>We use cookies to count visits to this site. You may accept them or choose which to keep.</p>
<button>Accept all</button> <button>Settings</button>
</div>
<header>
<nav aria-label="Main"><ul>
<li><a href="/">Home</a></li><li><a href="/courts">Courts</a></li><li><a href="/licences">Licences</a></li>
<li><a href="/return">Return</a></li><li><a href="/fr">Français</a></li>
</ul></nav>
</header>
<ol class="breadcrumbs"><li><a href="/">Home</a></li><li><a href="/return">Return</a></li><li>Strategy</li></ol>
<main>
<article>
<h1>{title}</h1>
<ul class="share-buttons"><li><a href="#">Share</a></li><li><a href="#">Print</a></li></ul>
<img src="map.png" alt="Map of the Province with five towns marked by dots">
"""
_BOTTOM = """<img src="nora-bea.jpg" alt="A wooden boat on a slipway, leaning">
</article>
</main>
<aside class="sidebar">
<h3>Notices</h3>
<ul>
<li><a href="/n/881">Highway 3: culvert closed until Thursday</a></li>
<li><a href="/n/879">Dog tags: renew before 1 July</a></li>
<li><a href="/n/874">Ferry timetable, summer</a></li>
</ul>
</aside>
<footer><p>© Department of Public Safety and Return. Last changed 2022-05-20.</p>
<p><a href="/privacy">Privacy</a> <a href="/contact">Contact</a></p></footer>
</body>
</html>
"""


def page(source: Source) -> bytes:
    """The page."""
    title, *records = source.records
    parts = [_TOP.format(title=_escaped(title.text))]
    before = Record("", "")
    for record in [*records, Record("", "")]:
        for kind, tag in (("list_item", "ul"), ("table_row", "table")):
            if (before.kind == kind) != (record.kind == kind):
                parts.append(f"<{'/' * (before.kind == kind)}{tag}>\n")
        parts.append(_element(record, header=before.kind != "table_row"))
        before = record
    return "".join([*parts, _BOTTOM]).encode()


def _element(record: Record, header: bool) -> str:
    if record.kind == "table_row":
        cell = "th" if header else "td"
        cells = "".join(f"<{cell}>{_escaped(text.strip())}</{cell}>" for text in record.text.split("|"))
        return f"<tr>{cells}</tr>\n"
    tag = _TAGS.get(record.kind)
    return f"<{tag}>{_escaped(record.text)}</{tag}>\n" if tag else ""


def _escaped(text: str) -> str:
    """Escaped; figures cling to what they count, as the site's editor has it."""
    words = html.escape(curly(text), quote=False).split(" ")
    joined = words[0]
    for left, right in pairwise(words):
        joined += ("&nbsp;" if left.isdigit() and right[:1].islower() else " ") + right
    return joined
