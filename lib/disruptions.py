"""Disruptions in force on a civil day, out of the pulls made around it, as one set of frames for both raw forms.

A pull tells what is known when it is made, past and coming; the newest pull that names a disruption is believed. A
disruption that later pulls no longer name keeps its last known periods: pulls are paged and filtered, so that silence
says nothing.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pandas as pd

from lib import disruption_forms as forms
from lib.html_text import shortened
from lib.paris_time import PARIS, day_start
from lib.quality import Quality
from lib.raw_files import RawFile
from lib.raw_json import read_bodies, records
from lib.transit_lines import NETWORK, UNKNOWN_MODE, Line, distinct, lines_in_text

log = logging.getLogger(__name__)

PULL_WINDOW = timedelta(days=7)  # pulls this near the day are used; beyond it texts and periods have changed too much
SERVICE_START, SERVICE_END = time(5, 30), time(1, 15)  # Paris clock: first and (next day) last trains of the metro
MESSAGE_MAX = 500  # characters of a stored message
TITLE_MAX = 160  # characters of a stored title
LIFT_TAG = "Ascenseur"


@dataclass(frozen=True)
class Disruptions:
    """What the pulls say of a day; all times UTC.

    disruptions: one row per disruption that is in force at some time of reach(day): id, titre, message, severite,
    effet, cause, categorie, tags, debut, fin (whole extent; fin None when open). periods: id, debut, fin, clipped to
    reach(day). touched: id, cle, one row per disruption and line. lines: the lines followed, by cle (Line.key).
    pull_days: the days of the pulls read. responses: how many were read, those of unknown day included.
    """

    disruptions: pd.DataFrame
    periods: pd.DataFrame
    touched: pd.DataFrame
    lines: dict[str, Line]
    pull_days: set[date]
    responses: int


@dataclass
class _Pulled:
    """The newest state of everything the pulls name, while they are read."""

    newest: dict[str, tuple[tuple[str, str], dict[str, Any], list[Line], RawFile, int]] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    named: dict[Line, None] = field(default_factory=dict)  # an ordered set
    days: set[date] = field(default_factory=set)
    pages: dict[str, dict[int, tuple[int, int]]] = field(default_factory=dict)
    responses: int = 0


def service(day: date) -> tuple[datetime, datetime]:
    """First and last instant of the day's service: 05:30 to 01:15 on the next day, Paris clock."""
    return _instant(day, SERVICE_START), _instant(day + timedelta(days=1), SERVICE_END)


def reach(day: date) -> tuple[datetime, datetime]:
    """What the figures of a day look at: from its midnight to the end of its service."""
    return day_start(day), service(day)[1]


def files_around(files: list[RawFile], day: date) -> list[RawFile]:
    """The pulls made at most PULL_WINDOW away from the day, and those of unknown day; all of them where none is."""
    near = [raw for raw in files if raw.pull_day and abs(raw.pull_day - day) <= PULL_WINDOW]
    return [raw for raw in files if raw in set(near) or raw.pull_day is None] if near else files


def read_disruptions(files: list[RawFile], day: date, quality: Quality) -> Disruptions:
    """Read the pulls; records that cannot be believed are rejected, the newest state of each disruption is kept."""
    pulled = _Pulled()
    for raw, line, body in read_bodies(files_around(files, day), quality):
        for item in records(body):
            response = forms.read_response(item)
            if response is None:
                quality.reject("reponse_inattendue", raw.name, line, item)
            else:
                _take(response, raw, line, pulled, quality)
    _warn_of_pages(pulled, quality)
    return _frames(pulled, day, quality)


def _take(response: forms.Response, raw: RawFile, line: int, pulled: _Pulled, quality: Quality) -> None:
    """Add one response to what is known."""
    pulled.responses += 1
    made = response.made_at.astimezone(PARIS) if response.made_at else None
    pull_day = raw.pull_day or (made.date() if made else None)
    stamp = raw.pulled or (made.strftime("%Y-%m-%dT%H") if made else "")
    if pull_day:
        pulled.days.add(pull_day)
    if response.page:
        start, size, total = response.page
        pulled.pages.setdefault(stamp, {})[start] = (size, total)
    pulled.named |= dict.fromkeys(response.named)
    for record in response.disruptions:
        identifier = forms.identity(record) if isinstance(record, dict) else None
        if identifier is None:
            quality.reject("identifiant_absent", raw.name, line, record)
            continue
        lines = distinct([*forms.impacted_lines(record), *response.touched.get(identifier, [])])
        pulled.named |= dict.fromkeys(lines)
        pulled.seen[identifier] = pulled.seen.get(identifier, 0) + 1
        age = stamp, forms.updated_at(record)
        if identifier not in pulled.newest or pulled.newest[identifier][0] <= age:
            pulled.newest[identifier] = age, record, lines, raw, line


def _frames(pulled: _Pulled, day: date, quality: Quality) -> Disruptions:
    rows: list[dict[str, Any]] = []
    spans: list[tuple[str, datetime, datetime]] = []
    touched: list[tuple[str, str]] = []
    by_id: dict[str | None, Line] = {line.id: line for line in pulled.named if line.id and line.mode != UNKNOWN_MODE}
    for identifier in sorted(pulled.newest):
        _, record, lines, raw, line = pulled.newest[identifier]
        believed = list(_believed_periods(identifier, record, raw, line, quality))
        inside = list(_clipped(believed, reach(day)))
        if not inside:
            continue
        row = _row(identifier, record, believed, quality)
        rows.append(row)
        spans += [(identifier, begin, end) for begin, end in inside]
        touched += [(identifier, by_id.get(one.id, one).key) for one in lines or _lines_told(row)]
        quality.lignes_retenues += 1
        quality.doublons += pulled.seen[identifier] - 1
    return Disruptions(
        pd.DataFrame(rows, columns=_COLUMNS, dtype=object),
        pd.DataFrame(spans, columns=["id", "debut", "fin"]).astype({"debut": _UTC, "fin": _UTC}),
        pd.DataFrame(touched, columns=["id", "cle"], dtype=object).drop_duplicates(ignore_index=True),
        {line.key: line for line in (*NETWORK, *(by_id.get(one.id, one) for one in pulled.named))},
        pulled.days,
        pulled.responses,
    )


_COLUMNS = ["id", "titre", "message", "severite", "effet", "cause", "categorie", "tags", "debut", "fin"]
_UTC = "datetime64[us, UTC]"


def _believed_periods(
    identifier: str, record: dict[str, Any], raw: RawFile, line: int, quality: Quality
) -> Iterator[tuple[datetime, datetime | None]]:
    """The readable periods; each other one is rejected alone. A missing end is an open one."""
    found = forms.periods(record)
    if not found:
        quality.reject("periodes_absentes", raw.name, line, {"id": identifier})
    for period in found:
        begin, end, reason = _read_period(period)
        if begin is None or reason:
            quality.reject(reason, raw.name, line, {"id": identifier, "periode": period})
        else:
            yield begin, end


def _read_period(period: Any) -> tuple[datetime | None, datetime | None, str]:
    """(begin, end or None when open, reason to reject)."""
    if not isinstance(period, dict):
        return None, None, "periode_illisible"
    begin, end = forms.parse_time(period.get("begin")), forms.parse_time(period.get("end"))
    if begin is None or (end is None and period.get("end") not in (None, "")):
        return None, None, "periode_illisible"
    return begin, end, "periode_inversee" if end is not None and end < begin else ""


def _clipped(
    believed: Iterable[tuple[datetime, datetime | None]], window: tuple[datetime, datetime]
) -> Iterator[tuple[datetime, datetime]]:
    """The parts inside the window; a period without length counts where it stands, with no duration."""
    first, last = window
    for begin, end in believed:
        end = last if end is None else end
        if begin < last and (end > first or begin == end == first):
            yield max(begin, first), min(end, last)


def _row(
    identifier: str, record: dict[str, Any], believed: list[tuple[datetime, datetime | None]], quality: Quality
) -> dict[str, Any]:
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


def _lines_told(row: dict[str, Any]) -> list[Line]:
    """The lines that the title names, else the message, of a disruption without a line object that is no lift."""
    if LIFT_TAG in row["tags"]:
        return []
    return lines_in_text(row["titre"] or "") or lines_in_text(row["message"] or "")


def _warn_of_pages(pulled: _Pulled, quality: Quality) -> None:
    """A response is one page of several: say when the newest pull that counts its pages lacks some."""
    if not pulled.pages:
        return
    pages = pulled.pages[max(pulled.pages)]
    held, total = sum(size for size, _ in pages.values()), max(total for _, total in pages.values())
    if held < total:
        quality.warn(
            "pages_manquantes",
            "attention",
            f"Le dernier relevé ne contient que {held} éléments sur {total} : demander toutes les pages (count=…).",
            mesure=held,
            attendu=total,
        )


def _instant(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, PARIS).astimezone(UTC)
