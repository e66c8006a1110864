"""The figures of the API sources on the demonstration tree, against plain Python that shares no code with them."""

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scripts import make_demo_data, process_bikes, process_traffic, process_weather
from tests.conftest import Ran, RawTree

PARIS = ZoneInfo("Europe/Paris")
DAYS = ["2025-11-04", "2025-10-26"]  # the second one has 25 hours
SOURCES = ("bikes", "traffic", "weather", "arrondissements")
NETWORK = 35  # métro, RER and tram lines
BUSES = {"line:IDFM:C01254", "line:IDFM:C00297"}
Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo") / "raw"
    wanted = [word for source in SOURCES for word in ("--source", source)]
    assert make_demo_data.main(["--output", str(root), "--counters", "24", *wanted, "-q"]) == 0
    return root


@pytest.fixture
def on_demo(raw: RawTree, demo: Path, monkeypatch: pytest.MonkeyPatch) -> RawTree:
    monkeypatch.setenv("DATA_DIR", str(demo))
    return RawTree(demo, raw.output)


def pulls(root: Path, source: str) -> Iterator[tuple[str, str]]:
    """(dt= day, text) of each pull, oldest first."""
    for path in sorted((root / "api" / source).rglob("*_demo.*")):
        data = path.read_bytes()
        yield path.parts[-3].removeprefix("dt="), (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


def answers(text: str) -> Iterator[Any]:
    try:
        yield json.loads(text)
    except ValueError:
        for line in text.splitlines():
            try:
                yield json.loads(line)
            except ValueError:  # the cut file: up to its last whole record
                yield json.loads(line[: line.rindex('},{"id_compteur"')] + "}]}")


def bike_rows(root: Path) -> Iterator[dict[str, Any]]:
    for _, text in pulls(root, "bikes"):
        for answer in answers(text):
            rows = answer if isinstance(answer, list) else answer.get("results") or answer.get("records") or [answer]
            for row in rows:
                yield row.get("fields", row)


@pytest.mark.parametrize("day", DAYS)
def test_bikes(on_demo: RawTree, run: Run, day: str) -> None:
    assert run(process_bikes.main, "--date", day).code == 0
    rows = list(bike_rows(on_demo.root))
    ids = {row["nom_compteur"]: row["id_compteur"] for row in rows if row.get("id_compteur")}
    counts: dict[tuple[str, datetime], int] = {}
    for row in rows:
        instant = datetime.fromisoformat(row["date"]).astimezone(UTC)
        count = row.get("sum_counts")
        if instant.astimezone(PARIS).date().isoformat() == day and isinstance(count, int) and count >= 0:
            name = row["nom_compteur"]
            counts[row.get("id_compteur") or ids.get(name, name), instant] = count
    negative = {row["nom_compteur"] for row in rows if isinstance(row.get("sum_counts"), int) and row["sum_counts"] < 0}
    broken = {ids[name] for name in negative} if day == DAYS[0] else set()  # on the last day
    every: dict[str, int] = defaultdict(int)
    for (counter, _), count in counts.items():
        every[counter] += count
    counts = {(counter, instant): count for (counter, instant), count in counts.items() if counter not in broken}
    totals: dict[str, int] = defaultdict(int)
    profile: dict[int, int] = defaultdict(int)
    for (counter, instant), count in counts.items():
        totals[counter] += count
        profile[instant.astimezone(PARIS).hour] += count
    metrics = on_demo.metrics("bikes", day)
    assert metrics["total_jour"] == sum(counts.values())
    assert {one["id_compteur"]: one["total_jour"] for one in metrics["metrics"]} == every
    assert {one["id_compteur"] for one in metrics["capteurs_ecartes"]} == broken
    assert {one["heure"]: one["total"] for one in metrics["profil_horaire"]} == profile
    assert sum(one["total_jour"] or 0 for one in metrics["par_arrondissement"]) == sum(counts.values())
    assert len({instant for _, instant in counts}) == (25 if day == "2025-10-26" else 24)


def newest_disruptions(root: Path, since: str) -> dict[str, dict[str, Any]]:
    """By id, as the last pull that names it says: times, severity, lines, whether it lasts over 30 days."""
    found: dict[str, dict[str, Any]] = {}
    for pulled, text in pulls(root, "traffic"):
        body = json.loads(text)
        touched: dict[str, set[str]] = defaultdict(set)
        stopped = set()
        for line in body.get("lines", []):
            for target in line["impactedObjects"]:
                for identifier in target["disruptionIds"]:
                    if target["type"] == "stop_area":
                        stopped.add(identifier)
                    else:
                        touched[identifier].add(line["id"])
        under: dict[str, set[str]] = defaultdict(set)
        for report in body.get("line_reports", []):
            under[report["line"]["network"]["id"]].add(report["line"]["id"])
        for one in body["disruptions"] if pulled >= since else []:
            objects = [target["pt_object"] for target in one.get("impacted_objects", [])]
            lines = {target["id"] for target in objects if target["embedded_type"] == "line"} | touched[one["id"]]
            for target in objects:
                lines |= under[target["id"]] if target["embedded_type"] == "network" else set()
            title = one.get("title") or next(m["text"] for m in one["messages"] if m["channel"]["types"] == ["title"])
            said = one["severity"] if isinstance(one["severity"], str) else one["severity"]["name"]
            stops = one["id"] in stopped or any(target["embedded_type"] == "stop_area" for target in objects)
            severity = {"b": "bloquante", "p": "perturbée", "i": "information"}[said[0].lower()]
            spans = [(p["begin"], p["end"]) for p in one.get("application_periods", one.get("applicationPeriods"))]
            first, last = (datetime.strptime(text, "%Y%m%dT%H%M%S") for text in (spans[0][0], spans[-1][1]))
            found[one["id"]] = {
                "spans": spans,
                "title": title,
                "severity": "perturbée" if severity == "bloquante" and stops else severity,
                "lines": lines or set(re.findall(r"^(Métro \d+|Tram \w+) :", title)),
                "standing": last - first > timedelta(days=30),
            }
    return found


def minutes(spans: list[tuple[str, str]], first: datetime, last: datetime) -> set[datetime]:
    """Every minute of the union, as UTC instants within the window."""
    found = set()
    for begin, end in spans:
        at, until = (
            datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=PARIS).astimezone(UTC) for text in (begin, end)
        )
        at, until = max(at, first), min(until, last)
        found |= {at + timedelta(minutes=n) for n in range(max(0, (until - at) // timedelta(minutes=1)))}
    return found


@pytest.mark.parametrize("day", DAYS)
def test_traffic(on_demo: RawTree, run: Run, day: str) -> None:
    assert run(process_traffic.main, "--date", day).code == 0
    asked = date.fromisoformat(day)

    def clock(at: date, hour: int, minute: int) -> datetime:
        return datetime.combine(at, time(hour, minute), PARIS).astimezone(UTC)

    whole = clock(asked, 0, 0), clock(asked + timedelta(days=1), 0, 0)
    service = clock(asked, 5, 30), clock(asked + timedelta(days=1), 1, 15)
    disruptions = newest_disruptions(on_demo.root, (asked - timedelta(days=7)).isoformat())
    repeated: dict[Any, list[str]] = defaultdict(list)  # messages that tell the same are one
    for key, one in sorted(disruptions.items()):
        if minutes(one["spans"], *whole):
            told = tuple(sorted(minutes(one["spans"], whole[0], service[1])))
            repeated[(*sorted(one["lines"]), one["title"], told) if one["lines"] else key].append(key)
    active = {keys[0]: disruptions[keys[0]] for keys in repeated.values()}
    metrics = on_demo.metrics("traffic", day)
    assert {one["id"]: one["severite"] for one in metrics["perturbations"]} == {
        key: one["severity"] for key, one in active.items()
    }
    assert [one["nombre_messages"] for one in sorted(metrics["perturbations"], key=lambda one: one["id"])] == [
        len(keys) for _, keys in sorted((keys[0], keys) for keys in repeated.values())
    ]
    assert {one["id"] for one in metrics["longue_duree"]} == {key for key, one in active.items() if one["standing"]}
    in_service: dict[str, set[datetime]] = defaultdict(set)
    for one in disruptions.values():
        for line in one["lines"] if one["severity"] != "information" and not one["standing"] else ():
            known = {"Métro 6": "line:IDFM:C01376"}.get(line, line)  # named in a text alone
            in_service[known] |= minutes(one["spans"], *service)
    stored = {one["id_ligne"]: one["heures_perturbees"] for one in metrics["par_ligne"] if one["heures_perturbees"]}
    assert stored == {line: round(len(told) / 60, 2) for line, told in in_service.items() if told}
    lost = sum(len(told) for line, told in in_service.items() if line not in BUSES) / 60
    assert metrics["reliability_index"] == round(100 * (1 - lost / (NETWORK * 19.75)), 2)
    assert metrics["lignes_perturbees"].get("Bus", 0) == len(
        BUSES & {line for line, told in in_service.items() if told}
    )


def test_the_last_day_shows_each_sort_of_disruption(on_demo: RawTree, run: Run) -> None:
    """An interruption, a skipped stop, the strike of a network, a standing detour and a cut pull."""
    assert run(process_traffic.main, "--date", DAYS[0]).code == 0
    metrics = on_demo.metrics("traffic", DAYS[0])
    told = {one["titre"]: one for one in metrics["perturbations"]}
    assert "RER B" in {one["ligne"] for one in metrics["alerts"]}
    stops = told["Bus 272 : Travaux - Arrêt(s) non desservi(s)"]
    assert (stops["effet"], stops["severite"]) == ("NO_SERVICE", "perturbée")
    assert told["Mouvement social : trafic réduit"]["lignes"] == ["RER A", "RER B", "RER C"]
    assert "Bus 8 : Déviation" in {one["titre"] for one in metrics["longue_duree"]}
    (cut,) = (one for one in metrics["qualite"]["avertissements"] if one["code"] == "pages_manquantes")
    assert cut["mesure"] == 5 < cut["attendu"]
    assert metrics["qualite"]["statut"] == "complet"  # the pull of 18 h is whole


@pytest.mark.parametrize("day", DAYS)
def test_weather(on_demo: RawTree, run: Run, day: str) -> None:
    assert run(process_weather.main, "--date", day).code == 0
    bodies = [json.loads(text) for pulled, text in pulls(on_demo.root, "weather") if pulled >= day and day in text]
    hours = hours_of(bodies[-1], day)
    metrics = on_demo.metrics("weather", day)
    assert [(one["temp"], one["precip"], one["vent"]) for one in metrics["heures"]] == hours
    temperatures, rain, wind = zip(*hours, strict=True)
    figures = metrics["metrics"]
    assert (figures["temp_min"], figures["temp_max"]) == (min(temperatures), max(temperatures))
    assert figures["temp_moyenne"] == pytest.approx(sum(temperatures) / 24, abs=0.051)
    assert figures["precip_totale"] == pytest.approx(sum(rain), abs=0.051)
    assert figures["vent_moyen"] == pytest.approx(sum(wind) / 24, abs=0.051)


def hours_of(body: dict[str, Any], day: str) -> list[tuple[float, float, float]]:
    """(temperature, rain, wind) of the 24 hours of the clock in either form."""
    if "days" in body:
        (entry,) = [one for one in body["days"] if one["datetime"] == day]
        return [(hour["temp"], hour["precip"], hour["windspeed"]) for hour in entry["hours"]]
    hourly = body["hourly"]
    first = hourly["time"].index(f"{day}T00:00")
    rain = hourly["precipitation"][first + 1 : first + 25]
    return list(zip(hourly["temperature_2m"][first:], rain, hourly["wind_speed_10m"][first:], strict=False))
