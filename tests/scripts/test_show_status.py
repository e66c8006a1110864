"""make status: a line a day, from the store and the manifests of uploads."""

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from lib.common.errors import StoreError
from lib.common.paris_time import machine_now
from lib.local_file_service import LocalFileService
from lib.run.input_lists import note_inputs
from lib.run.manifest import PUBLICATION, recorded
from scripts import backfill
from scripts.registry import SOURCES
from scripts.show_status import main
from tests.conftest import Ran, RawTree

Run = Callable[..., Ran]
DAY = date(2025, 11, 4)


def figures(statut: str = "complet") -> dict[str, Any]:
    return {"qualite": {"statut": statut}}


@pytest.fixture
def day(raw: RawTree, monkeypatch: pytest.MonkeyPatch) -> RawTree:
    """A complete day with its report, written a while ago; it was yesterday."""
    monkeypatch.setenv("CITYFLOW_NOW", "2025-11-05T06:30:00+01:00")
    before = machine_now().timestamp() - 60
    store = LocalFileService(raw.output)
    for source in SOURCES:
        store.save_metrics(figures(), source, DAY)
    store.save_report({"x": 1}, DAY)
    for path in raw.output.rglob("*.json"):
        os.utime(path, (before, before))
    return raw


def said(run: Run, *words: str) -> list[str]:
    ran = run(main, *words)
    assert ran.code == 0, ran.err
    return ran.out.splitlines()


def text(run: Run, *words: str) -> str:
    """What it says, as one line."""
    return " ".join(" ".join(said(run, *words)).split())


def test_complete_partial_and_missing_days(day: RawTree, run: Run) -> None:
    store = LocalFileService(day.output)
    store.save_metrics(figures("partiel"), "bikes", date(2025, 11, 2))
    store.save_metrics(figures("absent"), "weather", date(2025, 11, 2))
    lines = said(run, "--from", "2025-11-02", "--to", "2025-11-04")
    lacking = ", ".join(f"{source} manquant" for source in SOURCES if source != "bikes")
    first = next(number for number, line in enumerate(lines) if line.startswith("2025-11-03"))
    assert " ".join(" ".join(lines[:first]).split()) == (
        f"2025-11-02 partiel bikes partiel, {lacking} ; sans rapport ; "
        "à refaire : bikes, weather (fichiers bruts changés) -> make process DATE=2025-11-02"
    )
    assert lines[first] == "2025-11-03  manquant"
    assert lines[first + 1].startswith("2025-11-04  complet   ")
    assert lines[-2:] == ["Non publiés : 2025-11-02 à 2025-11-04.", "3 jours : 1 complet, 1 partiel, 1 manquant."]


def test_days_of_which_nothing_is_known_are_one_line(day: RawTree, run: Run) -> None:
    lines = said(run, "--from", "2025-10-01", "--to", "2025-11-04")
    assert lines[0].split() == ["2025-10-01", "à", "2025-11-03", "manquant"]
    assert lines[1].startswith("2025-11-04  complet") and lines[-1] == "35 jours : 1 complet, 0 partiel, 34 manquants."


def test_a_day_is_not_called_stale_for_compared_days_that_were_never_made(
    raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may have no data at all, and make process would find nothing to do."""
    monkeypatch.setenv("CITYFLOW_NOW", "2025-11-05T06:30:00+01:00")
    raw.pull("bikes", str(DAY), "a.json", [{"date": f"{DAY}T05:00:00+00:00", "sum_counts": 3, "id_compteur": "1"}])
    run(backfill.main, "--from", str(DAY), "--to", str(DAY), "--source", "bikes", "--jobs", "1")
    period = ("--from", "2025-10-28", "--to", str(DAY))
    assert "jour comparé" not in text(run, *period)
    LocalFileService(raw.output).save_metrics(figures(), "bikes", date(2025, 10, 28))
    assert "bikes (jour comparé refait)" in text(run, *period)


def test_what_is_held_of_each_source_is_said(day: RawTree, run: Run) -> None:
    store = LocalFileService(day.output)
    store.save_metrics(figures("partiel"), "bikes", date(2025, 11, 2))
    lines = said(run, "--from", "2025-11-02", "--to", "2025-11-04")
    assert "bikes       2 jours, 2025-11-02 à 2025-11-04 ; ci-dessus 1 partiel, 1 manquant" in lines
    assert "weather     1 jour, 2025-11-04 à 2025-11-04 ; ci-dessus 2 manquants" in lines
    told = json.loads(run(main, "--json").out)["sources"]
    assert told["bikes"] == {
        "jours": 2, "premier": "2025-11-02", "dernier": "2025-11-04", "partiels": 1, "manquants": 1
    }  # fmt: skip


def test_a_partial_day_says_what_may_complete_it(raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute what raw files came for; then ask the publishers, as long as they may be asked."""
    pull = {"date": f"{DAY}T05:00:00+00:00", "sum_counts": 3, "id_compteur": "1"}
    raw.pull("bikes", str(DAY), "a.json", [pull])
    monkeypatch.setenv("CITYFLOW_NOW", "2025-11-05T06:30:00+01:00")
    words = ("--from", str(DAY), "--to", str(DAY))
    run(backfill.main, *words, "--jobs", "1")
    assert json.loads(run(main, *words, "--json").out)["jours"][0]["statut"] == "partiel"
    assert f"-> make fetch DATE={DAY}; make process DATE={DAY}" in text(run, *words)
    came = datetime(2030, 1, 1, 6, 12, tzinfo=UTC).timestamp()
    later = raw.pull("bikes", "2025-11-05", "b.json", [pull])
    os.utime(later, (came, came))
    assert "bikes (fichiers bruts arrivés le 2030-01-01 à 07:12)" in text(run, *words)
    assert said(run, *words)[1].endswith(f"-> make process DATE={DAY}")


def test_a_day_that_no_publisher_tells_of_any_more_says_where_else_to_ask(day: RawTree, run: Run) -> None:
    LocalFileService(day.output).save_metrics(figures("partiel"), "traffic", DAY)
    note_inputs(day.settings(), (read for source in SOURCES.values() for read in source.read))
    for suffix in (".csv", ".html"):
        LocalFileService(day.output).report_path(DAY, suffix).touch()
    for path in (*day.output.rglob("*.json"), *day.output.glob("reports/*")):
        os.utime(path)
    LocalFileService(day.output).save_report({"x": 1}, DAY)
    assert "IDFM_API_KEY" in text(run)
    with pytest.MonkeyPatch.context() as later:
        later.setenv("IDFM_API_KEY", "k" * 36)
        assert f"-> make fetch DATE={DAY}; make process DATE={DAY}" in said(run)[1]
        later.setenv("CITYFLOW_NOW", "2025-12-24T06:30:00+01:00")
        assert "make fetch ORIGIN=s3 SOURCE=traffic" in text(run)


def test_figures_of_an_older_version_are_named_and_stop_no_other_day(day: RawTree, run: Run) -> None:
    LocalFileService(day.output).save_metrics({"total": 12}, "bikes", date(2025, 11, 3))
    lines = said(run, "--from", "2025-11-03", "--to", "2025-11-04")
    assert lines[0].startswith("2025-11-03  partiel   bikes d'une version antérieure, traffic manquant,")
    assert lines[-1] == "2 jours : 1 complet, 1 partiel, 0 manquant."


def test_without_a_period_the_known_days_are_told(day: RawTree, run: Run) -> None:
    assert [line[:10] for line in said(run) if line.startswith("20")] == ["2025-11-04"]


def test_a_published_day_stays_so_until_a_file_changes(day: RawTree, run: Run) -> None:
    with recorded(day.settings(), DAY, PUBLICATION, lambda: []):
        pass
    assert "; publié le 20" in text(run)
    LocalFileService(day.output).save_report({"x": 2}, DAY)
    assert "modifié depuis le 20" in text(run)


def test_an_upload_that_failed_is_no_publication(day: RawTree, run: Run) -> None:
    with pytest.raises(StoreError), recorded(day.settings(), DAY, PUBLICATION, lambda: []):
        raise StoreError("refusé")
    assert "publication incomplète le 20" in text(run)
    (told,) = json.loads(run(main, "--json").out)["jours"]
    assert told["statut"] == "complet" and told["rapport"] is True


def test_nothing_known_is_exit_code_4(raw: RawTree, run: Run) -> None:
    ran = run(main)
    assert ran.code == 4 and "make process" in ran.err
    assert run(main, "--from", "2025-11-04", "--to", "2025-11-01").code == 2


def test_invented_results_beside_other_raw_files_are_not_called_stale(day: RawTree, run: Run) -> None:
    (day.output / "LISEZMOI.txt").write_text("DONNÉES SYNTHÉTIQUES", encoding="utf-8")
    LocalFileService(day.output).save_metrics(figures("partiel"), "bikes", DAY)
    ran = run(main, "--json")
    assert "DATA_DIR=data/demo" in ran.err
    assert {one["date"]: one["a_refaire"] for one in json.loads(ran.out)["jours"] if one["a_refaire"]} == {}
    (told,) = json.loads(ran.out)["jours"]
    assert (told["statut"], told["pour_completer"]) == ("partiel", ""), "nobody fetches an invented day"
