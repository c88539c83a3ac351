"""Vega, Vega-Lite and vega-embed as one script to put into the page: nothing is fetched when it is opened."""

from __future__ import annotations

from functools import cache

# Only vegaEmbed is handed to the page; its view does the rest.
_SNIPPET = "window.vegaEmbed = vegaEmbed;"


@cache
def javascript() -> str:
    """The bundled libraries (about 900 kB), in the Vega-Lite version that Altair writes.

    Bundling takes some seconds, so a process does it once.
    """
    import altair
    import vl_convert

    # Altair says "v6.4.1", vl-convert lists "6.4".
    wanted = ".".join(altair.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    version = wanted if wanted in vl_convert.get_vegalite_versions() else None
    return str(vl_convert.javascript_bundle(_SNIPPET, vl_version=version))
