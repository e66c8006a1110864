"""Road counts of a day, as the command shows them: clocks, states, lost time, alerts, sensors, zones, several files."""

import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from pyproj import Geod

from scripts import generate_report
from scripts.process_comptages import main
from scripts.report.road_map import shown_state
from tests.conftest import Ran, RawTree, count_row, gz
from tests.support.cases import each_once

DAY = "2025-11-04"
Run = Callable[..., Ran]
Value = object | Callable[[int], object]
METRES = Geod(ellps="WGS84").line_length([2.35, 2.351], [48.85, 48.851])  # the shape that count_row draws
REFERENTIEL = "referentiel-geographique-pour-les-donnees-trafic-issues-des-capteurs-permanents.csv"


def label(hour: int, day: str = DAY, offset: str = "+01:00") -> str:
    """The label that closes the hour beginning at `hour`."""
    return (datetime.fromisoformat(day) + timedelta(hours=hour + 1)).isoformat() + offset


def hours(arc: str, flow: Value = lambda hour: 100 + hour, rate: Value = 10, day: str = DAY, **more: Any) -> list[str]:
    """The 24 rows of an arc; a value is the same every hour, or a function of the hour."""
    chosen = more.pop("only", range(24))
    values = [[value(hour) if callable(value) else value for value in (flow, rate)] for hour in range(24)]
    return [count_row(arc, label(hour, day), *values[hour], **more) for hour in chosen]


def arcs_of(metrics: Any) -> dict[str, Any]:
    return {arc["identifiant_arc"]: arc for arc in metrics["metrics"]}


def processed(raw: RawTree, run: Run, rows: list[str], day: str = DAY) -> Any:
    """The metrics of a day whose export holds these rows."""
    raw.counts(rows)
    ran = run(main, "--date", day)
    assert ran.code == 0, ran.err
    return raw.metrics("comptages", day)


# ----------------------------------------------------------------------------------------------------------- the clock


def test_the_day_is_the_24_labels_that_close_its_hours(raw: RawTree, run: Run) -> None:
    around = [count_row("1", f"{DAY}T00:00:00+01:00", 5000, 1), count_row("1", "2025-11-05T01:00:00+01:00", 5000, 1)]
    metrics = processed(raw, run, [*around, *hours("1")])
    assert metrics["global_metrics"]["debit_journalier_total"] == sum(100 + hour for hour in range(24))
    profile = metrics["global_metrics"]["profil_horaire"]
    assert [row["heure"] for row in profile] == list(range(24))
    assert [row["debit_total"] for row in profile] == [100.0 + hour for hour in range(24)]
    arc = arcs_of(metrics)["1"]
    assert (arc["heure_pic"], arc["debit_max"], arc["debit_horaire_moyen"], arc["heures_valides"]) == (
        23, 123.0, 111.5, 24,
    )  # fmt: skip
    assert (metrics["qualite"]["lignes_lues"], metrics["qualite"]["statut"]) == (24, "complet")


@pytest.mark.parametrize("offset", ["+00:00", "Z"])
def test_an_export_in_utc_gives_the_same_day(raw: RawTree, run: Run, offset: str) -> None:
    first = datetime(2025, 11, 3, 23)  # 00:00 in Paris; the label 01:00 is one hour later
    stamps = [(first + timedelta(hours=number)).isoformat() + offset for number in range(26)]
    metrics = processed(raw, run, [count_row("1", stamp, number, 1) for number, stamp in enumerate(stamps)])
    profile = metrics["global_metrics"]["profil_horaire"]
    assert [row["debit_total"] for row in profile] == [float(number) for number in range(1, 25)]


def test_the_spring_day_has_23_labels(raw: RawTree, run: Run) -> None:
    day = "2025-03-30"
    rows = [count_row("1", f"{day}T01:00:00+01:00", 10, 1), count_row("1", f"{day}T03:00:00+02:00", "", "")]
    rows += [count_row("1", label(hour, day, "+02:00"), 10, 1) for hour in range(3, 24)]
    metrics = processed(raw, run, rows, day)
    assert (metrics["qualite"]["couverture"], metrics["qualite"]["heures_manquantes"]) == (round(22 / 23, 4), [2])
    assert metrics["qualite"]["statut"] == "partiel"
    assert metrics["metrics"][0]["debits_horaires"][:4] == [10, None, None, 10]
    assert metrics["global_metrics"]["debit_journalier_total"] == 220
    profile = metrics["global_metrics"]["profil_horaire"]
    assert [row["heure"] for row in profile if row["debit_total"] is None] == [1, 2]
    assert metrics["global_metrics"]["taux_disponibilite_capteurs"] == round(100 * 22 / 23, 2)


def test_the_autumn_day_has_24_labels_of_two_offsets(raw: RawTree, run: Run) -> None:
    day = "2025-10-26"
    rows = [count_row("1", label(hour, day, "+02:00" if hour < 1 else "+01:00"), 10, 1) for hour in range(24)]
    metrics = processed(raw, run, [*rows, count_row("1", f"{day}T00:00:00+02:00", 999, 1)], day)
    assert (metrics["qualite"]["lignes_lues"], metrics["qualite"]["couverture"]) == (24, 1.0)
    assert metrics["global_metrics"]["debit_journalier_total"] == 240
    assert metrics["qualite"]["doublons"] == 0


def test_a_day_of_blanks_alone_is_absent_not_zero(raw: RawTree, run: Run) -> None:
    metrics = processed(raw, run, [count_row("1", label(hour)) for hour in range(24)])
    assert (metrics["qualite"]["couverture"], metrics["qualite"]["statut"]) == (0.0, "absent")
    assert metrics["global_metrics"]["debit_journalier_total"] is None


def test_a_day_half_published_is_partial(raw: RawTree, run: Run) -> None:
    metrics = processed(raw, run, [*hours("1", only=range(12)), *hours("2", only=range(12))])
    assert (metrics["qualite"]["couverture"], metrics["qualite"]["statut"]) == (0.5, "partiel")
    assert metrics["global_metrics"]["profil_horaire"][12]["debit_total"] is None
    assert metrics["global_metrics"]["profil_horaire"][12]["troncons_mesures"] == 0


# ------------------------------------------------------------------------------------------------------------- figures


def test_traffic_states_change_at_their_very_bounds(raw: RawTree, run: Run) -> None:
    rates = ["0", "14.99999", "15", "29.99999", "30", "49.99999", "50", "100", ""]
    metrics = processed(raw, run, [count_row(str(n), label(8), 5, rate) for n, rate in enumerate(rates)])
    states = [arcs_of(metrics)[str(n)]["etat_trafic_dominant"] for n in range(len(rates))]
    pairs = ["Fluide"] * 2 + ["Pré-saturé"] * 2 + ["Saturé"] * 2 + ["Bloqué"] * 2
    assert states == [*pairs, "Inconnu"]
    shares = metrics["global_metrics"]["repartition_etat_trafic"]
    assert shares == {"Fluide": 2, "Pré-saturé": 2, "Saturé": 2, "Bloqué": 2, "Inconnu": 1}
    assert metrics["global_metrics"]["nombre_troncons_satures"] == 4


def test_the_dominant_state_is_the_most_frequent_and_of_two_the_worse(raw: RawTree, run: Run) -> None:
    mostly = hours("1", rate=lambda hour: 60 if hour < 5 else 20 if hour < 10 else "")
    metrics = processed(raw, run, [*mostly, *hours("2", rate=lambda hour: 60 if hour < 5 else 20)])
    assert [arc["etat_trafic_dominant"] for arc in metrics["metrics"]] == ["Bloqué", "Pré-saturé"]


SHARES = {0: 1.0, 29.999: 1.0, 30: 0.8, 49.999: 0.8, 50: 0.6, 69.999: 0.6, 70: 0.4, 100: 0.4}
FREE = {"Rue_A": 30, "PE_Bercy": 50, "PI_Bercy": 50, "Pe_A": 30}


@pytest.mark.parametrize(("rate", "libelle"), each_once(SHARES, FREE))
def test_lost_time_is_the_model_s(raw: RawTree, run: Run, rate: float, libelle: str) -> None:
    share, free = SHARES[rate], FREE[libelle]
    metrics = processed(raw, run, [count_row("1", label(8), 600, rate, libelle)])
    arc = arcs_of(metrics)["1"]
    at_ease, slowed = (METRES / 1000 / speed * 60 for speed in (free, free * share))  # minutes for one vehicle
    assert arc["longueur_metres"] == pytest.approx(METRES, rel=1e-3)
    assert arc["temps_perdu_minutes"] == pytest.approx(slowed - at_ease, abs=1e-3)
    assert arc["temps_perdu_total_minutes"] == pytest.approx(600 * (slowed - at_ease), rel=1e-3, abs=0.01)
    assert metrics["global_metrics"]["temps_perdu_total_minutes"] == arc["temps_perdu_total_minutes"]
    assert "modèle" in metrics["global_metrics"]["temps_perdu_modele"]


def test_lost_time_is_summed_hour_by_hour_not_from_means(raw: RawTree, run: Run) -> None:
    rows = [count_row("1", label(8), 1000, 60), count_row("1", label(9), 10, 0)]
    lost = 1000 * METRES / 1000 * (1 / (30 * 0.6) - 1 / 30) * 60
    arc = arcs_of(processed(raw, run, rows))["1"]
    assert arc["temps_perdu_total_minutes"] == pytest.approx(lost, rel=1e-3)
    assert arc["temps_perdu_minutes"] == pytest.approx(lost / 1010, rel=1e-3)


def test_an_hour_without_occupancy_is_no_hour_without_loss(raw: RawTree, run: Run) -> None:
    rows = [count_row("1", label(8), 100, 60), count_row("1", label(9), 900, ""), count_row("1", label(10), "", 60)]
    metrics = processed(raw, run, [*rows, *hours("2", rate=""), *hours("3", flow=""), *hours("4", shape="")])
    one_vehicle = METRES / 1000 * (1 / (30 * 0.6) - 1 / 30) * 60
    arcs = arcs_of(metrics)
    assert arcs["1"]["temps_perdu_minutes"] == pytest.approx(one_vehicle, rel=1e-3)
    assert arcs["1"]["debit_journalier_total"] == 1000
    assert [arcs[arc]["temps_perdu_minutes"] for arc in "234"] == [None] * 3
    assert [arcs[arc]["temps_perdu_total_minutes"] for arc in "234"] == [None] * 3
    assert [row["temps_perdu_minutes"] for row in metrics["global_metrics"]["profil_horaire"][8:11]] == [
        pytest.approx(100 * one_vehicle, rel=1e-3), None, None,
    ]  # fmt: skip


def test_blank_is_missing_and_never_zero(raw: RawTree, run: Run) -> None:
    metrics = processed(raw, run, [*hours("1", flow="", rate=""), *hours("2", flow=0, rate=0)])
    blank, zero = arcs_of(metrics)["1"], arcs_of(metrics)["2"]
    figures = ("debit_journalier_total", "debit_horaire_moyen", "debit_max", "heure_pic", "taux_occupation_moyen",
               "temps_perdu_minutes", "temps_perdu_total_minutes")  # fmt: skip
    assert [blank[name] for name in figures] == [None] * 7
    assert [zero[name] for name in figures] == [0, 0, 0, 0, 0, None, 0]
    figures = metrics["global_metrics"]
    assert (figures["nombre_troncons"], figures["nombre_troncons_actifs"]) == (2, 1)
    assert figures["taux_disponibilite_capteurs"] == 50.0
    assert [arc["identifiant_arc"] for arc in metrics["top_10_troncons"]] == ["2"]


def test_a_day_where_nothing_was_measured_has_no_zero(raw: RawTree, run: Run) -> None:
    metrics = processed(raw, run, hours("1", flow="", rate=""))
    figures = metrics["global_metrics"]
    assert (figures["debit_journalier_total"], figures["taux_occupation_moyen"]) == (None, None)
    assert figures["temps_perdu_total_minutes"] is None
    assert (metrics["top_10_troncons"], metrics["top_10_zones_congestionnees"]) == ([], [])
    assert metrics["capteurs_defaillants"] == []  # nothing was published for anybody


def test_neither_the_state_of_an_arc_nor_its_dates_filter_it(raw: RawTree, run: Run) -> None:
    rows = [row for barre in ("Ouvert", "Barré", "Invalide", "3", "") for row in hours(f"a{barre}", 10, barre=barre)]
    metrics = processed(raw, run, rows)  # count_row's date_fin is 2019-06-01
    assert metrics["global_metrics"]["debit_journalier_total"] == 5 * 240


# -------------------------------------------------------------------------------------------------------------- places


def test_a_shape_missing_from_some_rows_is_taken_from_the_others(raw: RawTree, run: Run) -> None:
    feature = '{""type"": ""Feature"", ""geometry"": {""type"": ""LineString"", ""coordinates"": '
    feature += '[[2.35, 48.85], [2.351, 48.851]]}, ""properties"": {}}'
    rows = [*hours("1", only=range(23)), count_row("1", label(23), 5, 5, "", shape="", point="")]
    metrics = processed(raw, run, [*rows, *hours("2", shape=feature), *hours("3", libelle="", shape="", point="")])
    arcs = arcs_of(metrics)
    assert arcs["1"]["longueur_metres"] == arcs["2"]["longueur_metres"] == pytest.approx(METRES, rel=1e-3)
    assert (arcs["1"]["libelle"], arcs["1"]["geo_point_2d"]) == ("Rue_A", {"lon": 2.35, "lat": 48.85})
    unknown = ("libelle", "longueur_metres", "geo_point_2d", "arrondissement")
    assert [arcs["3"][name] for name in unknown] == [None] * 4


def test_the_length_of_the_reference_comes_first(raw: RawTree, run: Run) -> None:
    line = '"{""type"": ""LineString"", ""coordinates"": [[2.30, 48.85], [2.31, 48.85]]}"'
    other = line.replace("2.31, 48.85", "2.30, 48.86")
    raw.batch(REFERENTIEL, f"Identifiant arc;Libelle;geo_shape\n1;Rue_A;{line}\n1;Rue_A;{other}\n")
    metrics = processed(raw, run, [*hours("1"), *hours("2")])
    geod = Geod(ellps="WGS84")
    parts = geod.line_length([2.30, 2.31], [48.85, 48.85]) + geod.line_length([2.30, 2.30], [48.85, 48.86])
    assert arcs_of(metrics)["1"]["longueur_metres"] == pytest.approx(parts, rel=1e-3)
    assert arcs_of(metrics)["2"]["longueur_metres"] == pytest.approx(METRES, rel=1e-3)


def boxes(*west: float) -> str:
    """Arrondissements 1, 2, …: one box of 0.01 degree at each western border."""
    features = []
    for number, lon in enumerate(west, start=1):
        ring = [[lon, 48.8], [lon + 0.01, 48.8], [lon + 0.01, 48.9], [lon, 48.9], [lon, 48.8]]
        shape = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "geometry": shape, "properties": {"c_ar": number}})
    return json.dumps({"type": "FeatureCollection", "features": features})


def test_zones_are_arrondissements_with_the_ring_apart(raw: RawTree, run: Run) -> None:
    raw.batch("arrondissements.geojson", boxes(2.30, 2.31))
    rows = [
        *hours("1", rate=40, point="48.85,2.305"),
        *hours("2", rate=20, point="48.85, 2.305"),
        *hours("3", rate=29.99, point="48.85,2.315"),
        *hours("4", rate=90, libelle="PE_Bercy", point="48.85,2.305"),  # on the ring, and within box 1
        *hours("5", rate=90, libelle="PI_Bercy", point="48.85,2.5"),  # on the ring, outside
        *hours("6", rate=99, point="48.85,2.5"),  # outside: in no zone, and no guess
        *hours("7", rate="", point="48.85,2.315"),
    ]
    metrics = processed(raw, run, rows)
    zones = [{key: zone[key] for key in ("rang", "zone", "nombre_troncons", "taux_occupation_moyen",
              "part_heures_saturees_pct")} for zone in metrics["top_10_zones_congestionnees"]]  # fmt: skip
    assert [tuple(zone.values()) for zone in zones] == [
        (1, "périphérique", 2, 90.0, 100.0), (2, "01", 2, 30.0, 50.0), (3, "02", 1, 29.99, 0.0),
    ]  # fmt: skip
    assert [arc["arrondissement"] for arc in metrics["metrics"]] == [1, 1, 2, 1, None, None, 2]


def test_at_most_ten_zones_and_ten_arcs_are_ranked(raw: RawTree, run: Run) -> None:
    raw.batch("arrondissements.geojson", boxes(*(2.20 + number / 50 for number in range(12))))
    rows = []
    for number in range(12):
        place = f"48.85,{2.205 + number / 50}"
        rows += [count_row(f"{number:02}", label(hour), 100, 31 + number, point=place) for hour in (8, 9)]
    rows += [count_row("99", label(8), 201, 1, point="")]
    metrics = processed(raw, run, rows)
    assert [zone["zone"] for zone in metrics["top_10_zones_congestionnees"]] == [f"{n:02}" for n in range(12, 2, -1)]
    top = metrics["top_10_troncons"]
    assert [arc["identifiant_arc"] for arc in top] == ["99", *(f"{n:02}" for n in range(9))]  # ties by identifier
    assert [arc["rang"] for arc in top] == list(range(1, 11))
    assert top[0]["debit_journalier_total"] == 201


def test_a_zone_of_few_arcs_is_ranked_after_the_others(raw: RawTree, run: Run) -> None:
    """Two full arcs are no congested arrondissement."""
    raw.batch("arrondissements.geojson", boxes(2.30, 2.31))
    rows = [row for arc in "12345" for row in hours(arc, rate=35, point="48.85,2.305")]
    rows += [row for arc in "6789" for row in hours(arc, rate=90, point="48.85,2.315")]
    zones = processed(raw, run, rows)["top_10_zones_congestionnees"]
    assert [(zone["rang"], zone["zone"], zone["nombre_troncons"]) for zone in zones] == [(1, "01", 5), (2, "02", 4)]


def test_without_polygons_the_run_says_so_once_and_still_knows_the_ring(raw: RawTree, run: Run) -> None:
    raw.counts([*hours("1"), *hours("2", libelle="PE_Bercy")])
    ran = run(main, "--date", DAY)
    assert ran.code == 0
    assert ran.err.count("make fetch") == 1
    metrics = raw.metrics("comptages", DAY)
    assert [arc["arrondissement"] for arc in metrics["metrics"]] == [None, None]
    assert [zone["zone"] for zone in metrics["top_10_zones_congestionnees"]] == ["périphérique"]


# -------------------------------------------------------------------------------------------------- alerts and sensors


def test_congestion_of_two_hours_in_a_row_is_an_alert(raw: RawTree, run: Run) -> None:
    def at(*jammed: int, rate: float = 80) -> Callable[[int], object]:
        return lambda hour: rate if hour in jammed else 79.99

    rows = [
        *hours("1", rate=at(8, 9)),
        *hours("2", rate=at(8, 10)),  # never two in a row
        *hours("3", rate=at(20, 21, 22, 23, rate=95.5)),
        *hours("4", rate=lambda hour: {8: 80, 9: "", 10: 80}.get(hour, 1)),  # a blank is no congestion
        *hours("5", rate=at(0, 1, 2, 12, 13)),
    ]
    metrics = processed(raw, run, rows)
    told = [tuple(alert.values()) for alert in metrics["alertes_congestion"]]
    assert told == [
        ("3", "Rue_A", None, "2025-11-04T20:00", "2025-11-05T00:00", 4, 95.5, "critique"),
        ("5", "Rue_A", None, "2025-11-04T00:00", "2025-11-04T03:00", 3, 80.0, "élevée"),
        ("1", "Rue_A", None, "2025-11-04T08:00", "2025-11-04T10:00", 2, 80.0, "élevée"),
        ("5", "Rue_A", None, "2025-11-04T12:00", "2025-11-04T14:00", 2, 80.0, "élevée"),
    ]
    assert {arc for arc, row in arcs_of(metrics).items() if row["congestion_alerte"]} == {"1", "3", "5"}


def test_silent_stuck_and_impossible_sensors_are_named(raw: RawTree, run: Run) -> None:
    rows = [
        *hours("silent", lambda hour: "" if hour < 6 else hour, lambda hour: "" if hour < 6 else 1),
        *hours("short", lambda hour: "" if hour < 5 else hour, lambda hour: "" if hour < 5 else 1),
        *hours("absent", only=range(18)),
        *hours("rate-only", ""),
        *hours("stuck", lambda hour: 412 if 6 <= hour < 18 else hour),
        *hours("11h", lambda hour: 412 if 6 <= hour < 17 else hour),
        *hours("zero", 0),
        *hours("impossible", lambda hour: -5 if hour == 3 else hour),
        *hours("never-right", -5),
    ]
    metrics = processed(raw, run, rows)
    faults = [(one["identifiant_arc"], one["motif"], one["heures_consecutives"])
              for one in metrics["capteurs_defaillants"]]  # fmt: skip
    assert faults == [
        ("absent", "silencieux", 6),
        ("impossible", "valeur impossible", None),
        ("never-right", "valeur impossible", None),
        ("silent", "silencieux", 6),
        ("stuck", "valeur constante", 12),
    ]
    assert "never-right" not in arcs_of(metrics)
    assert metrics["qualite"]["rejets"] == {"debit_negatif": 25}


# -------------------------------------------------------------------------------------------------------- several files


def aged(raw: RawTree, name: str, rows: list[str], age: int) -> None:
    path = raw.counts(rows, f"comptages-routiers-permanents{name}")
    os.utime(path, (path.stat().st_mtime - age,) * 2)


@pytest.mark.parametrize(("old", "new"), [(".csv", "-2.csv"), ("-2.csv", ".csv"), ("_2024.csv", " (1).csv")])
def test_of_overlapping_files_the_newest_wins_and_nothing_counts_twice(
    raw: RawTree, run: Run, old: str, new: str
) -> None:
    aged(raw, old, [*hours("1", 10), *hours("2", 10)], age=100)
    aged(raw, new, [*hours("1", lambda hour: 10 if hour < 20 else 11), *hours("3", 10)], age=50)
    ran = run(main, "--date", DAY)
    assert ran.code == 0
    metrics = raw.metrics("comptages", DAY)
    assert {arc: row["debit_journalier_total"] for arc, row in arcs_of(metrics).items()} == {
        "1": 244.0, "2": 240.0, "3": 240.0,
    }  # fmt: skip
    account = metrics["qualite"]
    assert (account["lignes_lues"], account["lignes_retenues"]) == (96, 72)
    assert (account["doublons"], account["conflits"]) == (24, 4)


def test_without_any_rate_no_arc_is_said_to_be_free_of_traffic(raw: RawTree, run: Run) -> None:
    figures = processed(raw, run, hours("1", 10, ""))["global_metrics"]
    assert figures["debit_journalier_total"] == 240
    assert (figures["taux_occupation_moyen"], figures["nombre_troncons_satures"]) == (None, None)
    assert generate_report.main(["--date", DAY]) == 1, "the other sources are missing"
    report = json.loads((raw.output / "reports" / f"daily_report_{DAY}.json").read_text())["report"]
    assert report["chiffres_cles"]["taux_occupation_routier"]["valeur"] is None


def test_a_later_blank_takes_nothing_away(raw: RawTree, run: Run) -> None:
    aged(raw, ".csv", hours("1", 10), age=100)
    aged(raw, "-2.csv", hours("1", "", ""), age=50)
    assert run(main, "--date", DAY).code == 0
    assert raw.metrics("comptages", DAY)["metrics"][0]["debit_journalier_total"] == 240.0


def test_a_day_spread_over_forms_is_one_day(raw: RawTree, run: Run) -> None:
    aged(raw, ".csv", hours("1", only=range(10)), age=9)
    text = "iu_ac,libelle,t_1h,q,k\n" + "".join(
        f"1,Rue_A,{label(hour, offset='')},{hour},1\n" for hour in range(10, 16)
    )
    raw.batch("comptages-routiers-permanents-2.csv.gz", gz(text))
    records = [{"iu_ac": "1", "libelle": "Rue_A", "t_1h": label(hour), "q": hour, "k": 1} for hour in range(16, 24)]
    raw.batch("comptages-routiers-permanents-jour.json", json.dumps({"results": records}))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("comptages", DAY)
    assert metrics["qualite"]["couverture"] == 1.0
    assert arcs_of(metrics)["1"]["debit_journalier_total"] == sum(range(10, 24)) + sum(range(100, 110))
    assert arcs_of(metrics)["1"]["longueur_metres"] == pytest.approx(METRES, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("-2.csv", "<!DOCTYPE html><html>503</html>"),
        ("-2.csv", ""),
        ("-2.csv.gz", gz("Identifiant arc;Libelle\n" * 99)[:-9]),
        ("-2.json", "<html>"),
    ],
    ids=["page", "empty", "cut", "json"],
)
def test_an_unusable_file_costs_itself_and_is_named(raw: RawTree, run: Run, name: str, content: str | bytes) -> None:
    raw.batch(f"comptages-routiers-permanents{name}", content)
    raw.counts(hours("1", 10))
    ran = run(main, "--date", DAY)
    assert ran.code == 0
    assert f"comptages-routiers-permanents{name}" in ran.err
    metrics = raw.metrics("comptages", DAY)
    assert metrics["global_metrics"]["debit_journalier_total"] == 240
    assert sum(metrics["qualite"]["rejets"].values()) == 1
    codes = {warning["code"]: warning for warning in metrics["qualite"]["avertissements"]}
    assert codes["fichiers_inutilisables"]["exemples"] == [f"comptages-routiers-permanents{name}"]
    assert f"comptages-routiers-permanents{name}" in raw.rejects("comptages", DAY)
    (raw.root / "batch" / "comptages-routiers-permanents.csv").unlink()
    ran = run(main, "--date", DAY)
    assert ran.code == 1
    assert f"comptages-routiers-permanents{name}" in ran.err


# -------------------------------------------------------------------------------------------------- rejects and re-runs


def test_bad_rows_are_counted_by_reason_and_kept(raw: RawTree, run: Run) -> None:
    bad = [
        count_row("*", label(8), 5, 1),
        count_row("2", label(8), "NaN", 1),
        count_row("2", label(9), -4, 1),
        count_row("2", label(10), 5, 104.2),
        count_row("2", label(11), 5, 1).replace(";Rue_A;", ";Rue;A;"),
        count_row("2", label(12), 5, 1)[:-40],
        count_row("3", label(13, "2025-11-03"), -4, 1),  # another day's: no part of this account
    ]
    metrics = processed(raw, run, [*hours("1", 10), *bad])
    assert metrics["qualite"]["rejets"] == {
        "champs_en_trop": 1, "debit_negatif": 1, "debit_non_numerique": 1, "guillemet_non_ferme": 1,
        "identifiant_invalide": 1, "taux_hors_bornes": 1,
    }  # fmt: skip
    assert metrics["global_metrics"]["debit_journalier_total"] == 240
    account = metrics["qualite"]
    assert account["lignes_lues"] == account["lignes_retenues"] + account["doublons"] + 6
    kept = raw.rejects("comptages", DAY)
    assert kept.count("comptages-routiers-permanents.csv;octet ") == 6
    assert "'debit': 'NaN'" in kept
    assert "104.2" in kept
    raw.counts(hours("1", 10))
    assert run(main, "--date", DAY).code == 0
    assert not (raw.output / "rejects" / f"comptages_{DAY}.csv").exists()


def test_a_day_of_bad_rows_alone_fails_and_says_why(raw: RawTree, run: Run) -> None:
    raw.counts(hours("1", -3))
    ran = run(main, "--date", DAY)
    assert ran.code == 1
    assert "'debit_negatif': 24" in ran.err
    assert not (raw.output / "metrics").exists()


def test_the_same_input_gives_the_same_bytes_but_for_the_time_stamp(raw: RawTree, run: Run) -> None:
    rows = [*hours("1"), *hours("2", rate=90), *hours("3", ""), *hours("4", -3), count_row("*", label(2), 1, 1)]
    raw.counts(rows)
    assert run(main, "--date", DAY).code == 0
    first = written(raw)
    raw.counts(list(reversed(rows)))
    assert run(main, "--date", DAY).code == 0
    again = written(raw)
    assert again["metrics"] == first["metrics"]
    raw.counts(rows)
    assert run(main, "--date", DAY).code == 0
    assert written(raw) == first


def written(raw: RawTree) -> dict[str, str]:
    metrics = (raw.output / "metrics" / f"comptages_metrics_{DAY}.json").read_text(encoding="utf-8")
    lines = [line for line in metrics.splitlines() if not line.startswith('  "timestamp"')]
    assert len(lines) == len(metrics.splitlines()) - 1
    return {"metrics": "\n".join(lines), "rejects": raw.rejects("comptages", DAY)}


# ------------------------------------------------------------------------------------------------------------- no data


def test_a_day_without_data_is_exit_4_and_the_days_that_exist_are_named(raw: RawTree, run: Run) -> None:
    raw.counts([*hours("1", day="2025-11-02"), *hours("1", day="2025-11-06")])
    ran = run(main, "--date", DAY)
    assert ran.code == 4
    assert "Jours présents (2) : 2025-11-02, 2025-11-06." in ran.err
    assert not (raw.output / "metrics").exists()


def test_no_file_at_all_is_exit_4_and_names_the_folder(raw: RawTree, run: Run) -> None:
    ran = run(main, "--date", DAY)
    assert ran.code == 4
    assert str(raw.root / "batch") in ran.err


def test_an_export_of_header_alone_is_exit_4(raw: RawTree, run: Run) -> None:
    raw.counts([])
    ran = run(main, "--date", DAY)
    assert ran.code == 4
    assert "ni pour un autre jour" in ran.err


def test_one_file_may_be_named(raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    raw.counts(hours("1", 10))
    chosen = raw.counts(hours("1", 20), "autre.csv")
    monkeypatch.setenv("COMPTAGES_CSV", str(chosen))
    ran = run(main, "--date", DAY, "--json")
    assert ran.code == 0
    said = json.loads(ran.out)
    assert (said["type"], said["date"], said["qualite"]["lignes_retenues"]) == ("comptages", DAY, 24)
    assert raw.metrics("comptages", DAY)["global_metrics"]["debit_journalier_total"] == 480


# ------------------------------------------------------------------------------------- what the totals may say

WEEK_BEFORE = "2025-10-28"


@pytest.mark.parametrize(("silent", "status"), [(0, "complet"), (2, "partiel"), (4, "partiel"), (6, "partiel")])
def test_silent_arcs_make_a_rise_no_fall_and_the_day_no_whole_one(
    raw: RawTree, run: Run, silent: int, status: str
) -> None:
    flows = {f"{n:02}": 100 * (n + 1) for n in range(20)}
    rows = [row for arc, flow in flows.items() for row in hours(arc, flow, day=WEEK_BEFORE)]
    for place, (arc, flow) in enumerate(flows.items()):
        dead = place >= len(flows) - silent  # the busiest, with up to half of the traffic
        rows += hours(arc, "" if dead else flow * 107 // 100, "" if dead else 10)
    raw.counts(rows)
    for day in (WEEK_BEFORE, DAY):
        assert run(main, "--date", day).code == 0
        run(generate_report.main, "--date", day)
    figure = raw.report(DAY)["chiffres_cles"]["debit_routier"]
    assert (figure["evolution_semaine_precedente_pct"], figure["evolution_mediane_pct"]) == (7.0, 7.0)
    assert figure["semaine_precedente_base"]["capteurs"] == 20 - silent
    account = raw.metrics("comptages", DAY)["qualite"]
    assert (account["statut"], account["couverture"]) == (status, (20 - silent) / 20)
    assert account["capteurs"] == {"attendus": 20, "mesures": 20 - silent, "ecartes": 0, "base": "1 jour récent"}
    phrase = raw.report(DAY)["resume"]["phrase"]
    assert ("trafic routier en hausse (+7\u202f%)" in phrase) == (silent <= 4)
    assert ("trafic routier : vu à 70\u202f% seulement" in phrase) == (silent == 6)


def test_an_arc_far_beyond_its_own_past_is_listed_and_in_no_figure(raw: RawTree, run: Run) -> None:
    days = [f"2025-11-0{number}" for number in (1, 2, 3)]
    rows = [row for day in days for arc in "123" for row in hours(arc, 200, day=day)]
    rows += [*hours("1", 200), *hours("2", lambda hour: 9000 if hour == 3 else 200, 90), *hours("3", 1700)]
    raw.counts(rows)
    for day in (*days, DAY):
        assert run(main, "--date", day).code == 0
    metrics = raw.metrics("comptages", DAY)
    assert metrics["global_metrics"]["debit_journalier_total"] == 24 * 1900  # a reopened street still counts
    assert metrics["capteurs_ecartes"] == [
        {"identifiant_arc": "2", "libelle": "Rue_A", "regle": "au-delà de son passé", "valeur": 9000, "seuil": 1800,
         "aurait_ajoute": 23 * 200 + 9000}
    ]  # fmt: skip
    assert arcs_of(metrics)["2"]["ecarte"] == "au-delà de son passé"
    assert [arc["identifiant_arc"] for arc in metrics["top_10_troncons"]] == ["3", "1"]
    assert metrics["alertes_congestion"] == []
    assert metrics["qualite"]["capteurs"]["ecartes"] == 1
    (warning,) = [one for one in metrics["qualite"]["avertissements"] if one["code"] == "capteurs_ecartes"]
    assert "1 tronçon en panne, laissé de côté : il aurait ajouté 13\u202f600 véhicules × arcs." in warning["message"]


def test_an_arc_of_which_no_value_is_possible_is_failing_and_set_aside(raw: RawTree, run: Run) -> None:
    metrics = processed(raw, run, [*hours("1", 200), *hours("7", -4)])
    aside = {"identifiant_arc": "7", "libelle": None, "regle": "valeur impossible"}
    assert metrics["capteurs_ecartes"] == [aside | {"valeur": None, "seuil": None, "aurait_ajoute": None}]
    assert [(one["identifiant_arc"], one["motif"]) for one in metrics["capteurs_defaillants"]] == [
        ("1", "valeur constante"),
        ("7", "valeur impossible"),
    ]
    assert (metrics["global_metrics"]["debit_journalier_total"], list(arcs_of(metrics))) == (4800, ["1"])
    (warning,) = [one for one in metrics["qualite"]["avertissements"] if one["code"] == "capteurs_ecartes"]
    assert (warning["exemples"], metrics["qualite"]["capteurs"]["ecartes"]) == (["7"], 1)


def test_ids_that_pandas_made_floats_are_the_same_arcs(raw: RawTree, run: Run) -> None:
    rows = [*hours("4264", 200), *hours("12", 100)]
    older = raw.counts(rows, "comptages-routiers-permanents-a.csv")
    os.utime(older, (1_700_000_000, 1_700_000_000))
    metrics = processed(raw, run, [row.replace(";", ".0;", 1) for row in rows])
    assert metrics["global_metrics"]["debit_journalier_total"] == 24 * 300
    assert (list(arcs_of(metrics)), metrics["qualite"]["doublons"]) == (["12", "4264"], 48)


@pytest.mark.parametrize(
    ("flow", "rate", "code"),
    [
        (200, lambda hour: 0.01 * hour, "taux_en_fractions"),
        (200, lambda hour: 0.1 * hour, None),
        (0, lambda hour: 0.01 * hour, "zeros_suspects"),
    ],
)
def test_values_of_another_unit_and_blanks_filled_with_zeros_are_said(
    raw: RawTree, run: Run, flow: int, rate: Value, code: str | None
) -> None:
    metrics = processed(raw, run, [row for arc in range(12) for row in hours(str(arc), flow, rate)])
    found = {one["code"] for one in metrics["qualite"]["avertissements"]}
    assert found & {"taux_en_fractions", "zeros_suspects"} == ({code} if code else set())


def test_zeros_filled_in_from_noon_on_are_no_measurements(raw: RawTree, run: Run) -> None:
    def rows(day: str, flow: Value, rate: Value) -> list[str]:
        return [row for arc in range(12) for row in hours(str(arc), flow, rate, day)]

    for day in ("2025-11-01", "2025-11-02", "2025-11-03"):
        processed(raw, run, rows(day, 300, 10), day)
    metrics = processed(raw, run, rows(DAY, *[lambda hour: 0 if hour >= 12 else 100] * 2))
    account = metrics["qualite"]
    assert (account["couverture"], account["heures_manquantes"]) == (0.5, [*range(12, 24)])
    (warning,) = [one for one in account["avertissements"] if one["code"] == "zeros_suspects"]
    assert "(12 h, 13 h, " in warning["message"]
    assert metrics["global_metrics"]["taux_occupation_moyen"] == 100
    assert metrics["global_metrics"]["profil_horaire"][12]["debit_total"] is None
    assert metrics["metrics"][0]["debits_horaires"] == [100] * 12 + [None] * 12


def test_rates_of_zero_beside_vehicles_are_no_rates(raw: RawTree, run: Run) -> None:
    metrics = processed(
        raw, run, [row for arc in range(12) for row in hours(str(arc), 200, lambda hour: 0 if hour >= 12 else 20)]
    )
    (warning,) = [one for one in metrics["qualite"]["avertissements"] if one["code"] == "taux_a_zero"]
    assert (warning["mesure"], warning["exemples"]) == (12, [12, 13, 14, 15, 16])
    assert metrics["global_metrics"]["taux_occupation_moyen"] == 20
    assert metrics["global_metrics"]["profil_horaire"][12]["taux_occupation_moyen"] is None
    assert (metrics["metrics"][0]["heures_valides"], metrics["qualite"]["couverture"]) == (24, 1.0)
    quiet = [row for arc in range(12) for row in hours(str(arc), 20 if arc < 7 else 200, 0 if arc < 7 else 5)]
    assert "taux_a_zero" not in {one["code"] for one in processed(raw, run, quiet)["qualite"]["avertissements"]}


def test_the_state_at_the_peak_is_the_worst_held_for_two_hours_by_day(raw: RawTree, run: Run) -> None:
    def at(*busy: int, rate: float = 55) -> Callable[[int], object]:
        return lambda hour: rate if hour in busy else 5

    rows = [
        *hours("one hour", rate=at(8)),
        *hours("two hours", rate=at(8, 9)),
        *hours("falling", rate=lambda hour: {8: 55, 9: 35}.get(hour, 5)),
        *hours("by night", rate=at(20, 21, 22)),
        *hours("until 20 h", rate=at(18, 19)),
        *hours("at 06 h", rate=at(6, 7)),
        *hours("known apart", rate=lambda hour: 55 if hour % 2 else ""),
        *hours("alert", rate=at(21, 22, rate=85)),
    ]
    arcs = arcs_of(processed(raw, run, rows))
    assert {arc: one["etat_trafic_pointe"] for arc, one in arcs.items()} == {
        "one hour": "Fluide", "two hours": "Bloqué", "falling": "Saturé", "by night": "Fluide",
        "until 20 h": "Bloqué", "at 06 h": "Fluide", "known apart": "Inconnu", "alert": "Fluide",
    }  # fmt: skip
    assert {arc: shown_state(one) for arc, one in arcs.items()}["alert"] == "Bloqué"
    assert {one["etat_trafic_dominant"] for one in arcs.values()} == {"Fluide", "Bloqué"}


def test_the_past_of_a_range_is_that_of_the_days_one_by_one(raw: RawTree, run: Run) -> None:
    days = [f"2025-11-0{number}" for number in (1, 2, 3, 4)]
    raw.counts([row for day in days for arc in "1234" for row in hours(arc, 9999 if day == DAY else 100, day=day)])
    assert run(main, "--from", days[0], "--to", days[-1]).code == 0
    together = raw.metrics("comptages", DAY)
    assert len(together["capteurs_ecartes"]) == 4
    for day in days:
        assert run(main, "--date", day, "--force").code == 0
    assert raw.metrics("comptages", DAY) == together
