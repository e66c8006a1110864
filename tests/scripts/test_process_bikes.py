"""Bike counters: the civil day, every envelope, bad records that cost only themselves."""

import csv
import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from scripts.process_bikes import main
from tests.conftest import SAMPLES, Ran, RawTree, bike, gz, needs_samples

DAY = "2025-11-04"
Run = Callable[..., Ran]


def hours(count: int = 10, first: str = "2025-11-03T23:00", number: int = 24, counter: str = "A-1") -> list[dict]:
    start = datetime.fromisoformat(f"{first}:00+00:00")
    return [bike(counter, (start + timedelta(hours=hour)).isoformat(), count) for hour in range(number)]


def test_the_day_is_parisian_and_start_of_hour(raw: RawTree, run: Run) -> None:
    before, after = bike("A-1", "2025-11-03T22:00:00+00:00", 1000), bike("A-1", "2025-11-04T23:00:00+00:00", 1000)
    raw.pull("bikes", "2025-11-05", "a.json", {"results": [before, *hours(), after]})
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert metrics["total_jour"] == 240
    assert metrics["profil_horaire"][0] == {"heure": 0, "total": 10, "compteurs_mesures": 1}
    assert metrics["qualite"]["statut"] == "complet"
    assert metrics["qualite"]["lignes_lues"] == 24


@pytest.mark.parametrize(
    ("day", "first", "number"), [("2025-10-26", "2025-10-25T22:00", 25), ("2025-03-30", "2025-03-29T23:00", 23)]
)
def test_change_days_hold_all_their_hours(raw: RawTree, run: Run, day: str, first: str, number: int) -> None:
    raw.pull("bikes", day, "a.json", hours(1, first, number))
    assert run(main, "--date", day).code == 0
    metrics = raw.metrics("bikes", day)
    assert metrics["total_jour"] == number
    assert metrics["metrics"][0]["heures_valides"] == number
    assert metrics["qualite"]["couverture"] == 1.0
    assert metrics["profil_horaire"][2]["total"] == (2 if number == 25 else None)


@pytest.mark.parametrize("name", ["results", "list", "v1", "jsonl_records", "jsonl_responses", "gz", "local", "csv"])
def test_every_envelope_gives_the_same_day(raw: RawTree, run: Run, name: str) -> None:
    rows = hours()
    v1 = {"nhits": 24, "records": [{"fields": {**row, "coordinates": [48.85, 2.35]}} for row in rows]}
    local = [{**row, "date": f"2025-11-04T{hour:02}:00:00+01:00"} for hour, row in enumerate(rows)]
    table = (
        "Identifiant du compteur,Nom du compteur,Comptage horaire,Date et heure de comptage,Coordonnées géographiques\n"
    )
    table += "".join(f'A-1,Compteur A-1,{row["sum_counts"]}.0,{row["date"]},"48.85, 2.35"\n' for row in rows)
    forms = {
        "results": ("a.json", json.dumps({"total_count": 24, "results": rows})),
        "list": ("a.json", json.dumps(rows)),
        "v1": ("a.json", json.dumps(v1)),
        "jsonl_records": ("a.jsonl", "\n".join(map(json.dumps, rows)) + "\n"),
        "jsonl_responses": ("a.jsonl", "\n".join(json.dumps({"results": [row]}) for row in rows)),
        "gz": ("a.json.gz", gz(json.dumps(rows))),
        "local": ("a.json", json.dumps(local)),
        "csv": ("a.csv", "\ufeff" + table),
    }
    raw.pull("bikes", "2025-11-05", *forms[name], hour=None)
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert metrics["total_jour"] == 240
    assert metrics["metrics"][0]["coordinates"] == {"lon": 2.35, "lat": 48.85}
    assert metrics["metrics"][0]["nom_compteur"] == "Compteur A-1"


def test_later_pulls_win_and_nothing_counts_twice(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", "2025-11-04", "a.json", hours(1))
    raw.pull("bikes", "2025-11-06", "a.json", hours(3))
    raw.pull("bikes", "2025-11-05", "a.json", hours(2))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert metrics["total_jour"] == 72
    qualite = metrics["qualite"]
    assert (qualite["doublons"], qualite["conflits"], qualite["lignes_lues"]) == (48, 48, 72)


def test_a_later_blank_takes_nothing_away(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", "2025-11-05", "a.json", hours(2))
    raw.pull("bikes", "2025-11-06", "a.json", [{**one, "sum_counts": None} for one in hours(3)])
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert metrics["total_jour"] == 48
    assert metrics["metrics"][0]["heures_valides"] == 24


def test_bad_records_cost_only_themselves(raw: RawTree, run: Run) -> None:
    bad = [
        bike("A-1", "2025-11-04T09:00:00+00:00", -4),
        bike("A-1", "2025-11-04T10:00:00+00:00", "beaucoup"),
        bike("A-1", "n'importe quand", 4),
        bike(None, "2025-11-04T10:00:00+00:00", 4, name=None),
        "pas un enregistrement",
    ]
    without_place = bike("B-1", "2025-11-04T10:00:00+00:00", 7, coordinates=None)
    without_id = bike(None, "2025-11-04T11:00:00+00:00", 5, name="Compteur B-1", coordinates=None)
    raw.pull("bikes", "2025-11-05", "a.json", [*hours(), *bad, without_place, without_id])
    raw.pull("bikes", "2025-11-05", "b.json", '{"results": [{"id_compteur": "A-1"')
    raw.pull("bikes", "2025-11-05", "c.jsonl", '{"id_compteur":"C-1","sum_counts":NaN,"date":"2025-11-04T10:00:00Z"}\n')
    ran = run(main, "--date", DAY)
    assert ran.code == 0
    metrics = raw.metrics("bikes", DAY)
    by_id = {row["id_compteur"]: row for row in metrics["metrics"]}
    assert metrics["total_jour"] == 12  # A-1 counted -4 once: what else it says is no count of bikes
    assert (by_id["A-1"]["total_jour"], by_id["A-1"]["ecarte"]) == (240, "valeur impossible")
    assert by_id["B-1"]["total_jour"] == 12
    assert by_id["B-1"]["coordinates"] is None
    assert metrics["qualite"]["rejets"] == {
        "comptage_negatif": 1,
        "comptage_non_numerique": 2,
        "date_illisible": 1,
        "enregistrement_invalide": 1,
        "identifiant_absent": 1,
        "json_illisible": 1,
    }
    assert "comptage_negatif" in raw.rejects("bikes", DAY)
    assert "7 lignes rejetées" in ran.err


def test_a_truncated_file_loses_its_broken_record_alone_and_is_named(raw: RawTree, run: Run) -> None:
    for number in range(9):
        raw.pull("bikes", "2025-11-05", f"{number}.json", hours(counter=f"A-{number}"))
    raw.pull("bikes", "2025-11-05", "z.json", json.dumps(hours(counter="Z"))[:-40])
    ran = run(main, "--date", DAY)
    assert ran.code == 0
    assert raw.metrics("bikes", DAY)["total_jour"] == 9 * 240 + 230
    assert raw.metrics("bikes", DAY)["qualite"]["rejets"] == {"json_illisible": 1}
    assert "dt=2025-11-05/hour=06/z.json" in ran.err


def test_a_null_count_is_missing_not_zero(raw: RawTree, run: Run) -> None:
    rows = hours()
    rows[3]["sum_counts"] = None
    raw.pull("bikes", "2025-11-05", "a.json", rows)
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert metrics["profil_horaire"][3]["total"] is None
    assert metrics["metrics"][0]["heures_valides"] == 23


def test_silent_stuck_and_dead_counters_are_named(raw: RawTree, run: Run) -> None:
    alive = hours()
    for row, count in zip(alive, range(24), strict=True):
        row["sum_counts"] = count
    yesterday_only = bike("SILENT", "2025-11-03T10:00:00+00:00", 5)
    raw.pull(
        "bikes", "2025-11-05", "a.json", [*alive, *hours(7, counter="STUCK"), *hours(0, counter="DEAD"), yesterday_only]
    )
    assert run(main, "--date", DAY).code == 0
    faults = {one["id_compteur"]: one["motif"] for one in raw.metrics("bikes", DAY)["failing_sensors"]}
    assert faults == {"STUCK": "valeur constante", "DEAD": "zéro toute la journée", "SILENT": "silencieux"}
    assert raw.metrics("bikes", DAY)["qualite"]["statut"] == "partiel"


def test_the_index_compares_with_the_same_weekdays(raw: RawTree, run: Run) -> None:
    for week, (first, count) in enumerate(
        [("2025-10-13T22:00", 10), ("2025-10-20T22:00", 20), ("2025-10-27T23:00", 30)]
    ):
        day = ["2025-10-14", "2025-10-21", "2025-10-28"][week]
        raw.pull("bikes", day, "a.json", hours(count, first))
        assert run(main, "--date", day).code == 0
    assert raw.metrics("bikes", "2025-10-14")["frequentation_index"] is None
    raw.pull("bikes", "2025-11-05", "a.json", hours(22))
    assert run(main, "--date", DAY).code == 0
    assert raw.metrics("bikes", DAY)["frequentation_index"] == 110.0


def test_a_broken_line_of_a_csv_is_rejected_on_its_own_day_alone(raw: RawTree, run: Run) -> None:
    lines = [f"A-1,10,{row['date']}" for row in hours()]
    broken = ["A-1,10", "A-1,5,2025-11-02T10:00:00+01:00,x", "A-1,5,2025-11-04T23:30:00+00:00,x", "A-1,5,", "?,5,2025"]
    broken += ["A-1,7,2025-11-04T10:00:00+01:00,x"]
    table = "\n".join(["id_compteur,sum_counts,date", *lines, *broken]) + "\n"
    raw.batch("comptage-velo-donnees-compteurs.csv", table)
    assert run(main, "--date", DAY).code == 0
    account = raw.metrics("bikes", DAY)["qualite"]
    assert account["rejets"] == {"champs_en_trop": 1, "champs_manquants": 1, "date_illisible": 2}
    assert account["lignes_lues"] == 28


def test_half_a_day_is_not_compared_with_whole_ones(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", "2025-10-29", "a.json", hours(10, "2025-10-27T23:00"))
    assert run(main, "--date", "2025-10-28").code == 0
    raw.pull("bikes", "2025-11-05", "a.json", hours(10, number=4))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert metrics["total_jour"] == 40
    assert metrics["frequentation_index"] is None
    assert metrics["anomalies"] == []  # the hours that nobody published are no silence
    assert metrics["qualite"]["heures_manquantes"] == list(range(4, 24))


def test_a_counter_measured_for_a_few_hours_is_not_compared_nor_compared_with(raw: RawTree, run: Run) -> None:
    others = [row for number in range(9) for row in hours(10, "2025-10-27T23:00", counter=f"B-{number}")]
    few = hours(60, "2025-10-27T23:00", 1, counter="A-2")
    raw.pull("bikes", "2025-10-29", "a.json", [*others, *hours(10, "2025-10-27T23:00"), *few])
    assert run(main, "--date", "2025-10-28").code == 0
    others = [row for number in range(9) for row in hours(11, counter=f"B-{number}")]
    raw.pull("bikes", "2025-11-05", "a.json", [*others, *hours(10, number=4), *hours(60, counter="A-2")])
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert metrics["frequentation_index"] is not None
    found = {(one["id_compteur"], one["type"]) for one in metrics["anomalies"]}
    assert ("A-1", "silencieux") in found
    assert not [pair for pair in found if "fréquentation" in pair[1]]


@pytest.mark.parametrize("asked", ["2025-11-05", "2025-12-25", "2024-01-01"])
@pytest.mark.parametrize("name", ["a.json", "a.csv"])
def test_a_day_without_data_names_those_that_have_some(raw: RawTree, run: Run, asked: str, name: str) -> None:
    rows = hours()
    table = "id_compteur,sum_counts,date\n" + "".join(f"A-1,{row['sum_counts']},{row['date']}\n" for row in rows)
    raw.pull("bikes", "2025-11-05", name, table if name == "a.csv" else {"results": rows})
    ran = run(main, "--date", asked)
    assert ran.code == 4
    assert "Jours présents (1) : 2025-11-04" in ran.err
    assert not raw.output.joinpath("metrics").exists()


def test_a_day_that_stands_in_an_unreadable_file_is_unreadable_not_absent(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", DAY, "a.csv", json.dumps([bike("A-1", f"{DAY}T08:00:00Z", 1)]))
    ran = run(main, "--date", DAY)
    assert ran.code == 1 and "fichiers illisibles" in ran.err
    assert "Jours présents" not in ran.err


def test_an_empty_answer_is_no_data(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", "2025-11-05", "a.json", {"total_count": 0, "results": []})
    assert run(main, "--date", DAY).code == 4


def test_a_day_of_which_nothing_is_believed_is_a_failure_not_an_absence(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", "2025-11-05", "a.json", hours(-1))
    ran = run(main, "--date", DAY)
    assert ran.code == 1
    assert "comptage_negatif" in ran.err


def test_no_file_at_all_is_exit_4_and_names_the_folder(raw: RawTree, run: Run) -> None:
    ran = run(main, "--date", DAY)
    assert ran.code == 4
    assert str(raw.root / "api" / "bikes") in ran.err


LIST = 'Identifiant du compteur,Nom du compteur,Coordonnées géographiques\nA-1,Compteur A-1,"48.85, 2.35"\n'


@pytest.mark.parametrize(("name", "content"), [("l.csv", LIST), ("l.csv", "<html>\n</html>\n"), ("l.csv.gz", b"rien")])
def test_a_file_that_holds_no_counts_costs_itself_alone(
    raw: RawTree, run: Run, name: str, content: str | bytes
) -> None:
    raw.pull("bikes", "2025-11-05", name, content)
    ran = run(main, "--date", DAY)
    assert ran.code == 1  # alone, it is an unusable input and says why
    assert name in ran.err
    raw.pull("bikes", "2025-11-05", "a.json", hours())
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert metrics["total_jour"] == 240
    assert metrics["qualite"]["rejets"] == {"fichier_illisible": 1}


@pytest.mark.parametrize("moment", [["x"], {"a": 1}, 20251104, "0001-01-01T00:00:00", "9999-12-31T23:00:00-05:00"])
def test_no_date_can_stop_the_day(raw: RawTree, run: Run, moment: object) -> None:
    raw.pull("bikes", "2025-11-05", "a.json", [*hours(), {**hours()[0], "date": moment}])
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert (metrics["total_jour"], metrics["qualite"]["rejets"]) == (240, {"date_illisible": 1})


@pytest.mark.parametrize(
    ("count", "reason"),
    [
        (10**400, "comptage_impossible"),
        (5001, "comptage_impossible"),
        (-(10**400), "comptage_negatif"),
        (True, "comptage_non_numerique"),
        ([3], "comptage_non_numerique"),
        ("1e999", "comptage_non_numerique"),
        (float("inf"), "comptage_non_numerique"),
    ],
)
def test_no_count_can_stop_the_day(raw: RawTree, run: Run, count: object, reason: str) -> None:
    raw.pull("bikes", "2025-11-05", "a.json", [*hours(), bike("B-1", "2025-11-04T09:00:00Z", count)])
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert (metrics["total_jour"], metrics["qualite"]["rejets"]) == (240, {reason: 1})
    aside = [(one["id_compteur"], one["regle"]) for one in metrics["capteurs_ecartes"]]
    assert aside == ([] if reason == "comptage_non_numerique" else [("B-1", "valeur impossible")])


def test_a_thousands_dot_is_no_decimal_point(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", "2025-11-05", "a.json", [*hours(), bike("B-1", "2025-11-04T09:00:00Z", "1.002")])
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert (metrics["total_jour"], metrics["qualite"]["rejets"]) == (240, {"comptage_fractionnaire": 1})


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_blank_count_is_missing_not_zero(raw: RawTree, run: Run, blank: str | None) -> None:
    raw.pull("bikes", "2025-11-05", "a.json", [*hours(), bike("B-1", "2025-11-04T09:00:00Z", blank)])
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    (silent,) = [one for one in metrics["metrics"] if one["id_compteur"] == "B-1"]
    assert (silent["total_jour"], silent["moyenne_horaire"], silent["heures_valides"]) == (None, None, 0)
    assert metrics["qualite"]["rejets"] == {}
    assert metrics["qualite"]["lignes_lues"] == 25


def test_a_count_within_an_hour_is_in_no_total(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", "2025-11-05", "a.json", [*hours(), bike("A-1", "2025-11-04T09:30:00Z", 7)])
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert metrics["total_jour"] == metrics["metrics"][0]["total_jour"] == 240
    assert metrics["qualite"]["rejets"] == {"heure_non_ronde": 1}


def test_a_counter_silent_for_days_is_still_expected(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", "2025-10-30", "a.json", [bike("WEEK", "2025-10-29T10:00:00Z", 5)])
    raw.pull("bikes", "2025-10-26", "a.json", [bike("GONE", "2025-10-25T10:00:00Z", 5)])
    raw.pull("bikes", "2025-11-06", "a.json", [bike("NEW", "2025-11-05T10:00:00Z", 5)])
    raw.pull("bikes", "2025-10-30", "broken.json", '[{"date": "2025-10-29T10:00:00Z"}, {"da')
    raw.pull("bikes", "2025-11-05", "a.json", hours())
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert [one["id_compteur"] for one in metrics["metrics"]] == ["A-1", "WEEK"]
    assert metrics["failing_sensors"][1] == {
        "id_compteur": "WEEK", "nom_compteur": "Compteur WEEK", "motif": "silencieux", "heures_consecutives": 24
    }  # fmt: skip
    assert metrics["qualite"]["couverture"] == 0.5
    assert metrics["qualite"]["rejets"] == {}  # what is wrong in another day's pull is said of that day


def test_the_same_input_gives_the_same_bytes(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", "2025-11-05", "a.json", [*hours(), *hours(3, counter="B-1"), bike("A-1", "?", 1)])
    seen = []
    for _ in range(2):
        assert run(main, "--date", DAY).code == 0
        document = json.loads((raw.output / "metrics" / f"bikes_metrics_{DAY}.json").read_text())
        document.pop("timestamp")
        seen.append((json.dumps(document), raw.rejects("bikes", DAY)))
    assert seen[0] == seen[1]


def test_a_year_of_csv_is_read_line_by_line_for_its_day(raw: RawTree, run: Run) -> None:
    rows = [
        "Identifiant du compteur;Nom du compteur;Comptage horaire;Date et heure de comptage",
        *(
            f'A-1;"Compteur; A-1";1;{(datetime(2024, 11, 5) + timedelta(hours=hour)).isoformat()}+00:00'
            for hour in range(24 * 366)
        ),
        "A-1;x;1;mardi 10 h",
    ]
    raw.batch("comptage-velo-donnees-compteurs.csv", "\r\n".join(rows) + "\r\n")
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert metrics["total_jour"] == 24
    assert metrics["qualite"]["rejets"] == {"date_illisible": 1}
    assert raw.rejects("bikes", DAY).splitlines()[1].split(";")[1] == str(len(rows))


@needs_samples
def test_counters_of_the_real_arrondissements(raw: RawTree, run: Run) -> None:
    polygons = SAMPLES / "arrondissements" / "arrondissements_ods_v2_2024.geojson"
    raw.batch("arrondissements.geojson", polygons.read_bytes())
    places = {
        "VINCENNES": {"lon": 2.4394, "lat": 48.8474},  # the town, outside all twenty
        "REPUBLIQUE": {"lon": 2.3605, "lat": 48.8680},
        "DENFERT": {"lon": 2.3328, "lat": 48.8332},
        "NOWHERE": None,
    }
    rows = [bike(name, "2025-11-04T09:00:00Z", 5, coordinates=place) for name, place in places.items()]
    raw.pull("bikes", "2025-11-05", "a.json", rows)
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    found = {one["id_compteur"]: one["arrondissement"] for one in metrics["metrics"]}
    assert found == {"VINCENNES": None, "REPUBLIQUE": 3, "DENFERT": 14, "NOWHERE": None}
    assert {one["arrondissement"]: one["total_jour"] for one in metrics["par_arrondissement"]} == {
        3: 5,
        14: 5,
        None: 10,
    }


@needs_samples
def test_the_real_list_of_counters_is_no_count(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", "2025-11-05", "liste.csv", (SAMPLES / "velo" / "liste_compteurs_2023.csv").read_bytes())
    ran = run(main, "--date", DAY)
    assert ran.code == 1
    assert "liste.csv n'a pas la colonne" in ran.err


@needs_samples
def test_the_real_counter_of_2021_09_01(raw: RawTree, run: Run) -> None:
    sample = SAMPLES / "velo" / "labels_compteur_100003096_2021-09-01.csv"
    raw.pull("bikes", "2021-09-02", "export.csv", sample.read_bytes())
    polygons = SAMPLES / "arrondissements" / "arrondissements_ods_v2_2024.geojson"
    raw.batch("arrondissements.geojson", polygons.read_bytes())
    assert run(main, "--date", "2021-09-01").code == 0
    with sample.open(encoding="utf-8-sig", newline="") as stream:
        expected = [float(row["Comptage horaire"]) for row in csv.DictReader(stream, delimiter=";")]
    metrics = raw.metrics("bikes", "2021-09-01")
    assert metrics["total_jour"] == sum(expected) == 1580
    assert metrics["metrics"][0]["heures_valides"] == 21
    assert metrics["metrics"][0]["heure_pic"] == 8
    assert metrics["metrics"][0]["arrondissement"] == 14  # 97 avenue Denfert-Rochereau
    assert metrics["qualite"]["statut"] == "partiel"


def test_a_counter_beyond_its_own_past_is_set_aside_and_one_that_comes_back_is_not(raw: RawTree, run: Run) -> None:
    rows = []
    for day in range(1, 5):
        first = f"2025-10-{30 + day}T23:00" if day == 1 else f"2025-11-{day - 1:02}T23:00"
        back = 0 if day < 4 else 400
        rows += (
            hours(50, first, counter="SOUND") + hours(back, first, counter="BACK") + hours(20, first, counter="SICK")
        )
    rows[-1]["sum_counts"] = 4963
    raw.pull("bikes", "2025-11-05", "a.json", rows)
    for day in range(1, 5):
        assert run(main, "--date", f"2025-11-{day:02}").code == 0
    metrics = raw.metrics("bikes", DAY)
    assert metrics["total_jour"] == 24 * 450
    assert [one["id_compteur"] for one in metrics["top_counters"]] == ["BACK", "SOUND"]
    (aside,) = metrics["capteurs_ecartes"]
    assert (aside["id_compteur"], aside["regle"], aside["valeur"]) == ("SICK", "au-delà de toute mesure", 4963)
    assert aside["aurait_ajoute"] == 23 * 20 + 4963
    assert [one["total"] for one in metrics["profil_horaire"]] == [450] * 24
    assert sum(one["total_jour"] for one in metrics["par_arrondissement"]) == metrics["total_jour"]


def test_hours_are_kept_in_their_order_on_every_clock(raw: RawTree, run: Run) -> None:
    rows = hours(0, "2025-10-25T22:00", 25)
    for number, row in enumerate(rows):
        row["sum_counts"] = None if number == 5 else number
    raw.pull("bikes", "2025-10-27", "a.json", rows)
    assert run(main, "--date", "2025-10-26").code == 0
    metrics = raw.metrics("bikes", "2025-10-26")
    assert metrics["metrics"][0]["comptages_horaires"] == [*range(5), None, *range(6, 25)]
    assert metrics["qualite"]["heures_manquantes"] == [4]  # 02 h was lived twice before it
    assert metrics["profil_horaire"][2]["total"] == 2 + 3


def test_zeros_filled_in_from_noon_on_are_no_measurements(raw: RawTree, run: Run) -> None:
    counters = [f"A-{number}" for number in range(12)]
    for night in ("2025-10-31", "2025-11-01", "2025-11-02", "2025-11-03"):
        rows = [row for counter in counters for row in hours(10, f"{night}T23:00", counter=counter)]
        rows[::2] = [row | {"sum_counts": 20} for row in rows[::2]]
        if night == "2025-11-03":
            rows = [row | {"sum_counts": 0} if row["date"] >= "2025-11-04T11" else row for row in rows]
        raw.pull("bikes", "2025-11-05", f"{night}.json", rows)
        day = f"{datetime.fromisoformat(night) + timedelta(days=1):%Y-%m-%d}"
        assert run(main, "--date", day).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert (metrics["total_jour"], metrics["qualite"]["couverture"]) == (12 * 6 * 30, 0.5)
    assert metrics["qualite"]["heures_manquantes"] == [*range(12, 24)]
    assert metrics["profil_horaire"][12] == {"heure": 12, "total": None, "compteurs_mesures": 0}
    assert metrics["failing_sensors"] == []


def test_an_id_that_cannot_be_stored_as_it_is_is_one_counter_everywhere(raw: RawTree, run: Run) -> None:
    odd = [*(hours(hour, number=hour + 1, counter="A\ud83d")[-1] for hour in range(23))]
    raw.pull("bikes", "2025-11-05", "a.json", json.dumps([*odd, bike("A\ud83d", "2025-11-04T22:00:00+00:00", 9000)]))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert [one["id_compteur"] for one in metrics["anomalies"]] == ["A?"]
    assert [one["id_compteur"] for one in metrics["metrics"] if one["anomalie_detectee"]] == ["A?"]
