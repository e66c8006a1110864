"""A cut answer never stands for a whole one: publishers that close the connection without having said a length."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scripts import fetch_raw, process_referentiel
from scripts.registry import RAW
from tests.conftest import Ran, RawTree, gz
from tests.support.portal_server import NEXT_MORNING, Portal, datasets, saying, set_written, unmeasured

Run = Callable[..., Ran]

COUNTS, BIKES = "comptages-routiers-permanents", "comptage-velo-donnees-compteurs"
WHOLE = {source.name: dataset for dataset, source in datasets().items() if source.whole}
ROUTES = {**WHOLE, "comptages": COUNTS, "bikes": BIKES, "traffic": "prim", "weather": "open-meteo"}


def fetch(run: Run, portal: Portal, source: str, *words: str) -> Ran:
    return run(fetch_raw.main, "--date", portal.day.isoformat(), "--source", source, *words)


def export_name(source: str) -> str:
    return f"{RAW[source].export}{RAW[source].suffix}"


def exports(raw: RawTree, source: str) -> dict[str, bytes]:
    """The exports that are there, by name; nothing else is, not even hidden."""
    stem = RAW[source].export
    found = {path.name: path.read_bytes() for path in (raw.root / "batch").iterdir()}
    assert all(name.startswith(stem) for name in found)
    return found


def present(raw: RawTree, portal: Portal, source: str, name: str = "") -> Path:
    """An export of the source that is a week old: it is time to ask for another."""
    (raw.root / "batch").mkdir(exist_ok=True)
    whole = portal.tree / "batch" / export_name(source)
    path = Path(shutil.copy(whole, raw.root / "batch" / (name or whole.name)))
    set_written(raw.root, NEXT_MORNING - timedelta(days=8))
    return path


@pytest.mark.parametrize("source", ROUTES)
@pytest.mark.parametrize("share", [0.37, 0.81])
def test_an_answer_cut_anywhere_is_seen_by_its_form(
    raw: RawTree, portal: Portal, run: Run, source: str, share: float
) -> None:
    portal.faults[ROUTES[source]] = [unmeasured(share)]
    ran = fetch(run, portal, source)
    assert ran.code == 1 and "coupé" in ran.err, ran.err
    assert not [path for path in raw.root.rglob("*") if path.is_file()]


@pytest.mark.parametrize("source", ROUTES)
def test_a_whole_answer_that_did_not_say_its_length_is_taken(
    raw: RawTree, portal: Portal, run: Run, source: str
) -> None:
    portal.faults[ROUTES[source]] = [unmeasured()]
    assert fetch(run, portal, source).code == 0


def test_a_last_number_that_lost_a_digit_is_a_cut_line(raw: RawTree, portal: Portal, run: Run) -> None:
    text = "Identifiant;Date de début;Date de fin;Niveau de perturbation\r\nCP1;2025-11-01;2025-11-30;12"
    portal.faults[WHOLE["chantiers"]] = [saying(text)]
    ran = fetch(run, portal, "chantiers")
    assert ran.code == 1 and "coupé au milieu d'une ligne" in ran.err
    portal.faults[WHOLE["chantiers"]] = [saying(text + "\r\n")]
    assert fetch(run, portal, "chantiers").code == 0


@pytest.mark.parametrize("form", ["total_count", "nhits"])
def test_fewer_records_than_announced_are_a_cut_answer(raw: RawTree, portal: Portal, run: Run, form: str) -> None:
    record: dict[str, Any] = {"date": f"{portal.day}T05:00:00+00:00", "sum_counts": 3, "id_compteur": "1"}
    held = {"results": [record]} if form == "total_count" else {"records": [{"fields": record}]}
    portal.faults[BIKES] = [saying(json.dumps({form: 72, **held}))]
    ran = fetch(run, portal, "bikes")
    assert ran.code == 1 and "72 enregistrements annoncés, 1 reçu." in ran.err
    portal.faults[BIKES] = [saying(json.dumps({form: 1, **held}))]
    assert fetch(run, portal, "bikes").code == 0


@pytest.mark.parametrize("source", ["chantiers", "referentiel"])
def test_an_export_cut_between_two_rows_replaces_nothing(raw: RawTree, portal: Portal, run: Run, source: str) -> None:
    path = present(raw, portal, source)
    before = exports(raw, source)
    cut = b"".join(before[path.name].splitlines(keepends=True)[:6])
    while cut.count(b'"') % 2:  # a line break inside a text is no end of a row
        cut += before[path.name][len(cut) :].splitlines(keepends=True)[0]
    portal.faults[WHOLE[source]] = [saying(cut.decode())] * 2
    ran = fetch(run, portal, source)
    rows, whole = cut.count(b"\n"), before[path.name].count(b"\n")
    assert ran.code == 1
    assert f"{rows} lignes et {len(cut)} octets reçus" in ran.err
    assert f"{whole} lignes et {len(before[path.name])} octets dans {path.name}" in ran.err
    assert "FORCE=1" in ran.err and "reçus : 0" in ran.out
    assert exports(raw, source) == before
    forced = fetch(run, portal, source, "--force")
    assert forced.code == 0, forced.err
    assert len(exports(raw, source)) == 2


def test_what_a_forced_cut_export_brings_is_still_not_taken_for_whole(raw: RawTree, portal: Portal, run: Run) -> None:
    """The reader prefers the older one and names both, until it is taken away as the message says."""
    older = present(raw, portal, "referentiel")
    arcs = len(older.read_bytes().splitlines()) - 1
    portal.faults[WHOLE["referentiel"]] = [unmeasured(lines=6)]
    assert fetch(run, portal, "referentiel", "--force").code == 0
    assert run(process_referentiel.main, "--date", portal.day.isoformat()).code == 0
    metrics = raw.metrics("referentiel", portal.day.isoformat())
    assert metrics["qualite"]["lignes_retenues"] + metrics["qualite"]["doublons"] > 0.8 * arcs
    assert "referentiel_incomplet" in [one["code"] for one in metrics["qualite"]["avertissements"]]
    older.unlink()
    assert run(process_referentiel.main, "--date", portal.day.isoformat(), "--force").code == 0
    assert raw.metrics("referentiel", portal.day.isoformat())["qualite"]["lignes_retenues"] == 5


@pytest.mark.parametrize("kept", [0.7, 0.9])
def test_four_fifths_of_the_rows_are_enough(raw: RawTree, portal: Portal, run: Run, kept: float) -> None:
    path = present(raw, portal, "referentiel")
    lines = path.read_bytes().splitlines(keepends=True)
    portal.faults[WHOLE["referentiel"]] = [unmeasured(lines=int(len(lines) * kept))]
    assert fetch(run, portal, "referentiel").code == (0 if kept > 0.8 else 1)


@pytest.mark.parametrize("name", [f"{export_name('referentiel')}.gz", "referentiel-in-geojson.geojson"])
def test_only_rows_and_bytes_of_the_same_form_are_compared(raw: RawTree, portal: Portal, run: Run, name: str) -> None:
    """A gzipped export is measured unzipped; a GeoJSON says nothing of a CSV."""
    path = present(raw, portal, "referentiel", name.replace("referentiel-in", RAW["referentiel"].export))
    content = path.read_bytes()
    path.write_bytes(gz(content.decode()) if name.endswith(".gz") else b"x" * 9_000_000)
    set_written(raw.root, NEXT_MORNING - timedelta(days=8))
    portal.faults[WHOLE["referentiel"]] = [unmeasured(lines=6)]
    assert fetch(run, portal, "referentiel").code == (1 if name.endswith(".gz") else 0)


def test_an_export_that_cannot_be_read_is_compared_with_nothing(raw: RawTree, portal: Portal, run: Run) -> None:
    path = present(raw, portal, "referentiel", f"{export_name('referentiel')}.gz")  # bytes that are not gzipped
    assert fetch(run, portal, "referentiel").code == 0
    assert path.is_file()


def test_the_newest_export_is_compared_with_not_the_largest(raw: RawTree, portal: Portal, run: Run) -> None:
    path = present(raw, portal, "chantiers")
    older = raw.batch(path.name.replace(".csv", "-2.csv"), path.read_bytes() * 3)
    moment = (NEXT_MORNING - timedelta(days=40)).timestamp()
    os.utime(older, (moment, moment))
    assert fetch(run, portal, "chantiers").code == 0
