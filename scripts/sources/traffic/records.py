"""Disruptions in force on a civil day, as one set of frames for both raw forms; which pull is used: see
scripts/sources/traffic/pulls.

An interruption is a line that does not run: the effect NO_SERVICE on a line as a whole, under a title that does not say
that the line runs. On stops, sections or one direction of a line that effect disturbs it. Messages that tell the same
are one disruption.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from lib.figures.quality import Quality
from lib.raw.source_files import RawFile
from scripts.sources.traffic import forms
from scripts.sources.traffic.disruption import Disruption
from scripts.sources.traffic.lines import NETWORK, UNKNOWN_MODE, Line, line_order
from scripts.sources.traffic.objects import Touched
from scripts.sources.traffic.pages import Answer
from scripts.sources.traffic.periods import clipped, reach
from scripts.sources.traffic.pulls import Message, read_pulls

LIFT_TAG = "Ascenseur"
# What lasts longer is no event of a day: most disruptions of a real capture are detours of buses, about a year long.
STANDING_DAYS = 30


@dataclass(frozen=True)
class Disruptions:
    """What the pulls say of a day; all times UTC.

    disruptions: one row per disruption that is in force at some time of reach(day): id, titre, message, severite,
    effet, cause, categorie, tags, debut, fin (whole extent; fin None when open), longue_duree (it extends over more
    than STANDING_DAYS), nombre_messages (how many say it). periods: id, debut, fin, clipped to reach(day). touched:
    id, cle, severite (that of the disruption on this line), one row per disruption and line. lines: ligne, id_ligne and
    mode of the structuring network and the lines touched, by cle (Line.key), in the order of line_order. answers: what
    was answered around the day, see pages. nowhere: number of disturbances of a network of which no line is known.
    """

    disruptions: pd.DataFrame
    periods: pd.DataFrame
    touched: pd.DataFrame
    lines: pd.DataFrame
    answers: list[Answer]
    nowhere: int


def read_disruptions(files: list[RawFile], day: date, quality: Quality) -> Disruptions:
    """Read the pulls; unreadable records are rejected, the newest state of each disruption is kept."""
    pulled = read_pulls(files, day, quality)
    rows: dict[Any, dict[str, Any]] = {}
    spans: list[tuple[str, datetime, datetime]] = []
    touched: dict[tuple[str, str], str] = {}
    families: set[str] = set()
    nowhere, window = 0, reach(day)
    by_id: dict[str | None, Line] = {line.id: line for line in pulled.named if line.id and line.mode != UNKNOWN_MODE}
    lines = {line.key: line for line in NETWORK}
    for identifier in sorted(pulled.newest):
        message = pulled.newest[identifier]
        for reason, content in message.disruption.refused:  # each alone
            quality.reject(reason, message.raw.name, message.line, content)
        inside = clipped(message.disruption.periods, window)
        if not inside:
            continue
        row = _row(message.disruption, quality)
        row["longue_duree"] = (row["fin"] or window[1]) - row["debut"] > timedelta(days=STANDING_DAYS)
        concerned = [(by_id.get(line.id, line), whole) for line, whole in _lines(message, quality)]
        passing = row["severite"] != forms.INFORMATION and not row["longue_duree"]
        nowhere += message.disruption.on_network and not concerned and passing
        lines |= {line.key: line for line, _ in concerned}
        on_lines = {line.key: _severity_on_line(row, whole) for line, whole in concerned}
        row["severite"] = _worst(*(on_lines.values() or [_severity_on_line(row, False)]))
        families.add(pulled.family(identifier))
        first = rows.setdefault(_same_message(row, on_lines, inside), row)
        if first is row:
            spans += [(identifier, begin, end) for begin, end in inside]
        else:
            _add_message(first, row)
        for key, severity in on_lines.items():
            pair = first["id"], key
            touched[pair] = _worst(touched.get(pair, severity), severity)
    quality.lignes_retenues += len(rows)
    sightings = pulled.sightings()
    quality.doublons += sum(sightings[family] for family in families) - len(rows)
    return Disruptions(
        pd.DataFrame(list(rows.values()), columns=_COLUMNS, dtype=object),
        pd.DataFrame(spans, columns=["id", "debut", "fin"]).astype({"debut": _UTC, "fin": _UTC}),
        pd.DataFrame([(*pair, severity) for pair, severity in touched.items()], columns=_TOUCHED, dtype=object),
        _line_table(lines),
        [answer for answers in pulled.answers.values() for answer in answers],
        nowhere,
    )


def _line_table(lines: dict[str, Line]) -> pd.DataFrame:
    ordered = sorted(lines.items(), key=lambda one: line_order(one[1]))
    rows = {key: (line.label, line.id, line.mode) for key, line in ordered}
    return pd.DataFrame.from_dict(rows, "index", dtype=object, columns=["ligne", "id_ligne", "mode"])


_COLUMNS = [
    "id", "titre", "message", "severite", "effet", "cause", "categorie", "tags", "debut", "fin", "longue_duree",
    "nombre_messages",
]  # fmt: skip
_TOUCHED = ["id", "cle", "severite"]
_UTC = "datetime64[us, UTC]"


def _row(disruption: Disruption, quality: Quality) -> dict[str, Any]:
    row = {**disruption.row, "severite": disruption.row["severite"] or forms.INFORMATION}
    if disruption.row["severite"] is None:
        text = "Des perturbations sans sévérité lisible sont comptées comme information."
        quality.warn("severite_inconnue", "attention", text, exemples=[disruption.identifier])
    if row["fin"] is None:
        text = "Des perturbations sans fin annoncée sont comptées jusqu'à la fin du jour."
        quality.warn("periode_sans_fin", "information", text, exemples=[disruption.identifier])
    return row


def _lines(message: Message, quality: Quality) -> Sequence[Touched]:
    """List the lines touched: by objects, else those that the texts name, where it is no lift."""
    disruption = message.disruption
    if message.lines or LIFT_TAG in disruption.row["tags"]:
        return message.lines
    if disruption.on_network and not disruption.lines_named:
        text = (
            "Des perturbations d'un réseau entier ne touchent aucune ligne connue, le relevé n'en nommant pas : la "
            "fiabilité n'en tient pas compte."
        )
        quality.warn(
            "reseau_sans_ligne", "attention", text, exemples=[disruption.row["titre"] or disruption.identifier]
        )
    return [(line, True) for line in disruption.lines_named]


def _severity_on_line(row: dict[str, Any], whole: bool) -> str:
    """Return the severity of a disruption on a line; of one that stops a part of the line only, the line runs."""
    runs = row["severite"] == forms.BLOCKING and (not whole or forms.line_runs(row["titre"] or ""))
    return forms.DISTURBED if runs else str(row["severite"])


def _worst(*severities: str) -> str:
    return min(severities, key=forms.SEVERITIES.index)


def _add_message(first: dict[str, Any], row: dict[str, Any]) -> None:
    """Make one disruption of two messages that tell the same."""
    first["nombre_messages"] += 1
    first["severite"] = _worst(first["severite"], row["severite"])
    first["debut"] = min(first["debut"], row["debut"])
    first["fin"] = None if None in (first["fin"], row["fin"]) else max(first["fin"], row["fin"])


def _same_message(row: dict[str, Any], on_lines: dict[str, str], inside: list[tuple[datetime, datetime]]) -> Any:
    """Return what two messages that tell the same share: lines, title and hours; without lines or title, nothing."""
    if not on_lines or not row["titre"]:
        return row["id"]
    return tuple(sorted(on_lines)), row["titre"].casefold(), tuple(inside), row["longue_duree"]
