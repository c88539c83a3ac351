"""Which writer makes which file, and how each file names its speakers."""

from __future__ import annotations

from collections.abc import Callable

from training.demo_files import captions, opendocument, pdf, rtf, text, web, word
from training.demo_files.source import Labels, Source

WRITERS: dict[str, Callable[[Source], bytes]] = {
    "2014-05_goakes_interview-1": word.tracked,
    "2014-06_mcomeau_interview-1": opendocument.transcript,
    "2014-10_bmacaskill_interview-1": rtf.transcript,
    "2015-03_hpenney_interview-1": text.typescript,
    "2015-11_wboudreau_interview-1": word.two_columns,
    "2016-06_contract_outcomes-agreement": pdf.contract,
    "2017-02_jtsang_interview-1": captions.srt,
    "2017-10_mcomeau_interview-2": pdf.transcript,
    "2018-02_minutes_chowder-friday": text.minutes,
    "2018-05_wboudreau_interview-2": captions.zoom,
    "2019-01_ngillis_interview-1": text.otter,
    "2020-03_exit-letter_wharf-street": text.letter,
    "2020-10_bmacaskill_interview-2": captions.stream,
    "2021-04_hpenney_interview-2": text.otter,
    "2021-06_jtsang_interview-2": word.teams,
    "2022-03_ngillis_interview-2": word.pasted,
    "2022-05_strategy_return-strategy-2022-27": web.page,
    "2022-09_wboudreau_interview-3": captions.teams,
}

LABELS: dict[str, Labels] = {
    "2014-05_goakes_interview-1": Labels("AV", "Graham"),
    "2014-06_mcomeau_interview-1": Labels("Anneke", "Marguerite"),
    "2014-10_bmacaskill_interview-1": Labels("AV", "Mrs MacAskill"),
    "2015-03_hpenney_interview-1": Labels("AV", "HOLLIS"),
    "2015-11_wboudreau_interview-1": Labels("Anneke Vos", "Wendell"),
    "2017-02_jtsang_interview-1": Labels("Anneke", "Julian"),
    "2017-10_mcomeau_interview-2": Labels("AV", "MC"),
    "2018-05_wboudreau_interview-2": Labels("Anneke Vos", "Wendell Boudreau"),
    "2019-01_ngillis_interview-1": Labels(
        "Tom Baptiste", "Noreen Gillis", {"asking": {4: "Speaker 2", 9: "Speaker 2", 15: "Speaker 2"}}
    ),
    "2020-10_bmacaskill_interview-2": Labels("Tom Baptiste", "Bernadette MacAskill"),
    "2021-04_hpenney_interview-2": Labels(
        "Tom Baptiste", "Hollis Penney", {"answering": {5: "Unknown Speaker", 11: "Unknown Speaker"}}
    ),
    "2021-06_jtsang_interview-2": Labels("Tom Baptiste", "Julian Tsang"),
    "2022-03_ngillis_interview-2": Labels("Baptiste, Tom", "Gillis, Noreen"),
    "2022-09_wboudreau_interview-3": Labels("Tom Baptiste", "Wendell Boudreau"),
}
