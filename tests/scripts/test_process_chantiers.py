"""Road works of a day: dates decide, every dialect, bad rows cost only themselves, figures as on the real export."""

import csv
import json
import math
import os
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from scripts import generate_report
from scripts.process_chantiers import main
from scripts.sources.chantiers.exports import parse_work_day
from scripts.sources.chantiers.records import parse_impact
from tests.conftest import SAMPLES, Ran, RawTree, gz, needs_samples

DAY = "2025-11-04"
CSV = "chantiers-perturbants-la-circulation.csv"
REFERENCE = "referentiel-geographique-pour-les-donnees-trafic-issues-des-capteurs-permanents.csv"
LABELS = (
    "Identifiant", "Identifiant CTV", "Code postal de l'arrondissement", "Numéro de STV", "Typologie",
    "Maitre d'ouvrage", "Objet", "Description", "Voie(s)", "Précisions de localisation", "Date de début", "Date de fin",
    "Impact sur la circulation", "Détail de l'impact sur la circulation", "Niveau de perturbation", "Statut",
    "URL LettreInfoChantier", "geo_shape", "geo_point_2d",
)  # fmt: skip
TECHNICAL = (
    "identifiant", "identifiant_ctv", "cp_arrondissement", "num_stv", "typologie", "maitre_ouvrage", "objet",
    "description", "voie", "precision_localisation", "date_debut", "date_fin", "impact_circulation",
    "impact_circulation_detail", "niveau_perturbation", "statut", "url_lic", "geo_shape", "geo_point_2d",
)  # fmt: skip
GEOD = Geod(ellps="WGS84")
SQUARE = {
    "type": "Polygon",
    "coordinates": [[[2.35, 48.85], [2.351, 48.85], [2.351, 48.851], [2.35, 48.851], [2.35, 48.85]]],
}
Run = Callable[..., Ran]


def work(identifier: str, first: str = "2025-11-01", last: str = "2025-11-30", **more: Any) -> dict[str, Any]:
    """One work under its technical names."""
    shape = more.pop("shape", SQUARE)
    fields = dict.fromkeys(TECHNICAL, "") | {
        "identifiant": identifier,
        "cp_arrondissement": "75004",
        "objet": "REAMENAGEMENT_VOIRIE",
        "voie": "rue de Rivoli",
        "date_debut": first,
        "date_fin": last,
        "impact_circulation": "RESTREINTE",
        "niveau_perturbation": "2",
        "statut": "2",
        "geo_shape": json.dumps(shape) if isinstance(shape, dict) else shape,
        "geo_point_2d": "48.8505, 2.3505",
    }
    return fields | more


def csv_text(works: list[dict[str, Any]], header: tuple[str, ...] = LABELS, delimiter: str = ";") -> str:
    def quoted(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if any(mark in value for mark in f'"\n{delimiter}') else value

    rows = [delimiter.join(map(quoted, header)), *(delimiter.join(map(quoted, one.values())) for one in works)]
    return "\n".join(rows) + "\n"


def figures(raw: RawTree, run: Run, works: list[dict[str, Any]], day: str = DAY) -> Any:
    raw.batch(CSV, csv_text(works))
    ran = run(main, "--date", day, "--force")
    assert ran.code == 0, ran.err
    return raw.metrics("chantiers", day)


def codes(metrics: Any) -> list[str]:
    return [warning["code"] for warning in metrics["qualite"]["avertissements"]]


def age(path: Path, days_ago: int) -> None:
    stamp = path.stat().st_mtime - 86_400 * days_ago
    os.utime(path, (stamp, stamp))


def test_the_dates_decide_not_the_state_nor_the_clock(raw: RawTree, run: Run) -> None:
    metrics = figures(
        raw,
        run,
        [
            work("A", "2025-10-01", "2025-11-04"),
            work("B", "2025-11-04", "2025-11-04", statut="5"),
            work("C", "2025-11-04", "2999-12-31", statut="1"),
            work("D", "2025-10-01", "2025-11-03"),
            work("E", "2025-11-05", "2025-12-31"),
        ],
    )
    assert [one["identifiant"] for one in metrics["metrics"]] == ["A", "B", "C"]
    assert [one["jours_restants"] for one in metrics["metrics"]][:2] == [0, 0]
    assert metrics["metrics"][2]["jours_restants"] == (date(2999, 12, 31) - date(2025, 11, 4)).days
    assert metrics["nombre_chantiers_actifs"] == 3
    assert metrics["nombre_chantiers_connus"] == 5
    assert [one["identifiant"] for one in metrics["nouveaux"]] == ["B", "C"]
    assert [one["identifiant"] for one in metrics["se_terminant"]] == ["A", "B"]
    assert metrics["par_statut"] == {
        "À venir": 1, "En cours": 1, "Suspendu": 0, "Prolongé": 0, "Terminé": 1, "NON_RENSEIGNE": 0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2025-11-04", "2025-11-04"),
        (" 04-11-2025 ", "2025-11-04"),
        ("4/11/2025", "2025-11-04"),
        ("04/11/2025 00:00", "2025-11-04"),
        ("2025-11-04T00:00:00+01:00", "2025-11-04"),
        ("2025-11-03T23:00:00+00:00", "2025-11-04"),
        ("2025-07-14T22:00:00Z", "2025-07-15"),
        ("2025-07-14T23:00:00+01:00", "2025-07-15"),  # asked for in London
        ("2025-07-14T18:00:00-04:00", "2025-07-15"),
        ("2025-07-15T00:00:00+01:00", "2025-07-15"),  # an offset that is not that of the day
        ("2025-11-04T00:00:00+02:00", "2025-11-04"),
        ("2025-03-30T02:30:00", "2025-03-30"),
        ("31/02/2025", None),
        ("2025-13-04", None),
        ("novembre", None),
        ("20251104", None),
    ],
)
def test_every_form_of_day(text: str, day: str | None) -> None:
    assert parse_work_day(text) == day


@given(st.dates(date(1000, 1, 1)), st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%Y-%m-%dT00:00:00+02:00"]))
def test_a_day_is_read_back_whatever_its_form(day: date, form: str) -> None:
    assert parse_work_day(day.strftime(form)) == day.isoformat()


@pytest.mark.parametrize(
    ("text", "impact"),
    [
        ("BARRAGE_TOTAL", "BARRAGE_TOTAL"),
        ("Barrage total", "BARRAGE_TOTAL"),
        ("Mise en impasse", "IMPASSE"),
        ("IMPASSE", "IMPASSE"),
        ("Circulation restreinte", "RESTREINTE"),
        ("Mise en sens unique", "SENS_UNIQUE"),
        ("", "NON_RENSEIGNE"),
        (None, "NON_RENSEIGNE"),
        ("Sens inversé", "AUTRE"),
    ],
)
def test_impacts_are_normalised(text: str | None, impact: str) -> None:
    assert parse_impact(text) == impact


def test_an_unknown_impact_is_counted_apart_and_said(raw: RawTree, run: Run) -> None:
    metrics = figures(raw, run, [work("A", impact_circulation="Sens inversé"), work("B", impact_circulation="")])
    assert metrics["par_impact"] == {
        "BARRAGE_TOTAL": 0, "IMPASSE": 0, "RESTREINTE": 0, "SENS_UNIQUE": 0, "AUTRE": 1, "NON_RENSEIGNE": 1
    }  # fmt: skip
    assert metrics["qualite"]["avertissements"][0]["exemples"] == ["Sens inversé"]


def test_unusable_dates_are_rejected_by_reason_and_counted(raw: RawTree, run: Run) -> None:
    bad = [work("A", ""), work("B", last=""), work("C", "demain"), work("D", "2025-11-09", "2025-11-02")]
    bad += [work("F", "1970-01-01", "1970-01-01"), work("G", last="01/01/1970"), work("H", "1989-12-31")]
    metrics = figures(raw, run, [*bad, work("E"), work("I", "1990-01-01")])
    assert metrics["nombre_chantiers_actifs"] == 2
    assert metrics["dates_invalides"] == 7
    qualite = metrics["qualite"]
    assert qualite["rejets"] == {
        "date_absente": 2, "date_illisible": 1, "date_trop_ancienne": 3, "fin_avant_debut": 1
    }  # fmt: skip
    assert (qualite["couverture"], qualite["statut"]) == (round(2 / 9, 4), "partiel")
    assert qualite["lignes_lues"] == 9
    rejects = list(csv.DictReader(raw.rejects("chantiers", DAY).splitlines(), delimiter=";"))
    assert [(row["fichier"], row["ligne"], row["raison"]) for row in rejects] == [
        (CSV, "2", "date_absente"),
        (CSV, "3", "date_absente"),
        (CSV, "4", "date_illisible"),
        (CSV, "6", "date_trop_ancienne"),
        (CSV, "7", "date_trop_ancienne"),
        (CSV, "8", "date_trop_ancienne"),
        (CSV, "5", "fin_avant_debut"),
    ]
    assert all("rue de Rivoli" in row["contenu"] for row in rejects)


def geojson(works: list[dict[str, Any]]) -> str:
    features = [
        {
            "type": "Feature",
            "geometry": json.loads(one["geo_shape"]) if one["geo_shape"] else None,
            "properties": {
                **{name: value or None for name, value in one.items() if name != "geo_shape"},
                "geo_point_2d": {"lon": 2.3505, "lat": 48.8505},
                "niveau_perturbation": 2,
            },
        }
        for one in works
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


@pytest.mark.parametrize(
    "form", ["labels", "crlf", "technical", "comma", "gz", "geojson", "geojson_gz", "api", "wrapped"]
)
def test_every_dialect_gives_the_same_figures(raw: RawTree, run: Run, form: str) -> None:
    works = [
        work("A", description='Voie dite "basse"\nfermée ; la nuit'),
        work("B", "04/11/2025", "05-11-2025", impact_circulation="", cp_arrondissement="75116"),
        work("C", last="2025-11-02"),
    ]
    expected = figures(raw, run, works)
    (raw.root / "batch" / CSV).unlink()
    wrapped = [{**one, "geo_shape": json.dumps({"type": "Feature", "geometry": SQUARE})} for one in works]
    stem = CSV.removesuffix(".csv")
    forms = {
        "labels": (CSV, "\ufeff" + csv_text(works)),
        "crlf": (f"{stem}-2.csv", "\ufeff" + csv_text(works).replace("\n", "\r\n")),
        "technical": (CSV, csv_text(works, TECHNICAL)),
        "comma": (CSV, csv_text(works, delimiter=",")),
        "gz": (f"{CSV}.gz", gz(csv_text(works))),
        "geojson": (f"{stem}.geojson", geojson(works)),
        "geojson_gz": (f"{stem}.geojson.gz", gz(geojson(works))),
        "api": (f"{stem}.json", json.dumps({"results": works})),
        "wrapped": (CSV, csv_text(wrapped)),
    }
    raw.batch(*forms[form])
    assert run(main, "--date", DAY).code == 0
    assert raw.metrics("chantiers", DAY) == expected
    assert expected["metrics"][0]["description"] == 'Voie dite "basse" fermée ; la nuit'
    assert [one["arrondissement"] for one in expected["metrics"]] == [4, 16]


def test_broken_lines_cost_only_themselves(raw: RawTree, run: Run) -> None:
    lines = csv_text([work(name, description="un\ndeux") for name in "ABC"]).splitlines()
    lines.insert(3, ";".join(work("X", voie='rue "basse', shape="").values()))  # a stray quote
    lines.insert(2 + 2 * 2, "Y;" + "v" * 10_000_001)
    lines.append(";".join(work("Z", shape="").values())[:80])  # truncated
    raw.batch(CSV, "\n".join(lines))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("chantiers", DAY)
    assert [one["identifiant"] for one in metrics["metrics"]] == ["A", "B", "C"]
    assert metrics["qualite"]["rejets"] == {"champs_manquants": 1, "guillemet_non_ferme": 1, "ligne_trop_longue": 1}
    assert metrics["dates_invalides"] == 0


def test_an_export_that_breaks_off_is_not_complete(raw: RawTree, run: Run) -> None:
    text = csv_text([work(f"A{number}") for number in range(100)])
    raw.batch(CSV, text[: len(text) // 2 - 5])
    assert run(main, "--date", DAY).code == 0
    account = raw.metrics("chantiers", DAY)["qualite"]
    assert account["statut"] == "partiel"
    assert account["rejets"].keys() <= {"champs_manquants", "guillemet_non_ferme"}
    (warning,) = [one for one in account["avertissements"] if one["code"] == "releve_coupe"]
    assert (
        warning["message"] == f"{CSV} n'est pas entier (dernière ligne coupée), et aucun plus récent n'en tient lieu."
    )


def test_the_newest_file_wins_for_each_work(raw: RawTree, run: Run) -> None:
    stem = CSV.removesuffix(".csv")
    old = raw.batch(f"{stem}-2.csv", csv_text([work("A", last="2025-11-02"), work("B"), work("C")]))
    age(old, 30)
    raw.batch(CSV, csv_text([work("A"), work("C", "sans date"), work("D", voie="première"), work("D", voie="seconde")]))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("chantiers", DAY)
    assert [(one["identifiant"], one["voies"]) for one in metrics["metrics"]] == [
        ("A", "rue de Rivoli"), ("B", "rue de Rivoli"), ("C", "rue de Rivoli"), ("D", "seconde")
    ]  # fmt: skip
    qualite = metrics["qualite"]
    assert (qualite["doublons"], qualite["conflits"], qualite["lignes_retenues"]) == (2, 1, 4)
    assert qualite["lignes_lues"] == 4 + 2 + 1


@pytest.mark.parametrize(("left", "warned"), [(5, True), (16, False), (0, True)])
def test_an_export_much_smaller_than_the_one_before_is_said_and_takes_no_work_away(
    raw: RawTree, run: Run, left: int, warned: bool
) -> None:
    works = [work(f"CP{number}") for number in range(20)]
    age(raw.batch(CSV, csv_text(works)), 7)
    raw.batch(CSV.replace(".csv", "-2.csv"), csv_text(works[:left]))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("chantiers", DAY)
    assert metrics["nombre_chantiers_actifs"] == 20
    found = [one["message"] for one in metrics["qualite"]["avertissements"] if one["code"] == "chantiers_incomplets"]
    assert bool(found) == warned
    assert all(f"({left} ligne" in text and f"{CSV} (20 lignes)" in text for text in found)


def test_a_work_without_a_name_or_a_place_still_counts(raw: RawTree, run: Run) -> None:
    nowhere = work("A", shape="", geo_point_2d="", cp_arrondissement="", voie="", niveau_perturbation="", statut="")
    crooked = work("B", shape='{"type": "Polygon", "coordinates": [[[2.35, 48.85]]]}')
    nameless = [work("", voie="quai Branly"), work("", voie="quai d'Orsay"), work("", voie="quai d'Orsay")]
    metrics = figures(raw, run, [nowhere, crooked, *nameless])
    assert metrics["nombre_chantiers_actifs"] == 4
    assert metrics["qualite"]["doublons"] == 1
    by_name = {one["identifiant"]: one for one in metrics["metrics"]}
    assert set(by_name) == {None, "A", "B"}
    for missing in ("arrondissement", "voies", "niveau", "statut", "surface_m2", "geo_point_2d", "description"):
        assert by_name["A"][missing] is None
    assert by_name["B"]["surface_m2"] is None
    assert metrics["nombre_chantiers_sans_surface"] == 2
    assert metrics["par_niveau"] == {"perturbant": 0, "très perturbant": 3, "NON_RENSEIGNE": 1}
    assert "formes_illisibles" in codes(metrics)


@needs_samples
def test_the_postal_code_then_the_point_then_nothing(raw: RawTree, run: Run) -> None:
    shutil.copy(next((SAMPLES / "arrondissements").iterdir()), raw.root / "arrondissements.geojson")
    raw.batch("arrondissements.geojson", (raw.root / "arrondissements.geojson").read_bytes())
    eiffel, versailles = "48.8584, 2.2945", "48.8049, 2.1204"
    metrics = figures(
        raw,
        run,
        [
            work("A", cp_arrondissement="75001", geo_point_2d=eiffel),
            work("B", cp_arrondissement="75116", geo_point_2d=eiffel),
            work("C", cp_arrondissement="", geo_point_2d=eiffel),
            work("D", cp_arrondissement="92100", geo_point_2d=versailles),
            work("E", cp_arrondissement="75021", geo_point_2d="", shape=SQUARE),
            work("F", cp_arrondissement="75020.0"),
        ],
    )
    assert [one["arrondissement"] for one in metrics["metrics"]] == [1, 16, 7, None, 5, 20]
    assert metrics["par_arrondissement"][-1] == {
        "arrondissement": None,
        "nombre_chantiers": 1,
        "nombre_tres_perturbants": 1,
        "surface_m2": metrics["metrics"][3]["surface_m2"],
    }


def zones(raw: RawTree, run: Run, numbers: dict[int, int]) -> tuple[list[tuple[int, int]], float]:
    """The critical zones where the arrondissements have so many active works, and the number they are above."""
    works = [
        work(f"{place}-{n}", cp_arrondissement=str(75000 + place)) for place, m in numbers.items() for n in range(m)
    ]
    metrics = figures(raw, run, works + [work(f"D{n}", cp_arrondissement="") for n in range(30)])
    found = [(zone["arrondissement"], zone["nombre_chantiers"]) for zone in metrics["zones_critiques"]]
    assert sum(zone["nombre_chantiers"] for zone in metrics["par_arrondissement"]) == sum(numbers.values()) + 30
    return found, metrics["seuil_zone_critique"]


@pytest.mark.parametrize(
    ("numbers", "critical", "threshold"),
    [
        ({15: 4, 7: 3, 2: 5}, [(2, 5), (15, 4)], 3),  # a quiet city: the floor
        (dict.fromkeys(range(1, 21), 8), [], 13.66),  # eight everywhere is the city as it is
        (dict.fromkeys(range(1, 14), 6) | dict.fromkeys(range(14, 21), 2), [], 10.9),  # thirteen of twenty are no zones
        (dict.fromkeys(range(1, 21), 6) | {15: 12, 16: 10}, [(15, 12)], 10.9),
        ({place: place for place in range(1, 21)}, [], 25.33),  # as spread out as a city can be
        ({place: place for place in range(1, 20)} | {20: 40}, [(20, 40)], 25.33),
    ],
)
def test_a_critical_zone_stands_out_of_the_city(
    raw: RawTree, run: Run, numbers: dict[int, int], critical: list[tuple[int, int]], threshold: float
) -> None:
    assert zones(raw, run, numbers) == (critical, threshold)


def test_surfaces_are_summed_and_an_overlap_counts_for_each_work(raw: RawTree, run: Run) -> None:
    square, _ = GEOD.polygon_area_perimeter([2.35, 2.351, 2.351, 2.35], [48.85, 48.85, 48.851, 48.851])
    line = {"type": "LineString", "coordinates": [[2.35, 48.85], [2.36, 48.85]]}
    ring = [[2.3, 48.8], [2.31, 48.81], [2.31, 48.8], [2.3, 48.81], [2.3, 48.8]]  # crosses itself: two triangles
    half, _ = GEOD.polygon_area_perimeter([2.3, 2.305, 2.3], [48.8, 48.805, 48.81])
    works = [work("A"), work("B"), work("C", shape=line), work("D", shape={"type": "Polygon", "coordinates": [ring]})]
    metrics = figures(raw, run, works)
    assert metrics["metrics"][3]["surface_m2"] == pytest.approx(2 * abs(half), rel=1e-3)
    assert metrics["surface_totale_m2"] == pytest.approx(2 * square + 2 * abs(half), rel=1e-3)
    assert metrics["metrics"][2]["surface_m2"] is None  # a line has no surface: unknown, not zero
    assert metrics["nombre_chantiers_sans_surface"] == 1
    alone = figures(raw, run, [work("C", shape=line)])
    assert alone["surface_totale_m2"] is None


def reference_csv(arcs: dict[str, list[list[float]]]) -> str:
    rows = ["Identifiant arc;Libelle;geo_shape"]
    for arc, points in arcs.items():
        shape = json.dumps({"type": "LineString", "coordinates": points}).replace('"', '""')
        rows.append(f'{arc};Rue_{arc};"{shape}"')
    return "\n".join(rows)


def test_arcs_within_thirty_metres_are_impacted(raw: RawTree, run: Run) -> None:
    metre = 1 / 111_200  # degree of latitude
    north = 48.851
    arcs = {
        "10": [[2.35, north + 29 * metre], [2.36, north + 29 * metre]],
        "20": [[2.35, north + 31 * metre], [2.36, north + 31 * metre]],
        "30": [[2.3505, 48.8], [2.3505, 48.9]],  # goes through
    }
    raw.batch(REFERENCE, reference_csv(arcs))
    point_only = work("C", shape="", geo_point_2d=f"{north + 60 * metre}, 2.355")
    metrics = figures(raw, run, [work("A"), work("B"), point_only, work("D", shape="", geo_point_2d=""),
                                 work("E", last="2025-11-02")])  # fmt: skip
    assert metrics["troncons_impactes"] == [
        {"identifiant_arc": "10", "libelle": "Rue_10", "chantiers": ["A", "B"]},
        {"identifiant_arc": "20", "libelle": "Rue_20", "chantiers": ["C"]},
        {"identifiant_arc": "30", "libelle": "Rue_30", "chantiers": ["A", "B"]},
    ]
    assert metrics["nombre_troncons_impactes"] == 3
    assert [one["troncons"] for one in metrics["metrics"]] == [2, 2, 1, None]


@pytest.mark.parametrize(
    ("content", "code"), [(None, "referentiel_absent"), ("<html></html>", "referentiel_illisible")]
)
def test_without_a_reference_the_arcs_are_unknown_and_the_rest_counts(
    raw: RawTree, run: Run, content: str | None, code: str
) -> None:
    if content:
        raw.batch(REFERENCE, content)
    metrics = figures(raw, run, [work("A")])
    assert metrics["troncons_impactes"] is None
    assert metrics["nombre_troncons_impactes"] is None
    assert metrics["metrics"][0]["troncons"] is None
    assert metrics["nombre_chantiers_actifs"] == 1
    assert {code, "arrondissements_absents"} <= set(codes(metrics))


def test_a_day_without_any_work_is_a_zero(raw: RawTree, run: Run) -> None:
    raw.batch(REFERENCE, reference_csv({"10": [[2.35, 48.85], [2.36, 48.85]]}))
    metrics = figures(raw, run, [work("A", "2025-11-05"), work("B", "2025-10-01", "2025-11-03")])
    assert metrics["nombre_chantiers_actifs"] == 0
    for empty in ("par_arrondissement", "zones_critiques", "nouveaux", "se_terminant", "troncons_impactes", "metrics"):
        assert metrics[empty] == []
    assert metrics["surface_totale_m2"] == 0
    assert metrics["qualite"]["statut"] == "complet"


@pytest.mark.parametrize(
    ("day", "warned"),
    [("2025-11-15", []), ("2025-11-16", ["export_ancien"]), ("2025-10-25", ["chantiers_termines_absents"])],
)
def test_a_day_outside_what_the_export_knows_is_said(raw: RawTree, run: Run, day: str, warned: list[str]) -> None:
    long = work("C", "2025-01-01", "2026-06-30")
    metrics = figures(raw, run, [work("A", last="2025-11-02"), work("B"), long], day)
    assert [code for code in codes(metrics) if code.startswith(("export", "chantiers"))] == warned
    assert metrics["qualite"]["statut"] == ("partiel" if warned else "complet")


def dated(raw: RawTree, run: Run, day: str, works: list[dict[str, Any]], name: str = CSV, written: str = "") -> Any:
    """The figures of a day out of one export of that name, written on that day."""
    for path in (raw.root / "batch").glob("chantiers*"):
        path.unlink()
    header = LABELS + (("date_maj",) if "date_maj" in works[0] else ())
    path = raw.batch(name, csv_text(works, header))
    if written:
        os.utime(path, (datetime.fromisoformat(f"{written}T12:00:00+01:00").timestamp(),) * 2)
    ran = run(main, "--date", day, "--force")
    assert ran.code == 0, ran.err
    return raw.metrics("chantiers", day)


def test_the_day_of_an_export_is_its_newest_update_else_its_name_else_its_time(raw: RawTree, run: Run) -> None:
    name, works = f"{CSV.removesuffix('.csv')}-2025-10-30.csv", [work("A"), work("B")]
    updated = [works[0] | {"date_maj": "2025-11-02"}, works[1] | {"date_maj": "03/11/2025"}]
    empty = [one | {"date_maj": "1970-01-01"} for one in works]
    for rows, named, day, known in (
        (updated, name, "2025-11-03", "dernière mise à jour"),
        (empty, name, "2025-10-30", "nom du fichier"),
        (works, name, "2025-10-30", "nom du fichier"),
        (works, name.replace("2025-10-30", "20251031 (1)"), "2025-10-31", "nom du fichier"),
        (works, CSV, "2025-11-01", "date du fichier"),
        (works, name.replace("2025-10-30", "2025-13-40"), "2025-11-01", "date du fichier"),
    ):
        metrics = dated(raw, run, DAY, rows, named, "2025-11-01")
        assert (metrics["jour_export"], metrics["jour_export_connu_par"]) == (day, known)
    assert run(generate_report.main, "--date", DAY).code == 1  # the other sources are missing
    page = (raw.output / "reports" / f"daily_report_{DAY}.html").read_text(encoding="utf-8")
    assert "export du 1er\N{NO-BREAK SPACE}novembre 2025 (date du fichier)" in page


@pytest.mark.parametrize(
    ("export", "statut"),
    [("2025-11-04", "complet"), ("2025-10-28", "complet"), ("2025-10-27", "partiel"), ("2025-07-04", "partiel")],
)
@pytest.mark.parametrize("by", ["name", "file", "update"])
def test_a_day_long_after_its_export_is_partial_whatever_is_announced(
    raw: RawTree, run: Run, by: str, export: str, statut: str
) -> None:
    works = [work(f"A{n}", "2025-01-01", f"2025-{7 + n:02}-15") for n in range(6)] + [
        work("B", "2026-09-01", "2026-12-01")
    ]
    if by != "file":
        works += [work("C", "2025-11-01")]  # what alone would make the export look recent
    else:
        works += [work(f"C{n}", "2025-11-01") for n in range(6)]
    if by == "update":
        works = [one | {"date_maj": export} for one in works]
    name = f"chantiers-perturbants-la-circulation-{export}.csv" if by == "name" else CSV
    metrics = dated(raw, run, DAY, works, name, export if by == "file" else "")
    assert metrics["qualite"]["statut"] == statut
    assert [code for code in codes(metrics) if code.startswith("export")] == ["export_ancien"] * (statut == "partiel")


@pytest.mark.parametrize(
    ("first", "export", "statut"),
    [("2025-10-27", "2025-10-27", "partiel"), ("2025-10-28", "2025-10-28", "complet"), ("2025-11-05", None, "complet")],
)
def test_works_still_to_come_tell_an_old_export_that_was_copied(
    raw: RawTree, run: Run, first: str, export: str | None, statut: str
) -> None:
    """A copy bears the day it was made on: the export is from before the first of the works that it has yet to come."""
    begun = [work(f"A{n}", "2025-10-01", "2025-11-06") for n in range(6)]
    ahead = [work(f"B{n}", first, statut=("À venir", "1")[n % 2]) for n in range(5)]
    forgotten = work("C", "2025-01-01", statut="1")
    metrics = dated(raw, run, DAY, [*begun, *ahead, forgotten], CSV, "2025-11-04")
    assert metrics["jour_export"] == (export or "2025-11-04")
    assert metrics["jour_export_connu_par"] == ("chantiers encore à venir" if export else "date du fichier")
    assert (metrics["qualite"]["statut"], metrics["nombre_chantiers_actifs"]) == (statut, 7 if not export else 12)
    assert ("export_ancien" in codes(metrics)) == (statut == "partiel")
    named = f"{CSV.removesuffix('.csv')}-2025-11-04.csv"
    assert dated(raw, run, DAY, [*begun, *ahead], named)["jour_export"] == "2025-11-04", "a day in its name is believed"


def test_a_work_announced_far_ahead_or_left_for_years_does_not_vouch_for_the_export(raw: RawTree, run: Run) -> None:
    usual = [work(f"A{n}", "2025-05-01", f"2025-{9 + n % 4:02}-15") for n in range(40)]
    ahead, left = work("B", "2027-01-01", "2027-12-31"), work("C", "2001-01-01", "2001-02-01")
    assert codes_about_age(figures(raw, run, [*usual, ahead], DAY)) == ["export_ancien"]
    assert codes_about_age(figures(raw, run, [*usual, left, ahead], "2025-05-10")) == ["chantiers_termines_absents"]
    assert codes_about_age(figures(raw, run, [*usual, left, ahead], "2025-05-14")) == ["chantiers_termines_absents"]


def codes_about_age(metrics: Any) -> list[str]:
    return [code for code in codes(metrics) if code in ("export_ancien", "chantiers_termines_absents")]


@pytest.mark.parametrize(("day", "active"), [("2025-11-02", ["A", "B"]), ("2025-11-03", ["B"]), ("2025-11-04", ["B"])])
def test_a_work_that_is_over_at_the_export_is_not_active_from_that_day_on(
    raw: RawTree, run: Run, day: str, active: list[str]
) -> None:
    name = f"{CSV.removesuffix('.csv')}-2025-11-03.csv"
    metrics = dated(raw, run, day, [work("A", statut="5"), work("B", statut="4")], name)
    assert [one["identifiant"] for one in metrics["metrics"]] == active


def test_the_newest_export_wins_whenever_its_file_was_copied(raw: RawTree, run: Run) -> None:
    stem = CSV.removesuffix(".csv")
    raw.batch(f"{stem}-2025-11-03.csv", csv_text([work("A", voie="nouvelle")]))
    age(raw.root / "batch" / f"{stem}-2025-11-03.csv", 30)
    raw.batch(f"{stem}-2025-10-01.csv", csv_text([work("A", voie="ancienne")]))
    assert run(main, "--date", DAY).code == 0
    (one,) = raw.metrics("chantiers", DAY)["metrics"]
    assert one["voies"] == "nouvelle"


@pytest.mark.parametrize("day", ["2020-01-01", "2027-06-01"])
def test_a_day_the_export_says_nothing_of_has_no_data_and_no_zero(raw: RawTree, run: Run, day: str) -> None:
    raw.batch(CSV, csv_text([work("A", last="2025-11-02"), work("B")]))
    ran = run(main, "--date", day, "--force")
    assert ran.code == 4
    assert f"ne disent rien du {day}" in ran.err and "Leurs chantiers vont du" in ran.err
    assert not raw.output.joinpath("metrics").exists()


@pytest.mark.parametrize("content", ["<!DOCTYPE html>\n<html>Erreur</html>\n", csv_text([]), csv_text([work("A", "")])])
def test_files_without_one_believable_work_are_an_error(raw: RawTree, run: Run, content: str) -> None:
    raw.batch(CSV, content)
    ran = run(main, "--date", DAY)
    assert ran.code == 1
    assert "erreur" in ran.err
    assert not raw.output.joinpath("metrics").exists()


def test_exit_codes(raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = run(main, "--date", DAY)
    assert (ran.code, ran.out) == (4, "")
    assert str(raw.root / "batch") in ran.err
    assert run(main, "--date", "4/11/2025").code == 2
    monkeypatch.setenv("CHANTIERS_CSV", str(raw.root / "absent.csv"))
    ran = run(main, "--date", DAY)
    assert ran.code == 1
    assert "CHANTIERS_CSV" in ran.err


def test_the_file_that_json_names_has_the_figures(raw: RawTree, run: Run) -> None:
    raw.batch(CSV, csv_text([work("A")]))
    ran = run(main, "--date", DAY, "--json")
    assert ran.code == 0, ran.err
    said = json.loads(ran.out)
    assert said["type"] == "chantiers"
    stored = json.loads(Path(said["fichier"]).read_text(encoding="utf-8"))
    assert stored["metrics"]["nombre_chantiers_actifs"] == 1
    assert list(stored["metrics"])[-1] == "qualite"


SAMPLE_DAY = "2024-10-28"


@pytest.fixture
def real(raw: RawTree, run: Run) -> tuple[Any, list[dict[str, str]]]:
    """Figures of the real export, and its rows as the csv module reads them."""
    source = SAMPLES / "chantiers" / "labels_chantiers_2024-10_lf.csv"
    raw.batch(CSV, source.read_bytes())
    raw.batch(REFERENCE, (SAMPLES / "referentiel" / "technique_majuscules_referentiel_2020_300.csv").read_bytes())
    raw.batch("arrondissements.geojson", next((SAMPLES / "arrondissements").iterdir()).read_bytes())
    assert run(main, "--date", SAMPLE_DAY).code == 0
    with source.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    active = [one for one in rows if one["Date de début"] <= SAMPLE_DAY <= one["Date de fin"]]
    return raw.metrics("chantiers", SAMPLE_DAY), active


@needs_samples
def test_real_works_of_a_day(real: tuple[Any, list[dict[str, str]]]) -> None:
    metrics, active = real
    assert metrics["nombre_chantiers_actifs"] == len(active) == 52
    assert {one["identifiant"] for one in metrics["metrics"]} == {one["Identifiant"] for one in active}
    assert metrics["dates_invalides"] == 3
    postal = Counter(int(one["Code postal de l'arrondissement"]) - 75_000 for one in active)
    assert {zone["arrondissement"]: zone["nombre_chantiers"] for zone in metrics["par_arrondissement"]} == postal
    assert {zone["arrondissement"] for zone in metrics["zones_critiques"]} == {
        10,
        14,
        15,
    }  # 9, 6 and 9 works, where half of the twenty have two or more
    impacts = Counter(one["Impact sur la circulation"] for one in active)
    assert {name: count for name, count in metrics["par_impact"].items() if count} == impacts
    levels = Counter(one["Niveau de perturbation"] for one in active)
    assert metrics["par_niveau"] == {"perturbant": levels["1"], "très perturbant": levels["2"], "NON_RENSEIGNE": 0}
    assert [one["identifiant"] for one in metrics["nouveaux"]] == ["CP002694"]
    assert metrics["se_terminant"] == []
    assert codes(metrics) == []


def rings_of(row: dict[str, str]) -> list[list[list[list[float]]]]:
    shape = json.loads(row["geo_shape"])
    return [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]


@needs_samples
def test_real_surfaces(real: tuple[Any, list[dict[str, str]]]) -> None:
    metrics, active = real
    expected = {}
    for row in active:
        area = 0.0
        for outline, *holes in rings_of(row):
            area += abs(GEOD.polygon_area_perimeter(*zip(*outline, strict=True))[0])
            area -= sum(abs(GEOD.polygon_area_perimeter(*zip(*hole, strict=True))[0]) for hole in holes)
        expected[row["Identifiant"]] = area
    found = {one["identifiant"]: one["surface_m2"] for one in metrics["metrics"]}
    assert found == pytest.approx(expected, rel=1e-3, abs=0.01)
    assert metrics["surface_totale_m2"] == pytest.approx(sum(expected.values()), rel=1e-3)


def flat(point: list[float]) -> tuple[float, float]:
    """Metres on a plane that touches Paris: good to a few centimetres over the tens of metres compared here."""
    return point[0] * 111_320 * math.cos(math.radians(48.86)) * 1.00112, point[1] * 111_210


def segment_distance(point: tuple[float, float], start: tuple[float, float], end: tuple[float, float]) -> float:
    dx, dy = end[0] - start[0], end[1] - start[1]
    squared = dx * dx + dy * dy
    along = ((point[0] - start[0]) * dx + (point[1] - start[1]) * dy) / squared if squared else 0.0
    along = min(1.0, max(0.0, along))
    return math.dist(point, (start[0] + along * dx, start[1] + along * dy))


def inside(point: tuple[float, float], ring: list[tuple[float, float]]) -> bool:
    crossings = 0
    for (ax, ay), (bx, by) in pairwise(ring):
        if (ay > point[1]) != (by > point[1]):
            crossings += point[0] < ax + (point[1] - ay) * (bx - ax) / (by - ay)
    return crossings % 2 == 1


def steps_along(points: list[list[float]]) -> list[tuple[float, float]]:
    """Points every metre at the most along a line."""
    flattened, found = [flat(point) for point in points], []
    for start, end in pairwise(flattened):
        number = math.ceil(math.dist(start, end)) or 1
        found += [
            (start[0] + (end[0] - start[0]) * n / number, start[1] + (end[1] - start[1]) * n / number)
            for n in range(number + 1)
        ]
    return found


@needs_samples
def test_real_impacted_arcs(real: tuple[Any, list[dict[str, str]]]) -> None:
    metrics, active = real
    with (SAMPLES / "referentiel" / "technique_majuscules_referentiel_2020_300.csv").open(
        encoding="utf-8-sig", newline=""
    ) as stream:
        parts = [
            (row["IU_AC"], json.loads(row["geo_shape"])["coordinates"]) for row in csv.DictReader(stream, delimiter=";")
        ]
    sure, perhaps = set(), set()
    for row in active:
        rings = [[flat(point) for point in outline] for outline, *_ in rings_of(row)]
        west, east = min(x for ring in rings for x, _ in ring), max(x for ring in rings for x, _ in ring)
        south, north = min(y for ring in rings for _, y in ring), max(y for ring in rings for _, y in ring)
        for arc, points in parts:
            near = [p for p in steps_along(points) if west - 32 < p[0] < east + 32 and south - 32 < p[1] < north + 32]
            distances = [
                0.0 if inside(p, ring) else min(segment_distance(p, a, b) for a, b in pairwise(ring))
                for p in near
                for ring in rings
            ]
            closest = min(distances, default=math.inf)
            pair = (arc, row["Identifiant"])
            sure |= {pair} if closest < 29.5 else set()
            perhaps |= {pair} if closest < 30.5 else set()
    found = {(one["identifiant_arc"], name) for one in metrics["troncons_impactes"] for name in one["chantiers"]}
    assert len(sure) > 20
    assert sure <= found <= perhaps
    assert sum(one["troncons"] for one in metrics["metrics"]) == len(found)
