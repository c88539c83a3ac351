"""Which writer makes which file, and how each file names its speakers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from training.demo_files import captions, opendocument, pdf, rtf, sheets, text, web, word, word_report
from training.demo_files.source import Labels, Source

WRITERS: dict[str, Callable[[Source], bytes]] = {
    "2014-04_business-case_paying-for-nights": word_report.report,
    "2014-05_goakes_interview-1": partial(word.tracked, author="Graham Oakes"),
    "2014-06_mcomeau_interview-1": opendocument.transcript,
    "2014-08_adesai_interview-1": web.wiki,
    "2014-10_bmacaskill_interview-1": rtf.transcript,
    "2014-12_lchiasson_interview-1": opendocument.transcript,
    "2015-03_hpenney_interview-1": text.typescript,
    "2015-05_dsark_interview-1": rtf.transcript,
    "2015-09_fanwar_interview-1": text.unicode,
    "2015-11_wboudreau_interview-1": word.two_columns,
    "2016-03_phanlon_interview-1": partial(word.tracked, author="Legal Services"),
    "2016-06_contract_outcomes-agreement": pdf.contract,
    "2016-06_press-release_clear-nights": rtf.release,
    "2016-07_scroft_interview-1": pdf.scanned,
    "2017-02_jtsang_interview-1": captions.srt,
    "2017-04_bmacaskill_interview-3": partial(pdf.printed, header="Clear Nights / oral material / BM"),
    "2017-06_phanlon_interview-2": captions.srt,
    "2017-10_mcomeau_interview-2": partial(pdf.printed, header="Interview 2 — confidential draft"),
    "2018-02_minutes_chowder-friday": text.minutes,
    "2018-03_hpenney_interview-3": partial(opendocument.transcript, soft_hyphens=True),
    "2018-04_opyke_interview-1": text.corrected,
    "2018-05_wboudreau_interview-2": captions.zoom,
    "2018-07_annual-report_year-two": pdf.report,
    "2018-11_forum-notes_variation": sheets.sticky_notes,
    "2019-01_ngillis_interview-1": text.otter,
    "2019-03_lwhynot_interview-1": captions.zoom,
    "2019-05_dsark_interview-2": text.otter,
    "2020-03_exit-letter_wharf-street": text.letter,
    "2020-08_lchiasson_interview-2": captions.stream,
    "2020-10_bmacaskill_interview-2": captions.stream,
    "2021-04_hpenney_interview-2": text.otter,
    "2021-06_annual-report_year-five": sheets.form,
    "2021-06_jtsang_interview-2": word.teams,
    "2021-10_fanwar_interview-2": word.teams,
    "2021-11_opyke_interview-2": text.otter,
    "2021-12_lwhynot_interview-2": captions.teams,
    "2022-02_evaluation_summary": opendocument.report,
    "2022-03_ngillis_interview-2": word.pasted,
    "2022-05_strategy_return-strategy-2022-27": web.page,
    "2022-06_dsark_interview-3": captions.srt,
    "2022-09_wboudreau_interview-3": captions.teams,
}

LABELS: dict[str, Labels] = {
    "2014-05_goakes_interview-1": Labels("AV", "Graham"),
    "2014-06_mcomeau_interview-1": Labels("Anneke", "Marguerite"),
    "2014-08_adesai_interview-1": Labels("Anneke", "Amit"),
    "2014-10_bmacaskill_interview-1": Labels("AV", "Mrs MacAskill"),
    "2014-12_lchiasson_interview-1": Labels("Anneke", "Father Leo"),
    "2015-03_hpenney_interview-1": Labels("AV", "HOLLIS"),
    "2015-05_dsark_interview-1": Labels("AV", "Darlene"),
    "2015-09_fanwar_interview-1": Labels("Q", "Dr Anwar"),
    "2015-11_wboudreau_interview-1": Labels("Anneke Vos", "Wendell"),
    "2016-03_phanlon_interview-1": Labels("AV", "PH"),
    "2016-07_scroft_interview-1": Labels("VOS", "CROFT"),
    "2017-02_jtsang_interview-1": Labels("Anneke", "Julian"),
    "2017-04_bmacaskill_interview-3": Labels("AV", "BM"),
    "2017-06_phanlon_interview-2": Labels("Anneke", "Peter"),
    "2017-10_mcomeau_interview-2": Labels("AV", "MC"),
    "2018-03_hpenney_interview-3": Labels("AV", "Hollis"),
    "2018-04_opyke_interview-1": Labels("Dr Vos", "Mrs. Pyke"),
    "2018-05_wboudreau_interview-2": Labels("Anneke Vos", "Wendell Boudreau"),
    "2019-01_ngillis_interview-1": Labels(
        "Tom Baptiste", "Noreen Gillis", {"asking": {4: "Speaker 2", 9: "Speaker 2", 15: "Speaker 2"}}
    ),
    "2019-03_lwhynot_interview-1": Labels("Tom Baptiste", "Leah Whynot"),
    "2019-05_dsark_interview-2": Labels("Tom Baptiste", "Darlene Sark", {"asking": {3: "Speaker 3", 12: "Speaker 3"}}),
    "2020-08_lchiasson_interview-2": Labels("Tom Baptiste", "Leo Chiasson"),
    "2020-10_bmacaskill_interview-2": Labels("Tom Baptiste", "Bernadette MacAskill"),
    "2021-04_hpenney_interview-2": Labels(
        "Tom Baptiste", "Hollis Penney", {"answering": {5: "Unknown Speaker", 11: "Unknown Speaker"}}
    ),
    "2021-06_jtsang_interview-2": Labels("Tom Baptiste", "Julian Tsang"),
    "2021-10_fanwar_interview-2": Labels("Tom Baptiste", "Faisal Anwar"),
    "2021-11_opyke_interview-2": Labels(
        "Tom Baptiste", "Odette Pyke", {"answering": {5: "Unknown Speaker", 12: "Unknown Speaker"}}
    ),
    "2021-12_lwhynot_interview-2": Labels("Tom Baptiste", "Leah Whynot"),
    "2022-03_ngillis_interview-2": Labels("Baptiste, Tom", "Gillis, Noreen"),
    "2022-06_dsark_interview-3": Labels("Tom", "Darlene"),
    "2022-09_wboudreau_interview-3": Labels("Tom Baptiste", "Wendell Boudreau"),
}
