"""Raw files fetched from publishers that answer, refuse, stop in the middle or send something else."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from lib.common.paris_time import machine_now, road_label_hours
from scripts import (
    fetch_raw,
    generate_report,
    process_comptages,
    process_weather,
)
from tests import script_server
from tests.conftest import ROOT, Ran, RawTree, mains
from tests.support.patience import child, deadline, wait_until
from tests.support.portal_server import (
    IDFM_KEY,
    NEXT_MORNING,
    WEATHER_KEY,
    Handler,
    Portal,
    cut,
    growing,
    pausing,
    refusing,
    saying,
    send,
    set_written,
    shortened,
    slow,
)

Run = Callable[..., Ran]

COUNTS = "comptages-routiers-permanents"
BIKES = "comptage-velo-donnees-compteurs"


def fetch(run: Run, portal: Portal, *words: str) -> Ran:
    return run(fetch_raw.main, "--date", portal.day.isoformat(), *words)


def started(portal: Portal, *words: str) -> "AbstractContextManager[subprocess.Popen[str]]":
    command = [sys.executable, fetch_raw.__file__, "--date", portal.day.isoformat(), *words]
    return child(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def counts_file(raw: RawTree, portal: Portal) -> Path:
    return raw.root / "batch" / f"{COUNTS}-{portal.day}.csv"


def left_overs(raw: RawTree) -> list[str]:
    """Hidden files that a fetch left behind."""
    return sorted(path.name for path in raw.root.rglob(".*"))


def files(raw: RawTree) -> list[str]:
    return sorted(str(path.relative_to(raw.root)) for path in raw.root.rglob("*") if path.is_file())


def test_a_day_fetched_from_the_publishers_can_be_processed(raw: RawTree, portal: Portal, run: Run) -> None:
    day = portal.day.isoformat()
    fetched = fetch(run, portal)
    assert fetched.code == 0, fetched.err
    assert not left_overs(raw)
    for main in mains().values():
        ran = run(main, "--date", day)
        assert ran.code == 0, ran.err
    assert run(generate_report.main, "--date", day).code == 0
    counts = raw.metrics("comptages", day)
    assert counts["qualite"]["heures_manquantes"] == [] and counts["qualite"]["capteurs"]["mesures"] > 15
    assert counts["global_metrics"]["profil_horaire"][23]["debit_total"] is not None  # the label of the next midnight
    assert any(one["arrondissement"] for one in counts["metrics"])
    bikes = raw.metrics("bikes", day)
    assert [hour["compteurs_mesures"] > 0 for hour in bikes["profil_horaire"]].count(True) >= 23
    assert raw.metrics("weather", day)["source"] == "open_meteo"
    assert raw.metrics("weather", day)["metrics"]["precip_totale"] == pytest.approx(27.6)  # h/10 mm in hour h
    traffic = raw.metrics("traffic", day)
    assert "pages_manquantes" not in [one["code"] for one in traffic["qualite"]["avertissements"]]


def test_only_the_rows_of_the_day_are_asked_for(raw: RawTree, portal: Portal, run: Run) -> None:
    assert fetch(run, portal, "--source", "comptages", "--source", "bikes").code == 0
    (asked,) = portal.requests(COUNTS)
    following = portal.day + timedelta(days=1)
    assert asked["where"] == f"t_1h > date'{portal.day}T00:00:00' and t_1h <= date'{following}T00:00:00'"
    assert asked["timezone"] == "Europe/Paris" and asked["use_labels"] == "true"
    rows = counts_file(raw, portal).read_text("utf-8-sig", errors="replace").splitlines()[1:]
    labels = {row.split(";")[2][:19] for row in rows}
    assert labels <= {label.isoformat() for label in road_label_hours(portal.day)}
    assert len(labels) >= 23


def test_every_page_of_disruptions_is_followed(raw: RawTree, portal: Portal, run: Run) -> None:
    ran = fetch(run, portal, "--source", "traffic")
    assert ran.code == 0, ran.err
    pulls = sorted(raw.root.glob("api/traffic/dt=*/hour=*/line_reports_*.json"))
    bodies = [json.loads(path.read_bytes()) for path in pulls]
    assert len(pulls) == len(portal.requests("prim")) > 2
    assert sum(len(body["disruptions"]) for body in bodies) == bodies[0]["pagination"]["total_result"]
    assert portal.requests("prim")[0]["since"] == f"{portal.day:%Y%m%d}T000000"


def test_visual_crossing_is_asked_when_there_is_a_key(
    raw: RawTree, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUALCROSSING_API_KEY", WEATHER_KEY)
    assert fetch(run, portal, "--source", "weather").code == 0
    assert run(process_weather.main, "--date", portal.day.isoformat()).code == 0
    assert raw.metrics("weather", portal.day.isoformat())["source"] == "visual_crossing"
    assert not portal.requests("open-meteo")


def test_old_weather_comes_from_the_archive(raw: RawTree, portal: Portal, run: Run) -> None:
    assert run(fetch_raw.main, "--date", "2025-11-04", "--source", "weather").code == 0
    (asked,) = portal.requests("archive")
    assert (asked["start_date"], asked["end_date"]) == ("2025-11-03", "2025-11-05")
    assert asked["timezone"] == "GMT" and "daily" not in asked
    assert not portal.requests("open-meteo")


@pytest.mark.parametrize(
    ("now", "day", "rain"),
    [
        ("2025-11-28T12:00:00+01:00", "2025-07-15", 27.6),
        ("2025-07-28T12:00:00+02:00", "2025-01-15", 27.6),
        ("2025-11-28T12:00:00+01:00", "2025-10-25", 27.6),
        ("2025-11-28T12:00:00+01:00", "2025-10-26", 27.8),  # hour 2 is lived twice
        ("2025-10-27T06:30:00+01:00", "2025-10-26", 27.8),
        ("2025-10-26T12:00:00+01:00", "2025-10-25", 27.6),
        ("2025-11-28T12:00:00+01:00", "2025-10-27", 27.6),
        ("2025-11-28T12:00:00+01:00", "2025-03-29", 27.6),
        ("2025-11-28T12:00:00+01:00", "2025-03-30", 27.4),  # there is no hour 2
        ("2025-03-31T06:30:00+02:00", "2025-03-30", 27.4),
        ("2025-11-28T12:00:00+01:00", "2025-03-31", 27.6),
    ],
)
def test_fetched_weather_is_right_to_the_hour_whenever_it_is_asked_for(
    raw: RawTree, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch, now: str, day: str, rain: float
) -> None:
    monkeypatch.setenv("CITYFLOW_NOW", now)
    assert run(fetch_raw.main, "--date", day, "--source", "weather").code == 0
    assert run(process_weather.main, "--date", day).code == 0
    metrics = raw.metrics("weather", day)
    skipped = 2 if day == "2025-03-30" else None
    hours = [hour for hour in range(24) if hour != skipped]
    assert {one["heure"]: one["temp"] for one in metrics["heures"] if one["temp"] is not None} == {
        hour: 20 - abs(hour - 15) / 2 for hour in hours
    }
    assert metrics["heures"][0]["precip"] == 0 and metrics["heures"][23]["precip"] == 2.3
    assert metrics["metrics"]["precip_totale"] == rain
    assert metrics["heures"][0]["conditions"] == metrics["metrics"]["conditions"] == "Orage"
    assert metrics["qualite"]["statut"] == "complet" and metrics["nature"] == "mesure"


def test_a_missing_key_stops_its_source_alone(
    raw: RawTree, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IDFM_API_KEY")
    ran = fetch(run, portal)
    assert ran.code == 1
    assert "traffic" in ran.err and "IDFM_API_KEY" in ran.err and "prim.iledefrance-mobilites.fr" in ran.err
    assert counts_file(raw, portal).is_file()
    assert "échec : traffic" in ran.err.splitlines()[-1]
    assert fetch(run, portal, "--source", "traffic").code == 3


@pytest.mark.parametrize("source", ["traffic", "weather"])
def test_a_refused_key_is_never_shown(
    raw: RawTree, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    wrong = "fausse+cle/SECRETE"
    monkeypatch.setenv("IDFM_API_KEY", wrong)
    monkeypatch.setenv("VISUALCROSSING_API_KEY", wrong)
    ran = fetch(run, portal, "--source", source, "-v")
    assert ran.code == 3
    assert "***" in ran.err and "SECRETE" not in ran.out + ran.err


@pytest.mark.parametrize(("source", "key"), [("traffic", IDFM_KEY), ("weather", WEATHER_KEY)])
def test_a_key_is_not_shown_by_a_connection_that_fails(
    raw: RawTree, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch, source: str, key: str
) -> None:
    monkeypatch.setenv("VISUALCROSSING_API_KEY", WEATHER_KEY)
    monkeypatch.setenv("PRIM_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("VISUALCROSSING_URL", "http://127.0.0.1:9")
    ran = fetch(run, portal, "--source", source, "-v")
    assert ran.code == 1 and "connexion impossible" in ran.err
    assert key not in ran.out + ran.err and "JAMAIS" not in ran.out + ran.err


def test_a_redirection_does_not_take_a_key_elsewhere(raw: RawTree, portal: Portal, run: Run) -> None:
    portal.faults["prim"] = [refusing(302, Location=f"{portal.url}/prim/ailleurs")]
    ran = fetch(run, portal, "--source", "traffic")
    assert ran.code == 1 and "302" in ran.err
    assert len(portal.seen) == 1


def test_throttling_and_server_errors_are_waited_out(raw: RawTree, portal: Portal, run: Run) -> None:
    soon = format_datetime(machine_now() + timedelta(seconds=1), usegmt=True)
    portal.faults[COUNTS] = [refusing(429, Retry_After="1"), refusing(503, Retry_After=soon), refusing(500)]
    begun = time.monotonic()
    ran = fetch(run, portal, "--source", "comptages")
    assert ran.code == 0, ran.err
    assert time.monotonic() - begun >= 1
    assert len(portal.requests(COUNTS)) == 4 and "429" in ran.err


def test_a_quota_is_not_waited_for(raw: RawTree, portal: Portal, run: Run) -> None:
    portal.faults["prim"] = [refusing(429, '{"message":"API rate limit exceeded"}', Retry_After="7200")]
    ran = fetch(run, portal, "--source", "traffic")
    assert ran.code == 1
    assert "120 min" in ran.err and "API rate limit exceeded" in ran.err
    assert len(portal.seen) == 1


def test_a_server_that_stays_down_is_given_up(raw: RawTree, portal: Portal, run: Run) -> None:
    portal.faults[COUNTS] = [refusing(503)] * 9
    ran = fetch(run, portal, "--source", "comptages")
    assert ran.code == 1 and "comptages" in ran.err and "503" in ran.err
    assert len(portal.requests(COUNTS)) == 5
    assert not files(raw)


def test_a_silent_server_is_given_up(raw: RawTree, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.fetch.download.READ_TIMEOUT", 0.1)
    monkeypatch.setattr("scripts.fetch.download.ATTEMPTS", 2)
    portal.faults[COUNTS] = [slow(0.4), slow(0.4)]
    ran = fetch(run, portal, "--source", "comptages")
    assert ran.code == 1 and "rien reçu" in ran.err


def test_a_cut_download_goes_on_where_it_stopped(raw: RawTree, portal: Portal, run: Run) -> None:
    portal.ranges = True
    portal.faults[COUNTS] = [cut(0.4)]
    ran = fetch(run, portal, "--source", "comptages")
    assert ran.code == 0, ran.err
    again = [headers.get("range") for route, _, headers in portal.seen if route == COUNTS]
    assert again[0] is None and int(again[1].removeprefix("bytes=").rstrip("-")) > 1000
    assert_same_as_whole(raw, portal, run)


def test_a_cut_download_starts_again_where_range_is_ignored(raw: RawTree, portal: Portal, run: Run) -> None:
    portal.faults[COUNTS] = [cut(0.4), cut(0.7)]
    ran = fetch(run, portal, "--source", "comptages")
    assert ran.code == 0, ran.err
    assert_same_as_whole(raw, portal, run)


def test_a_later_run_goes_on_with_a_cut_download(
    raw: RawTree, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.fetch.download.ATTEMPTS", 1)
    portal.ranges = True
    portal.faults[COUNTS] = [cut(0.5)]
    assert fetch(run, portal, "--source", "comptages").code == 1
    assert len(left_overs(raw)) == 2  # the part, and what it is a part of
    refused = run(process_comptages.main, "--date", portal.day.isoformat())
    assert refused.code == 4  # the readers see no file
    ran = fetch(run, portal, "--source", "comptages")
    assert ran.code == 0, ran.err
    assert portal.seen[-1][2]["range"].startswith("bytes=")
    assert_same_as_whole(raw, portal, run)
    assert not left_overs(raw)


@pytest.mark.parametrize(("source", "route"), [("bikes", BIKES), ("chantiers", "chantiers-perturbants")])
def test_what_a_killed_fetch_left_goes_with_a_fetch_of_another_day(
    raw: RawTree, portal: Portal, run: Run, source: str, route: str
) -> None:
    """Pulls and whole datasets have a name of their moment: nothing would ever go on with these."""
    portal.faults[route] = [pausing(0.5, 30)]
    portal.ranges = True
    with started(portal, "--source", source) as fetching:
        wait_until(lambda: any(raw.root.rglob(".*.part.json")), fetching)  # it notes what it receives a part of
        fetching.kill()
        fetching.wait()
    assert len(left_overs(raw)) == 2
    assert fetch(run, portal, "--source", "weather").code == 0
    assert len(left_overs(raw)) == 2, "another try may go on with it for a day"
    for path in raw.root.rglob(".*"):
        os.utime(path, (1, 1))
    assert fetch(run, portal, "--source", "weather").code == 0
    assert not left_overs(raw)


def assert_same_as_whole(raw: RawTree, portal: Portal, run: Run) -> None:
    """The file that is there is that of an undisturbed download."""
    disturbed = counts_file(raw, portal).read_bytes()
    counts_file(raw, portal).unlink()
    assert fetch(run, portal, "--source", "comptages").code == 0
    assert counts_file(raw, portal).read_bytes() == disturbed


HTML = "<!DOCTYPE html><html><title>Maintenance</title></html>"
API_ERROR = '{"error_code": "ODSQLError", "message": "Clause(s) containing the error(s): where"}'
HEADER = "Identifiant arc;Libelle;Date et heure de comptage;Débit horaire;Taux d'occupation;geo_point_2d;geo_shape\n"


@pytest.mark.parametrize(
    ("source", "route", "fault", "code", "told"),
    [
        ("comptages", COUNTS, saying(HTML), 1, "page HTML"),
        ("comptages", COUNTS, saying(API_ERROR), 1, "ODSQLError"),
        ("comptages", COUNTS, saying(HEADER), 4, "export vide"),
        ("comptages", COUNTS, saying(""), 4, "export vide"),
        ("comptages", COUNTS, saying("a;b\n1;2\n"), 1, "Identifiant arc"),
        ("comptages", COUNTS, saying(HEADER + "1;A;2019-01-01T05:00:00+01:00;1;1;;\n"), 1, "du jour demandé"),
        ("comptages", COUNTS, shortened(0.63), 1, "coupé"),
        ("bikes", BIKES, saying(HTML), 1, "page HTML"),
        ("bikes", BIKES, saying(API_ERROR), 1, "Clause(s)"),
        ("bikes", BIKES, saying("[]"), 4, "export vide"),
        ("bikes", BIKES, shortened(0.5), 1, "JSON est coupé"),
        ("bikes", BIKES, saying('[{"velib": 3}]'), 1, "date et de comptage"),
        ("bikes", BIKES, saying('[{"date": "2019-01-01T05:00:00+00:00", "sum_counts": 3}]'), 1, "du jour demandé"),
        ("traffic", "prim", saying(HTML), 1, "page HTML"),
        ("traffic", "prim", saying('{"error": {"id": "bad_filter", "message": "ptref : filtre"}}'), 1, "ptref"),
        ("traffic", "prim", saying('{"lines": []}'), 1, "line_reports"),
        ("weather", "open-meteo", saying('{"error": true, "reason": "Out of range"}'), 1, "Out of range"),
        ("weather", "open-meteo", saying('{"hourly": {"time": [], "temperature_2m": []}}'), 4, "température"),
        ("arrondissements", "arrondissements", saying('{"features": []}'), 1, "0 arrondissement au lieu de 20"),
        ("referentiel", "referentiel-comptages-routiers", shortened(0.8), 1, "coupé"),
        ("chantiers", "chantiers-perturbants", shortened(0.5), 1, "coupé"),
    ],
)
def test_what_is_not_the_answer_never_becomes_a_file(
    raw: RawTree, portal: Portal, run: Run, source: str, route: str, fault: object, code: int, told: str
) -> None:
    portal.faults[route] = [fault]  # type: ignore[list-item]
    ran = fetch(run, portal, "--source", source)
    assert ran.code == code, ran.err
    assert told in ran.err and source in ran.err
    assert not files(raw)


def test_an_answer_without_disruptions_is_a_normal_one(raw: RawTree, portal: Portal, run: Run) -> None:
    portal.faults["prim"] = [saying('{"error": {"id": "no_solution"}, "disruptions": []}')]
    assert fetch(run, portal, "--source", "traffic").code == 0
    assert len(files(raw)) == 1


def test_a_filter_that_is_not_obeyed_is_bounded(
    raw: RawTree, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.sources.publishers.EXPORT_MAX", 100_000)
    portal.ignores_where = True
    ran = fetch(run, portal, "--source", "comptages")
    assert ran.code == 1 and "dépasse" in ran.err and "filtre" in ran.err


def test_a_larger_file_is_only_replaced_by_force(raw: RawTree, portal: Portal, run: Run) -> None:
    precious = raw.batch(counts_file(raw, portal).name, "x" * 5_000_000)
    set_written(raw.root, NEXT_MORNING)
    ran = fetch(run, portal, "--source", "comptages")
    assert ran.code == 1 and "plus gros" in ran.err and "--force" in ran.err
    assert precious.stat().st_size == 5_000_000 and not left_overs(raw)
    assert fetch(run, portal, "--source", "comptages", "--force").code == 0
    assert precious.stat().st_size < 5_000_000


def test_a_file_written_during_the_download_is_not_replaced(raw: RawTree, portal: Portal, run: Run) -> None:
    def write(request: Handler, body: bytes) -> None:
        written = raw.batch(counts_file(raw, portal).name, "written meanwhile")
        later = machine_now().timestamp() + 60
        os.utime(written, (later, later))
        send(request, 200, body, {})

    portal.faults[COUNTS] = [write]
    ran = fetch(run, portal, "--source", "comptages")
    assert ran.code == 1 and "plus récent" in ran.err
    assert counts_file(raw, portal).read_text() == "written meanwhile"


def test_whole_datasets_are_refreshed_weekly(raw: RawTree, portal: Portal, run: Run) -> None:
    words = ("--source", "chantiers", "--source", "referentiel", "--source", "arrondissements")
    assert fetch(run, portal, *words).code == 0
    set_written(raw.root, NEXT_MORNING)
    asked = len(portal.seen)
    again = fetch(run, portal, *words)
    assert again.code == 0 and again.out.count("déjà là") == 4 and len(portal.seen) == asked
    set_written(raw.root, NEXT_MORNING - timedelta(days=8))
    assert fetch(run, portal, *words).code == 0 and len(portal.seen) == asked + 3


def test_a_day_that_is_final_is_not_asked_for_again(raw: RawTree, portal: Portal, run: Run) -> None:
    day = portal.day - timedelta(days=1)
    words = ("--date", day.isoformat(), "--source", "comptages")
    assert run(fetch_raw.main, *words).code == 0
    set_written(raw.root, NEXT_MORNING)
    assert run(fetch_raw.main, *words).code == 0 and len(portal.seen) == 2  # two days old: it may still grow
    set_written(raw.root, NEXT_MORNING + timedelta(days=2))
    assert run(fetch_raw.main, *words).code == 0 and len(portal.seen) == 2


def test_a_range_of_days_lands_in_a_file_each(raw: RawTree, portal: Portal, run: Run) -> None:
    first = portal.day - timedelta(days=1)
    words = ("--from", first.isoformat(), "--to", portal.day.isoformat(), "--json")
    ran = run(fetch_raw.main, *words, "--source", "comptages", "--source", "chantiers")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert [(one["source"], one["jour"]) for one in told["fichiers"]] == [
        ("comptages", first.isoformat()),
        ("comptages", portal.day.isoformat()),
        ("chantiers", None),
    ]
    assert all(Path(one["fichier"]).stat().st_size == one["octets"] for one in told["fichiers"])
    assert run(process_comptages.main, "--date", first.isoformat()).code == 0


def test_disruptions_of_a_past_week_are_not_asked_for(raw: RawTree, portal: Portal, run: Run) -> None:
    ran = run(fetch_raw.main, "--date", "2025-11-04", "--source", "traffic")
    assert ran.code == 4 and "que le présent" in ran.err and not portal.seen


def test_a_file_setting_that_hides_what_is_fetched_is_said(
    raw: RawTree, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPTAGES_CSV", str(raw.root / "un.csv"))
    ran = fetch(run, portal, "--source", "comptages")
    assert ran.code == 0 and "COMPTAGES_CSV" in ran.err and "ne sont pas lus" in ran.err


MEASURED = """
import re, sys
from scripts import fetch_raw
def peak():  # not ru_maxrss, which begins with the peak of the process that started this one
    return int(re.search(r"VmHWM:\\s+([0-9]+)", open("/proc/self/status").read())[1]) / 1000
before = peak()
code = fetch_raw.main(sys.argv[1:])
print("GREW", peak() - before)
sys.exit(code)
"""


def test_an_export_of_hundreds_of_megabytes_takes_little_memory(raw: RawTree, portal: Portal) -> None:
    portal.faults[COUNTS] = [growing(250)]
    words = ["--date", portal.day.isoformat(), "--source", "comptages"]
    ran = script_server.run([sys.executable, "-c", MEASURED, *words], cwd=ROOT, timeout=deadline())
    assert ran.returncode == 0 and "nouvel essai" not in ran.stderr, ran.stderr
    assert counts_file(raw, portal).stat().st_size > 240_000_000, ran.stdout
    assert float(ran.stdout.split("GREW")[1]) < 60, ran.stdout  # MB
    counts_file(raw, portal).unlink()


def test_an_interrupted_download_is_kept(raw: RawTree, portal: Portal, run: Run) -> None:
    portal.ranges = True
    portal.faults[COUNTS] = [pausing(0.5, 30)]
    with started(portal, "--source", "comptages") as fetching:
        part = counts_file(raw, portal).with_name(f".{counts_file(raw, portal).name}.part")
        wait_until(lambda: part.is_file() and part.stat().st_size, fetching)
        fetching.send_signal(signal.SIGINT)
        told = fetching.communicate(timeout=deadline())[1]
    assert fetching.returncode == 130 and "interrompu" in told and "Traceback" not in told
    assert fetch(run, portal, "--source", "comptages").code == 0
    assert portal.seen[-1][2]["range"].startswith("bytes=")
    assert_same_as_whole(raw, portal, run)


def test_usage(raw: RawTree, run: Run) -> None:
    assert run(fetch_raw.main, "--date", "04/11/2025").code == 2
    assert run(fetch_raw.main, "--from", "2025-11-04").code == 2
    assert run(fetch_raw.main, "--from", "2025-11-05", "--to", "2025-11-04").code == 2
    assert run(fetch_raw.main, "--date", "2999-01-01").code == 2
    assert run(fetch_raw.main, "--source", "inconnue").code == 2
