"""A typist's OpenDocument text: names in bold, notes in brackets, curly quotation marks, accents."""

from __future__ import annotations

import datetime
import io
from typing import Any

import odfdo

from training.demo_files import mess
from training.demo_files.mess import curly
from training.demo_files.package import fixed
from training.demo_files.source import Source


def transcript(source: Source) -> bytes:
    """One paragraph a turn, the name in bold."""
    document = odfdo.Document("text")
    body: Any = document.body
    body.clear()
    document.insert_style(odfdo.Style("text", name="Name", bold=True))
    for heading in source.headings:
        body.append(odfdo.Header(2, curly(heading)))
    for label, text, record in source.spoken():
        paragraph = odfdo.Paragraph(f"{label}: {curly(mess.noted(source.id, record.beat, text))}")
        paragraph.set_span("Name", offset=0, length=len(label) + 1)
        body.append(paragraph)
    meta: Any = document.meta
    written = datetime.datetime.fromisoformat(source.plan["date"]) + datetime.timedelta(days=5, hours=9)
    meta.set_creation_date(written)
    meta.set_modification_date(written)
    meta.set_generator("OpenOffice.org/3.4$Win32")
    out = io.BytesIO()
    document.save(out)
    return fixed(out.getvalue())
