"""Every raw form as a small sound file about one day, beside a second file that a test leaves untouched."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.conftest import ARCS_HEADER, bike, count_row, mains

MAINS = mains()

DAY = "2025-11-04"
Main = Callable[[list[str] | None], int]


@dataclass(frozen=True)
class Form:
    """A victim file, the sound companions of the same source (path below the raw root: bytes), and what they must give.

    `survives` says from the metrics of a run whether the companions' figures are all there; None where the victim is
    the only file of its source, which may then make the run fail with a message.
    """

    name: str
    data_type: str
    main: Main
    victim: str
    content: bytes
    companions: dict[str, bytes]
    survives: Callable[[dict[str, Any]], bool] | None


def text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def hours(counter: str, count: int) -> list[dict[str, Any]]:
    return [bike(counter, f"{DAY}T{hour:02}:00:00+01:00", count) for hour in range(24)]


def bikes_kept(metrics: dict[str, Any]) -> bool:
    return [one["total_jour"] for one in metrics["metrics"] if one["id_compteur"] == "sain"] == [24 * 7]


GOOD_BIKES = {"api/bikes/dt=2025-11-06/hour=06/b.json": text({"results": hours("sain", 7)})}


def bike_form(name: str, content: bytes, file: str = "api/bikes/dt=2025-11-05/hour=06/a.json") -> Form:
    return Form(name, "bikes", MAINS["bikes"], file, content, GOOD_BIKES, bikes_kept)


BIKES_CSV = (
    "Identifiant du compteur;Nom du compteur;Comptage horaire;Date et heure de comptage;Coordonnées géographiques\n"
)
BIKES_CSV += "".join(f"autre;Rue « B »;{hour};{DAY}T{hour:02}:00:00+01:00;48.85,2.35\n" for hour in range(24))
V10 = {"records": [{"fields": {**one, "coordinates": [48.85, 2.35]}} for one in hours("autre", 3)]}

COUNTS = [count_row("1", f"{DAY}T{hour:02}:00:00+01:00", hour * 10, 12.5) for hour in range(1, 24)]
GOOD_COUNTS = [count_row("99", f"{DAY}T{hour:02}:00:00+01:00", 100, 20) for hour in range(1, 24)]


def counts_csv(rows: list[str]) -> bytes:
    return "\n".join([ARCS_HEADER, *rows, ""]).encode()


def counts_kept(metrics: dict[str, Any]) -> bool:
    return [one["debit_journalier_total"] for one in metrics["metrics"] if one["identifiant_arc"] == "99"] == [2300]


def counts_form(name: str, content: bytes, file: str = "batch/comptages-routiers-permanents.csv") -> Form:
    newer = {"batch/comptages-routiers-permanents-2.csv": counts_csv(GOOD_COUNTS)}
    return Form(name, "comptages", MAINS["comptages"], file, content, newer, counts_kept)


COUNTS_API = [
    {"iu_ac": "1", "libelle": "Rue", "t_1h": f"{DAY}T{hour:02}:00:00+01:00", "q": 10.0, "k": 2.5, "geo_point_2d": None}
    for hour in range(1, 24)
]


def disruption(identifier: str, effect: str = "NO_SERVICE") -> dict[str, Any]:
    line = {"id": "line:IDFM:C01376", "code": "6", "name": "METRO 6", "commercial_mode": {"name": "Métro"}}
    return {
        "id": identifier,
        "status": "past",
        "cause": "travaux",
        "severity": {"name": "bloquante", "effect": effect, "priority": 0},
        "application_periods": [{"begin": "20251104T080000", "end": "20251104T100000"}],
        "messages": [{"text": "<p>Métro 6</p>", "channel": {"types": ["web"]}}],
        "impacted_objects": [{"pt_object": {"id": line["id"], "name": "6", "embedded_type": "line", "line": line}}],
    }


def traffic_kept(metrics: dict[str, Any]) -> bool:
    return any(one["id"] == "sain" and one["severite"] == "bloquante" for one in metrics["perturbations"])


BULK = {
    "disruptions": [
        {
            "id": "b1",
            "applicationPeriods": [{"begin": "20251104T080000", "end": "20251104T100000"}],
            "severity": "PERTURBEE",
            "cause": "PERTURBATION",
            "title": "Métro 4",
            "message": "<b>Trafic perturbé</b>",
        }
    ],
    "lines": [
        {
            "id": "line:IDFM:C01374",
            "name": "4",
            "shortName": "4",
            "mode": "Metro",
            "impactedObjects": [{"type": "line", "id": "line:IDFM:C01374", "disruptionIds": ["b1"]}],
        }
    ],
}


def traffic_form(name: str, content: bytes) -> Form:
    good = {"api/traffic/dt=2025-11-05/hour=08/b.json": text({"disruptions": [disruption("sain")]})}
    file = "api/traffic/dt=2025-11-05/hour=06/a.json"
    return Form(name, "traffic", MAINS["traffic"], file, content, good, traffic_kept)


def visual_crossing(temp: float) -> dict[str, Any]:
    hour = {"temp": temp, "precip": 0.1, "windspeed": 9.0, "conditions": "Rain"}
    whole = [{"datetime": f"{one:02}:00:00", **hour} for one in range(24)]
    day = {"datetime": DAY, "tempmax": temp, "tempmin": temp, "temp": temp, "precip": 2.4, "windspeed": 9.0}
    return {"latitude": 48.85, "longitude": 2.35, "days": [{**day, "conditions": "Rain", "hours": whole}]}


OPEN_METEO = {
    "timezone": "Europe/Paris",
    "hourly_units": {"temperature_2m": "°C", "precipitation": "mm", "wind_speed_10m": "km/h"},
    "hourly": {
        "time": [f"{DAY}T{hour:02}:00" for hour in range(24)],
        "temperature_2m": [8.5] * 24,
        "precipitation": [0.0] * 24,
        "wind_speed_10m": [11.0] * 24,
    },
}


def weather_kept(metrics: dict[str, Any]) -> bool:
    return metrics["metrics"]["temp_moyenne"] == 12.0 and metrics["metrics"]["precip_totale"] == 2.4


def weather_form(name: str, content: bytes) -> Form:
    good = {"api/weather/dt=2025-11-06/hour=06/b.json": text(visual_crossing(12.0))}
    file = "api/weather/dt=2025-11-05/hour=06/a.json"
    return Form(name, "weather", MAINS["weather"], file, content, good, weather_kept)


WORKS_HEADER = (
    "Identifiant;Code postal de l'arrondissement;Objet;Description;Voie(s);Date de début;Date de fin;"
    "Impact sur la circulation;Niveau de perturbation;Statut;geo_shape;geo_point_2d\n"
)


def work(identifier: str) -> str:
    shape = (
        '{""type"": ""Polygon"", ""coordinates"": '
        "[[[2.35,48.85],[2.351,48.85],[2.351,48.851],[2.35,48.851],[2.35,48.85]]]}"
    )
    return (
        f'{identifier};75004;Travaux;"deux\nlignes";Rue A;2025-10-01;2025-12-01;RESTREINTE;1;2;"{shape}";48.85, 2.35\n'
    )


def works_kept(metrics: dict[str, Any]) -> bool:
    return any(one["identifiant"] == "sain" and one["impact"] == "RESTREINTE" for one in metrics["metrics"])


REFERENCE = (
    "Identifiant arc;Libelle;Identifiant noeud amont;Libelle noeud amont;Identifiant noeud aval;Libelle noeud aval;"
    "geo_point_2d;geo_shape\n"
    + "".join(
        f'{arc};Rue_{arc};1;A;2;B;48.85, 2.35;"{{""type"": ""LineString"", ""coordinates"": '
        f'[[2.35,48.85],[2.351,48.85{arc}]]}}"\n'
        for arc in range(1, 6)
    )
).encode()
REFERENCE_FILE = "batch/referentiel-geographique-pour-les-donnees-trafic-issues-des-capteurs-permanents.csv"
SQUARE = {"type": "Polygon", "coordinates": [[[2.3, 48.8], [2.4, 48.8], [2.4, 48.9], [2.3, 48.9], [2.3, 48.8]]]}
DISTRICTS = {"type": "FeatureCollection", "features": [{"properties": {"c_ar": 4}, "geometry": SQUARE}]}

FORMS = (
    bike_form("bikes results", text({"results": hours("autre", 3)})),
    bike_form("bikes list", text(hours("autre", 3))),
    bike_form("bikes v1.0", text(V10)),
    bike_form("bikes jsonl", b"\n".join(text(one) for one in hours("autre", 3)), "api/bikes/dt=2025-11-05/a.jsonl"),
    bike_form("bikes gz", gzip.compress(text(hours("autre", 3)), mtime=0), "api/bikes/dt=2025-11-05/hour=06/a.json.gz"),
    bike_form("bikes csv", BIKES_CSV.encode(), "batch/comptage-velo-donnees-compteurs.csv"),
    counts_form("comptages labels", counts_csv(COUNTS)),
    counts_form("comptages crlf bom", b"\xef\xbb\xbf" + counts_csv(COUNTS).replace(b"\n", b"\r\n")),
    counts_form(
        "comptages gz", gzip.compress(counts_csv(COUNTS), mtime=0), "batch/comptages-routiers-permanents.csv.gz"
    ),
    counts_form("comptages api", text({"results": COUNTS_API}), "batch/comptages-routiers-permanents.json"),
    traffic_form("traffic navitia", text({"disruptions": [disruption("a", "DETOUR"), disruption("b")]})),
    traffic_form("traffic bulk", text(BULK)),
    weather_form("weather visual crossing", text(visual_crossing(3.0))),
    weather_form("weather open-meteo", text(OPEN_METEO)),
    Form(
        "chantiers csv",
        "chantiers",
        MAINS["chantiers"],
        "batch/chantiers-perturbants-la-circulation.csv",
        (WORKS_HEADER + work("a") + work("b")).encode(),
        {"batch/chantiers-perturbants-la-circulation-2.csv": (WORKS_HEADER + work("sain")).encode()},
        works_kept,
    ),
    Form("referentiel csv", "referentiel", MAINS["referentiel"], REFERENCE_FILE, REFERENCE, {}, None),
    Form(
        "arrondissements",
        "bikes",
        MAINS["bikes"],
        "batch/arrondissements.geojson",
        text(DISTRICTS),
        GOOD_BIKES,
        bikes_kept,
    ),
    Form(
        "referentiel of comptages",
        "comptages",
        MAINS["comptages"],
        REFERENCE_FILE,
        REFERENCE,
        {"batch/comptages-routiers-permanents-2.csv": counts_csv(GOOD_COUNTS)},
        counts_kept,
    ),
)
