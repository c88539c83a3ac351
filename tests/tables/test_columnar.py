"""Reading by column gives what reading by row gives, and leaves to it whatever is out of the ordinary."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sibnlp import columns, tables
from sibnlp.errors import ReadError, TableError
from sibnlp.tables import columnar, text_columns
from sibnlp.types import Passage, Predictions

# Everything that `str.split` takes for white space, and some that it does not.
TEXT = "One\ttwo\u00a0three \u2003four\x1cfive\u3000six\u2028seven’s\u200bend \x0b\x0c(8)\u1680nine\x85ten\u202f\u205f "


def made(n: int = 7) -> Predictions:
    texts = [TEXT, "plain words", "CR\r\nand\rLF", " padded ", "é", "“quoted”", "x"]
    passages = tuple(
        Passage(
            f"p {i}", f"d{i // 3}", 10 * i, 10 * i + 5, texts[i % 7],
            speaker=["Ann", None, "Bob"][i % 3], actor=["Ann Lee", None, None][i % 3], role="chair" if i % 2 else None,
            stage=str(i % 2 + 1), date=["2015", "2016-03", "2016-03-02"][i % 3], kind="interview",
            context="Why?\nAnd how?" if i % 2 else "", heading="", page=i if i % 2 else None,
            time=None if i % 2 else "00:01:02", extra=(("sector", "east" if i % 2 else None), ("Note", f"n{i % 2}")),
        )
        for i in range(n)
    )  # fmt: skip
    rng = np.random.default_rng(5)
    scores = np.round(rng.random((n, 3)), 4).astype(np.float32)
    return Predictions(passages, ("NPM", "NPG", "glad"), scores, scores > 0.5, "m")


def write(path: Path, predictions: Predictions) -> Path:
    tables.write(tables.prediction_rows(predictions), path)
    return path


def by_row(path: Path, monkeypatch: pytest.MonkeyPatch) -> Predictions:
    monkeypatch.setattr(columnar, "read", lambda path: None)
    return tables.read_predictions(path)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_both_ways_read_the_same(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = made()
    abstained = np.zeros_like(wanted.assigned)
    abstained[0] = ~wanted.assigned[0]
    path = write(tmp_path / f"p.{suffix}", replace(wanted, abstained=abstained))
    monkeypatch.setattr(columnar, "BATCH", 3)
    monkeypatch.setattr(text_columns, "BATCH", 3)
    found = columnar.read(path)
    assert found is not None
    rows = by_row(path, monkeypatch)
    assert tuple(found.passages) == rows.passages
    assert (found.codes, found.model) == (rows.codes, rows.model)
    assert rows.abstained is not None
    for name in ("probabilities", "assigned", "abstained"):
        assert np.array_equal(getattr(found, name), getattr(rows, name)), name
    assert columns.n_words(found.passages).tolist() == [len(p.text.split()) for p in rows.passages]
    for fields in (("document",), ("document", "speaker", "actor"), ("actor",), ("stage", "date"), ("extra.sector",),
                   ("extra.nobody",)):  # fmt: skip
        one, other = columns.grouped(found.passages, *fields), columns.grouped(rows.passages, *fields)
        assert [part.tolist() for part in one] == [part.tolist() for part in other], fields
    assert list(columns.ids(found.passages)) == list(columns.ids(rows.passages))
    assert columns.extra_names(found.passages) == columns.extra_names(rows.passages)
    assert columns.filled(found.passages, "context").tolist() == columns.filled(rows.passages, "context").tolist()
    assert [part.tolist() for part in columns.spans(found.passages)] == [
        part.tolist() for part in columns.spans(rows.passages)
    ]
    some = np.array([5, 0, 3])
    assert tuple(columns.taken(found.passages, some)) == tuple(columns.taken(rows.passages, some))
    part = columns.taken(columns.taken(found.passages, some), np.array([2, 0]))
    assert [p.id for p in part] == ["p 3", "p 5"]
    assert columns.grouped(part, "document")[0].tolist() == [0, 0]
    assert columns.n_words(part).tolist() == [len(rows.passages[i].text.split()) for i in (3, 5)]
    for passages in (found.passages, part):
        number = np.arange(len(passages)) % 2
        assert [one.stage for one in columns.restaged(passages, number, (None, "late"))] == [
            "late" if i else None for i in number.tolist()
        ]
    assert tuple(columns.restaged(rows.passages, np.zeros(7, dtype=np.int64), ("x",))) == tuple(
        columns.restaged(found.passages, np.zeros(7, dtype=np.int64), ("x",))
    )
    assert columns.of_documents(found.passages, {"d1"}).tolist() == columns.of_documents(rows.passages, {"d1"}).tolist()
    one, other = columns.subset(found, some), columns.subset(rows, some)
    for name in ("probabilities", "assigned", "abstained"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
        assert getattr(one, name).flags.f_contiguous
    assert columns.documents(found.passages) == {"d0", "d1", "d2"}


def test_a_table_is_a_sequence(tmp_path: Path) -> None:
    found = columnar.read(write(tmp_path / "p.parquet", made()))
    assert found is not None
    table = found.passages
    assert (len(table), table[-1].id, [p.id for p in table[1:3]]) == (7, "p 6", ["p 1", "p 2"])
    with pytest.raises(IndexError):
        table[7]
    assert found.codes_of(0) == made().codes_of(0)


FIELDS = [
    ("document",), ("actor", "speaker"), ("role", "extra.sector"), ("date", "stage", "kind", "time"),
    ("context", "heading"), ("extra.Note", "extra.none"), ("page", "document"), ("text",), (),
]  # fmt: skip


@pytest.mark.parametrize("fields", FIELDS)
def test_outlines_hold_what_is_looked_at(tmp_path: Path, fields: tuple[str, ...]) -> None:
    """What others of a passage are is nobody's business; of a part of a table, too."""
    path = write(tmp_path / "p.parquet", made(40))
    whole = tables.read_predictions(path).passages
    rows = [3, 0, 39, 3]

    def seen(passage: Passage) -> list[object]:
        extra = dict(passage.extra)
        return [extra.get(f.removeprefix("extra.")) if f.startswith("extra.") else getattr(passage, f) for f in fields]

    for passages, own in ((whole, rows), (columns.taken(whole, np.arange(39, 9, -1)), [0, 5, 29])):
        assert isinstance(passages, columns.Columnar)
        found = list(columns.outlines(passages, own, fields))
        assert [seen(one) for one in found] == [seen(passages[row]) for row in own]
        assert list(columns.outlines(list(passages), own, fields)) == [passages[row] for row in own]


def changed(path: Path, **columns: Any) -> Path:
    """The table with columns replaced, added, or (None) left out."""
    table = pq.read_table(path)
    for name, values in columns.items():
        if name in table.column_names:
            table = table.drop_columns(name)
        if values is not None:
            table = table.append_column(name, values if isinstance(values, pa.Array) else pa.array(values))
    pq.write_table(table, path)
    return path


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ({"start": [0, 1, 2, 3, 4, 5, 9], "end": [0, 2, 3, 4, 5, 6, 10]}, "span"),
        ({"date": ["2015", "soon", *["2016"] * 5]}, "soon"),
        ({"model": ["a", "b", *["a"] * 5]}, "several models"),
        ({"scores": pa.array([[("NPM", 1.5)]] * 7, pa.map_(pa.string(), pa.float32()))}, r"outside \[0, 1\]"),
        ({"Text": ["x"] * 7}, "two columns named text"),
    ],
)
def test_a_fault_is_named_as_ever(tmp_path: Path, columns: dict[str, Any], error: str) -> None:
    path = changed(write(tmp_path / "p.parquet", made()), **columns)
    with pytest.raises((TableError, ReadError), match=error):
        tables.read_predictions(path)


@pytest.mark.parametrize(
    "columns",
    [
        {"text": ["a", "  ", *["b"] * 5]},
        {"id": [f"own{i}" for i in range(7)]},
        {"coder": ["Ann"] * 7},
        {"passage": None},
        {
            "scores": pa.array(
                [[("NPM", 0.5)], [("NPG", 0.5)], *[[("NPM", 0.5)]] * 5], pa.map_(pa.string(), pa.float32())
            )
        },
    ],
)
def test_what_is_out_of_the_ordinary_is_read_by_row(tmp_path: Path, columns: dict[str, Any]) -> None:
    path = changed(write(tmp_path / "p.parquet", made()), **columns)
    assert columnar.read(path) is None
    assert len(tables.read_predictions(path)) in (6, 7)


def test_words_are_counted_from_slices_too() -> None:
    texts = ["", " ", "a", "a b", TEXT, "\u2003", "ends ", "é\u00a0x", "z"]
    for kind in (pa.string(), pa.large_string()):
        array = pa.array(texts, kind)
        assert columnar.n_words(array).tolist() == [len(text.split()) for text in texts]
        assert columnar.n_words(array[3:7]).tolist() == [len(text.split()) for text in texts[3:7]]
        assert columnar.n_words(array[:0]).tolist() == []
