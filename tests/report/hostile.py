"""A study in which every name is an attack: codes, families, actors, roles, stages, files, coders, titles, texts.

Made through the commands, from files on disk to the three kinds of page, as a stranger's project would come in.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from tests.cli.shell import sibnlp

SCRIPT = "</script><script>window.pwned=1</script>"
IMAGE = '<img src=x onerror="window.pwned=1">'
ATTRIBUTE = "\"onmouseover='window.pwned=1'><svg/onload=window.pwned=1>"
TEMPLATE = "{{7*7}}{%raw%}${window.pwned=1}`]]><!--"
BIDI = "\u202eevil\u202c\u2066ride\u2069\u202dx\u202c"
CONTROLS = "\x00\x07\x1b\u2028\u2029"
LONG = "W" * 600
FORMULA = '=HYPERLINK("http://127.0.0.1:9/","x")'
FETCH = "<link rel=stylesheet href=//127.0.0.1:9/x><iframe src=http://127.0.0.1:9/></iframe>url(http://127.0.0.1:9/y)"
ATTACKS = (SCRIPT, IMAGE, ATTRIBUTE, TEMPLATE, BIDI, CONTROLS, LONG, FORMULA, FETCH)
# An id holds no white space, comma or semicolon.
CODES = (f"NPM{ATTRIBUTE}", f"NPG{BIDI}{TEMPLATE}", f"=D1{SCRIPT}", f"D2{'W' * 300}")
STAGES = (f"1{IMAGE}", f"2{BIDI}", f"3{FETCH}")
ACTORS = (f"Ann{SCRIPT}", f"Ben{BIDI}", f"Cem{LONG}", f"={IMAGE}", f"Eve{TEMPLATE}", f"Fay{ATTRIBUTE}")
CODERS = (f"MK{IMAGE}", f"={BIDI}{SCRIPT}")
_TALK = (
    ("They dock the payment when the target is missed and the contract says so in every quarter.", (0, 2)),
    ("We sat down together and the trust between the partners carried the learning on for years.", (1, 3)),
    ("The inspector counts the cases and the market sets the price that the provider is paid.", (0,)),
    ("Nobody owned it alone and the network decided together what good would look like.", (1, 2)),
    ("It rained on the day of the fair and the boiler went again that winter.", ()),
)


def quoted(text: str) -> str:
    """A TOML string; the format has no half pairs."""
    return json.dumps(text, ensure_ascii=True)


def codebook(path: Path) -> Path:
    """A codebook whose every free text is hostile."""
    poison = quoted("".join(ATTACKS))
    lines = [f'id = "hostile"\nname = {poison}\nversion = {poison}\ndescription = {poison}\nsource = {poison}']
    lines += [
        f'[[families]]\nid = "{family}"\nname = {poison}\ndescription = {poison}\nmultiple = true'
        for family in ("logic", "domain")
    ]
    for number, code in enumerate(CODES):
        lines.append(
            f"[[codes]]\nid = {quoted(code)}\nname = {quoted(code + ATTACKS[number])}\ndefinition = {poison}\n"
            f'include = [{poison}]\nsource = {poison}\nfamily = "{"logic" if number < 2 else "domain"}"'
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def codings(path: Path, coder: str, seed: int) -> Path:
    """Codings by one coder; another seed makes another opinion now and then."""
    rng, opinion = random.Random(1), random.Random(seed)
    rows = []
    for number in range(120):
        words, codes = _TALK[rng.randrange(len(_TALK))]
        actor = ACTORS[number % len(ACTORS)]
        given = [CODES[one] for one in codes if opinion.random() > 0.1]
        rows.append({
            "id": f"r{number}{IMAGE}", "text": f"{words} {ATTACKS[number % 9]} {number}",
            "codes": given, "coder": coder, "document": f"doc{number % 12}{SCRIPT}{BIDI}.txt", "actor": actor,
            "speaker": actor, "role": f"role{ATTACKS[number % 3]}", "stage": STAGES[number % 3], "heading": IMAGE,
            "context": SCRIPT, "kind": "interview", f"<b>{IMAGE}": SCRIPT,
        })  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def study(folder: Path) -> dict[str, Path]:
    """Make the pages.

    Returns:
        Where each is: ``drift``, ``run``, ``evaluation``, ``agreement``.
    """
    book = codebook(folder / "hostile.toml")
    coded = codings(folder / "coded.jsonl", CODERS[0], 1)
    other = codings(folder / "other.jsonl", CODERS[1], 2)
    model = folder / f"m{IMAGE.replace('/', '')}"
    said = [
        sibnlp("train", coded, "-o", model, "--codebook", book, "--recipe", "linear"),
        sibnlp("drift", coded, "-o", folder / "drift", "--codebook", book, "--title", "".join(ATTACKS[:5])),
        sibnlp("evaluate", model, coded, "-o", folder / "evaluation", "--codebook", book, "--by", "role"),
        sibnlp("agree", coded, other, "--codebook", book, "-o", folder / "agreement.json"),
        sibnlp("run", _project(folder, model, book), "-o", folder / "run"),
    ]
    for done in said:
        # The run has a file that cannot be read, with a hostile name.
        assert done.code in (0, 1), done.err
    return {
        "drift": folder / "drift/report.html", "evaluation": folder / "evaluation/report.html",
        "agreement": folder / "agreement.html", "run": folder / "run/report.html",
    }  # fmt: skip


def _project(folder: Path, model: Path, book: Path) -> Path:
    project = folder / "project"
    (project / "texts").mkdir(parents=True)
    rows = ["document,stage,actor,role,speaker"]
    for number in range(6):
        name = f"{number}<img src=x onerror=window.pwned=1>{BIDI}=1+1.txt"
        said = (f"{words} {ATTACKS[(number + at) % 5]}" for at, (words, _) in enumerate(_TALK))
        talk = "\n\n".join(f"Ben{IMAGE[:9]}: {one}" for one in said)
        (project / "texts" / name).write_text(talk.replace("\0", ""), encoding="utf-8")
        rows.append(f'"{name}",{number % 2},"{ACTORS[number].replace(chr(34), chr(34) * 2)}",<b>role</b>,')
    (project / "texts" / "broken<script>window.pwned=1<|script>.docx").write_bytes(b"PK\x03\x04")
    (project / "texts" / "metadata.csv").write_text("\n".join(rows).replace("\0", ""), encoding="utf-8")
    stages = "".join(f'[[stage]]\nid = "{n}"\nname = {quoted(STAGES[n])}\n' for n in (0, 1))
    (project / "project.toml").write_text(
        f"title = {quoted(''.join(ATTACKS))}\n[documents]\nfolder = \"texts\"\n{stages}[model]\nname = "
        f"{quoted(str(model))}\ncodebooks = [{quoted(str(book))}]\n", encoding="utf-8",
    )  # fmt: skip
    return project
