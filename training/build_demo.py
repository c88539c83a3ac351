"""Build the demo case: ``corpora/demo/source`` and ``plan.json`` → the files of ``corpora/demo/case``.

Also writes ``case/metadata.csv``, ``case/project.toml`` and ``truth.json``. Same input, same bytes. The codings are put
together by ``training.demo_corpus.assemble``.

Usage: ``python training/build_demo.py [--out FOLDER]``
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "corpora" / "demo"


def main() -> None:
    """Build everything into the demo folder, or another one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to (default: corpora/demo)")
    out: Path = parser.parse_args().out
    from training.demo_files import formats, source, tables, truth

    plan, sources = source.load(FOLDER, formats.LABELS)
    case = out / "case"
    case.mkdir(parents=True, exist_ok=True)
    wanted = {one.file for one in sources} | {"metadata.csv", "project.toml"}
    for path in case.iterdir():
        if path.is_file() and path.name not in wanted:
            path.unlink()
    for one in sources:
        data = formats.WRITERS[one.id](one)
        (case / one.file).write_bytes(data)
        print(f"{len(data):>8,}  {one.file}")
    (case / "metadata.csv").write_text(tables.metadata(plan, sources), encoding="utf-8")
    (case / "project.toml").write_text(tables.project(plan, sources), encoding="utf-8")
    found = json.dumps(truth.truth(plan, sources), indent=1, ensure_ascii=False)
    (out / "truth.json").write_text(found + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
