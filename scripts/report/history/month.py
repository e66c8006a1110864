"""The figures of a month: pure functions of its days, of those of the month before and of the daily reports.

A month has a mean of each weekday and hour of each sensor, public holidays left out: its average week. Two months are
put beside each other on the cells of that week that both have (see lib/figures/sensor_days.shared), so that neither a
silent sensor, nor a missing day, nor a fifth Saturday is taken for a change. A day's level is its sum over the month's
mean of the same sensors and hours, 100 being the average day. A source covered to less than USABLE_FROM on a day is in
no mean of days and in no ranking of them.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from statistics import fmean
from typing import Any

import pandas as pd

from lib.common.paris_time import month_before, month_days
from lib.figures.calendar_days import particularity, public_holiday, school_holiday
from lib.figures.changes import LEAST_SHARED
from lib.figures.key_figures import KeyFigure
from lib.figures.numbers import plain, rounded
from lib.raw.source import Source
from scripts.registry import SOURCES, on_the_page
from scripts.report.history.month_days import COMPLETE, MISSING, NOTHING, PARTIAL, SourceDay, SourceDays
from scripts.report.history.month_streets import moved_streets
from scripts.report.history.weeks import Weeks, day_levels, usable_days, weeks_of, working_day
from scripts.report.key_figures import FIGURES
from scripts.report.unusual import first_of_sources

Report = dict[str, Any]
# Of each figure that has good and bad days: whether more of it is better.
JUDGED = {"fiabilite_transports": True, "temps_perdu": False, "passages_velo": True, "debit_routier": False}
NO_DAY = "aucun jour assez complet"
TOO_LITTLE = "moins de la moitié des mesures en commun"
RANKED, TOLD, LINES = 3, 6, 8  # rows


def compute_month(
    month: date, every: SourceDays, before: SourceDays, reports: Mapping[date, Report], last: date
) -> dict[str, Any]:
    """Build the figures of a month from `every` day of it and of the one before.

    reports: those of its days that have one. last: the newest day of the store; days after it are still to come.
    """
    days, earlier = [day for day in month_days(month) if day <= last], month_days(month_before(month))
    this, before = usable_days(every), usable_days(before)
    weeks = {name: weeks_of(source, this[name], before[name]) for name, source in SOURCES.items()}
    levels = {name: day_levels(source, this[name]) for name, source in SOURCES.items()}
    found = {
        "mois": f"{month:%Y-%m}",
        "mois_precedent": f"{month_before(month):%Y-%m}",
        "contexte": {"jours": len(days), "a_venir": len(month_days(month)) - len(days)}
        | {"particularites": _particular(days), "particularites_mois_precedent": _particular(earlier)},
        "jours": [_day(day, every, levels) for day in days],
        "chiffres": {
            figure.name: _figure(source, figure, this[source.name], before[source.name], weeks[source.name])
            for source, figure in FIGURES
        },
        "jours_marquants": {
            figure.name: _ranked(figure, JUDGED[figure.name], this[source.name], levels[source.name], reports)
            for source, figure in FIGURES
            if figure.name in JUDGED
        },
        "profils_jours_ouvres": {
            source.profiles[0].name: working_day(source, weeks[source.name]) for source in _sensed() if source.profiles
        },
        "hors_ordinaire": _unusual(reports),
        "rues": {source.name: moved_streets(source, this[source.name], weeks[source.name]) for source in _sensed()},
        "lignes": _lines(this["traffic"], before["traffic"]),
        "laisse_de_cote": _left_out(days, every, this),
        "synthetique": any(one.synthetic for of_source in every.values() for one in of_source.values()),
    }
    return dict(plain(found))


def _sensed() -> list[Source]:
    return [source for source in on_the_page(SOURCES) if source.sensors]


def _values(days: Mapping[date, SourceDay], name: str) -> dict[date, float]:
    """List the values of a figure on the days that have one, in their order."""
    known = {day: one.values.get(name) for day, one in sorted(days.items())}
    return {day: value for day, value in known.items() if value is not None}


def _day(day: date, this: SourceDays, levels: dict[str, Any]) -> dict[str, Any]:
    found = {name: this[name].get(day, NOTHING) for name in SOURCES}
    states = {name: one.state for name, one in found.items()}
    kinds = set(states.values())
    return {
        "date": day.isoformat(),
        "particularite": particularity(day),
        "statut": COMPLETE if kinds == {COMPLETE} else MISSING if kinds == {MISSING} else PARTIAL,
        "sources": states,
        "couvertures": {name: one.coverage for name, one in found.items() if one.state == PARTIAL},
        "valeurs": {figure.name: found[source.name].values.get(figure.name) for source, figure in FIGURES},
        "niveaux": {name: one.get(day) for of_source in levels.values() for name, one in of_source.items()},
    }


def _figure(
    source: Source,
    figure: KeyFigure,
    this: Mapping[date, SourceDay],
    before: Mapping[date, SourceDay],
    weeks: Mapping[str, Weeks],
) -> dict[str, Any]:
    """Put the days of a figure beside those of the month before."""
    values, earlier = _values(this, figure.name), _values(before, figure.name)
    least, most = (pick(values, key=lambda day: (values[day], day)) if values else None for pick in (min, max))
    return {
        "source": source.name,
        "unite": figure.unit,
        "moyenne_par_jour": rounded(fmean(values.values())) if values else None,
        "jours_retenus": len(values),
        "somme_des_jours_retenus": rounded(sum(values.values()), 1) if values else None,
        "minimum": least and {"date": least.isoformat(), "valeur": values[least]},
        "maximum": most and {"date": most.isoformat(), "valeur": values[most]},
        "moyenne_mois_precedent": rounded(fmean(earlier.values())) if earlier else None,
        "jours_retenus_mois_precedent": len(earlier),
        **(_of_sensors(source, figure, weeks[figure.name]) if figure.name in weeks else _of_days(values, earlier)),
    } | ({} if values and earlier else {"pourquoi": NO_DAY if not values else f"{NO_DAY} le mois précédent"})


def _of_sensors(source: Source, figure: KeyFigure, weeks: Weeks) -> dict[str, Any]:
    """Say how the average week differs from that of the month before, in % or points, on which sensors, or why not."""
    change, published = weeks.change, weeks.change.published if weeks.change else None
    noun = source.sensors.noun if source.sensors else ""
    return {
        "evolution_pct": None if figure.points else rounded(published, 1),
        "ecart": rounded(published, 2) if figure.points else None,
        "base": {
            "capteurs": weeks.shared.sensors,
            "sur": weeks.shared.measured,
            "part_du_mois": rounded(weeks.shared.day_share, 4),
            "part_du_mois_precedent": rounded(weeks.shared.past_share, 4),
            "marge": rounded(change.margin, 2) if change else None,
        },
        "pourquoi": change.why_not(noun) if change else TOO_LITTLE,
    }


def _of_days(values: Mapping[date, float], earlier: Mapping[date, float]) -> dict[str, Any]:
    """Compare a figure without sensors by the means of the weekdays that both months have, public holidays left out."""
    one, other = (_weekdays(days) for days in (values, earlier))
    both = one.notna() & other.notna()
    enough = both.sum() >= LEAST_SHARED * max(one.notna().sum(), other.notna().sum(), 1)
    mean, before = float(one[both].mean()), float(other[both].mean())
    return {
        "evolution_pct": rounded(100 * (mean / before - 1), 1) if enough and before > 0 else None,
        "ecart": rounded(mean - before, 2) if enough else None,
        "base": None,
        "pourquoi": None if enough else TOO_LITTLE,
    }


def _weekdays(values: Mapping[date, float]) -> pd.Series:
    """Average the days of a figure by weekday (0..6), NaN where there is none; public holidays are left out."""
    days = pd.Series({day: value for day, value in values.items() if public_holiday(day) is None}, dtype=float)
    return days.groupby([day.weekday() for day in days.index]).mean().reindex(range(7))


def _ranked(
    figure: KeyFigure,
    more_is_better: bool,
    days: Mapping[date, SourceDay],
    levels: Mapping[str, Mapping[date, float | None]],
    reports: Mapping[date, Report],
) -> dict[str, list[dict[str, Any]]]:
    """Choose the RANKED best and worst days: by their level where sensors measure the figure, else by its value."""
    values = _values(days, figure.name)
    measure = levels.get(figure.name, values)
    order = sorted(
        (day for day in values if measure.get(day) is not None),
        key=lambda day: (measure[day], day),
        reverse=more_is_better,
    )
    some = min(RANKED, len(order) // 2)

    def row(day: date) -> dict[str, Any]:
        shown = reports.get(day, {}).get("chiffres_cles", {}).get(figure.name, {})
        return {
            "date": day.isoformat(),
            "valeur": values[day],
            "niveau": levels.get(figure.name, {}).get(day),
            "ecart_habitude_pct": shown.get("evolution_mediane_pct"),
        }

    return {"meilleurs": [row(day) for day in order[:some]], "pires": [row(day) for day in order[::-1][:some]]}


def _unusual(reports: Mapping[date, Report]) -> list[dict[str, Any]] | None:
    """Choose what was farthest out of the ordinary on any day (as the daily reports say), in the order of the days.

    None where no report knew what is ordinary.
    """
    known = {day: found for day, report in reports.items() if (found := report.get("hors_ordinaire")) is not None}
    every = [{"date": day.isoformat(), **row} for day, found in sorted(known.items()) for row in found["lignes"]]
    if not known:
        return None
    every.sort(key=lambda row: (-abs(row["ecart_robuste"]), row["date"], row["source"], row["quoi"]))
    return sorted(first_of_sources(every, TOLD), key=lambda row: row["date"])


def _lines(this: Mapping[date, SourceDay], before: Mapping[date, SourceDay]) -> dict[str, Any]:
    """Rank structuring lines by the share of their service that was disturbed; one that no day names had none."""
    days, earlier = list(this.values()), list(before.values())

    def share(line: str, of_days: list[SourceDay]) -> float | None:
        served = sum(one.service for one in of_days)
        return rounded(100 * sum(one.lines.get(line, 0.0) for one in of_days) / served) if served else None

    every = {line for one in days for line, hours in one.lines.items() if hours}
    rows: list[dict[str, Any]] = [
        {
            "ligne": line,
            "heures_perturbees": rounded(sum(one.lines.get(line, 0.0) for one in days)),
            "jours_perturbes": sum(one.lines.get(line, 0.0) > 0 for one in days),
            "part_du_service_pct": share(line, days),
            "part_mois_precedent_pct": share(line, earlier),
        }
        for line in every
    ]
    rows.sort(key=lambda row: (-(row["part_du_service_pct"] or 0.0), row["ligne"]))
    return {"jours_retenus": len(days), "nombre": len(rows), "premieres": rows[:LINES]}


def _left_out(days: Sequence[date], every: SourceDays, usable: SourceDays) -> list[dict[str, Any]]:
    """Say by source which days are missing, which are too partial to be in a mean, and the sensors set aside."""
    return [
        {
            "source": name,
            "jours_manquants": [day.isoformat() for day in days if day not in every[name]],
            "jours_trop_partiels": {
                day.isoformat(): one.coverage for day, one in sorted(every[name].items()) if day not in usable[name]
            },
            "capteurs_ecartes": max((one.set_aside for one in every[name].values()), default=0),
            "jours_avec_capteurs_ecartes": sum(one.set_aside > 0 for one in every[name].values()),
        }
        for name in (source.name for source in on_the_page(SOURCES))
    ]


def _particular(days: Sequence[date]) -> list[dict[str, str]]:
    """List the runs of days of school holidays, and the public ones: nom, debut, fin."""
    runs = [(name, list(run)) for name, run in groupby(days, key=school_holiday) if name]
    runs += [(f"jour férié ({name})", [day]) for day in days if (name := public_holiday(day))]
    return [{"nom": name, "debut": run[0].isoformat(), "fin": run[-1].isoformat()} for name, run in runs]
