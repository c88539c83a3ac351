"""The mess of the files, by hand: what typists, recorders, scanners and offices did to the words.

Tables only; `training.demo_files.mess` applies them. Nothing here touches a word that decides a code. It all goes into
``truth.json``, where the tests look it up.
"""

from __future__ import annotations

from typing import NamedTuple

GRAHAM = "2014-05_goakes_interview-1"
MARGUERITE = "2014-06_mcomeau_interview-1"
NOREEN = "2022-03_ngillis_interview-2"
HANLON = "2016-03_phanlon_interview-1"
BUSINESS_CASE = "2014-04_business-case_paying-for-nights"
EVALUATION = "2022-02_evaluation_summary"
FORUM = "2018-11_forum-notes_variation"
RETURN = "2021-06_annual-report_year-five"
PRESS = "2016-06_press-release_clear-nights"
ODETTE = "2018-04_opyke_interview-1"


class Change(NamedTuple):
    """A tracked change in a turn.

    Attributes:
        beat: of the turn.
        inserted: words of the source that were put in later; empty for a mere deletion.
        deleted: words that are not in the source and must not be read.
        after: words of the source behind which a mere deletion stands.
    """

    beat: int
    inserted: str
    deleted: str = ""
    after: str = ""


# Eighteen marks: eight replacements (two of each), one insertion, one deletion. Beats 1 and 5 go easier on charities.
CHANGES: dict[str, tuple[Change, ...]] = {
    GRAHAM: (
        Change(0, "Two hours ten", "Three hours flat"),
        Change(1, "Lovely people, these charities, but they've been paid to mean well", "Passengers, your do-gooders"),
        Change(2, "a chap with a winch", "some pirate in a tow truck"),
        Change(3, "Amit, my junior", "a trainee"),
        Change(4, "sorry, present company, "),
        Change(5, "Some of them have had", "They've all been hoovering up"),
        Change(6, "lay about in it like otters", "splashed one another"),
        Change(8, "Father Leo hoped for", "The priest was lobbying for"),
        Change(9, "", "hopeless shower, ", "they'd run out of fathers, "),
        Change(12, "One lady", "Mme Comeau, naturally,"),
    ),
    NOREEN: (
        Change(2, ", with a line printed underneath to say so"),
        Change(3, ", in fairness to them"),
        Change(9, ", in his words"),
        Change(11, ", and I've someone to go round with the list"),
        Change(16, ", besides what I send upstairs"),
    ),
    # Legal Services puts hedges in and takes two jokes out.
    HANLON: (
        Change(1, "use reasonable endeavours to get it", "haul it up"),
        Change(
            2,
            "until such time as it has been rectified to the satisfaction of the Department",
            "till they've squared it",
        ),
        Change(3, "", " Best officer we had, that pudding.", "and the captain saluted it."),
        Change(4, "on a non-committal basis", "buttering them up"),
        Change(5, "in accordance with the applicable procedure", "like a light bulb"),
        Change(6, "In my personal opinion", "I've told the Director flat,"),
        Change(7, "may, at its sole discretion,", "can up and"),
        Change(13, "", " I've put him through to Claims.", "but I notice it's moved over to the other side."),
    ),
    BUSINESS_CASE: (
        Change(
            1,
            "",
            " One does not fly an aeroplane by counting the passengers.",
            "since it was nobody's business to ask.",
        ),
        Change(3, "", " (Pea.)", "will be run again by registered post."),
        Change(8, "", " Bring a peg for the nose.", "in the cupboard behind the chapel."),
    ),
}

# A comment in the margin: beat, the words it hangs on, who, what.
COMMENTS = {
    GRAHAM: (0, "Squash, 1996.", "Graham Oakes", "Anneke, might we lose the squash? My physio reads these things. G."),
    NOREEN: (3, "some fellow", "Communications Office", "Is this the Member? Please confirm before release."),
    HANLON: (
        7,
        "I'm easy anyhow.",
        "Legal Services",
        "Please confirm that Mr. Hanlon wishes to be quoted as easy.",
    ),
}

# What a machine or a typist heard, or a scanner saw: document → (beat, said, written). At most five a file.
HEARD: dict[str, tuple[tuple[int, str, str], ...]] = {
    "2018-05_wboudreau_interview-2": (
        (0, "goalie", "goal E"),
        (3, "short maul", "short mall"),
        (4, "lookoff", "look of"),
        (10, "d'Entremont", "don't remount"),
        (11, "Gross and Net", "gross and nut"),
    ),
    "2019-01_ngillis_interview-1": (
        (0, "merino", "marino"),
        (2, "Wawa, Kenora", "while wow can Nora"),
        (9, "Frelick's", "free licks"),
        (13, "Bayberry Court", "bay Barry cord"),
    ),
    "2020-10_bmacaskill_interview-2": (
        (0, "Clarence Himmelman", "Clearance Himmel man"),
        (7, "Kennebec", "Kenny back"),
        (9, "Cutler's Head", "cut less head"),
        (16, "novena", "no Venus"),
    ),
    "2021-04_hpenney_interview-2": (
        (4, "neaps", "knee apps"),
        (8, "adze", "ads"),
        (12, "board foot", "bored foot"),
        (14, "cradle", "cray dill"),
        (17, "halyards", "hall yards"),
    ),
    "2021-06_jtsang_interview-2": (
        (10, "Beatrix", "be a tricks"),
        (14, "Darrell knocks", "Daryl knocks"),
        (16, "Rodel", "row Dell"),
    ),
    "2022-09_wboudreau_interview-3": (
        (0, "rice cooker", "rise cooker"),
        (5, "flour down", "flower down"),
        (11, "engine box", "engine blocks"),
    ),
    # Slips of the scanner.
    "2016-07_scroft_interview-1": (
        (0, "stapler", "stap1er"),
        (3, "lower", "Iower"),
        (6, "planter", "p1anter"),
        (9, "lunches", "lunchcs"),
        (10, "clerk", "c1erk"),
    ),
    # Machines.
    "2019-03_lwhynot_interview-1": (
        (0, "mauve", "move"),
        (4, "Gravel", "Travel"),
        (6, "cots", "cats"),
        (12, "Accrual", "A cruel"),
        (13, "vest", "rest"),
    ),
    "2019-05_dsark_interview-2": (
        (0, "hymn card", "ham card"),
        (1, "clutch", "crutch"),
        (5, "a squiggle", "a squid"),
        (7, "the breakwater", "the bake water"),
        (15, "conducting", "and ducking"),
    ),
    "2020-08_lchiasson_interview-2": (
        (0, "dahlia tonic", "dally a tonic"),
        (4, "Thériault", "Terry Oh"),
        (8, "linoleum", "Napoleon"),
        (11, "mosquitoes", "Moscow tours"),
        (15, "altos", "autos"),
    ),
    "2021-10_fanwar_interview-2": (
        (0, "onions", "opinions"),
        (5, "cabbage", "carriage"),
        (8, "queue", "cue"),
        (14, "awning", "morning"),
    ),
    "2021-11_opyke_interview-2": (
        (1, "bollard", "ballad"),
        (3, "cardigan", "Cardigan Bay"),
        (6, "scone", "stone"),
        (15, "B flat", "be flat"),
    ),
    "2021-12_lwhynot_interview-2": (
        (5, "hole punch", "whole bunch"),
        (7, "wipers", "vipers"),
        (11, "slip", "sleep"),
        (15, "ribbon", "Robin"),
    ),
    "2022-06_dsark_interview-3": (
        (0, "undertaker's", "underwriter's"),
        (8, "Winston", "Wednesday"),
        (9, "Vaughan", "a phone"),
        (16, "Kid", "Kate"),
    ),
    # A volunteer's spelling of names.
    "2018-02_minutes_chowder-friday": (
        (0, "Dr. Anwar", "Dr. Annwar"),
        (1, "HP's crowd", "Hollace's crowd"),
        (5, "BM is going", "Bernadet is going"),
    ),
}

# The typist's notes, at the end of the turn of a beat.
NOTES: dict[str, dict[int, str]] = {
    MARGUERITE: {6: "[water, 4 sec.]", 9: "[someone on the stairs]", 12: "[telephone]", 17: "[drawer]"},
    "2014-12_lchiasson_interview-1": {
        0: "[telephone]",
        9: "[knocks on the skirting]",
        13: "[he sings]",
        16: "[shows with the poker]",
    },
    "2018-03_hpenney_interview-3": {4: "(saw running)", 9: "(saw running)", 14: "(saw running)"},
}
# In italics because they are French.
FRENCH = ("Mort.", "né au couvent, mort au travail", "Gérard Deux", "tutoie", "Râpure", "bûche", "boum", "Monsieur")
# Struck through: document → beat, the words before which it stands, what was struck.
STRUCK: dict[str, tuple[tuple[int, str, str], ...]] = {
    "2018-02_minutes_chowder-friday": ((0, "forty pounds of it", "fifty"), (6, "August", "July")),
    ODETTE: ((1, "roll", "role"), (5, "serviette", "napkin"), (8, "crossways", "sideways"), (13, "invoices", "voices")),
}

# Notes at the foot of a page: document → number of the record that is the note, of the one it hangs on (both from 1),
# words behind which its mark stands, the mark (empty where the program numbers). Readers give notes after the text.
FOOTNOTES: dict[str, dict[int, tuple[int, str, str]]] = {
    BUSINESS_CASE: {45: (43, "Release ledgers", "12"), 46: (43, "for the same six years.", "14")},
    EVALUATION: {
        4: (3, "It took nine months, one gearbox and a great deal of soup.", ""),
        30: (29, "we could find no effect of either on the other.", ""),
        36: (35, "has been counted once.", ""),
    },
}
# Number of the record that stands in a frame of its own.
FRAMED = {EVALUATION: 24}
# Words set in a box between two paragraphs, a second time: document → number of the record it stands behind, the words.
PULLED = {PRESS: (9, "Now there is one question, was he out or was he in.")}

# Captions: document → beats in which a word is cut in two between cues, the beat with a blank line in a cue; no codes.
CAPTIONS: dict[str, tuple[tuple[int, ...], int | None]] = {
    "2017-02_jtsang_interview-1": ((3, 4, 11, 12), 16),
    "2017-06_phanlon_interview-2": ((3, 7, 12), None),
    "2021-12_lwhynot_interview-2": ((), 5),
    "2022-06_dsark_interview-3": ((0, 14, 15), None),
    "2022-09_wboudreau_interview-3": ((), 12),
}

# Sticky notes, as (first record, last record, board, colours of the notes behind the board's title), records from 1;
# the rows that were left empty stand behind these records.
BOARDS = (
    (2, 8, "P", "white pink yellow yellow green white"),
    (9, 14, "1", "yellow yellow pink orange green"),
    (15, 19, "2", "yellow pink orange yellow"),
    (20, 26, "3", "pink pink yellow green orange white"),
    (27, 32, "4", "pink green blue pink orange"),
    (33, 37, "5", "yellow orange pink white"),
    (38, 42, "6", "yellow green pink white"),
    (43, 47, "L", "yellow white yellow pink"),
)
EMPTY_ROWS = (19, 37)
# The portal's form: record (from 1) → field, whether it must be filled in, its limit.
FIELDS = {
    2: ("A", "", ""),
    3: ("1", "Y", "40"),
    4: ("2", "Y", "60"),
    5: ("3", "Y", "60"),
    6: ("4", "Y", "list"),
    7: ("B", "", ""),
    8: ("5", "Y", "280"),
    9: ("6", "Y", "280"),
    10: ("C", "", ""),
    11: ("7", "Y", "280"),
    12: ("8", "Y", "500"),
    13: ("8", "Y", "500"),
    14: ("8", "Y", "500"),
    15: ("8", "Y", "500"),
    16: ("8", "Y", "500"),
    17: ("9", "Y", "280"),
    18: ("D", "", ""),
    19: ("10", "Y", "280"),
    20: ("11", "Y", "280"),
    21: ("E", "", ""),
    22: ("12", "N", "500"),
    23: ("13", "N", "500"),
    24: ("F", "", ""),
    25: ("14", "N", "500"),
    26: ("G", "", ""),
    27: ("15", "N", "500"),
    28: ("16", "N", "500"),
    29: ("H", "", ""),
    30: ("17", "Y", "500"),
    31: ("I", "", ""),
    32: ("19", "N", "280"),
}
# The box that stands behind record 30 and was left empty.
EMPTY_BOX = (30, ("18", "N", "280"))

# Who wrote a transcript down.
TRANSCRIBED = {
    "2014-05_goakes_interview-1": "typist",
    "2014-06_mcomeau_interview-1": "typist",
    "2014-08_adesai_interview-1": "typist",
    "2014-10_bmacaskill_interview-1": "typist",
    "2014-12_lchiasson_interview-1": "typist",
    "2015-03_hpenney_interview-1": "volunteer",
    "2015-05_dsark_interview-1": "typist",
    "2015-09_fanwar_interview-1": "volunteer",
    "2015-11_wboudreau_interview-1": "typist",
    "2016-03_phanlon_interview-1": "typist",
    "2016-07_scroft_interview-1": "typist",
    "2017-02_jtsang_interview-1": "recorder",
    "2017-04_bmacaskill_interview-3": "typist",
    "2017-06_phanlon_interview-2": "recorder",
    "2017-10_mcomeau_interview-2": "typist",
    "2018-03_hpenney_interview-3": "typist",
    "2018-04_opyke_interview-1": "typist",
    "2018-05_wboudreau_interview-2": "Zoom",
    "2019-01_ngillis_interview-1": "Otter",
    "2019-03_lwhynot_interview-1": "Zoom",
    "2019-05_dsark_interview-2": "Otter",
    "2020-08_lchiasson_interview-2": "Stream",
    "2020-10_bmacaskill_interview-2": "Stream",
    "2021-04_hpenney_interview-2": "Otter",
    "2021-06_jtsang_interview-2": "Teams",
    "2021-10_fanwar_interview-2": "Teams",
    "2021-11_opyke_interview-2": "Otter",
    "2021-12_lwhynot_interview-2": "Teams",
    "2022-03_ngillis_interview-2": "Teams",
    "2022-06_dsark_interview-3": "recorder",
    "2022-09_wboudreau_interview-3": "Teams",
}
MACHINES = ("recorder", "Zoom", "Otter", "Stream", "Teams")
