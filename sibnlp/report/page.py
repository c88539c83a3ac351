"""What makes a page strict: escaped data, inlined scripts and styles named by hash, nothing from the network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_TITLE = 90
"""Letters of the title in the running head."""

_TEMPLATES = Path(__file__).parent / "templates"
# Inside a script element only these can end it, open a comment state, or end a JavaScript line.
_ESCAPES = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})


def source_hash(text: str) -> str:
    """A Content-Security-Policy source for an inlined script or style."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def policy(scripts: list[str], styles: list[str]) -> str:
    """The page's Content-Security-Policy: only these very scripts and styles, and nothing else at all.

    vega-embed lives with it: `ast` keeps it from compiling expressions, `defaultStyle: false` from adding a style
    element, and the SVG renderer sets styles through the object model, which the policy does not restrict.
    """
    return "; ".join(
        [
            "default-src 'none'",
            "script-src " + " ".join(map(source_hash, scripts)),
            "style-src " + " ".join(map(source_hash, styles)),
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _inline(tag: str, text: str) -> Markup:
    """Our own script or style as an element. Its text may not be able to end the element."""
    from markupsafe import Markup

    if re.search(rf"</{tag}|<!--|<script", text, re.IGNORECASE):
        raise ValueError(f"a {tag} to be inlined holds text that ends or hides it")
    return Markup(f"<{tag}>") + Markup(text) + Markup(f"</{tag}>")


def data(value: Any) -> Markup:
    """Data as the text of a ``<script type="application/json">`` element: JSON that cannot end it."""
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_ESCAPES))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def running(title: str) -> str:
    r"""Style of the page's margins in print: what it is above, number and count of pages below.

    The title enters as a CSS string with every sign but letters and digits escaped, so that it stays one.

    >>> running('a"}').split("content: ")[1].splitlines()[0]
    '"a\\22 \\7d ";'
    """
    short = title if len(title) <= _TITLE else f"{title[:_TITLE].rstrip()} …"
    # White space of any kind would end the string or be collapsed.
    text = "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in " ".join(short.split()))
    font = "font: 7.5pt system-ui, 'Liberation Sans', sans-serif; color: #5f5f5f;"
    return (
        f'@page {{\n@top-left {{ content: "{text}";\n{font} }}\n'
        f'@bottom-right {{ content: counter(page) " / " counter(pages); {font} }}\n}}\n'
        "@page :first { @top-left { content: none; } }"
    )


def build(template: str, view: Mapping[str, Any], embedded: Any, scripts: tuple[str, ...]) -> str:
    """Fill a template.

    Args:
        template: file in the templates folder.
        view: what it shows, everything formatted.
        embedded: data for the script, JSON-able.
        scripts: texts of the scripts, in order; the style is ``report.css``.

    Returns:
        One self-contained HTML document.
    """
    from markupsafe import Markup

    # A carriage return would be normalised by the browser before it hashes.
    texts = [text.replace("\r\n", "\n").replace("\r", "\n") for text in scripts]
    styles = [asset("report.css"), running(view["title"])]
    return _environment().get_template(template).render(
        view=view,
        policy=policy(texts, styles),
        style=Markup().join(_inline("style", style) for style in styles),
        scripts=[_inline("script", text) for text in texts],
        data=data(embedded),
    )  # fmt: skip


@cache
def asset(name: str) -> str:
    """Text of a file in the templates folder."""
    return (_TEMPLATES / name).read_text(encoding="utf-8")
