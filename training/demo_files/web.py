"""Web pages: the strategy on a government's site, and a transcript on a firm's wiki."""

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
_WIKI_TOP = """<!DOCTYPE html>
<html>
<head>
<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">
<title>{title} - Field notes - ODA Wiki</title>
<link rel="stylesheet" href="wiki_files/site.css">
</head>
<body id="wiki" class="theme-default">
<div id="header" role="banner"><a href="/">Oakes Delaney Advisory Wiki</a>
<form class="search-form" action="/search"><input type="text" name="q" value=""><button>Search</button></form></div>
<ol id="breadcrumbs"><li><a href="/dash">Dashboard</a></li><li><a href="/ns">Projects</a></li>
<li><a href="/ns/014">NS-014</a></li><li><a href="/ns/014/field">Field notes</a></li></ol>
<div id="main" role="main">
<h1 id="title-text">{title}</h1>
<div class="page-metadata">Created by <a href="/~gd">Projects desk</a>, last edited by <a href="/~ad">Amit Desai</a> on
Aug&nbsp;29,&nbsp;2014 (view&nbsp;change)</div>
<div class="toc"><ul><li><a href="#where">Where and when</a></li><li><a href="#transcript">Transcript</a></li>
<li><a href="#attachments">Attachments</a></li></ul></div>
<div class="wiki-content">
<h2 id="where">{heading}</h2>
<a name="transcript"></a>
"""
_WIKI_BOTTOM = """</div>
</div>
<div id="footer"><div class="helpful"><p>Was this page helpful?</p><button>Yes</button> <button>No</button></div>
<ul><li><a href="/legal">Terms of use</a></li><li><a href="/bug">Report a problem</a></li></ul>
<p>No attachments. Printed from the wiki of Oakes Delaney Advisory.</p></div>
</body>
</html>
"""


def page(source: Source) -> bytes:
    """The strategy, with navigation, a cookie banner, breadcrumbs and notices of other things around it."""
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


def wiki(source: Source) -> bytes:
    """A page of a wiki, saved: breadcrumbs, who changed it last, a table of contents, names in bold, a poll below."""
    title, *headings = source.headings
    parts = [_WIKI_TOP.format(title=_escaped(title), heading=_escaped(" ".join(headings)))]
    for label, text, _ in source.spoken():
        name = f'<span class="speaker"><b>{_escaped(label)}:</b></span>'
        parts.append(f"<p>{name}&nbsp;{_escaped(text)}</p>\n")
    return "".join([*parts, _WIKI_BOTTOM]).encode()


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
