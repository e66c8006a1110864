"""Long files, many files, zip bombs: memory stays bounded, the other files keep their figures, each loss is counted.

The short form runs with the other tests on small ones; `make torture` takes 100 MB, 2 000 files and bombs of 2 GB.
"""

import json
from collections.abc import Iterator
from itertools import count, product

import pytest

from lib.raw import json_stream, source_files
from lib.raw.limits import JSON_BYTES
from scripts import process_bikes, process_traffic
from scripts.sources.traffic import pulls
from tests.conftest import RawTree, bike
from tests.support.cases import shortened
from tests.torture.inputs import big_files
from tests.torture.inputs.big_files import MB, bomb, process, write
from tests.torture.inputs.forms import (
    BIKES_CSV,
    BULK,
    DAY,
    FORMS,
    GOOD_BIKES,
    REFERENCE,
    WORKS_HEADER,
    Form,
    disruption,
    hours,
    text,
    traffic_kept,
    work,
)
from tests.torture.inputs.test_hostile_input import Run, check

MOST = 450.0  # MB; a machine of 1 GB has room for it
IDLE = 220.0  # MB; what a run takes that reads next to nothing, and a margin
BY_NAME = {form.name: form for form in FORMS}
BULK_HEAD = f'{{"lines": {json.dumps(BULK["lines"])}, "disruptions": ['


@pytest.fixture(scope="session")
def long_form(request: pytest.FixtureRequest) -> bool:
    return bool(int(request.config.getoption("--torture")))


def place(raw: RawTree, form: Form) -> None:
    for path, content in form.companions.items():
        write(raw.root / path, content.decode(), [], "", 0)


LONG_JSON = {
    "bikes results": ('{"results": [', big_files.bike_text, "]}", ","),
    "bikes list": ("[", big_files.bike_text, "]", ","),
    "bikes jsonl": ("", big_files.bike_text, "", "\n"),
    "comptages api": ('{"results": [', big_files.count_text, "]}", ","),
    "traffic navitia": ('{"disruptions": [', big_files.disruption_text, "]}", ","),
    "traffic bulk": (BULK_HEAD, big_files.bulk_text, "]}", ","),
    "weather visual crossing": ('{"latitude": 48.85, "longitude": 2.35, "days": [', big_files.weather_text, "]}", ","),
}


@pytest.mark.parametrize("name", shortened(LONG_JSON, {"traffic navitia"}))
def test_a_long_json_is_read_in_little_memory(name: str, raw: RawTree, long_form: bool) -> None:
    form, (head, make, tail, between) = BY_NAME[name], LONG_JSON[name]
    place(raw, form)
    write(raw.root / form.victim, head, map(make, count()), tail, 100 * MB if long_form else 9 * MB, between)
    took = process(form.data_type)
    assert took.code == 0, took.err
    metrics = raw.metrics(form.data_type, DAY)
    assert form.survives and form.survives(metrics)
    assert metrics["qualite"]["rejets"] == {}
    assert took.megabytes < (MOST if long_form else IDLE)


def test_many_pulls_are_read_in_little_memory(raw: RawTree, long_form: bool) -> None:
    pulls, records = (2_000, 500) if long_form else (60, 500)
    texts = [big_files.bike_text(number) for number in range(110 * 24 * 6)]
    for number in range(pulls):
        first = number * 977 % (len(texts) - records)
        folder = raw.root / f"api/bikes/dt=2025-11-{5 + number // 24 % 20:02}/hour={number % 24:02}"
        write(folder / f"{number}.json", '{"results": [', texts[first : first + records], "]}", 10 * MB)
    took = process("bikes")
    assert took.code == 0, took.err
    assert raw.metrics("bikes", DAY)["qualite"]["lignes_lues"] > pulls * records / 10
    assert took.megabytes < (MOST if long_form else IDLE)


ENDLESS = ("bikes csv", "comptages labels", "comptages gz", "chantiers csv", "referentiel of comptages")


@pytest.mark.parametrize("name", shortened(ENDLESS, {"comptages labels"}))
def test_an_endless_line_is_never_held(name: str, raw: RawTree, long_form: bool) -> None:
    form = BY_NAME[name]
    place(raw, form)
    content = form.content if name != "comptages gz" else BY_NAME["comptages labels"].content
    size = 400 * MB if long_form else 120 * MB
    if form.victim.endswith(".gz"):
        bomb(raw.root / form.victim, content, b"v", size)
    else:
        write(raw.root / form.victim, content.decode(), ("v" * MB for _ in count()), "\n", size, "")
    took = process(form.data_type)
    assert took.code == 0, took.err
    check(form, big_files.as_ran(took), raw, took.err)
    assert took.megabytes < IDLE


BOMBS = {"zeros": b"\0", "spaces": b" ", "letters": b"a", "brackets": b"[", "lines": b"\n", "junk": b"x\n"}
BOMBED = (
    *("bikes results", "bikes jsonl", "bikes csv", "comptages labels", "comptages api", "traffic navitia"),
    *("weather open-meteo", "chantiers csv", "referentiel csv", "arrondissements", "referentiel of comptages"),
)
SHORT_BOMBS = {("arrondissements", "brackets")}


@pytest.mark.parametrize("bombed", shortened(product(BOMBED, BOMBS), SHORT_BOMBS), ids="-".join)
def test_a_zip_bomb_costs_itself_alone(bombed: tuple[str, str], raw: RawTree, long_form: bool) -> None:
    name, what = bombed
    form = BY_NAME[name]
    place(raw, form)
    bomb(raw.root / f"{form.victim}.gz", b"", BOMBS[what], 2_000 * MB if long_form else JSON_BYTES + MB)
    took = process(form.data_type)
    check(form, big_files.as_ran(took), raw, took.err)
    assert took.megabytes < MOST


ROWS = {
    "bikes results": (b'{"results": [', text(bike("autre", f"{DAY}T08:00:00+01:00", 3)) + b","),
    "traffic navitia": (b'{"disruptions": [', text(disruption("autre")) + b","),
    "comptages labels": (b"", BY_NAME["comptages labels"].content),
    "chantiers csv": (WORKS_HEADER.encode(), work("autre").encode()),
    "referentiel of comptages": (b"", REFERENCE),
    "bikes csv": (b"", BIKES_CSV.encode()),
}


@pytest.mark.parametrize("name", shortened(ROWS, {"bikes results"}))
def test_a_bomb_of_sound_rows_costs_itself_alone(name: str, raw: RawTree, long_form: bool) -> None:
    form, (head, unit) = BY_NAME[name], ROWS[name]
    place(raw, form)
    path = raw.root / f"{form.victim}.gz"
    bomb(path, head, unit, 2_000 * MB if long_form else JSON_BYTES + MB)
    took = process(form.data_type)
    check(form, big_files.as_ran(took), raw, took.err)
    account = raw.metrics(form.data_type, DAY)["qualite"]
    codes = {warning["code"] for warning in account["avertissements"]}
    if name == "referentiel of comptages":
        assert "referentiel_illisible" in codes
    else:
        assert account["rejets"]["fichier_trop_gros"] == 1 and "fichier_trop_gros" in codes
    assert path.name in took.err and "bien plus qu'un fichier réel" in took.err
    assert took.megabytes < MOST


def test_of_too_many_files_the_newest_are_read(raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_files, "MOST_FILES", 2)
    for number in range(1, 6):
        raw.pull("bikes", f"2025-11-0{number + 3}", "a.json", {"results": hours("sain", number)})
    ran = run(process_bikes.main, "--date", DAY)
    metrics = raw.metrics("bikes", DAY)
    assert ran.code == 0 and metrics["total_jour"] == 24 * 5
    assert metrics["qualite"]["rejets"] == {"fichiers_en_trop": 3}
    assert "« bikes » a 5 fichiers bruts : seuls les 2 plus récents sont lus" in ran.err


def few(count: int) -> Iterator[dict[str, object]]:
    return (disruption(f"d{number}") | {"title": f"Message {number}"} for number in range(count))


@pytest.mark.parametrize("whole", [True, False], ids=["short", "long"])
def test_more_disruptions_than_there_are_cost_themselves(
    whole: bool, raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulls, "DISRUPTIONS", 10)
    monkeypatch.setattr(json_stream, "DISRUPTIONS", 10)
    if not whole:
        monkeypatch.setattr("lib.raw.json_records.READ_WHOLE", 100)
    raw.pull("traffic", "2025-11-05", "a.json", {"disruptions": [disruption("sain"), *few(25)]})
    ran = run(process_traffic.main, "--date", DAY)
    metrics = raw.metrics("traffic", DAY)
    assert ran.code == 0 and traffic_kept(metrics) and metrics["nombre_perturbations"] == 10
    assert metrics["qualite"]["rejets"] == {"enregistrements_en_trop": 16}
    assert metrics["qualite"]["lignes_lues"] == 26
    assert "Plus de 10 enregistrements" in ran.err


def test_more_bike_records_than_there_are_cost_themselves(
    raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.sources.bikes.pulls.BIKE_ROWS", 24)
    for path, content in GOOD_BIKES.items():
        write(raw.root / path, content.decode(), [], "", 0)
    raw.pull("bikes", "2025-11-07", "c.json", {"results": hours("en trop", 3)})
    ran = run(process_bikes.main, "--date", DAY)
    account = raw.metrics("bikes", DAY)["qualite"]
    assert ran.code == 0 and account["rejets"] == {"enregistrements_en_trop": 24}
    assert "enregistrements_en_trop" in {warning["code"] for warning in account["avertissements"]}
