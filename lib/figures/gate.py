"""Whether a day's figures can be trusted: what is missing, thin, or far from the same weekdays.

Every finding has a stable code (docs/quality-codes.md) and a severity: `grave` means that a figure must not be used,
`attention` that a person should look, `information` that it is worth knowing. Nothing is corrected here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from lib.figures.key_figures import Metrics, Sensors, Watched
from lib.figures.numbers import rounded
from lib.figures.past_days import Past, comparable, evolution
from lib.figures.quality import COMPLETE_FROM, has_account, rejects_in_words

INFORMATION, ATTENTION, SERIOUS = "information", "attention", "grave"
SEVERITIES = (INFORMATION, ATTENTION, SERIOUS)  # the worst last

SOURCE_MISSING = "source_manquante"

THIN_COVERAGE = 0.5  # share of what the day should hold, below which its totals mean nothing
SOME_REJECTS, MANY_REJECTS = 0.01, 0.10  # share of the rows read
STOPPED_AFTER = timedelta(days=3)  # a source published at J-2 is late after that, not slow
HOLIDAY_FACTOR = 2.0  # a public holiday may fall or rise this many times more than an ordinary day
LEAST_HISTORY = 2  # same weekdays without which a change says nothing


@dataclass(frozen=True)
class Finding:
    """One thing to know about one source of the day."""

    source: str
    code: str
    severite: str
    message: str
    mesure: Any = None
    attendu: Any = None


def findings(
    day: date,
    metrics: Mapping[str, Metrics | None],
    past: Mapping[str, Past],
    last_days: Mapping[str, date | None],
    holiday: str | None,
    watched: Mapping[str, tuple[Watched, ...]],
    sensors: Mapping[str, Sensors | None],
) -> list[Finding]:
    """List all findings of a day, the worst first.

    metrics: by source, None where the store has nothing. past: earlier same weekdays (see lib/run/both).
    last_days: the most recent day up to `day` that the store holds, by source. holiday: the public holiday's name.
    watched: by source, the figures that are compared with their own past. sensors: by source, where its sensors stand.
    """
    found: list[Finding] = []
    for source, one in metrics.items():
        if one is None:
            found.append(missing(source, day, last_days.get(source)))
            continue
        if not has_account(one):
            text = f"Chiffres d'une version antérieure. Les refaire : make {source} DATE={day} FORCE=1"
            found.append(Finding(source, "version_anterieure", SERIOUS, text))
            continue
        found += account(source, one["qualite"])
        for figure in watched.get(source, ()) if comparable(one) else ():
            columns = sensors.get(source) if figure.hours else None
            beside = evolution(one, day, past.get(source, {}), figure, columns)
            found += jump(source, figure, beside, holiday, columns is not None)
    return sorted(found, key=lambda one: -SEVERITIES.index(one.severite))  # stable: sources stay in order


def missing(source: str, day: date, last_day: date | None) -> Finding:
    """Say of a source without figures for the day whether it is late, or has stopped."""
    known = last_day.isoformat() if last_day else None
    if last_day and day - last_day > STOPPED_AFTER:
        text = f"Plus aucune donnée depuis le {last_day:%d/%m/%Y}."
        return Finding(source, "source_arretee", SERIOUS, text, known, day.isoformat())
    return Finding(source, SOURCE_MISSING, SERIOUS, "Aucune donnée pour ce jour.", known, day.isoformat())


def account(source: str, qualite: Metrics) -> Iterator[Finding]:
    """Repeat what the day's own account says: coverage, rejected rows, and the warnings that a person should see."""
    coverage, rejected = qualite["couverture"], sum(qualite["rejets"].values())
    if coverage < COMPLETE_FROM:
        severity = SERIOUS if coverage < THIN_COVERAGE else ATTENTION
        text = f"Le jour n'est couvert qu'à {100 * coverage:.0f} %."
        yield Finding(source, "couverture_basse", severity, text, coverage, COMPLETE_FROM)
    share = rejected / qualite["lignes_lues"] if qualite["lignes_lues"] else 0.0
    if share > SOME_REJECTS:
        severity = SERIOUS if share > MANY_REJECTS else ATTENTION
        text = f"{rounded(100 * share, 1)} % des lignes sont rejetées".replace(".", ",")
        text += f" ({rejects_in_words(qualite['rejets'])})."
        yield Finding(source, "rejets_nombreux", severity, text, rounded(share, 4), SOME_REJECTS)
    for warning in qualite["avertissements"]:
        yield Finding(source, *(warning[key] for key in ("code", "severite", "message", "mesure", "attendu")))


def jump(
    source: str, watched: Watched, beside: Mapping[str, Any], holiday: str | None, of_sensors: bool
) -> Iterator[Finding]:
    """Find a fall or a rise beyond the figure's own bounds, HOLIDAY_FACTOR times wider on a public holiday.

    beside: its evolution (see past_days).
    """
    percent, days = beside["evolution_mediane_pct"], beside["jours_compares"]
    if percent is None or days < LEAST_HISTORY:
        return
    factor = HOLIDAY_FACTOR if holiday else 1.0
    low, high = max(watched.low * factor, -99.0), watched.high * factor
    if low <= percent <= high:
        return
    code, bound = ("chute", low) if percent < low else ("hausse", high)
    day_kind = f" un jour férié ({holiday})" if holiday else ""
    text = (
        f"{watched.label.capitalize()} : {percent:+.0f} % par rapport à la médiane de {days} mêmes jours de semaine"
        f"{', sur les mêmes capteurs' if of_sensors else ''} (seuil{day_kind} {bound:+.0f} %)."
    )
    yield Finding(source, code, ATTENTION, text, rounded(percent, 1), bound)
