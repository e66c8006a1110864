"""Weather of a day: the right day out of pulls about several, both raw forms, units, forecasts, missing values."""

import json
import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pyproj import Geod

from scripts import generate_report
from scripts.process_weather import main
from tests.conftest import SAMPLES, Ran, RawTree, gz, needs_samples

DAY, NEXT = "2025-11-04", "2025-11-05"
PARIS = {"latitude": 48.8566, "longitude": 2.3522, "timezone": "Europe/Paris"}
Run = Callable[..., Ran]
NAMES = ("temp_moyenne", "temp_min", "temp_max", "precip_totale", "vent_moyen", "vent_max", "conditions")


def vc_hour(hour: int, temp: float | None = 10.0, precip: float | None = 0.1, wind: float | None = 12.0) -> Any:
    label = f"{hour:02}:00:00"
    return {"datetime": label, "temp": temp, "precip": precip, "windspeed": wind, "conditions": "Overcast"}


def vc_day(day: str, temp: float = 10.0, **more: Any) -> dict[str, Any]:
    return {
        "datetime": day, "tempmax": temp + 3, "tempmin": temp - 3, "temp": temp, "precip": 2.4, "windspeed": 21.0,
        "conditions": "Rain, Overcast", "hours": [vc_hour(hour, temp) for hour in range(24)],
    } | more  # fmt: skip


def visual_crossing(*days: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**PARIS, "days": list(days), "currentConditions": {"temp": 99.0}} | more


def open_meteo(first: str, hours: int, **arrays: list[Any]) -> dict[str, Any]:
    labels = [f"{first}T{hour:02}:00" for hour in range(min(hours, 24))]
    labels += [f"{NEXT}T{hour - 24:02}:00" for hour in range(24, hours)]
    units = {"time": "iso8601", "temperature_2m": "°C", "precipitation": "mm", "wind_speed_10m": "km/h"}
    return {**PARIS, "hourly_units": units, "hourly": {"time": labels, **arrays}}


def daily_figures(raw: RawTree, day: str = DAY) -> dict[str, Any]:
    return raw.metrics("weather", day)["metrics"]


def codes(raw: RawTree, day: str = DAY) -> list[str]:
    return [one["code"] for one in raw.metrics("weather", day)["qualite"]["avertissements"]]


def test_the_day_asked_is_read_not_the_first_of_the_list(raw: RawTree, run: Run) -> None:
    body = visual_crossing(vc_day("2025-11-02", 2.0), vc_day("2025-11-03", 5.0), vc_day(DAY, 10.0), vc_day(NEXT, 15.0))
    raw.pull("weather", NEXT, "a.json", body)
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("weather", DAY)
    assert [metrics["metrics"][name] for name in NAMES] == [10.0, 7.0, 13.0, 2.4, 12.0, 21.0, "Pluie, Couvert"]
    assert [one["heure"] for one in metrics["heures"]] == list(range(24))
    assert metrics["heures"][3] == {"heure": 3, "temp": 10.0, "precip": 0.1, "vent": 12.0, "conditions": "Couvert"}
    assert metrics["qualite"]["statut"] == "complet"
    assert metrics["qualite"]["lignes_lues"] == metrics["qualite"]["lignes_retenues"] == 24
    assert metrics["source"] == "visual_crossing"


@pytest.mark.parametrize("form", ["json", "gz", "jsonl", "list", "no_hour_folder"])
def test_every_envelope_gives_the_same_day(raw: RawTree, run: Run, form: str) -> None:
    body = visual_crossing(vc_day(DAY))
    other = visual_crossing(vc_day("2025-11-01", 1.0))
    names = {"gz": "a.json.gz", "jsonl": "a.jsonl"}
    contents = {
        "gz": gz(json.dumps(body)),
        "jsonl": f"{json.dumps(other)}\n{json.dumps(body)}\n",
        "list": json.dumps([other, body]),
    }
    content = contents.get(form, json.dumps(body))
    raw.pull("weather", NEXT, names.get(form, "a.json"), content, None if form == "no_hour_folder" else "06")
    assert run(main, "--date", DAY).code == 0
    assert daily_figures(raw)["temp_moyenne"] == 10.0


def test_a_null_is_missing_and_takes_nothing_with_it(raw: RawTree, run: Run) -> None:
    hours = [vc_hour(hour, precip=None) for hour in range(24)]
    raw.pull("weather", NEXT, "a.json", visual_crossing(vc_day(DAY, precip=None, hours=hours)))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("weather", DAY)
    assert metrics["metrics"]["precip_totale"] is None
    assert metrics["metrics"]["temp_moyenne"] == 10.0
    assert metrics["heures"][0]["precip"] is None
    assert metrics["categories"] == {"temperature": "tempéré", "pluie": None, "vent": "vent modéré"}
    assert metrics["impact_composantes"]["pluie"] is None
    assert metrics["impact_mobilite"] is None
    assert codes(raw) == ["pluie_incomplete"]


def test_one_null_hour_of_rain_leaves_the_sum_of_the_others(raw: RawTree, run: Run) -> None:
    hours = [vc_hour(hour, precip=None if hour == 5 else 0.5) for hour in range(24)]
    raw.pull("weather", NEXT, "a.json", visual_crossing(vc_day(DAY, precip=None, hours=hours)))
    assert run(main, "--date", DAY).code == 0
    assert daily_figures(raw)["precip_totale"] == 11.5


def test_open_meteo_rain_is_that_of_the_hour_before_its_label(raw: RawTree, run: Run) -> None:
    rain = [50.0] + [float(hour) for hour in range(1, 25)] + [70.0]  # 00:00 tells of yesterday, 24:00 of the last hour
    body = open_meteo(DAY, 26, temperature_2m=[8.0] * 24 + [30.0] * 2, precipitation=rain, wind_speed_10m=[7.0] * 26)
    raw.pull("weather", "2025-11-06", "a.json", body)
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("weather", DAY)
    assert metrics["metrics"]["precip_totale"] == sum(range(1, 25))
    assert [one["precip"] for one in metrics["heures"]] == [float(hour) for hour in range(1, 25)]
    assert (metrics["metrics"]["temp_moyenne"], metrics["metrics"]["temp_max"]) == (8.0, 8.0)
    assert codes(raw) == []


def test_open_meteo_without_the_next_midnight_says_that_an_hour_of_rain_is_missing(raw: RawTree, run: Run) -> None:
    body = open_meteo(DAY, 24, temperature_2m=[8.0] * 24, precipitation=[9.0] + [0.5] * 23)
    raw.pull("weather", NEXT, "a.json", body)
    assert run(main, "--date", DAY).code == 0
    assert daily_figures(raw)["precip_totale"] == 11.5
    assert codes(raw) == ["pluie_incomplete"]


def test_open_meteo_daily_values_alone_are_half_a_day(raw: RawTree, run: Run) -> None:
    daily = {"time": ["2025-11-03", DAY], "temperature_2m_max": [1, 12], "temperature_2m_min": [0, 6],
             "precipitation_sum": [9, 3], "wind_speed_10m_max": [5, 25], "weather_code": [0, 63]}  # fmt: skip
    raw.pull("weather", NEXT, "a.json", {**PARIS, "daily": daily})
    assert run(main, "--date", DAY).code == 0
    assert [daily_figures(raw)[name] for name in NAMES] == [9.0, 6.0, 12.0, 3.0, None, 25.0, "Pluie modérée"]
    assert raw.metrics("weather", DAY)["qualite"]["statut"] == "partiel"
    assert codes(raw) == ["heures_absentes"]


def test_a_few_hours_do_not_speak_for_the_day(raw: RawTree, run: Run) -> None:
    body = open_meteo(DAY, 6, temperature_2m=[3.0] * 6, precipitation=[0.0] * 6)
    daily = {"time": [DAY], "temperature_2m_max": [12], "temperature_2m_min": [2], "precipitation_sum": [3]}
    raw.pull("weather", NEXT, "a.json", body | {"daily": daily})
    assert run(main, "--date", DAY).code == 0
    figures = daily_figures(raw)
    assert (figures["temp_moyenne"], figures["precip_totale"]) == (7.0, 3.0)
    assert raw.metrics("weather", DAY)["qualite"]["couverture"] == 0.25


def test_declared_units_are_converted(raw: RawTree, run: Run) -> None:
    body = open_meteo(DAY, 25, temperature_2m=[50.0] * 25, precipitation=[0.1] * 25, wind_speed_10m=[10.0] * 25)
    body["hourly_units"] |= {"temperature_2m": "°F", "precipitation": "inch", "wind_speed_10m": "mp/h"}
    raw.pull("weather", NEXT, "a.json", body)
    assert run(main, "--date", DAY).code == 0
    figures = daily_figures(raw)
    assert (figures["temp_moyenne"], figures["precip_totale"], figures["vent_moyen"]) == (10.0, 60.96, 16.1)


@pytest.mark.parametrize(
    ("day", "highest"), [("2025-07-14", 77.0), ("2025-11-04", 53.0), ("2025-03-04", 41.0), ("2025-10-20", 43.0)]
)
def test_fahrenheit_is_refused_with_the_way_out(raw: RawTree, run: Run, day: str, highest: float) -> None:
    raw.pull("weather", day, "a.json", visual_crossing(vc_day(day, highest - 3)), "23")
    ran = run(main, "--date", day)
    assert ran.code == 1
    assert "unitGroup=metric" in ran.err
    assert f"donne {highest:g}" in ran.err
    assert "a.json" in ran.err
    assert not raw.output.joinpath("metrics").exists()


@pytest.mark.parametrize(("day", "temp"), [("2019-07-25", 39.6), ("2025-01-04", -12.0), ("2025-10-01", 26.0)])
def test_real_extremes_of_paris_are_believed(raw: RawTree, run: Run, day: str, temp: float) -> None:
    raw.pull("weather", day, "a.json", visual_crossing(vc_day(day, temp)), "23")
    assert run(main, "--date", day).code == 0


def test_another_city_is_no_weather_of_paris(raw: RawTree, run: Run) -> None:
    lyon = visual_crossing(vc_day(DAY, 20.0), latitude=45.76, longitude=4.84, resolvedAddress="Lyon, France")
    raw.pull("weather", NEXT, "a.json", lyon)
    ran = run(main, "--date", DAY)
    assert ran.code == 4
    assert "Lyon, France" in ran.err and "392 km" in ran.err
    assert not raw.output.joinpath("metrics").exists()
    raw.pull("weather", DAY, "b.json", visual_crossing(vc_day(DAY)), "23")
    assert run(main, "--date", DAY).code == 0, "the newest is another city's, an older one is that of Paris"
    assert daily_figures(raw)["temp_moyenne"] == 10.0
    assert codes(raw) == ["meteo_hors_paris", "releve_du_jour"]
    assert raw.metrics("weather", DAY)["qualite"]["rejets"] == {"hors_ile_de_france": 1}
    assert raw.metrics("weather", DAY)["qualite"]["statut"] == "complet", "another city is nothing lost of Paris"


@pytest.mark.parametrize(
    ("latitude", "longitude", "code"),
    [(48.80, 2.13, 0), (48.40, 2.70, 0), (48.56, 3.30, 0), (49.43, 2.08, 4), (48.45, 1.10, 4), (47.90, 1.90, 4)],
    ids=["Versailles", "Fontainebleau", "Provins", "Beauvais", "Chartres side", "Orléans"],
)
def test_ile_de_france_is_near_enough(raw: RawTree, run: Run, latitude: float, longitude: float, code: int) -> None:
    raw.pull("weather", NEXT, "a.json", visual_crossing(vc_day(DAY), latitude=latitude, longitude=longitude))
    assert run(main, "--date", DAY).code == code


def without_coordinates(**more: Any) -> dict[str, Any]:
    return {"timezone": "Europe/Paris", "days": [vc_day(DAY)]} | more


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ({"resolvedAddress": "London, England, United Kingdom", "address": "London"}, 4),
        ({"address": "London"}, 4),
        ({"resolvedAddress": "Paris, TX, United States"}, 4),
        ({"resolvedAddress": "51.5072,-0.1276"}, 4),
        ({"resolvedAddress": "Paris, Île-de-France, France", "address": "Paris,France"}, 0),
        ({"address": "PARIS"}, 0),
        ({"address": "Versailles, Île-de-France, France"}, 0),
        ({"address": "75012"}, 0),
        ({"address": "48.8566,2.3522"}, 0),
    ],
)
def test_an_answer_without_coordinates_is_of_the_place_it_names(
    raw: RawTree, run: Run, address: dict[str, str], code: int
) -> None:
    raw.pull("weather", NEXT, "a.json", without_coordinates(**address))
    ran = run(main, "--date", DAY)
    assert ran.code == code, ran.err
    if code:
        assert "ce n'est pas la météo de Paris" in ran.err and "inf" not in ran.err
    else:
        assert codes(raw) == []


@pytest.mark.parametrize("form", ["visual_crossing", "open_meteo"])
def test_an_answer_that_does_not_say_of_which_place_it_is_is_warned_of(raw: RawTree, run: Run, form: str) -> None:
    body = without_coordinates() if form == "visual_crossing" else open_meteo(DAY, 25, temperature_2m=[8.0] * 25)
    raw.pull("weather", NEXT, "a.json", {key: body[key] for key in body if key not in ("latitude", "longitude")})
    assert run(main, "--date", DAY).code == 0
    assert "lieu_non_dit" in codes(raw)
    raw.pull("weather", NEXT, "b.json", without_coordinates(address="London"))
    assert run(main, "--date", DAY).code == 0, "the other city is named and not used"
    assert {"lieu_non_dit", "meteo_hors_paris"} <= set(codes(raw))


def test_a_day_without_one_hour_of_temperature_is_partial(raw: RawTree, run: Run) -> None:
    raw.pull(
        "weather",
        NEXT,
        "a.json",
        visual_crossing(vc_day(DAY, hours=[vc_hour(hour) for hour in range(24) if hour != 4])),
    )
    assert run(main, "--date", DAY).code == 0
    account = raw.metrics("weather", DAY)["qualite"]
    assert (account["statut"], account["couverture"]) == ("partiel", 0.9583)
    assert codes(raw)[-1] == "heures_sans_temperature"


def test_a_forecast_alone_is_partial_and_estimates_no_effect(raw: RawTree, run: Run) -> None:
    raw.pull("weather", "2025-11-03", "a.json", visual_crossing(vc_day(DAY)))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("weather", DAY)
    assert (metrics["nature"], metrics["impact_mobilite"]) == ("prevision", None)
    assert set(metrics["impact_composantes"].values()) == {None}
    assert (metrics["qualite"]["statut"], metrics["qualite"]["couverture"]) == ("partiel", 0.5)
    assert metrics["metrics"]["temp_moyenne"] == 10.0
    assert run(generate_report.main, "--date", DAY).code == 1  # the other sources are missing
    page = (raw.output / "reports" / f"daily_report_{DAY}.html").read_text(encoding="utf-8")
    assert "<strong>Prévision</strong>" in page and "non estimée, faute de mesures" in page
    assert raw.report(DAY)["meteo"]["nature"] == "prevision"


@pytest.mark.parametrize(
    ("day", "hour", "measured", "nature"),
    [(DAY, "06", 6, "mesure_et_prevision"), (DAY, "21", 21, "mesure_et_prevision"), (DAY, "23", 23, "mesure"),
     (NEXT, "00", 24, "mesure"), (DAY, None, 0, "prevision")],
)  # fmt: skip
def test_hours_that_were_not_over_at_the_pull_are_a_forecast(
    raw: RawTree, run: Run, day: str, hour: str | None, measured: int, nature: str
) -> None:
    raw.pull("weather", day, "a.json", visual_crossing(vc_day(DAY)), hour)
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("weather", DAY)
    assert metrics["qualite"]["couverture"] == round((measured + (24 - measured) / 2) / 24, 4)
    assert metrics["nature"] == nature
    assert (metrics["impact_mobilite"] is None) is (nature != "mesure")


def test_hours_that_the_source_calls_a_forecast_are_one(raw: RawTree, run: Run) -> None:
    hours = [vc_hour(hour) | {"source": "obs" if hour < 12 else "fcst"} for hour in range(24)]
    raw.pull("weather", NEXT, "a.json", visual_crossing(vc_day(DAY, hours=hours)))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("weather", DAY)
    assert (metrics["nature"], metrics["qualite"]["couverture"]) == ("mesure_et_prevision", 0.75)


def test_a_file_outside_any_day_was_pulled_when_it_was_written(raw: RawTree, run: Run) -> None:
    path = raw.root / "api" / "weather" / "a.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(visual_crossing(vc_day(DAY))))
    for when, nature in (("2025-11-03T12:00:00+01:00", "prevision"), ("2025-11-06T12:00:00+01:00", "mesure")):
        os.utime(path, (datetime.fromisoformat(when).timestamp(),) * 2)
        assert run(main, "--date", DAY, "--force").code == 0
        assert raw.metrics("weather", DAY)["nature"] == nature


def test_the_answer_that_measured_most_is_used_not_the_newest(raw: RawTree, run: Run) -> None:
    raw.pull("weather", NEXT, "whole.json", visual_crossing(vc_day(DAY, 10.0)))
    few = open_meteo(DAY, 4, temperature_2m=[3.0] * 4, precipitation=[0.0] * 4)
    raw.pull("weather", "2025-11-07", "few.json", few)
    dry = [vc_hour(hour, 12.0, precip=None) for hour in range(24)]
    raw.pull("weather", "2025-11-08", "no_rain.json", visual_crossing(vc_day(DAY, 12.0, hours=dry)))
    raw.pull("weather", DAY, "forecast.json", visual_crossing(vc_day(DAY, 15.0)))
    assert run(main, "--date", DAY).code == 0
    assert daily_figures(raw)["temp_moyenne"] == 10.0
    raw.pull("weather", "2025-11-09", "revised.json", visual_crossing(vc_day(DAY, 11.0)))
    assert run(main, "--date", DAY).code == 0
    assert daily_figures(raw)["temp_moyenne"] == 11.0, "of equal ones the newest"


def one_offset(day: str, first: str, hours: int, offset: int) -> dict[str, Any]:
    """An Open-Meteo answer on one offset (hours): 8 mm and a storm from 00:00 to 01:00 of the day, warmest at 15 h."""
    start = datetime.fromisoformat(f"{first}T00:00:00")
    labels = [start + timedelta(hours=hour) for hour in range(hours)]
    paris = ZoneInfo("Europe/Paris")
    moments = [label.replace(tzinfo=timezone(timedelta(hours=offset))).astimezone(paris) for label in labels]
    storm = datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=paris)
    return {
        "latitude": 48.86, "longitude": 2.34, "utc_offset_seconds": 3600 * offset, "timezone": "Europe/Paris",
        "hourly": {
            "time": [f"{label:%Y-%m-%dT%H:%M}" for label in labels],
            "temperature_2m": [25.0 - abs(at.hour - 15) for at in moments],
            "precipitation": [8.0 if at - storm.astimezone(at.tzinfo) == timedelta(hours=1) else 0.0 for at in moments],
            "wind_speed_10m": [10.0] * hours,
            "weather_code": [95 if at == storm else 1 for at in moments],
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("day", "first", "offset", "pulled", "known"),
    [
        ("2025-07-15", "2025-07-14", 2, "2025-07-17", 24),
        ("2025-07-15", "2025-07-14", 1, "2025-11-20", 24),  # asked for in November
        ("2025-10-25", "2025-10-25", 1, "2025-10-26", 23),  # pulled on the change day: its first hour is not there
        ("2025-01-15", "2025-01-14", 2, "2025-07-20", 24),
        ("2025-10-26", "2025-10-25", 1, "2025-10-27", 24),
        ("2025-10-26", "2025-10-25", 2, "2025-10-27", 24),
    ],
)
def test_the_storm_is_in_its_hour_and_its_day_whatever_the_offset(
    raw: RawTree, run: Run, day: str, first: str, offset: int, pulled: str, known: int
) -> None:
    raw.pull("weather", pulled, "a.json", one_offset(day, first, 96, offset))
    assert run(main, "--date", day).code == 0
    metrics = raw.metrics("weather", day)
    assert (metrics["metrics"]["precip_totale"], metrics["heures"][0]["precip"]) == (8.0, 8.0)
    temperatures = {one["heure"]: one["temp"] for one in metrics["heures"] if one["temp"] is not None}
    assert len(temperatures) == known and max(temperatures, key=temperatures.__getitem__) == 15
    named = [
        one["exemples"] for one in metrics["qualite"]["avertissements"] if one["code"] == "heures_sans_temperature"
    ]
    assert named == ([] if known == 24 else [[0]])
    assert metrics["qualite"]["statut"] == ("complet" if known == 24 else "partiel")


def test_a_quota_message_after_a_forecast_leaves_the_day_incomplete(raw: RawTree, run: Run) -> None:
    raw.pull("weather", "2025-11-03", "w.json", visual_crossing(vc_day(DAY)))
    raw.pull(
        "weather", NEXT, "w.json", "You have exceeded the maximum number of daily result records for your account."
    )
    assert run(main, "--date", DAY).code == 0
    assert raw.metrics("weather", DAY)["qualite"]["statut"] == "partiel"
    assert raw.metrics("weather", DAY)["nature"] == "prevision"


def test_a_newer_pull_in_another_unit_is_named_and_the_older_one_used(raw: RawTree, run: Run) -> None:
    raw.pull("weather", DAY, "a.json", visual_crossing(vc_day(DAY)), "23")
    raw.pull("weather", NEXT, "b.json", visual_crossing(vc_day(DAY, 52.0)))
    ran = run(main, "--date", DAY)
    assert ran.code == 0 and "unitGroup=metric" in ran.err
    metrics = raw.metrics("weather", DAY)
    assert metrics["metrics"]["temp_moyenne"] == 10.0
    assert metrics["qualite"]["rejets"] == {"unite_impossible": 1}
    assert metrics["qualite"]["statut"] == "partiel", "the newer one would have measured the last hour"


@pytest.mark.parametrize("junk", [f'{{"days": [{{"datetime": "{DAY}", "temp": 1', f'{{"message": "quota, {DAY}"}}'])
def test_a_newer_pull_that_cannot_be_read_leaves_the_day_incomplete(raw: RawTree, run: Run, junk: str) -> None:
    raw.pull("weather", DAY, "a.json", visual_crossing(vc_day(DAY)), "23")
    raw.pull("weather", NEXT, "b.json", junk)
    assert run(main, "--date", DAY).code == 0
    assert raw.metrics("weather", DAY)["qualite"]["couverture"] == 0.9
    (warning,) = [one for one in raw.metrics("weather", DAY)["qualite"]["avertissements"] if "illisible" in one["code"]]
    assert f"dt={NEXT}/hour=06/b.json" in warning["message"]
    raw.pull("weather", "2025-11-06", "c.json", visual_crossing(vc_day(DAY)))
    assert run(main, "--date", DAY).code == 0
    assert raw.metrics("weather", DAY)["qualite"]["statut"] == "complet", "all was measured in a newer one"


@pytest.mark.parametrize("form", ["list", "jsonl"])
def test_of_several_places_the_nearest_to_paris_is_used(raw: RawTree, run: Run, form: str) -> None:
    def place(latitude: float, longitude: float, temp: float) -> dict[str, Any]:
        body = open_meteo(DAY, 25, temperature_2m=[temp] * 25, precipitation=[0.0] * 25)
        return body | {"latitude": latitude, "longitude": longitude, "utc_offset_seconds": 3600}

    places = [place(48.80, 2.13, 5.0), place(48.86, 2.34, 8.0), place(43.30, 5.37, 20.0), place(48.62, 2.44, 6.0)]
    text = json.dumps(places) if form == "list" else "\n".join(map(json.dumps, places))
    raw.pull("weather", NEXT, "a.json", text)
    assert run(main, "--date", DAY).code == 0
    assert daily_figures(raw)["temp_moyenne"] == 8.0
    assert codes(raw) == []


def test_of_several_models_the_one_that_knows_most_is_used(raw: RawTree, run: Run) -> None:
    body = open_meteo(
        DAY, 25, temperature_2m_ecmwf_ifs025=[4.0] * 10 + [None] * 15, temperature_2m_icon_eu=[9.0] * 25,
        precipitation_ecmwf_ifs025=[1.0] * 25, precipitation_icon_eu=[0.5] * 25,
    )  # fmt: skip
    raw.pull("weather", NEXT, "a.json", body | {"utc_offset_seconds": 3600})
    assert run(main, "--date", DAY).code == 0
    assert (daily_figures(raw)["temp_moyenne"], daily_figures(raw)["precip_totale"]) == (9.0, 12.0)


@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "America/New_York", "Asia/Tokyo", "Europe/Paris"])
@pytest.mark.parametrize("day", ["2025-11-04", "2025-07-15", "2025-10-26"])
def test_a_timeline_on_another_clock_is_brought_to_paris(raw: RawTree, run: Run, zone: str, day: str) -> None:
    """The temperature is the hour in Paris; the daily values belong to the days of the other clock."""
    hours: dict[str, list[dict[str, Any]]] = {}
    noon = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    for shift in range(-40, 40):
        moment = noon + timedelta(hours=shift)
        local = moment.astimezone(ZoneInfo(zone))
        at = moment.astimezone(ZoneInfo("Europe/Paris")).hour
        hours.setdefault(f"{local:%Y-%m-%d}", []).append(vc_hour(local.hour, temp=float(at)))
    days = [{"datetime": name, "tempmax": 40.0, "tempmin": -9.0, "hours": rows} for name, rows in hours.items()]
    raw.pull("weather", "2025-12-01", "a.json", visual_crossing(*days, timezone=zone))
    code = run(main, "--date", day).code
    if zone == "Europe/Paris":
        assert code == (0 if day == "2025-07-15" else 1), "here its daily values count"
        return
    metrics = raw.metrics("weather", day)
    assert {one["heure"]: one["temp"] for one in metrics["heures"]} == {hour: float(hour) for hour in range(24)}
    assert (metrics["metrics"]["temp_min"], metrics["metrics"]["temp_max"]) == (0.0, 23.0)


def test_the_newest_pull_wins_and_a_forecast_is_said(raw: RawTree, run: Run) -> None:
    def pull(day: str, temp: float, hour: str = "06") -> None:
        raw.pull("weather", day, "a.json", visual_crossing(vc_day(DAY, temp)), hour)

    pull("2025-11-02", 4.0)
    assert run(main, "--date", DAY).code == 0
    assert daily_figures(raw)["temp_moyenne"] == 4.0
    assert codes(raw) == ["prevision_seule"]
    pull(DAY, 5.0)
    pull(DAY, 6.0, "18")
    assert run(main, "--date", DAY).code == 0
    assert daily_figures(raw)["temp_moyenne"] == 6.0
    assert codes(raw) == ["releve_du_jour"]
    pull("2025-11-10", 8.0)
    pull("2025-11-06", 7.0)
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("weather", DAY)
    assert (metrics["metrics"]["temp_moyenne"], metrics["releve"]) == (8.0, "2025-11-10T06")
    assert codes(raw) == []
    assert metrics["qualite"]["doublons"] == 4 * 24


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        ("2025-10-26", [0, 1, 2, 2, *range(3, 24)]),
        ("2025-10-26", range(24)),
        ("2025-03-30", [0, 1, *range(3, 24)]),
        ("2025-03-30", range(24)),
    ],
)
def test_change_days_are_complete_with_the_hours_that_exist(raw: RawTree, run: Run, day: str, hours: list[int]) -> None:
    rows = [vc_hour(hour, temp=float(index), precip=1.0) for index, hour in enumerate(hours)]
    raw.pull("weather", "2025-12-01", "a.json", visual_crossing(vc_day(day, precip=None, hours=rows)))
    assert run(main, "--date", day).code == 0
    metrics = raw.metrics("weather", day)
    assert metrics["qualite"]["couverture"] == 1.0
    assert metrics["metrics"]["precip_totale"] == len(list(hours))
    assert [one["heure"] for one in metrics["heures"]] == list(range(24))
    if len(list(hours)) == 25:
        assert metrics["heures"][2] == {"heure": 2, "temp": 2.5, "precip": 2.0, "vent": 12.0, "conditions": "Couvert"}


def test_the_impact_is_the_sum_of_its_stated_ramps(raw: RawTree, run: Run) -> None:
    hours = [vc_hour(hour, wind=41.0 if hour == 9 else 10.0) for hour in range(24)]
    day = vc_day(DAY, tempmin=1.0, tempmax=9.0, precip=5.0, windspeed=41.0, hours=hours)
    raw.pull("weather", NEXT, "a.json", visual_crossing(day))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("weather", DAY)
    assert metrics["impact_composantes"] == {"pluie": 12.5, "vent": 15.0, "temperature": 8.0}
    assert metrics["impact_mobilite"] == 35.5
    assert metrics["categories"] == {"temperature": "tempéré", "pluie": "pluie modérée", "vent": "vent fort"}


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (-5.0, 1.0, "forte gelée"), (0.0, 5.0, "gelée"), (12.0, 24.9, "tempéré"), (12.0, 25.0, "chaleur"),
        (18.0, 30.0, "forte chaleur"), (20.0, 35.0, "très forte chaleur"),
    ],
)  # fmt: skip
def test_temperature_words(raw: RawTree, run: Run, low: float, high: float, word: str) -> None:
    raw.pull("weather", "2025-07-01", "a.json", visual_crossing(vc_day("2025-06-30", 15.0, tempmin=low, tempmax=high)))
    assert run(main, "--date", "2025-06-30").code == 0
    assert raw.metrics("weather", "2025-06-30")["categories"]["temperature"] == word


def test_values_that_cannot_be_are_missing_and_said(raw: RawTree, run: Run) -> None:
    hours = [
        vc_hour(hour, temp=999.0 if hour == 4 else 10.0, precip=-9999.0 if hour == 5 else 0.1) for hour in range(24)
    ]
    raw.pull("weather", NEXT, "a.json", visual_crossing(vc_day(DAY, precip=-9999.0, tempmin=10**400, hours=hours)))
    ran = run(main, "--date", DAY)
    assert ran.code == 0
    metrics = raw.metrics("weather", DAY)
    assert metrics["heures"][4]["temp"] is None
    assert metrics["heures"][5] == {"heure": 5, "temp": 10.0, "precip": None, "vent": 12.0, "conditions": "Couvert"}
    assert (metrics["metrics"]["precip_totale"], metrics["metrics"]["temp_min"]) == (2.3, 10.0)
    (warning,) = [one for one in metrics["qualite"]["avertissements"] if one["code"] == "valeurs_impossibles"]
    assert (warning["mesure"], warning["exemples"]) == (3, ["temp 999", "precip -9999", "precip_totale -9999"])


def test_nan_is_missing_and_never_written(raw: RawTree, run: Run) -> None:
    text = json.dumps(visual_crossing(vc_day(DAY))).replace('"tempmax": 13.0', '"tempmax": NaN')
    raw.pull(
        "weather", NEXT, "a.json", text.replace('"temp": 10.0, "precip": 0.1', '"temp": Infinity, "precip": 0.1', 1)
    )
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("weather", DAY)
    assert metrics["heures"][0]["temp"] is None
    assert metrics["metrics"]["temp_max"] == 10.0


def test_bad_files_cost_themselves_alone(raw: RawTree, run: Run) -> None:
    raw.pull("weather", NEXT, "a.json", visual_crossing(vc_day(DAY)))
    raw.pull("weather", NEXT, "b.json", f'{{"days": [{{"datetime": "{DAY}", "temp": 1')
    raw.pull("weather", NEXT, "c.json", {"message": f"quota exceeded on {DAY}"})
    raw.pull("weather", NEXT, "d.json.gz", b"rien")
    hourly = {"time": [f"{DAY}T00:00", "minuit"], "temperature_2m": [9.0, 9.0]}
    raw.pull("weather", "2025-11-01", "e.json", {**PARIS, "hourly": hourly})
    ran = run(main, "--date", DAY)
    assert ran.code == 0
    assert daily_figures(raw)["temp_moyenne"] == 10.0
    qualite = raw.metrics("weather", DAY)["qualite"]
    assert qualite["rejets"] == {
        "heure_illisible": 1, "json_illisible": 2, "reponse_en_erreur": 1
    }  # fmt: skip
    assert qualite["lignes_lues"] == 24 + 1 + 4
    assert "quota exceeded" in raw.rejects("weather", DAY)


def test_a_truncated_timeline_keeps_its_whole_days(raw: RawTree, run: Run) -> None:
    text = json.dumps(visual_crossing(vc_day(DAY), vc_day(NEXT)))
    raw.pull("weather", NEXT, "a.json", text[: text.index(NEXT) + 200])
    assert run(main, "--date", DAY).code == 0
    assert daily_figures(raw)["temp_moyenne"] == 10.0
    assert raw.metrics("weather", DAY)["qualite"]["rejets"] == {"json_illisible": 1}


def test_a_day_without_data_names_those_that_have_some(raw: RawTree, run: Run) -> None:
    raw.pull("weather", NEXT, "a.json", visual_crossing(vc_day("2025-11-02"), vc_day("2025-11-03")))
    raw.pull("weather", NEXT, "b.json", open_meteo("2025-11-01", 3, temperature_2m=[1.0] * 3))
    ran = run(main, "--date", "2024-02-29")
    assert ran.code == 4
    assert "Jours présents (3) : 2025-11-01, 2025-11-02, 2025-11-03" in ran.err
    assert not raw.output.joinpath("metrics").exists()


def test_no_file_is_exit_4_and_a_day_of_nulls_is_a_failure(raw: RawTree, run: Run) -> None:
    assert run(main, "--date", DAY).code == 4
    nothing = vc_day(DAY, temp=0.0) | {"temp": None, "tempmin": None, "tempmax": None, "hours": None}
    raw.pull("weather", NEXT, "a.json", visual_crossing(nothing))
    assert run(main, "--date", DAY).code == 1


def test_the_same_input_gives_the_same_bytes(raw: RawTree, run: Run) -> None:
    raw.pull("weather", NEXT, "a.json", visual_crossing(vc_day(DAY, 10.123)))
    raw.pull("weather", DAY, "a.json", visual_crossing(vc_day(DAY, 11.0)))
    path, seen = raw.output / "metrics" / f"weather_metrics_{DAY}.json", []
    for _ in range(2):
        assert run(main, "--date", DAY).code == 0
        document = json.loads(path.read_text())
        document.pop("timestamp")
        seen.append(json.dumps(document))
    assert seen[0] == seen[1]


@needs_samples
def test_the_real_open_meteo_answer_of_2024_08_17(raw: RawTree, run: Run) -> None:
    sample = SAMPLES / "meteo" / "openmeteo_paris_2024-08-17_horaire.json"
    raw.pull("weather", "2024-08-18", "a.json", sample.read_bytes())
    assert run(main, "--date", "2024-08-17").code == 0
    hourly = json.loads(sample.read_text())["hourly"]
    temperatures, winds = hourly["temperature_2m"], hourly["wind_speed_10m"]
    metrics = raw.metrics("weather", "2024-08-17")
    figures = metrics["metrics"]
    assert figures["temp_moyenne"] == round(sum(temperatures) / 24, 1) == 20.2
    assert (figures["temp_min"], figures["temp_max"]) == (min(temperatures), max(temperatures)) == (17.9, 22.9)
    assert figures["precip_totale"] == round(sum(hourly["precipitation"][1:]), 2) == 31.5
    assert (figures["vent_moyen"], figures["vent_max"]) == (round(sum(winds) / 24, 1), max(winds))
    assert figures["conditions"] == "Pluie modérée"  # WMO 63, the worst of the day
    assert metrics["heures"][10]["precip"] == hourly["precipitation"][11] == 5.4
    assert metrics["heures"][23]["precip"] is None
    assert codes(raw, "2024-08-17") == ["pluie_incomplete"]
    assert run(main, "--date", "2024-08-16").code == 4  # its label 00:00 tells of that day's last rain, and no more


@needs_samples
def test_the_real_visual_crossing_answer_is_not_paris(raw: RawTree, run: Run) -> None:
    sample = SAMPLES / "meteo" / "visualcrossing_alexandria_2025-03-07_historique_metric.json"
    raw.pull("weather", "2025-03-08", "a.json", sample.read_bytes())
    ran = run(main, "--date", "2025-03-07")
    assert ran.code == 4
    assert "ce n'est pas la météo de Paris" in ran.err
    metres = Geod(ellps="WGS84").inv(2.35, 48.86, 29.9125, 31.2105)[2]
    (away,) = re.findall(r"à ([0-9]+) km de Paris", ran.err)
    assert float(away) == pytest.approx(metres / 1000, rel=0.005)  # a sphere there, an ellipsoid here
    (day,) = json.loads(sample.read_text())["days"]
    here = {**json.loads(sample.read_text()), "latitude": 48.86, "longitude": 2.35, "timezone": "Europe/Paris"}
    raw.pull("weather", "2025-03-08", "a.json", here)
    assert run(main, "--date", "2025-03-07").code == 0
    metrics = raw.metrics("weather", "2025-03-07")
    assert metrics["metrics"]["temp_moyenne"] == day["temp"] == 16.6
    assert metrics["metrics"]["precip_totale"] == day["precip"] == 0
    winds = [hour["windspeed"] for hour in day["hours"] if hour["windspeed"] is not None]
    assert metrics["metrics"]["vent_moyen"] == round(sum(winds) / len(winds), 1)
    assert [one["temp"] for one in metrics["heures"]] == [hour["temp"] for hour in day["hours"]]


def test_daily_values_of_another_clock_alone_are_refused_by_that_name(raw: RawTree, run: Run) -> None:
    body = {"latitude": 48.86, "longitude": 2.35, "utc_offset_seconds": 0, "timezone": "GMT", "daily_units": {}}
    raw.pull(
        "weather", "2025-11-06", "a.json", body | {"daily": {"time": ["2025-11-04"], "temperature_2m_max": [15.0]}}
    )
    ran = run(main, "--date", "2025-11-04")
    assert ran.code == 1 and "jour_d_une_autre_horloge" in ran.err
    assert "ni pour un autre jour" not in ran.err
