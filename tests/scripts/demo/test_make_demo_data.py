"""The synthetic tree, read back from the disk: forms, clocks, planted quirks, and what the command refuses."""

import csv
import gzip
import io
import itertools
import json
import math
import os
import subprocess
import sys
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import shapely
from shapely.geometry import shape

from lib.common.paris_time import parse_instant
from lib.figures.quality import Quality
from lib.raw.envelopes import records
from lib.raw.json_records import read_bodies
from lib.raw.source_files import raw_file
from scripts import make_demo_data
from scripts.demo import bikes as demo_bikes
from scripts.demo import traffic as demo_traffic
from scripts.demo import weather as demo_weather
from scripts.demo import works as demo_works
from scripts.demo.arcs import NOT_IN_REFERENTIEL, arc_identifier, build_arcs
from scripts.demo.calendar import day_instants, weather_of
from scripts.demo.city import build_city
from scripts.demo.disruptions import identity
from scripts.demo.options import SOURCES, Options
from scripts.demo.road_counts import BLANK_FLOW, BLANK_RATE, OUTAGE_LABELS, build_scene, simulate
from scripts.demo.road_quirks import ARC_IDS, BLANK, LINE_QUIRKS, SENSOR_FAULTS, LineQuirk, SensorFault
from scripts.demo.saved_forms import BATCH_NAMES, EXCEL, FORMS
from scripts.registry import RAW

SCRIPT = Path(make_demo_data.__file__)
PARIS = ZoneInfo("Europe/Paris")
END = date(2025, 11, 4)
DAYS, ARCS, COUNTERS = 10, 24, 12
SMALL = ["--days", str(DAYS), "--arcs", str(ARCS), "--counters", str(COUNTERS), "-q"]
OPTIONS = Options(END, DAYS, ARCS, COUNTERS, 20251104, SOURCES)
HEADER = (
    "Identifiant arc;Libelle;Date et heure de comptage;Débit horaire;Taux d'occupation;Etat trafic;"
    "Identifiant noeud amont;Libelle noeud amont;Identifiant noeud aval;Libelle noeud aval;Etat arc;"
    "Date debut dispo data;Date fin dispo data;geo_point_2d;geo_shape"
)
Row = list[str]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo") / "raw"
    assert make_demo_data.main([*SMALL, "--output", str(root)]) == 0
    return root


@pytest.fixture(scope="module")
def lines(tree: Path) -> list[bytes]:
    """The lines of the road counts, header left out, without their ends."""
    return counts_file(tree).read_bytes().split(b"\r\n")[1:-1]


@pytest.fixture(scope="module")
def rows(lines: list[bytes]) -> dict[tuple[str, str], list[Row]]:
    """The readable lines by arc id and label."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for fields in filter(None, map(fields_of, lines)):
        found[fields[0], fields[2]].append(fields)
    return found


def counts_file(root: Path) -> Path:
    return root / "batch" / "comptages-routiers-permanents.csv"


def fields_of(line: bytes) -> Row | None:
    """The fifteen fields of a line, or None where it is not one the portal would write."""
    try:
        (fields,) = csv.reader([line.decode()], delimiter=";", strict=True)
    except (csv.Error, UnicodeDecodeError):
        return None
    return fields if len(fields) == 15 else None


def label_text(days_before_end: int, label: int) -> str:
    moment = datetime.combine(END - timedelta(days=days_before_end), datetime.min.time()) + timedelta(hours=label)
    return moment.replace(tzinfo=PARIS, fold=1).isoformat()


def pulls(root: Path, source: str) -> Iterator[tuple[Path, bytes]]:
    for path in sorted((root / "api" / source).rglob("*_demo.*")):
        yield path, gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def bike_records(root: Path) -> list[dict[str, Any]]:
    """All readable records, oldest pull first, in the v2.1 form."""
    records: list[dict[str, Any]] = []
    for path, body in pulls(root, "bikes"):
        if "hour=07" in str(path):
            continue
        answers = [json.loads(line) for line in body.splitlines()] if ".jsonl" in path.name else [json.loads(body)]
        for answer in answers:
            records += answer if isinstance(answer, list) else answer.get("results") or v10(answer) or [answer]
    return records


def v10(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [record["fields"] for record in answer.get("records", [])]


def csv_rows(root: Path, source: str) -> list[dict[str, str]]:
    text = (root / "batch" / f"{RAW[source].export}.csv").read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";", strict=True))


def content(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_same_options_give_the_same_bytes_from_any_folder(tree: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), *SMALL, "--output", "autre/raw"]
    environment = {**os.environ, "TZ": "America/New_York", "PYTHONHASHSEED": "7"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert content(tmp_path / "autre" / "raw") == content(tree)


def test_fewer_days_and_sources_leave_the_rest_where_it_was(tree: Path, lines: list[bytes], tmp_path: Path) -> None:
    shorter = ["--days", "3", "--arcs", str(ARCS), "--counters", str(COUNTERS), "-q", "--output", str(tmp_path)]
    assert make_demo_data.main([*shorter, "--source", "comptages", "--source", "bikes"]) == 0
    assert set(counts_file(tmp_path).read_bytes().split(b"\r\n")[1:-1]) <= set(lines)
    assert not (tmp_path / "api" / "weather").exists()
    last_pull = "api/bikes/dt=2025-11-05/hour=06/bikes_demo.json"
    assert content(tmp_path)[last_pull] == content(tree)[last_pull]


def test_another_seed_gives_other_counts(tree: Path, tmp_path: Path) -> None:
    assert make_demo_data.main([*SMALL, "--seed", "1", "--source", "comptages", "--output", str(tmp_path)]) == 0
    assert counts_file(tmp_path).read_bytes() != counts_file(tree).read_bytes()


def test_road_counts_have_the_bytes_of_the_portal(tree: Path, lines: list[bytes]) -> None:
    whole = counts_file(tree).read_bytes()
    assert whole.startswith(b"\xef\xbb\xbf" + HEADER.encode() + b"\r\n")
    assert whole.count(b"\n") == whole.count(b"\r\n")
    assert whole.endswith(b"\r\n")
    broken = [quirk for quirk in LINE_QUIRKS if quirk.kind in UNREADABLE]
    assert sum(fields_of(line) is None for line in lines) == len(broken)


def test_every_sound_row_reads_back(rows: dict[tuple[str, str], list[Row]]) -> None:
    points, shapes, states = Counter[bool](), Counter[str](), Counter[str]()
    for fields in itertools.chain.from_iterable(rows.values()):
        assert fields[2].startswith("2025-13") or datetime.fromisoformat(fields[2]).minute == 0
        points[", " in fields[13]] += 1
        states[fields[10]] += 1
        shapes[json.loads(fields[14])["type"] if fields[14] else "none"] += 1
    assert set(points) == {True, False}
    assert set(shapes) == {"LineString", "Feature", "none"}
    assert {"Ouvert", "Invalide"} <= set(states)


def test_row_count_follows_the_size_options(lines: list[bytes]) -> None:
    outage = ARCS // 3 * len(OUTAGE_LABELS)
    extra = sum(quirk.where == "besides" for quirk in LINE_QUIRKS)
    assert len(lines) == ARCS * DAYS * 24 - outage + extra


def test_days_are_mixed_at_fine_grain(lines: list[bytes]) -> None:
    labels = [line.split(b";")[2][:10] for line in lines]
    for start in range(0, len(labels) - 1000, 1000):
        assert len(set(labels[start : start + 1000])) >= DAYS


def test_autumn_day_has_24_labels_and_one_two_o_clock(rows: dict[tuple[str, str], list[Row]]) -> None:
    last, first = label_text(9, 24), label_text(9, 1)
    labels = {label for arc, label in rows if arc == str(ARC_IDS[0]) and "2025-10-26T01" <= label <= last}
    assert len(labels) == 24
    assert first == "2025-10-26T01:00:00+02:00"
    assert "2025-10-26T02:00:00+01:00" in labels and "2025-10-26T02:00:00+02:00" not in labels


def test_spring_day_has_23_labels_and_a_blank_one(tmp_path: Path) -> None:
    arguments = ["--end", "2025-03-30", "--days", "1", "--arcs", "24", "--source", "comptages", "-q"]
    assert make_demo_data.main([*arguments, "--output", str(tmp_path)]) == 0
    lines = counts_file(tmp_path).read_bytes().split(b"\r\n")[1:]
    arc_rows = [line.split(b";") for line in lines if line.startswith(b"%d;" % ARC_IDS[14])]
    assert len(arc_rows) == 23
    assert not any(fields[2].startswith(b"2025-03-30T02") for fields in arc_rows)
    (after,) = (fields for fields in arc_rows if fields[2] == b"2025-03-30T03:00:00+02:00")
    assert after[3:6] == [b"", b"", b"Inconnu"]


UNREADABLE = {"field too many", "stray quote", "missing closing quote", "invalid UTF-8"}
CHANGED_FIELD = {"negative count": (3, "-37.0"), "rate above 100": (4, "104.2"), "NaN count": (3, "NaN")}


@pytest.mark.parametrize("quirk", LINE_QUIRKS, ids=lambda quirk: f"{quirk.kind} {quirk.arc} J-{quirk.days_before_end}")
def test_line_quirks_are_where_the_table_says(
    quirk: LineQuirk, lines: list[bytes], rows: dict[tuple[str, str], list[Row]]
) -> None:
    arc, label = str(ARC_IDS[quirk.arc]), label_text(quirk.days_before_end, quirk.label)
    found = rows.get((arc, label), [])
    if quirk.kind in UNREADABLE:
        (line,) = (line for line in lines if line.startswith(f"{arc};".encode()) and label.encode() in line)
        assert fields_of(line) is None and found == []
    elif quirk.kind == "exact duplicate":
        assert len(found) == 2 and found[0] == found[1]
    elif quirk.kind == "conflicting duplicate":
        assert len(found) == 2 and found[0][3] != found[1][3] and found[0][:3] == found[1][:3]
    elif quirk.kind == "phantom arc *":
        assert len(rows["*", label]) == len(found) == 1
    elif quirk.kind == "unreadable date":
        assert found == [] and len(rows[arc, "2025-13-04T25:00:00+01:00"]) == 1
    else:
        position, text = CHANGED_FIELD[quirk.kind]
        assert [fields[position] for fields in found] == [text]


@pytest.mark.parametrize(
    "fault", SENSOR_FAULTS, ids=lambda fault: f"{fault.kind} {fault.arc} J-{fault.days_before_end}"
)
def test_sensor_faults_are_where_the_table_says(fault: SensorFault, rows: dict[tuple[str, str], list[Row]]) -> None:
    arc = str(ARC_IDS[fault.arc])
    expected = ["" if value == BLANK else str(float(value)) for value in (fault.flow, fault.rate)]
    hours = range(fault.first_label, fault.last_label + 1)
    assert [rows[arc, label_text(fault.days_before_end, hour)][0][3:5] for hour in hours] == [expected] * len(hours)
    around = [hour for hour in (fault.first_label - 1, fault.last_label + 1) if 1 <= hour <= 24]
    for hour in around:
        assert rows[arc, label_text(fault.days_before_end, hour)][0][3:5] != expected


def test_outage_rows_are_absent_for_a_third_of_the_arcs(rows: dict[tuple[str, str], list[Row]]) -> None:
    for number in range(ARCS):
        present = [(str(arc_identifier(number)), label_text(5, hour)) in rows for hour in (13, *OUTAGE_LABELS, 17)]
        assert present == ([True, False, False, False, True] if number % 3 == 0 else [True] * 5)


def test_one_arc_has_float_noise_variants_of_its_geometry(rows: dict[tuple[str, str], list[Row]]) -> None:
    shapes: dict[str, set[str]] = defaultdict(set)
    for (arc, _), found in rows.items():
        shapes[arc] |= {fields[14] for fields in found}
    first, second = (np.array(json.loads(text)["coordinates"]) for text in shapes[str(ARC_IDS[1])])
    assert np.allclose(first, second, atol=1e-9) and (first != second).any()
    assert len(shapes[str(ARC_IDS[2])]) == 1


def test_shares_and_states_look_like_the_portal(tmp_path: Path) -> None:
    arguments = ["--days", "3", "--source", "comptages", "-q", "--output", str(tmp_path)]
    assert make_demo_data.main(arguments) == 0
    fields = [line.split(b";") for line in counts_file(tmp_path).read_bytes().split(b"\r\n")[1:]]
    fields = [row for row in fields if len(row) == 15 and not row[1].startswith(b'"')]
    share = {name: np.mean([row[10].decode() == name for row in fields]) for name in ("Invalide", "Barré")}
    assert 0.38 < np.mean([row[3] == b"" for row in fields]) < 0.50
    assert 0.18 < share["Invalide"] < 0.35 and 0 < share["Barré"] < 0.08
    assert any(row[3] == b"" and row[4] for row in fields)
    limits = [(15, "Fluide"), (30, "Pré-saturé"), (50, "Saturé"), (101, "Bloqué")]
    for row in fields:
        rate = row[4].decode()
        if rate != "104.2":
            state = next(name for limit, name in limits if float(rate) < limit) if rate else "Inconnu"
            assert row[5].decode() == state


def test_works_slow_the_arcs_beside_them() -> None:
    arcs = build_arcs(OPTIONS, build_city())
    nowhere = np.zeros((ARCS, DAYS), dtype=bool)
    free = simulate(build_scene(OPTIONS, arcs, nowhere, nowhere), range(16, 24))
    slow = simulate(build_scene(OPTIONS, arcs, ~nowhere, nowhere), range(16, 24))
    measured = (free.flow != BLANK_FLOW) & (free.rate != BLANK_RATE)
    assert measured.any()
    assert slow.rate[measured].mean() > 1.3 * free.rate[measured].mean()
    assert slow.flow[measured].mean() < 0.8 * free.flow[measured].mean()


def test_rush_hours_weekends_and_holidays(rows: dict[tuple[str, str], list[Row]]) -> None:
    flows: dict[str, float] = defaultdict(float)
    for (_, label), found in rows.items():
        flows[label] += float(found[0][3] or 0) if found[0][3] != "NaN" else 0
    by_day = [sum(flows[label_text(before, hour)] for hour in range(1, 25)) for before in range(DAYS)]
    assert by_day[3] < 0.85 * by_day[1], "1 November is a Saturday and a holiday"
    assert min(flows[label_text(1, hour)] for hour in (9, 18)) > 3 * flows[label_text(1, 4)]


def test_bike_forms_are_all_there_and_one_file_is_cut(tree: Path) -> None:
    forms = Counter(form_of(path, body) for path, body in pulls(tree, "bikes"))
    assert set(forms) == {"v2.1", "list", "record lines", "response lines", "v1.0", "cut"}
    assert forms["cut"] == 1
    assert [path for path, _ in pulls(tree, "bikes") if path.suffix == ".gz"]
    assert (tree / "api/bikes/dt=2025-11-05/hour=06/bikes_demo.json").is_file()


def form_of(path: Path, body: bytes) -> str:
    if ".jsonl" in path.name:
        return "response lines" if "results" in json.loads(body.splitlines()[0]) else "record lines"
    try:
        answer = json.loads(body)
    except ValueError:
        return "cut"
    if isinstance(answer, list):
        return "list"
    return "v2.1" if "results" in answer else "v1.0"


def test_bike_days_are_real_days_seen_again_in_later_pulls(tree: Path) -> None:
    records = bike_records(tree)
    name = records[0]["nom_compteur"]
    told = [(datetime.fromisoformat(r["date"]), r.get("sum_counts")) for r in records if r["nom_compteur"] == name]
    instants = Counter(instant.astimezone(PARIS).date() for instant in {instant for instant, _ in told})
    assert instants == {OPTIONS.start: 25, **{END - timedelta(days=n): 24 for n in range(DAYS - 1)}}
    assert len(told) > len({instant for instant, _ in told}), "the same hour comes in several pulls"
    assert {r["date"][-6:] for r in records} == {"+00:00", "+01:00", "+02:00"}
    values = defaultdict(list)
    for r in records:
        values[r["nom_compteur"], datetime.fromisoformat(r["date"])].append(r.get("sum_counts"))
    assert any(told[0] is not None and told[0] < told[-1] for told in values.values()), "corrected upwards"


def test_bike_quirks_are_planted_on_the_last_day(tree: Path) -> None:
    counters = [demo_bikes.counter_of(OPTIONS, build_city(), number) for number in range(COUNTERS)]
    by_counter: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for record in bike_records(tree):
        moment = datetime.fromisoformat(record["date"]).astimezone(PARIS)
        if moment.date() == END:
            by_counter[record["nom_compteur"]][moment.hour] = record
    day = [by_counter[counter["nom_compteur"]] for counter in counters]
    assert day[3][10]["sum_counts"] is None and day[3][11]["sum_counts"] == -4 and math.isnan(day[3][12]["sum_counts"])
    assert day[4][9]["id_compteur"] is None and day[4][8]["id_compteur"]
    assert {record["id_compteur"] for record in day[5].values()} == {None}
    assert sorted(day[6]) == list(range(6))
    assert {record["sum_counts"] for record in day[7].values()} == {42}
    assert {record["sum_counts"] for record in day[9].values()} == {0}
    assert day[8][0]["coordinates"] is None
    outline = build_city().outline
    places = [day[number][0]["coordinates"] for number in (0, 10, 11)]
    inside = [outline.covers(shapely.Point(to_metres(place))) for place in places]
    assert inside == [True, False, False]


def test_one_export_of_the_bikes_breaks_off_in_its_last_line() -> None:
    known = [demo_bikes.counter_of(OPTIONS, build_city(), number) | {"sum_counts": 7} for number in range(3)]
    content, suffix = FORMS[9](known)
    assert suffix == ".zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        header, *records = csv.reader(io.StringIO(archive.read("bikes.csv").decode()))
    assert [len(record) == len(header) for record in records] == [True, True, False]


def to_metres(place: dict[str, float]) -> tuple[float, float]:
    return (place["lon"] - 2.34) * 73_376, (place["lat"] - 48.86) * 111_207


def test_rain_thins_bikes() -> None:
    world = Options(END, 29, ARCS, 40, 20251104, SOURCES)
    wet, dry = (
        demo_bikes.counts_of(world, day, day_instants(day))[:, 11:17].sum() for day in (END, END - timedelta(days=1))
    )
    assert weather_of(world, END).rain[11:17].all()
    assert wet < 0.75 * dry


def test_traffic_comes_in_both_forms_with_one_empty_answer(tree: Path) -> None:
    bodies = {path.parent.parent.name + path.parent.name: json.loads(body) for path, body in pulls(tree, "traffic")}
    assert len(bodies) == DAYS * len(demo_traffic.PULL_HOURS) + 1
    bulk = [body for body in bodies.values() if "lastUpdatedDate" in body]
    assert bulk and all(line["impactedObjects"][0]["disruptionIds"] for body in bulk for line in body["lines"])
    assert {d["severity"] for body in bulk for d in body["disruptions"]} == {"BLOQUANTE", "PERTURBEE", "INFORMATION"}
    empty = bodies["dt=2025-10-31hour=12"]
    assert empty["error"]["id"] == "no_solution" and empty["disruptions"] == []
    navitia = [d for body in bodies.values() if "line_reports" in body for d in body["disruptions"]]
    assert {(d["severity"]["effect"], d["severity"]["priority"]) for d in navitia} == {
        ("NO_SERVICE", 0),
        ("SIGNIFICANT_DELAYS", 30),
        ("OTHER_EFFECT", 60),
    }
    assert {len(d["application_periods"]) for d in navitia} > {1}
    assert any(period["end"].startswith("2030") for d in navitia for period in d["application_periods"])


def test_planted_disruptions_are_known_by_name(tree: Path) -> None:
    told: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path, body in pulls(tree, "traffic"):
        if "dt=2025-11-04" in str(path):
            for disruption in json.loads(body)["disruptions"]:
                told[disruption["id"]].append(disruption)
    keys = ("rer-b", "m4-past", "m13-future", "m6-text", "lift-1")
    known = {key: told[identity(OPTIONS, key, "impact")] for key in keys}
    first, *later = known["rer-b"]
    assert (first["severity"]["name"], first["application_periods"][0]["end"]) == ("perturbée", "20251104T080000")
    assert {(d["severity"]["name"], d["application_periods"][0]["end"]) for d in later} == {
        ("bloquante", "20251104T101000")
    }
    assert first["updated_at"] < later[0]["updated_at"]
    assert {d["status"] for d in known["m4-past"]} == {"past"}
    assert {d["status"] for d in known["m13-future"]} == {"future"}
    for key in ("m6-text", "lift-1"):
        kinds = {o["pt_object"]["embedded_type"] for d in known[key] for o in d["impacted_objects"]}
        assert kinds == {"stop_area"}
    assert "Métro 6" in known["m6-text"][0]["messages"][0]["text"]


def test_weather_days_are_rarely_first_and_one_has_no_precip(tree: Path) -> None:
    bodies = {path.parent.parent.name: json.loads(body) for path, body in pulls(tree, "weather")}
    assert len(bodies) == DAYS
    open_meteo = [body for body in bodies.values() if "hourly" in body]
    assert open_meteo and all(
        len(body["hourly"]["time"]) == len(body["hourly"]["precipitation"]) for body in open_meteo
    )
    last = {day["datetime"]: day for day in bodies["dt=2025-11-05"]["days"]}
    assert list(last).index("2025-11-04") == 1
    assert last["2025-11-04"]["precip"] > 0 and len(last["2025-11-04"]["hours"]) == 24
    unknown = (END - timedelta(days=demo_weather.NO_PRECIP_DAYS_BEFORE_END)).isoformat()
    assert {day["precip"] for day in bodies["dt=2025-11-03"]["days"] if day["datetime"] == unknown} == {None}
    assert all(-5 < day["temp"] < 25 for day in last.values())


def test_works_have_the_portal_form_and_the_planted_dates(tree: Path) -> None:
    path = tree / "batch" / "chantiers-perturbants-la-circulation.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbfIdentifiant;Identifiant CTV;") and b"\r" not in path.read_bytes()
    works = csv_rows(tree, "chantiers")
    assert len(works) == demo_works.WORKS
    assert any("\n" in work["Détail de l'impact sur la circulation"] for work in works)
    assert {json.loads(w["geo_shape"])["type"] for w in works if w["geo_shape"]} == {"Polygon", "MultiPolygon"}
    dates = [(work["Date de début"], work["Date de fin"]) for work in works]
    assert dates[5][0] == dates[6][1] == "2025-11-04" and dates[7] == ("2025-11-04", "2025-11-04")
    assert dates[10] == ("05/10/2025", "14/12/2025") and dates[12][0] == "03-10-2025"
    assert dates[13][1] < dates[13][0] and dates[14][0] == "" and dates[15][1] == "1970-01-01"
    assert dates[60][0] == "2026-11-04" and max(work["date_maj"] for work in works) == "2025-11-05"
    active = [work for work, (first, last) in zip(works, dates, strict=True) if first <= "2025-11-04" <= last]
    assert Counter(work["Code postal de l'arrondissement"] for work in active)["75015"] > 3
    assert {"", "Mise en impasse", "BARRAGE_TOTAL"} <= {work["Impact sur la circulation"] for work in works}
    assert {work["Statut"] for work in works} == {"1", "2", "3", "4", "5"}


def test_referentiel_repeats_misses_and_adds_arcs(tree: Path) -> None:
    described = Counter(row["Identifiant arc"] for row in csv_rows(tree, "referentiel"))
    counting = {str(arc_identifier(number)) for number in range(ARCS)}
    assert counting - set(described) == {str(ARC_IDS[NOT_IN_REFERENTIEL])}
    assert set(described) - counting == {str(arc_identifier(number)) for number in (ARCS, ARCS + 1)}
    assert described[str(ARC_IDS[9])] == 2 and described[str(ARC_IDS[8])] == 1


def test_arrondissements_are_twenty_clean_polygons(tree: Path) -> None:
    features = json.loads((tree / "batch" / "arrondissements.geojson").read_text(encoding="utf-8"))["features"]
    cells = [shape(feature["geometry"]) for feature in features]
    assert [feature["properties"]["c_ar"] for feature in features] == list(range(1, 21))
    assert features[0]["properties"]["l_ar"] == "1er Ardt" and features[1]["properties"]["c_arinsee"] == 75102
    assert all(cell.is_valid and cell.geom_type == "Polygon" for cell in cells)
    assert all(one.intersection(other).area < 1e-14 for one, other in itertools.combinations(cells, 2))
    city = shapely.union_all(cells)
    shapes = [shape(json.loads(row["geo_shape"])) for row in csv_rows(tree, "referentiel")]
    inside = [city.covers(arc.interpolate(0.5, normalized=True)) for arc in shapes]
    assert 0.85 < np.mean(inside) < 1.0, "most arcs, and not the outer ring"


def test_the_tree_says_that_it_is_synthetic(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--days", "1", "--arcs", "24", "--source", "weather", "--output", str(tmp_path)]
    assert make_demo_data.main(arguments) == 0
    assert "SYNTHÉTIQUES" in capsys.readouterr().out
    assert (tmp_path / "LISEZMOI.txt").read_text(encoding="utf-8").startswith("DONNÉES SYNTHÉTIQUES")
    before = content(tmp_path)
    assert make_demo_data.main(arguments) == 0
    assert "rien à faire" in capsys.readouterr().out
    assert content(tmp_path) == before


def test_other_options_need_force_and_leave_foreign_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["--arcs", "24", "--source", "weather", "-q", "--output", str(tmp_path)]
    assert make_demo_data.main([*base, "--days", "3"]) == 0
    mine = tmp_path / "api" / "weather" / "dt=2025-11-03" / "hour=06" / "mine.json"
    mine.write_text("{}", encoding="utf-8")
    assert make_demo_data.main([*base, "--days", "1"]) == 2
    assert "--force" in capsys.readouterr().err
    assert make_demo_data.main([*base, "--days", "1", "--force"]) == 0
    names = sorted(path.name for path in tmp_path.rglob("*.json"))
    assert names == ["mine.json", "weather_demo.json", "weather_saved.json"]
    next(tmp_path.rglob("weather_demo.json")).unlink()
    assert make_demo_data.main([*base, "--days", "1"]) == 2


def test_a_folder_that_is_not_ours_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = tmp_path / "batch" / "comptages-routiers-permanents.csv"
    real.parent.mkdir()
    real.write_text("vraies données", encoding="utf-8")
    for extra in ([], ["--force"]):
        assert make_demo_data.main([*SMALL, *extra, "--output", str(tmp_path)]) == 2
        assert "Refus" in capsys.readouterr().err
    (tmp_path / "LISEZMOI.txt").write_text("Notes de l'équipe", encoding="utf-8")
    assert make_demo_data.main([*SMALL, "--force", "--output", str(tmp_path)]) == 2
    assert real.read_text(encoding="utf-8") == "vraies données"


def test_an_interrupted_run_leaves_a_folder_that_can_be_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    arguments = [*SMALL, "--source", "weather", "--output", str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setitem(make_demo_data.PULL_WRITERS, "weather", interrupt)
        assert make_demo_data.main(arguments) == 130
    assert make_demo_data.main(arguments) == 0
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize(
    "arguments",
    [["--days", "0"], ["--arcs", "5"], ["--end", "20251104"], ["--end", "2025-02-30"], ["--source", "météo"]],
)
def test_wrong_options_are_usage_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        make_demo_data.main(arguments)
    assert stopped.value.code == 2
    assert "«" in capsys.readouterr().err


def test_saved_forms_tell_what_other_pulls_tell(tree: Path) -> None:
    """Each form is read, and holds no record that the demo's own pulls do not."""
    own = {(one["nom_compteur"], datetime.fromisoformat(one["date"])) for one in bike_records(tree)}
    files = [raw_file(path) for path in sorted((tree / "api" / "bikes").rglob("bikes_saved.*"))]
    quality = Quality()
    found = [(raw, record) for raw, _, body in read_bodies(files, quality) for record in records(body)]
    assert list(quality.unusable) == ["dt=2025-11-05/hour=14/bikes_saved.json"]
    assert len({raw.path for raw, _ in found}) == len(files) - 1 == min(len(FORMS), DAYS)
    assert {(one["nom_compteur"], parse_instant(str(one["date"]))) for _, one in found} <= own
    assert {path.relative_to(tree / "batch").as_posix() for path in make_demo_data.own_files(tree)[4:8]} == set(
        BATCH_NAMES
    )
    excel = (tree / "batch" / EXCEL).read_bytes()
    assert excel.startswith(b"sep=;\r\n") and "Débit".encode("cp1252") in excel and b"/11/2025 " in excel
