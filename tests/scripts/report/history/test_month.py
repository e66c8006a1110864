"""The figures of a month: only the same sensors, weekdays and hours change; what is too thin is named and left out."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lib.common.paris_time import month_days
from scripts.registry import SOURCES
from scripts.report.history.month import compute_month
from scripts.report.history.month_days import SourceDay, SourceDays

SEPTEMBER, OCTOBER, NOVEMBER = date(2025, 9, 1), date(2025, 10, 1), date(2025, 11, 1)
LAST = date(2025, 12, 31)
Level = Callable[[str, date], float | None]


def roads(day: date, level: Level, coverage: float = 1.0, sensors: str = "abcdefghij") -> SourceDay:
    """A day of counting points of which each has `level` in every hour, None where it is silent."""
    values = np.array([[level(one, day)] * 24 for one in sensors], dtype="float32")  # None becomes NaN
    frame = pd.DataFrame(values, list(sensors), range(24))
    figures = {figure.name: None for figure in SOURCES["comptages"].key_figures}
    return SourceDay(
        "complet" if coverage >= 0.95 else "partiel",
        coverage,
        figures | {"debit_routier": float(frame.sum().sum())},
        {"debit_routier": frame},
        0,
        {one: (f"Rue_{one.upper()}", 12) for one in sensors},
        {},
        0.0,
        False,
    )


def transport(coverage: float, lines: dict[str, float], reliability: float = 99.0) -> SourceDay:
    values = {"perturbations": float(len(lines)), "fiabilite_transports": reliability}
    return SourceDay("complet", coverage, values, {}, 0, {}, lines, 20.0, False)


def days(**sources: dict[date, SourceDay]) -> SourceDays:
    return {name: sources.get(name, {}) for name in SOURCES}


def month(month: date, this: SourceDays, before: SourceDays, **more: Any) -> dict[str, Any]:
    return compute_month(month, this, before, more.get("reports", {}), more.get("last", LAST))


def of_roads(when: date, level: Level, *left_out: int) -> dict[date, SourceDay]:
    return {day: roads(day, level) for day in month_days(when) if day.day not in left_out}


def weekly(_: str, day: date) -> float:
    return 1_000.0 if day.weekday() < 5 else 500.0


def figures() -> dict[str, Any]:
    """October beside September: a rise of 10 %, a thin day, a day without anything, disturbed lines."""
    now = of_roads(OCTOBER, lambda one, day: 1.1 * weekly(one, day), 31)
    thin = date(2025, 10, 8)
    now[thin] = roads(thin, weekly, coverage=0.7)
    lines = {day: transport(1.0, {"RER <A>": 3.0}) for day in now}
    reports = {
        OCTOBER: {
            "hors_ordinaire": {
                "lignes": [
                    {"source": "comptages", "quoi": "Rue <b>", "ecart_robuste": 9.0, "arrondissement": 12, "debut": 7}
                    | {"fin": 9, "valeur": 1.0, "usuel": 5_000.0, "ecart_pct": -80.0, "unite": "véhicules x arcs"}
                ]
            }
        }
    }
    return month(
        OCTOBER, days(comptages=now, traffic=lines), days(comptages=of_roads(SEPTEMBER, weekly)), reports=reports
    )


def test_silent_sensors_are_no_fall() -> None:
    """Those that count rise by 10 %, two of ten fall silent: the sum falls, and the month rises."""
    now = of_roads(OCTOBER, lambda one, day: None if one in "ab" else 1.1 * weekly(one, day))
    figure = month(OCTOBER, days(comptages=now), days(comptages=of_roads(SEPTEMBER, weekly)))["chiffres"][
        "debit_routier"
    ]
    assert figure["moyenne_par_jour"] < figure["moyenne_mois_precedent"]
    assert figure["evolution_pct"] == pytest.approx(10.0, abs=0.01)
    assert (figure["base"]["capteurs"], figure["base"]["sur"], figure["pourquoi"]) == (8, 8, None)


def test_neither_more_saturdays_nor_a_holiday_nor_missing_days_are_a_change() -> None:
    def with_holiday(one: str, day: date) -> float:
        return 100.0 if (day.month, day.day) == (11, 11) else weekly(one, day)

    now = of_roads(NOVEMBER, with_holiday, *range(3, 9))  # five Saturdays, a whole week missing
    figure = month(NOVEMBER, days(comptages=now), days(comptages=of_roads(OCTOBER, weekly)))["chiffres"][
        "debit_routier"
    ]
    assert figure["evolution_pct"] == 0.0
    assert figure["jours_retenus"] == 24
    assert figure["moyenne_par_jour"] != figure["moyenne_mois_precedent"]


def test_less_than_half_of_either_month_is_no_figure_and_why_is_said() -> None:
    before = days(comptages=of_roads(OCTOBER, weekly))
    begun = days(comptages={day: roads(day, weekly) for day in month_days(NOVEMBER)[2:5]})  # three weekdays of seven
    found = month(NOVEMBER, begun, before, last=date(2025, 11, 5))
    figure = found["chiffres"]["debit_routier"]
    assert (figure["evolution_pct"], figure["pourquoi"]) == (None, "moins de la moitié des mesures en commun")
    assert found["profils_jours_ouvres"]["trafic_routier"]["mois_precedent"] == [None] * 24
    assert (found["contexte"]["jours"], found["contexte"]["a_venir"]) == (5, 25)
    alone = month(OCTOBER, before, days())["chiffres"]["debit_routier"]
    assert alone["pourquoi"] == "aucun jour assez complet le mois précédent"


def test_a_thin_day_is_in_no_mean_and_no_ranking_and_is_named() -> None:
    now = of_roads(OCTOBER, weekly, 31)
    thin = date(2025, 10, 8)
    now[thin] = roads(thin, lambda one, _: 9_000.0, coverage=0.7)
    found = month(OCTOBER, days(comptages=now), days())
    assert found["chiffres"]["debit_routier"]["jours_retenus"] == 29
    assert found["jours"][7]["valeurs"]["debit_routier"] == 9_000.0 * 240  # as it was measured, but for the means
    ranked = found["jours_marquants"]["debit_routier"]
    assert thin.isoformat() not in {one["date"] for side in ranked.values() for one in side}
    (left,) = [one for one in found["laisse_de_cote"] if one["source"] == "comptages"]
    assert left["jours_trop_partiels"] == {"2025-10-08": 0.7}
    assert left["jours_manquants"] == ["2025-10-31"]
    assert [one["statut"] for one in found["jours"] if one["date"] == "2025-10-31"] == ["manquant"]


def test_days_are_ranked_by_their_level_and_not_by_what_was_measured() -> None:
    busy, poor = date(2025, 10, 15), date(2025, 10, 16)

    def level(one: str, day: date) -> float | None:
        if day == poor and one in "ab":
            return None
        return {busy: 1_200.0, poor: 1_300.0}.get(day, weekly(one, day))

    found = month(OCTOBER, days(comptages=of_roads(OCTOBER, level)), days())
    worst = found["jours_marquants"]["debit_routier"]["pires"]
    assert [one["date"] for one in worst][:2] == [poor.isoformat(), busy.isoformat()]
    assert worst[0]["valeur"] < worst[1]["valeur"] and worst[0]["niveau"] > worst[1]["niveau"]
    best = found["jours_marquants"]["debit_routier"]["meilleurs"]
    assert all(date.fromisoformat(one["date"]).weekday() >= 5 for one in best) and len(best) == 3


def test_a_street_has_changed_when_it_did_day_after_day() -> None:
    def level(one: str, day: date) -> float:
        closed = one == "a" and day.day != 20  # but for a day
        strange = one == "b" and day.day == 14
        return weekly(one, day) * (0.0 if closed else 5.0 if strange else 1.3 if one == "c" else 1.0)

    found = month(OCTOBER, days(comptages=of_roads(OCTOBER, level)), days(comptages=of_roads(SEPTEMBER, weekly)))
    moved = found["rues"]["comptages"]
    assert moved["compares"] == 10
    assert [(one["libelle"], one["evolution_pct"]) for one in moved["baisse"]] == [("Rue A", -100.0)]
    assert [(one["libelle"], one["evolution_pct"]) for one in moved["hausse"]] == [("Rue C", 30.0)]
    assert (
        moved["hausse"][0] | {"valeur": 31_200.0, "mois_precedent": 24_000.0, "arrondissement": 12}
        == moved["hausse"][0]
    )


def test_the_working_day_is_on_what_both_months_have() -> None:
    now = of_roads(OCTOBER, lambda one, day: None if one == "a" else 2 * weekly(one, day))
    found = month(OCTOBER, days(comptages=now), days(comptages=of_roads(SEPTEMBER, weekly)))
    profile = found["profils_jours_ouvres"]["trafic_routier"]
    assert profile["mois"] == [18_000.0] * 24 and profile["mois_precedent"] == [9_000.0] * 24


def test_figures_without_sensors_are_compared_by_weekday_and_lines_by_share_of_service() -> None:
    def reliability(day: date) -> float:
        return 90.0 if day.weekday() >= 5 else 99.0

    before = {day: transport(1.0, {"Métro 1": 2.0}, reliability(day)) for day in month_days(SEPTEMBER)}
    now = {
        day: transport(1.0, {"RER A": 10.0} if day.day == 1 else {}, reliability(day) + 1)
        for day in month_days(OCTOBER)
    }
    now[date(2025, 10, 2)] = transport(0.5, {"Métro 9": 20.0}, 1.0)
    found = month(OCTOBER, days(traffic=now), days(traffic=before))
    figure = found["chiffres"]["fiabilite_transports"]
    assert (figure["ecart"], figure["base"], figure["jours_retenus"]) == (1.0, None, 30)
    assert found["lignes"] == {
        "jours_retenus": 30,
        "nombre": 1,
        "premieres": [
            {
                "ligne": "RER A",
                "heures_perturbees": 10.0,
                "jours_perturbes": 1,
                "part_du_service_pct": 1.67,
                "part_mois_precedent_pct": 0.0,
            }
        ],
    }


def test_the_strangest_days_are_told_once_a_name_and_two_a_source() -> None:
    def row(what: str, score: float, source: str = "comptages") -> dict[str, Any]:
        return {"source": source, "quoi": what, "ecart_robuste": score}

    reports = {
        OCTOBER + timedelta(days=at): {"hors_ordinaire": {"lignes": rows}}
        for at, rows in enumerate(
            (
                [row("A", 5.0), row("B", -9.0)],
                [row("A", 7.0), row("C", 4.5)],
                [row("D", 4.0), row("RER A", 4.0, "traffic")],
            )
        )
    } | {date(2025, 10, 9): {"hors_ordinaire": None}}
    told = month(OCTOBER, days(), days(), reports=reports)["hors_ordinaire"]
    unknown = {OCTOBER: {"hors_ordinaire": None}}
    assert month(OCTOBER, days(), days(), reports=unknown)["hors_ordinaire"] is None
    assert [(one["date"][8:], one["quoi"]) for one in told] == [("01", "B"), ("02", "A"), ("03", "RER A")]


def test_holidays_are_named_as_periods() -> None:
    found = month(NOVEMBER, days(), days())["contexte"]
    names = [(one["nom"], one["debut"][8:], one["fin"][8:]) for one in found["particularites"]]
    assert ("jour férié (Toussaint)", "01", "01") in names and ("Vacances de la Toussaint", "01", "02") in names
    assert ("Vacances de la Toussaint", "18", "31") in [
        (one["nom"], one["debut"][8:], one["fin"][8:]) for one in found["particularites_mois_precedent"]
    ]
