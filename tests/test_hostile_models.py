"""Model folders and project files from strangers: nothing in them is executed, followed or believed."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sibnlp import codebook, corpus, project, readers
from sibnlp.errors import CodebookError, ModelError, ProjectError, ReadError
from sibnlp.manifest import Manifest, fingerprints
from sibnlp.model import load_model
from sibnlp.wordpieces import Network
from tests.cli.shell import sibnlp
from tests.test_model import edit, folder, model

__all__ = ["folder", "model"]  # fixtures, which pytest finds by their names
TINY = Path(__file__).parent / "classifiers" / "tiny_encoder"


class Bomb:
    """Writes a file where somebody unpickles it."""

    def __init__(self, sign: Path) -> None:
        self.sign = sign

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.system, (f"touch {self.sign}",)


def listed(place: Path, *names: str) -> None:
    """List files in the manifest as they are: whoever made the folder made the checksums too."""
    edit(place, lambda m: m["files"].update(fingerprints(place, names)))


@pytest.mark.parametrize("name", ["head.pkl", "model.joblib", "weights.bin", "weights.pt", "x.npy", "setup.py", "x.so"])
def test_kinds_that_can_hold_code_are_refused_though_listed(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    listed(folder, name)
    with pytest.raises(ModelError, match="of a kind that can hold code"):
        load_model(folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["head.safetensors", "head.json", "vocabulary.json"])
def test_a_pickle_under_another_name_is_not_run(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    listed(folder, name)
    with pytest.raises(ModelError, match="cannot be read as linear"):
        load_model(folder)
    assert not (tmp_path / "ran").exists()


def safetensors(header: bytes, body: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + body


@pytest.mark.parametrize(
    "raw",
    [
        safetensors(b"{}", length=2**63),
        safetensors(b"{}", length=10**6),
        safetensors(b"{}", length=0),
        safetensors(b'{"a":{"dtype":"F64","shape":[4],"data_offsets":[0,32]}}', b"short"),
        safetensors(b'{"a":{"dtype":"F64","shape":[-1],"data_offsets":[0,8]}}', b"8" * 8),
        safetensors(b'{"a":{"dtype":"F64","shape":[9223372036854775807,9],"data_offsets":[0,8]}}', b"8" * 8),
        safetensors(b'{"a":{"dtype":"F64","shape":[1],"data_offsets":[8,0]}}', b"8" * 8),
        safetensors(b'{"a":{"dtype":"O","shape":[1],"data_offsets":[0,8]}}', b"8" * 8),
        safetensors(b'{"a":' * 5000),
        b"",
        b"\0" * 7,
    ],
)
def test_weights_with_a_header_that_lies(folder: Path, raw: bytes) -> None:
    (folder / "head.safetensors").write_bytes(raw)
    listed(folder, "head.safetensors")
    with pytest.raises(ModelError, match="cannot be read as linear"):
        load_model(folder)


@pytest.mark.parametrize("name", ["head.json", "vocabulary.json"])
@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "1" * 5000, "null", "[]", '"x"'])
def test_tables_that_are_none(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    listed(folder, name)
    with pytest.raises(ModelError, match="cannot be read as linear"):
        load_model(folder)


def test_a_table_of_two_gigabytes_is_refused_unread(folder: Path) -> None:
    for name in ("vocabulary.json", "manifest.json"):
        with (folder / name).open("r+b") as file:
            file.truncate(2 * 1024**3)
        with pytest.raises(ModelError, match=f"{name}: is longer than 256 MB"):
            load_model(folder)


def test_links_and_pipes_are_refused_and_never_waited_for(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (folder / "sub").symlink_to(tmp_path / "secret")
    with pytest.raises(ModelError, match="sub: is a symbolic link"):
        load_model(folder)
    (folder / "sub").unlink()
    os.mkfifo(folder / "pipe.json")
    edit(folder, lambda m: m["files"].update({"pipe.json": {"sha256": "0" * 64, "bytes": 0}}))
    with pytest.raises(ModelError, match=r"pipe\.json: is no regular file"):
        load_model(folder)
    (folder / "pipe.json").unlink()
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")
    with pytest.raises(ModelError, match=r"manifest\.json: is no regular file|is not a model folder"):
        load_model(folder)


# ONNX networks, byte by byte: what is under test must not need the package that writes them.


def field(number: int, value: int | str | bytes) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def network(node: bytes, initializer: bytes = b"", opset: bytes = b"") -> bytes:
    """A network from ``input_ids`` [n, t] to ``out`` [n, 1]."""

    def value(name: str, kind: int, dims: tuple[str, str | int]) -> bytes:
        shape = b"".join(field(1, field(2, dim) if isinstance(dim, str) else field(1, dim)) for dim in dims)
        return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))

    graph = field(1, node) + field(2, "g") + initializer
    graph += field(11, value("input_ids", 7, ("n", "t"))) + field(12, value("out", 1, ("n", 1)))
    return field(1, 8) + field(8, field(1, "") + field(2, 17)) + opset + field(7, graph)


IDENTITY = field(1, "w") + field(2, "out") + field(4, "Identity")


def external(location: str) -> bytes:
    entry = field(1, "location") + field(2, location)
    return field(5, field(1, 1) + field(1, 1) + field(2, 1) + field(8, "w") + field(13, entry) + field(14, 1))


def encoder(place: Path, raw: bytes, tokenizer: str | None = None) -> Path:
    """A model folder with this network, every checksum right."""
    shutil.copytree(TINY, place)
    (place / "model.onnx").write_bytes(raw)
    if tokenizer is not None:
        (place / "tokenizer.json").write_text(tokenizer)
    codes = tuple(json.loads((place / "head.json").read_text())["codes"])
    family = {"id": "f", "multiple": True, "requires": "", "codes": list(codes)}
    book = {"id": "b", "structure": "0" * 16, "wording": "0" * 16}
    calibration = {code: {"slope": 1.0, "intercept": 0.0} for code in codes}
    files = fingerprints(place, ["head.json", "model.onnx", "tokenizer.json"])
    Manifest("m", "encoder", "0.1.0", "2026-01-01", codes, (family,), (book,), dict.fromkeys(codes, 0.5), calibration,
             {}, 1, files=files).write(place)  # fmt: skip
    return place


def test_the_folder_that_the_tests_below_damage_is_sound(tmp_path: Path) -> None:
    assert load_model(encoder(tmp_path / "m", (TINY / "model.onnx").read_bytes())).name == "m"


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "head.json", "weights"])
def test_a_network_with_weights_in_another_file_is_refused(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret").write_bytes(np.float32(42).tobytes())
    with pytest.raises(ModelError, match="keeps weights in another file"):
        load_model(encoder(tmp_path / "m", network(IDENTITY, external(location))))


def test_a_network_with_an_operator_of_its_own_is_refused(tmp_path: Path) -> None:
    node = field(1, "input_ids") + field(2, "out") + field(4, "Run") + field(7, "evil")
    raw = network(node, opset=field(8, field(1, "evil") + field(2, 1)))
    with pytest.raises(ModelError, match="cannot be read as encoder"):
        load_model(encoder(tmp_path / "m", raw))


@pytest.mark.parametrize("raw", [b"", b"\x08", b"junk" * 100, field(7, b""), field(7, b"\xff" * 50), varint(2**70)])
def test_a_network_that_is_none(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(ModelError, match="cannot be read as encoder"):
        load_model(encoder(tmp_path / "m", raw))


@pytest.mark.parametrize("text", ["[" * 500_000, '{"model":' * 200_000, "{}", "null", '{"model": {"type": "Evil"}}'])
def test_a_tokeniser_that_is_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(ModelError, match="cannot be read as encoder"):
        load_model(encoder(tmp_path / "m", (TINY / "model.onnx").read_bytes(), text))
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the library calls it, it comes back
        Network((TINY / "model.onnx").read_bytes(), text, 16)


# Project files and codebooks


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "{x=" * 5000,
        "a." * 5000 + "b = 1",
        "[segment]\nmax_words = " + "9" * 5000,
        "[segment]\nmax_words = 1e400",
        "[drift]\nlevel = nan",
        "[drift]\nmargin = -inf",
        "[segment]\nmax_words = true",
        "[documents]\nfolder = 1979-05-27\ninclude = 3",
        "[documents]\nfolder = []",
        '"__class__" = 1',
        '[documents."__init__"]\nx = 1',
        "title = {}",
        "[[title]]",
        "[model]\ncodebooks = [[[]]]",
        "stage = [1, 2]",
        "[[stage]]\nid = {a = 1}",
        "[[stage]]\nid = '1'\nstart = 07:32:00",
    ],
)
def test_values_of_strange_types_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "project.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError) as caught:
        project.load(tmp_path / "project.toml")
    assert "project.toml" in str(caught.value)
    (tmp_path / "book.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CodebookError) as refused:
        codebook.load(tmp_path / "book.toml")
    assert "book.toml" in str(refused.value)


def test_no_value_is_evaluated(tmp_path: Path) -> None:
    attack = "{0.__class__.__init__.__globals__} %(x)s ${HOME} `id` $(id) {{7*7}} !!python/object/apply:os.system"
    (tmp_path / "project.toml").write_text(f"title = '{attack}'\n[documents]\nfolder = '$HOME'\n", encoding="utf-8")
    found = project.load(tmp_path / "project.toml")
    assert (found.title, found.documents.folder) == (attack, "$HOME")


def test_links_out_of_a_folder_of_documents_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("The secret of this machine, in many words.", encoding="utf-8")
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "good.txt").write_text("They dock us if the form is late.", encoding="utf-8")
    (folder / "stray.txt").symlink_to(secret)
    (folder / "deep" / "inside.txt").symlink_to(folder / "good.txt")
    done = sibnlp("segment", folder, "-o", "-")
    assert done.code == 1
    assert "secret of this machine" not in done.out and done.out.count("dock us") == 2
    assert "stray.txt: is a link to a file outside its folder" in done.err
    (folder / "stray.csv").symlink_to(tmp_path / "secret.csv")
    (tmp_path / "secret.csv").write_text("id,text\n1,The secret of this machine\n", encoding="utf-8")
    done = sibnlp("classify", folder, "-o", tmp_path / "p.jsonl")
    assert done.code == 1 and done.err.count("is a link to a file outside its folder") == 2
    coded = (tmp_path / "p.jsonl").read_text(encoding="utf-8")
    assert "secret of this machine" not in coded and coded.count("dock us") == 2
    # A file that is named itself is the user's own choice, and a linked folder is the folder.
    assert "secret of this machine" in sibnlp("segment", folder / "stray.txt", "-o", "-").out
    (tmp_path / "linked").symlink_to(folder)
    assert "dock us" in sibnlp("segment", tmp_path / "linked", "-o", "-").out


def test_pipes_and_devices_are_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "zero.txt").symlink_to("/dev/zero")
    for name in ("pipe.txt", "zero.txt"):
        with pytest.raises(ReadError, match="is no regular file"):
            readers.read(tmp_path / name)
    assert [one.path.name for one in corpus._in_folder(tmp_path, ("**/*",), ())] == []
