"""Disruptions in force on a civil day, as one set of frames for both raw forms; which pull is believed: see
scripts/sources/traffic/pulls.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from lib.common.html_text import shortened
from lib.figures.quality import Quality
from lib.raw.source_files import RawFile
from scripts.sources.traffic import forms as forms
from scripts.sources.traffic.lines import NETWORK, UNKNOWN_MODE, Line, lines_in_text
from scripts.sources.traffic.periods import Period, clipped, periods, reach, read_period
from scripts.sources.traffic.pulls import Pulled, Told, read_pulls

MESSAGE_MAX = 500  # characters of a stored message
TITLE_MAX = 160  # characters of a stored title
LIFT_TAG = "Ascenseur"


@dataclass(frozen=True)
class Disruptions:
    """What the pulls say of a day; all times UTC.

    disruptions: one row per disruption that is in force at some time of reach(day): id, titre, message, severite,
    effet, cause, categorie, tags, debut, fin (whole extent; fin None when open). periods: id, debut, fin, clipped to
    reach(day). touched: id, cle, one row per disruption and line. lines: the lines followed, by cle (Line.key).
    pull_days: the days of the pulls read. pages_held: see Pulled.pages_held. responses: how many were read, those of
    unknown day included.
    """

    disruptions: pd.DataFrame
    periods: pd.DataFrame
    touched: pd.DataFrame
    lines: dict[str, Line]
    pull_days: set[date]
    pages_held: float
    responses: int


def read_disruptions(files: list[RawFile], day: date, quality: Quality) -> Disruptions:
    """Read the pulls; records that cannot be believed are rejected, the newest state of each disruption is kept."""
    return _frames(read_pulls(files, day, quality), day, quality)


def _frames(pulled: Pulled, day: date, quality: Quality) -> Disruptions:
    rows: list[dict[str, Any]] = []
    spans: list[tuple[str, datetime, datetime]] = []
    touched: list[tuple[str, str]] = []
    kept: Counter[str] = Counter()
    by_id: dict[str | None, Line] = {line.id: line for line in pulled.named if line.id and line.mode != UNKNOWN_MODE}
    for identifier in sorted(pulled.newest):
        told = pulled.newest[identifier]
        believed = list(_believed_periods(identifier, told, quality))
        inside = clipped(believed, reach(day))
        if not inside:
            continue
        row = _row(identifier, told.record, believed, quality)
        rows.append(row)
        spans += [(identifier, begin, end) for begin, end in inside]
        touched += [(identifier, by_id.get(one.id, one).key) for one in told.lines or _lines_in_words(row)]
        kept[pulled.family(identifier)] += 1
    quality.lignes_retenues += kept.total()
    sightings = pulled.sightings()
    quality.doublons += sum(sightings[family] - number for family, number in kept.items())
    return Disruptions(
        pd.DataFrame(rows, columns=_COLUMNS, dtype=object),
        pd.DataFrame(spans, columns=["id", "debut", "fin"]).astype({"debut": _UTC, "fin": _UTC}),
        pd.DataFrame(touched, columns=["id", "cle"], dtype=object).drop_duplicates(ignore_index=True),
        {line.key: line for line in (*NETWORK, *(by_id.get(one.id, one) for one in pulled.named))},
        pulled.days,
        pulled.pages_held(day),
        pulled.responses,
    )


_COLUMNS = ["id", "titre", "message", "severite", "effet", "cause", "categorie", "tags", "debut", "fin"]
_UTC = "datetime64[us, UTC]"


def _believed_periods(identifier: str, told: Told, quality: Quality) -> Iterator[Period]:
    """The readable periods; each other one is rejected alone. A missing end is an open one."""
    found = periods(told.record)
    if not found:
        quality.reject("periodes_absentes", told.raw.name, told.line, {"id": identifier})
    for period in found:
        begin, end, reason = read_period(period)
        if begin is None or reason:
            quality.reject(reason, told.raw.name, told.line, {"id": identifier, "periode": period})
        else:
            yield begin, end


def _row(identifier: str, record: dict[str, Any], believed: list[Period], quality: Quality) -> dict[str, Any]:
    severity, effect = forms.severity(record)
    if severity is None:
        quality.warn(
            "severite_inconnue",
            "attention",
            "Des perturbations sans sévérité lisible sont comptées comme information.",
            exemples=[identifier],
        )
    ends = [end for _, end in believed]
    if None in ends:
        quality.warn(
            "periode_sans_fin",
            "information",
            "Des perturbations sans fin annoncée sont comptées jusqu'à la fin du jour.",
            exemples=[identifier],
        )
    title, message = forms.texts(record)
    return {
        "id": identifier,
        "titre": shortened(title or message, TITLE_MAX) or None,
        "message": shortened(message, MESSAGE_MAX) or None,
        "severite": severity or forms.INFORMATION,
        "effet": effect,
        "cause": str(record["cause"]).strip().lower() if record.get("cause") else "inconnue",
        "categorie": record.get("category") or None,
        "tags": forms.tags(record),
        "debut": min(begin for begin, _ in believed),
        "fin": None if None in ends else max(end for end in ends if end is not None),
    }


def _lines_in_words(row: dict[str, Any]) -> list[Line]:
    """The lines that the title names, else the message, of a disruption without a line object that is no lift."""
    if LIFT_TAG in row["tags"]:
        return []
    return lines_in_text(row["titre"] or "") or lines_in_text(row["message"] or "")
