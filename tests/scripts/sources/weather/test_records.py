"""Accounts of a day out of pulls: which response is whose, the days that are there, French words, distances."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyproj import Geod

from lib.figures.quality import Quality
from lib.raw.source_files import RawFile
from scripts.sources.weather.places import distance
from scripts.sources.weather.records import days_present, read_weather
from scripts.sources.weather.words import conditions_text, wmo_text

DAY = date(2025, 11, 4)


def pulls(folder: Path, *bodies: Any) -> list[RawFile]:
    files = []
    for number, body in enumerate(bodies):
        path = folder / f"{number}.json"
        path.write_text(json.dumps(body), encoding="utf-8")
        files.append(RawFile(f"2025-11-0{number + 1}T06", 0.0, path))
    return files


def test_each_pull_gives_its_account_oldest_first(tmp_path: Path) -> None:
    timeline = {"days": [{"datetime": "2025-11-03", "temp": 1}, {"datetime": "2025-11-04T00:00:00", "temp": 2}]}
    arrays = {"hourly": {"time": ["2025-11-04T07:00"], "temperature_2m": [3]}, "latitude": 48.9, "longitude": 2.3}
    nothing = {"days": [{"datetime": "2025-11-04", "temp": None}]}
    quality = Quality()
    found = read_weather(pulls(tmp_path, timeline, arrays, nothing), DAY, quality)
    assert [(one.source, one.place) for one in found] == [("visual_crossing", None), ("open_meteo", (48.9, 2.3))]
    assert found[0].daily["temp_moyenne"] == 2
    assert found[1].hours.set_index("heure")["temp"].dropna().to_dict() == {7: 3.0}
    assert not quality.rejets


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"message": "2025-11-04"}, "reponse_en_erreur"),
        ("2025-11-04", "reponse_en_erreur"),
        ({"hourly_units": {"temperature_2m": "°R"}, "hourly": {"time": ["2025-11-04T00:00"]}}, "unite_inconnue"),
        ({"days": [{"datetime": "2025-11-04", "hours": [{"datetime": "24:00:00", "temp": 1}]}]}, "heure_illisible"),
    ],
)
def test_what_cannot_be_read_is_rejected(tmp_path: Path, body: Any, reason: str) -> None:
    quality = Quality()
    assert read_weather(pulls(tmp_path, body), DAY, quality) == []
    assert quality.rejets == {reason: 1}


@pytest.mark.parametrize(
    ("text", "kept", "rejected"),
    [
        ('{"x": "2025-11-01"}', 0, 0),  # no answer of ours, and of no day around
        ('{"x": "2025-11-04"}', 0, 1),
        ('{"days": [{"datetime": "12025-11-04"}]}', 0, 0),
        ('{"days": [{"datetime": "2025-11-04", "temp": 1}, {"datetime": "2025-', 1, 1),  # cut
        ('{"hourly_units": {"time": "unixtime"}, "hourly": {"time": [1762210800], "temperature_2m": [3]}}', 1, 0),
        ('[{"days": [{"datetime": "2025-11-04", "temp": 1}]}]'.encode("utf-16"), 1, 0),
        (
            '{"latitude": 48.9, "daily": {"time": [1762210800], "temperature_2m_mean": [3]}}',
            1,
            0,
        ),  # no date in its form
    ],
)
@pytest.mark.parametrize("read_whole", [8_000_000, 10])
def test_pulls_are_looked_at_where_they_name_the_day_or_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | bytes, kept: int, rejected: int, read_whole: int
) -> None:
    monkeypatch.setattr("lib.raw.json_records.READ_WHOLE", read_whole)  # a long one is as a short one
    path = tmp_path / "a.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    for _ in range(2):
        found = read_weather([RawFile("2025-11-05T06", 0.0, path)], DAY, quality := Quality())
        assert (len(found), quality.rejets.total()) == (kept, rejected)


def test_an_hour_lived_twice_holds_the_mean_and_all_its_rain(tmp_path: Path) -> None:
    hours = [{"datetime": "02:00:00", "temp": 4.0, "precip": 1.0, "windspeed": None, "conditions": "Rain"}]
    hours += [{"datetime": "02:00:00", "temp": 3.0, "precip": 0.5, "windspeed": 9.0, "conditions": None}]
    body = {"days": [{"datetime": "2025-10-26", "temp": 3.0, "hours": hours}]}
    (found,) = read_weather(pulls(tmp_path, body), date(2025, 10, 26), Quality())
    assert found.hours.iloc[2].tolist() == [2, 3.5, 1.5, 9.0, "Pluie"]
    assert found.hours.iloc[3, 1:4].isna().all()


def test_days_present_are_those_of_every_form(tmp_path: Path) -> None:
    files = pulls(
        tmp_path,
        {"days": [{"datetime": "2025-11-03"}, {"datetime": None}, "x"]},
        {"hourly": {"time": ["2025-11-05T00:00", "3"]}, "daily": {"time": ["2025-11-06"]}},
        [{"days": [{"datetime": "2025-11-07"}]}],
        {"error": True},
    )
    assert days_present(files) == {"2025-11-03", "2025-11-05", "2025-11-06", "2025-11-07"}


def test_distance_is_the_great_circle() -> None:
    paris, lyon = (48.8566, 2.3522), (45.764, 4.8357)
    metres = Geod(a=6371008.8, b=6371008.8).inv(paris[1], paris[0], lyon[1], lyon[0])[2]
    assert distance(paris, lyon) == pytest.approx(metres / 1000, abs=1e-6)
    assert distance(paris, paris) == 0


def test_words_are_french_and_unknown_ones_stay() -> None:
    assert conditions_text("Rain, Partially cloudy") == "Pluie, Partiellement nuageux"
    assert conditions_text("Dust storm, FOG") == "Dust storm, Brouillard"
    assert [conditions_text(one) for one in (None, "", "  ", 3)] == [None] * 4
    assert [wmo_text(one) for one in (0, 63.0, 99, 4, None, float("nan"), "3")] == [
        "Ciel dégagé", "Pluie modérée", "Orage avec forte grêle", None, None, None, None
    ]  # fmt: skip
