"""The files of the demo case: one module a family of formats, and the tables beside them.

Writers take a `source.Source` and return bytes; the same source gives the same bytes on every run.
"""
