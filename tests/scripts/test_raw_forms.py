"""What a user's own folder looks like: each form and name gives the figures of the plain file, or is named.

72 records of three counters from 2025-11-04 on are the control: 2268 passages.
"""

import csv
import gzip
import io
import json
import os
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from scripts import doctor, process_bikes, process_chantiers, process_comptages, process_traffic, process_weather
from tests.conftest import ARCS_HEADER, Ran, RawTree, bike, count_row, mains
from tests.support.cases import each_once

DAY, NEXT, LATER = "2025-11-04", "2025-11-05", "2025-11-07"
HOURS = ["2025-11-03T23:00:00+00:00", *(f"2025-11-04T{hour:02}:00:00+00:00" for hour in range(23))]
ROWS = [
    bike(f"90000000{number}-1", instant, 10 * number + hour, name=f"{number} Rue Inventée")
    for number in (1, 2, 3)
    for hour, instant in enumerate(HOURS)
]
TOTAL = sum(row["sum_counts"] for row in ROWS)
V21 = {"total_count": 72, "results": ROWS}
PULL = "comptage-velo.json"
EXPORT = "comptage-velo-donnees-compteurs"
LABELS = ("Identifiant du compteur", "Nom du compteur", "Comptage horaire", "Date et heure de comptage")

Run = Callable[..., Ran]


def table(
    header: tuple[str, ...] = LABELS, delimiter: str = ";", date: Callable[[str], str] = str, count: str = "{}"
) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(header)
    for row in ROWS:
        name = row["nom_compteur"]
        writer.writerow([row["id_compteur"], name, count.format(row["sum_counts"]), date(row["date"])])
    return text.getvalue()


def excel_date(instant: str) -> str:
    """The Paris clock, an hour after UTC in November, as Excel shows it."""
    hour = (int(instant[11:13]) + 1) % 24
    return f"04/11/2025 {hour:02}:00"


def bikes(raw: RawTree, run: Run) -> Any:
    ran = run(process_bikes.main, "--date", DAY)
    assert ran.code == 0, ran.err
    return raw.metrics("bikes", DAY)


def codes(metrics: Any) -> dict[str, Any]:
    return {one["code"]: one for one in metrics["qualite"]["avertissements"]}


def archive(name: str, content: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        made.writestr(zipfile.ZipInfo(name), content)  # dated 1980: the same bytes for each worker
    return data.getvalue()


def test_the_control_is_whole(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", NEXT, PULL, V21)
    metrics = bikes(raw, run)
    assert (metrics["total_jour"], TOTAL) == (2268, 2268)
    assert metrics["qualite"]["statut"] == "complet" and not codes(metrics).keys() - {"arrondissements_absents"}


# --- what an answer says of itself -----------------------------------------------------------------------------------


def page(first: int, last: int, total: int = 72) -> dict[str, Any]:
    return {"total_count": total, "results": ROWS[first:last]}


@pytest.mark.parametrize("written", [int, str])
@pytest.mark.parametrize("total", ["total_count", "nhits"])
def test_fewer_records_than_announced_is_partial_and_said(
    raw: RawTree, run: Run, total: str, written: Callable[[int], Any]
) -> None:
    raw.pull("bikes", NEXT, PULL, {total: written(72), "results": ROWS[:24]})
    metrics = bikes(raw, run)
    warning = codes(metrics)["pages_manquantes"]
    assert metrics["qualite"]["statut"] == "partiel"
    assert (warning["mesure"], warning["attendu"]) == (24, 72)
    assert "24 enregistrements sur les 72" in warning["message"] and PULL in warning["message"]


@pytest.mark.parametrize(
    "files",
    [
        [("p1.json", page(0, 30)), ("p2.json", page(30, 60)), ("p3.json", page(60, 72))],
        [("p.jsonl", "\n".join(json.dumps(page(first, first + 12)) for first in range(0, 72, 12)))],
        [("p1.json", page(0, 40, 71)), ("p2.json", page(40, 72, 72))],  # a record came in between two pages
        [("cut.json", page(0, 24)), ("whole.json", V21)],
        [("p.json", [page(0, 50), page(50, 72)])],
        [("p.json", [page(0, 50)]), ("q.json", [page(50, 72)])],
    ],
)
def test_the_pages_of_one_pull_are_summed(raw: RawTree, run: Run, files: list[tuple[str, Any]]) -> None:
    for name, body in files:
        raw.pull("bikes", NEXT, name, body)
    metrics = bikes(raw, run)
    assert (metrics["total_jour"], metrics["qualite"]["statut"]) == (2268, "complet")


def test_a_page_that_comes_twice_is_no_second_page(raw: RawTree, run: Run) -> None:
    revised = [{**row, "sum_counts": row["sum_counts"] + 1} for row in ROWS[:36]]
    raw.pull("bikes", NEXT, "p1.json", page(0, 36), hour=None)
    raw.pull("bikes", NEXT, "p2.json", {"total_count": 72, "results": revised}, hour=None)
    assert codes(bikes(raw, run))["pages_manquantes"]["mesure"] == 36


@pytest.mark.parametrize(("day", "body"), [(LATER, ROWS), (LATER, V21), (NEXT, ROWS)])
def test_a_whole_pull_vouches_for_a_cut_one(raw: RawTree, run: Run, day: str, body: Any) -> None:
    raw.pull("bikes", NEXT, "a.json", page(0, 24), hour="06")
    raw.pull("bikes", day, "b.json", body, hour="05")
    metrics = bikes(raw, run)
    assert (metrics["total_jour"], metrics["qualite"]["statut"]) == (2268, "complet")
    assert "pages_manquantes" not in codes(metrics)


def test_a_pull_of_another_day_vouches_for_nothing(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", NEXT, "a.json", page(0, 24))
    raw.pull("bikes", LATER, "b.json", {"total_count": 1, "results": [bike("900000001-1", "2025-11-06T09:00:00Z", 3)]})
    assert bikes(raw, run)["qualite"]["statut"] == "partiel"


def work(identifier: str) -> dict[str, Any]:
    return {
        "identifiant": identifier, "cp_arrondissement": "75012", "objet": "Travaux", "date_debut": "2025-10-30",
        "date_fin": "2025-11-10", "impact_circulation": "RESTREINTE", "niveau_perturbation": "1", "statut": "2",
        "geo_point_2d": {"lon": 2.35, "lat": 48.85},
    }  # fmt: skip


def test_works_road_counts_and_reference_are_held_to_their_totals(raw: RawTree, run: Run) -> None:
    works = {"total_count": 412, "results": [work("CP1"), work("CP2"), work("CP3")]}
    raw.batch("chantiers-perturbants-la-circulation.json", json.dumps(works))
    counts = [{"iu_ac": "7", "t_1h": f"2025-11-04T{hour:02}:00", "q": 5, "k": 1.5} for hour in range(1, 24)]
    raw.batch("comptages-routiers-permanents.json", json.dumps({"nhits": 72_000, "results": counts}))
    shape = {"type": "LineString", "coordinates": [[2.35, 48.85], [2.36, 48.85]]}
    arcs = {"total_count": 3739, "results": [{"iu_ac": "7", "libelle": "Rue_A", "geo_shape": shape}]}
    raw.batch("referentiel-comptages-routiers.json", json.dumps(arcs))
    for source, held, announced in (("chantiers", 3, 412), ("comptages", 23, 72_000), ("referentiel", 1, 3739)):
        assert run(mains()[source], "--date", DAY).code == 0
        metrics = raw.metrics(source, DAY)
        warning = codes(metrics)["pages_manquantes"]
        assert metrics["qualite"]["statut"] == "partiel"
        assert (warning["mesure"], warning["attendu"]) == (held, announced)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": True, "reason": "Daily API request limit exceeded."}, "Daily API request limit exceeded."),
        ({"error_code": "ODSQLError", "message": "Invalid query"}, "Invalid query"),
        ({"statusCode": 429, "message": "Rate limit is exceeded. Try again in 3 s."}, "Rate limit is exceeded"),
        ({"statusCode": 502, "body": '{"message": "Internal server error"}'}, "Internal server error"),
        ({"fault": {"faultstring": "Invalid ApiKey"}}, "Invalid ApiKey"),
        ("You have exceeded the maximum number of daily result records.", "You have exceeded the maximum"),
        ("<html><head><title>503 Service Unavailable</title>", "503 Service Unavailable"),
        ("", "est vide"),
    ],
)
def test_a_refusal_saved_as_the_newest_pull_is_named_and_the_day_not_complete(
    raw: RawTree, run: Run, body: Any, words: str
) -> None:
    hours = [{"datetime": f"{hour:02}:00:00", "temp": 9.0, "precip": 0.0, "windspeed": 8.0} for hour in range(24)]
    answer = {"latitude": 48.85, "longitude": 2.35, "days": [{"datetime": DAY, "temp": 9.0, "hours": hours}]}
    raw.pull("weather", "2025-11-03", "w.json", answer)
    raw.pull("weather", NEXT, "w.json", body)
    assert run(process_weather.main, "--date", DAY).code == 0
    metrics = raw.metrics("weather", DAY)
    assert metrics["qualite"]["statut"] == "partiel"
    assert words in codes(metrics)["fichiers_inutilisables"]["message"]
    assert f"dt={NEXT}/hour=06/w.json" in codes(metrics)["fichiers_inutilisables"]["message"]


def test_a_refusal_of_prim_is_no_quiet_day(raw: RawTree, run: Run) -> None:
    raw.pull(
        "traffic", DAY, "a.json", {"error": {"id": "unknown_object", "message": "invalid line"}, "disruptions": []}
    )
    ran = run(process_traffic.main, "--date", DAY)
    assert ran.code == 1 and "invalid line" in ran.err and "illisible" in ran.err
    raw.pull("traffic", NEXT, "b.json", {"error": {"id": "no_solution", "message": "no disruption"}, "disruptions": []})
    assert run(process_traffic.main, "--date", DAY).code == 0
    assert raw.metrics("traffic", DAY)["nombre_perturbations"] == 0


# --- envelopes -------------------------------------------------------------------------------------------------------


def gateway(**more: Any) -> dict[str, Any]:
    return {"statusCode": 200, "headers": {}, "body": json.dumps(V21), **more}


@pytest.mark.parametrize(
    "body",
    [
        {"total_count": 72, "records": [{"links": [], "record": {"id": "x", "fields": row}} for row in ROWS]},
        {
            "type": "FeatureCollection",
            "features": [{"type": "Feature", "geometry": None, "properties": r} for r in ROWS],
        },
        {"data": ROWS},
        {"data": V21},
        gateway(),
        gateway(body=V21),
        json.dumps(V21),  # text in a text
        [gateway(), gateway()],
    ],
)
def test_an_envelope_is_no_difference(raw: RawTree, run: Run, body: Any) -> None:
    raw.pull("bikes", NEXT, PULL, json.dumps(body))
    metrics = bikes(raw, run)
    assert (metrics["total_jour"], metrics["qualite"]["statut"]) == (2268, "complet")


def test_the_point_of_a_feature_is_the_place_of_its_counter(raw: RawTree, run: Run) -> None:
    properties = {name: value for name, value in ROWS[0].items() if name != "coordinates"}
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [2.35, 48.85]}, "properties": properties}
    raw.pull("bikes", NEXT, "a.geojson", {"type": "FeatureCollection", "features": [feature]})
    assert bikes(raw, run)["metrics"][0]["coordinates"] == {"lon": 2.35, "lat": 48.85}


# --- bytes and texts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(V21, ensure_ascii=False).encode("utf-16"),
        json.dumps(V21, ensure_ascii=False).encode("utf-16-le"),
        json.dumps(V21, ensure_ascii=False).encode("cp1252"),
        json.dumps(V21).encode("utf-8-sig"),
        gzip.compress(json.dumps(V21).encode(), mtime=0),
        archive("a.json", json.dumps(V21).encode()),
        json.dumps(
            [{**row, "date": 1762210800000 + 3_600_000 * (place % 24)} for place, row in enumerate(ROWS)]
        ).encode(),
    ],
    ids=["utf-16", "utf-16 bare", "cp1252", "bom", "gzip", "zip", "ms"],
)
def test_the_bytes_of_a_pull_are_no_difference(raw: RawTree, run: Run, content: bytes) -> None:
    raw.pull("bikes", NEXT, PULL, content)
    metrics = bikes(raw, run)
    assert (metrics["total_jour"], metrics["qualite"]["statut"]) == (2268, "complet")
    assert metrics["metrics"][0]["nom_compteur"] == "1 Rue Inventée"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (table().encode("cp1252"), "encodage_windows"),
        (table(date=excel_date).encode("cp1252"), "encodage_windows"),
        (table(date=excel_date, count="{},0").encode("utf-8-sig"), ""),
        (table(delimiter="\t").encode("utf-16"), ""),
        (("sep=;\r\n" + table()).encode(), ""),
        (('"sep=,"\r\n' + table(delimiter=",")).encode(), ""),
        (table().replace("\r\n", "\r").encode(), ""),
        (table().replace("Nom du", '"Nom du', 1).encode(), ""),
        (gzip.compress(table().encode(), mtime=0), ""),
    ],
)
def test_what_excel_makes_of_an_export_is_no_difference(raw: RawTree, run: Run, content: bytes, code: str) -> None:
    raw.batch(f"{EXPORT}.csv", content)
    metrics = bikes(raw, run)
    assert (metrics["total_jour"], metrics["qualite"]["statut"]) == (2268, "complet")
    assert metrics["metrics"][0]["nom_compteur"] == "1 Rue Inventée"
    assert codes(metrics).keys() - {"arrondissements_absents"} == ({code} if code else set())


def road(date: Callable[[int], str], flow: str = "10", rate: str = "2.5", libelle: str = "Rue_A") -> str:
    header = "Identifiant arc;Libelle;Date et heure de comptage;Débit horaire;Taux d'occupation"
    return "\r\n".join([header, *(f"7;{libelle};{date(hour)};{flow};{rate}" for hour in range(1, 25))]) + "\r\n"


def iso(hour: int) -> str:
    return f"2025-11-{4 + hour // 24:02}T{hour % 24:02}:00:00+01:00"


def slashed(hour: int) -> str:
    return f"{4 + hour // 24:02}/11/2025 {hour % 24:02}:00"


EXCEL = [
    road(iso, libelle="Quai_d'été").encode("cp1252"),
    road(slashed, "10,0", "2,5").encode("utf-8-sig"),
    road(iso).encode("utf-16"),
    ("sep=;\n" + road(iso)).encode(),
    road(iso).replace("\r\n", "\r").encode(),
    road(iso, "10", "2,500").replace("2,500", "2,51", 1).encode(),  # 2,500 is no 2500 in this column
]


@pytest.mark.parametrize(("content", "days"), each_once(EXCEL, [(), ("--from", "2025-11-03", "--to", DAY)]))
def test_road_counts_of_excel_are_those_of_the_portal(
    raw: RawTree, run: Run, content: bytes, days: tuple[str, ...]
) -> None:
    raw.batch("comptages-routiers-permanents.csv", content)
    run(process_comptages.main, *(days or ("--date", DAY)))
    metrics = raw.metrics("comptages", DAY)
    assert metrics["global_metrics"]["debit_journalier_total"] == 240
    assert metrics["global_metrics"]["taux_occupation_moyen"] == pytest.approx(2.5, abs=0.01)
    assert not metrics["qualite"]["rejets"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (road(lambda hour: f"11/{13 + hour // 24}/2025 {hour % 24:02}:00"), "mois/jour/année"),
        (road(lambda hour: f"11/4/25 {hour % 12}:00 AM"), "dates qui ne se lisent pas"),
        (road(lambda hour: str(1762214400000 + hour * 3_600_000)), "dates qui ne se lisent pas"),
        (road(lambda hour: f"04-11-2025 {hour:02}:00"), "dates qui ne se lisent pas"),
    ],
)
def test_dates_of_another_country_are_refused_by_that_name(raw: RawTree, run: Run, content: str, words: str) -> None:
    raw.batch("comptages-routiers-permanents.csv", content)
    ran = run(process_comptages.main, "--date", DAY)
    assert ran.code == 1 and words in ran.err


def test_bikes_with_the_month_first_are_refused_whole(raw: RawTree, run: Run) -> None:
    text = table(date=lambda instant: f"{instant[5:7]}/{instant[8:10]}/2025 {instant[11:16]}").replace("11/03", "11/23")
    raw.batch(f"{EXPORT}.csv", text)
    ran = run(process_bikes.main, "--date", DAY)
    assert ran.code == 1 and "mois/jour/année" in ran.err


def test_a_comma_that_may_mean_two_things_is_no_number(raw: RawTree, run: Run) -> None:
    raw.batch("comptages-routiers-permanents.csv", road(iso, "1,234") + f"8;Rue_B;{iso(9)};5;1\r\n")
    assert run(process_comptages.main, "--date", DAY).code == 0
    assert raw.metrics("comptages", DAY)["qualite"]["rejets"] == {"debit_non_numerique": 24}


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "2025-comptage-velo-donnees-compteurs.csv", "comptage-velo-donnees-compteurs (1).CSV",
        "Comptage_Velo_Donnees_Compteurs_2025.txt", "archives/2025/comptage-velo-donnees-compteurs.csv",
    ],
)  # fmt: skip
def test_a_name_that_people_have_is_read(raw: RawTree, run: Run, name: str) -> None:
    raw.batch(name, table())
    assert bikes(raw, run)["total_jour"] == 2268


@pytest.mark.parametrize("name", ["a.JSON", "a.ndjson", "a.JsonL.GZ", "a.txt", "a.json.zip", "a.zip"])
def test_a_suffix_that_people_have_is_read(raw: RawTree, run: Run, name: str) -> None:
    text = "\n".join(map(json.dumps, ROWS)).encode()
    packed = archive("b.jsonl", text) if name.endswith("zip") else gzip.compress(text) if name.endswith("GZ") else text
    raw.pull("bikes", NEXT, name, packed)
    assert bikes(raw, run)["total_jour"] == 2268


def test_the_portal_s_own_names_are_read(raw: RawTree, run: Run) -> None:
    header = "Identifiant;Objet;Date de début;Date de fin"
    raw.batch("chantiers-perturbants (2).csv", f"{header}\nCP1;Travaux;2025-10-30;2025-11-10\n")
    assert run(process_chantiers.main, "--date", DAY).code == 0
    assert raw.metrics("chantiers", DAY)["nombre_chantiers_actifs"] == 1
    raw.batch("trafic_capteurs_2025_W45.txt", "iu_ac;t_1h;q;k\n7;2025-11-04 09:00:00;10;2.5\n")
    assert run(process_comptages.main, "--date", DAY).code == 0


XLSX = archive("xl/workbook.xml", b"<workbook/>")


def test_what_no_source_takes_is_named_once_and_by_doctor(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", NEXT, PULL, V21)
    (raw.root / "api" / "bikes" / "notes.docx").write_bytes(archive("word/document.xml", b"<w/>"))
    raw.batch("anciens/mesures.csv", "Identifiant arc;Débit horaire\n1;2\n")
    raw.batch("LISEZMOI.txt", "rien")
    raw.batch("chantiers-perturbants.xlsx", XLSX)
    raw.batch("arrondissements.csv", "N_SQ_AR;C_AR\n1;1\n")  # without outlines
    ran = run(process_bikes.main, "--date", DAY)
    warning = codes(raw.metrics("bikes", DAY))["fichiers_non_reconnus"]
    assert warning["exemples"] == ["notes.docx"]
    assert "Office" in warning["message"] and ran.err.count("notes.docx") == 1
    raw.batch("comptages-routiers-permanents.csv", road(iso))
    ran = run(process_comptages.main, "--date", DAY)
    warning = codes(raw.metrics("comptages", DAY))["fichiers_non_reconnus"]
    assert (
        warning["exemples"] == ["mesures.csv", "arrondissements.csv"]
        and "« Identifiant arc;Débit horaire »" in warning["message"]
    )
    assert ran.err.count("mesures.csv") == 1
    ran = run(doctor.main)
    for name in ("notes.docx", "mesures.csv", "arrondissements.csv", "chantiers-perturbants.xlsx"):
        assert ran.out.count(name) == 1
    assert "LISEZMOI" not in ran.out


@pytest.mark.parametrize(
    ("source", "name", "content", "words"),
    [
        ("chantiers", "batch/chantiers-perturbants.xlsx", XLSX, "un classeur Excel"),
        ("chantiers", "batch/chantiers-perturbants.csv", b"<html><title>Erreur 503</title>", "Erreur 503"),
        ("bikes", "api/bikes/velo.docx", b"\xd0\xcf\x11\xe0", "un classeur Excel"),
        ("bikes", "api/bikes/dt=2025-11-05/hour=06/a.json", b"quota exceeded", "quota exceeded"),
        ("weather", "api/weather/dt=2025-11-05/a.json", b'{"error": true, "reason": "no more"}', "no more"),
        ("comptages", "batch/comptages-routiers-permanents.zip", archive("a.csv", b"")[:-9], "zip illisible"),
    ],
)
def test_alone_such_a_file_is_unreadable_and_not_absent(
    raw: RawTree, run: Run, source: str, name: str, content: bytes, words: str
) -> None:
    path = raw.root / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    ran = run(mains()[source], "--date", DAY)
    assert ran.code == 1
    assert "illisible" in ran.err and path.name in ran.err and words in ran.err and "DATA_DIR" not in ran.err


def test_a_newer_export_that_cannot_be_read_leaves_the_older_one_and_is_named(raw: RawTree, run: Run) -> None:
    older = raw.batch(f"{EXPORT}.csv", table())
    os.utime(older, (1_700_000_000, 1_700_000_000))  # made before the day: it cannot vouch for it
    raw.batch(f"{EXPORT} (1).csv", b"\xd0\xcf\x11\xe0")
    metrics = bikes(raw, run)
    assert (metrics["total_jour"], metrics["qualite"]["statut"]) == (2268, "partiel")
    assert codes(metrics).keys() >= {"fichiers_inutilisables", "releve_coupe"}


ARC_ROWS = [count_row(arc, f"{DAY}T{hour:02}:00:00+01:00", 100, 10) for arc in "12" for hour in range(1, 24)]
ARC_ROWS += [count_row(arc, f"{NEXT}T00:00:00+01:00", 100, 10) for arc in "12"]
WORK = "CP{};75008;2025-11-01;2025-11-30;RESTREINTE;1;2;2025-11-04;48.87, 2.31"
WORKS = "identifiant;cp_arrondissement;date_debut;date_fin;impact_circulation;niveau_perturbation;statut;date_maj;geo"
ROADS, ROADWORKS = "comptages-routiers-permanents.csv", "chantiers-perturbants-la-circulation.csv"
CUT_ROADS = "\n".join([ARCS_HEADER, *ARC_ROWS])[:-40]
CUT_FILES = {
    "roads": ("comptages", f"batch/{ROADS}", "\n".join([ARCS_HEADER, *ARC_ROWS, "3;Rue_B"])),
    "roads within a shape": ("comptages", f"batch/{ROADS}", CUT_ROADS),
    "roads, the date last": (
        "comptages",
        f"batch/{ROADS}",
        "\n".join(["iu_ac;q;k;t_1h", *(f"{arc};100;10;{DAY} {hour:02}:00" for arc in "12" for hour in range(1, 24))])
        + f"\n3;100;10;{DAY[:-1]}",
    ),
    "roads, gzipped": ("comptages", f"batch/{ROADS}.gz", gzip.compress(CUT_ROADS.encode())),
    "roads in UTF-16": ("comptages", f"batch/{ROADS}", CUT_ROADS.encode("utf-16")),
    "bikes": ("bikes", f"batch/{EXPORT}.csv", table().rstrip()[:-40]),
    "bikes within the last date": ("bikes", f"batch/{EXPORT}.csv", table().rstrip()[:-18]),
    "bikes, a record a line": (
        "bikes",
        f"api/bikes/dt={NEXT}/a.jsonl",
        "\n".join(json.dumps(row) for row in ROWS)[:-30],
    ),
    "works": ("chantiers", f"batch/{ROADWORKS}", "\n".join([WORKS, *map(WORK.format, range(60))])[:-30]),
}  # fmt: skip


@pytest.mark.parametrize("case", CUT_FILES)
def test_a_file_that_breaks_off_in_its_last_line_is_named_and_its_day_partial(
    raw: RawTree, run: Run, case: str
) -> None:
    source, name, content = CUT_FILES[case]
    path = raw.root / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert run(mains()[source], "--date", DAY).code == 0
    metrics = raw.metrics(source, DAY)
    assert metrics["qualite"]["statut"] == "partiel"
    assert path.name in codes(metrics)["releve_coupe"]["exemples"][0]
    assert "dernière ligne coupée" in codes(metrics)["releve_coupe"]["message"]


@pytest.mark.parametrize("ending", ["\n", "", "\r\n"])
def test_an_export_of_roads_that_ends_with_a_whole_row_is_not_cut(raw: RawTree, run: Run, ending: str) -> None:
    raw.batch(ROADS, "\n".join([ARCS_HEADER, *ARC_ROWS]) + ending)
    assert run(process_comptages.main, "--date", DAY).code == 0
    assert raw.metrics("comptages", DAY)["qualite"]["statut"] == "complet"


def test_a_newer_whole_export_of_roads_vouches_for_a_cut_one(raw: RawTree, run: Run) -> None:
    cut = raw.batch(ROADS, CUT_ROADS)
    os.utime(cut, (1_700_000_000, 1_700_000_000))
    raw.batch(ROADS.replace(".csv", "-2.csv"), "\n".join([ARCS_HEADER, *ARC_ROWS]))
    assert run(process_comptages.main, "--date", DAY).code == 0
    metrics = raw.metrics("comptages", DAY)
    assert metrics["qualite"]["statut"] == "complet" and "releve_coupe" not in codes(metrics)


def test_a_jsonl_that_lost_its_beginning_is_partial(raw: RawTree, run: Run) -> None:
    text = "\n".join(json.dumps(row) for row in ROWS)
    raw.pull("bikes", NEXT, "a.jsonl", text[len(text) // 3 :] + "\n")
    metrics = bikes(raw, run)
    assert metrics["total_jour"] < TOTAL and metrics["qualite"]["statut"] == "partiel"
    assert "début perdu" in codes(metrics)["releve_coupe"]["message"]
