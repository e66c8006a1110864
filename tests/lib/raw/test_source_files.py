"""Which raw files are found, and which is believed over which."""

import gzip
import json
import os
from collections.abc import Callable
from datetime import date

import pytest

from lib.common.errors import InputError, NoDataError
from lib.figures.quality import Quality
from lib.raw.contents import read_bytes
from lib.raw.source_files import is_synthetic, listing, no_data, require_files, source_files
from lib.raw.tree import is_readable
from lib.run.day_run import DayResult
from scripts import process_comptages
from scripts.registry import RAW, measure_days
from tests.conftest import Ran, RawTree

Run = Callable[..., Ran]


def names(raw: RawTree, source: str) -> list[str]:
    return [one.name for one in source_files(raw.settings(), RAW[source])]


def test_the_newest_pull_comes_last_with_or_without_hours(raw: RawTree) -> None:
    for day, hour in (("2025-11-05", "9"), ("2025-11-05", "10"), ("2025-11-04", "23"), ("2025-11-06", None)):
        raw.pull("bikes", day, "a.json", [], hour)
    assert names(raw, "bikes") == [
        "dt=2025-11-04/hour=23/a.json",
        "dt=2025-11-05/hour=9/a.json",
        "dt=2025-11-05/hour=10/a.json",
        "dt=2025-11-06/a.json",
    ]
    assert [one.pull_day for one in source_files(raw.settings(), RAW["bikes"])][-1] == date(2025, 11, 6)


def test_the_time_of_a_pull_file_on_the_disk_says_nothing(raw: RawTree) -> None:
    old = raw.pull("weather", "2025-11-04", "a.json", [])
    new = raw.pull("weather", "2025-11-05", "a.json", [])
    os.utime(new, (1, 1))
    assert [one.path for one in source_files(raw.settings(), RAW["weather"])] == [old, new]


def test_batch_exports_are_believed_by_their_time(raw: RawTree) -> None:
    newer = raw.batch("comptages-routiers-permanents.csv", "x")
    older = raw.batch("comptages-routiers-permanents-2.csv.gz", gzip.compress(b"x"))
    os.utime(older, (1_000, 1_000))
    assert [one.path for one in source_files(raw.settings(), RAW["comptages"])] == [older, newer]
    assert all(one.is_csv for one in source_files(raw.settings(), RAW["comptages"]))


def test_what_is_no_raw_file_is_left_out(raw: RawTree) -> None:
    raw.pull("bikes", "2025-11-05", "a.json", [])
    for name in (".a.json.tmp", ".a.json", "a.json.part", "LISEZMOI.txt", "a.json.bak"):
        raw.pull("bikes", "2025-11-05", name, "x")
    (raw.root / "api" / "bikes" / "dt=2025-11-06" / "b.json").mkdir(parents=True)
    os.mkfifo(raw.root / "api" / "bikes" / "dt=2025-11-06" / "pipe.json")  # opening it would wait for ever
    assert names(raw, "bikes") == ["dt=2025-11-05/hour=06/a.json"]


def test_what_cannot_be_looked_at_is_kept_so_that_reading_it_says_so(raw: RawTree) -> None:
    whole = raw.pull("bikes", "2025-11-05", "a.json", [])
    (whole.parent / "b.json").symlink_to(raw.root / "nowhere.json")
    (whole.parent / "up").symlink_to(raw.root / "api")
    (raw.root / "api" / "bikes" / "dt=2025-11-06").symlink_to(raw.root / "not mounted")
    raw.batch("comptage-velo-donnees-compteurs.csv", "x")
    (raw.root / "batch" / "comptage-velo-donnees-compteurs-2.csv").symlink_to(raw.root / "nowhere.csv")
    assert names(raw, "bikes") == [
        "comptage-velo-donnees-compteurs.csv",
        "comptage-velo-donnees-compteurs-2.csv",
        "dt=2025-11-05/hour=06/a.json",
        "dt=2025-11-05/hour=06/b.json",
        "dt=2025-11-05/hour=06/up",
        "dt=2025-11-06",
    ]
    found = source_files(raw.settings(), RAW["bikes"])
    assert [is_readable(one.path) for one in found] == [True, False, True, False, False, False]
    with pytest.raises(InputError, match=r"b\.json est illisible .*C'est un lien qui ne mène à aucun fichier"):
        read_bytes(found[3].path)


def test_a_link_back_by_way_of_another_folder_is_walked_once(raw: RawTree) -> None:
    whole = raw.pull("bikes", "2025-11-05", "a.json", [])
    volume = raw.root.parent / "volume"
    (volume / "dt=2025-11-06").mkdir(parents=True)
    (volume / "dt=2025-11-06" / "b.json").touch()
    (volume / "back").symlink_to(raw.root)
    (whole.parent / "volume").symlink_to(volume)
    assert names(raw, "bikes") == [
        "dt=2025-11-05/hour=06/a.json",
        "dt=2025-11-05/hour=06/volume/back",
        "dt=2025-11-05/hour=06/volume/dt=2025-11-06/b.json",
    ]


def test_a_folder_named_for_no_day_is_no_pull_day(raw: RawTree) -> None:
    raw.pull("traffic", "2025-99-99", "a.json", [])
    (found,) = source_files(raw.settings(), RAW["traffic"])
    assert found.pull_day is None


def test_one_file_named_by_a_setting_is_the_only_one(raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    raw.batch("comptages-routiers-permanents.csv", "x")
    mine = raw.batch("../mine.csv", "x")
    monkeypatch.setenv("COMPTAGES_CSV", str(mine))
    assert [one.path for one in source_files(raw.settings(), RAW["comptages"])] == [mine]
    mine.unlink()
    ran = run(process_comptages.main, "--date", "2025-11-04")
    assert (ran.code, ran.out) == (1, "")
    assert "mine.csv n'existe pas. Corriger COMPTAGES_CSV ou le vider." in ran.err


def test_days_computed_in_one_go_share_a_listing_and_those_asked_for_later_have_another(raw: RawTree) -> None:
    raw.pull("weather", "2025-11-04", "a.json", [])
    settings, days = raw.settings(), [date(2025, 11, 3), date(2025, 11, 4)]
    together = listing(settings)
    before = require_files(together, RAW["weather"], Quality(), RAW.values())
    new = raw.pull("weather", "2025-11-05", "b.json", "{}")
    stray = raw.pull("weather", "2025-11-05", "c.docx", "x")
    assert require_files(together, RAW["weather"], again := Quality(), RAW.values()) == before != []
    assert (again.avertissements, together) == ([], settings)
    assert [one.path for one in source_files(settings, RAW["weather"])][-1] == new
    found = [result for _, _, result in measure_days(settings, "weather", days)]
    assert all("aucune donnée" in str(one) for one in found)
    new.write_text(json.dumps({"days": [{"datetime": "2025-11-04", "temp": 10.0}]}))
    refused, known = (result for _, _, result in measure_days(settings, "weather", days))
    assert isinstance(refused, NoDataError) and isinstance(known, DayResult)
    assert known.metrics["metrics"]["temp_moyenne"] == 10.0
    assert known.quality.avertissements[0].exemples == (stray.name,)


def test_no_file_names_the_folder(raw: RawTree) -> None:
    for source, folder in (("bikes", "api/bikes"), ("chantiers", "batch")):
        with pytest.raises(NoDataError, match=str(raw.root / folder)):
            require_files(raw.settings(), RAW[source], Quality(), RAW.values())


def test_no_data_names_the_days_that_have_some() -> None:
    few = no_data("bikes", date(2025, 11, 4), {"2025-11-03", "2025-11-01"})
    assert "Jours présents (2) : 2025-11-01, 2025-11-03." in str(few)
    many = no_data("bikes", date(2025, 11, 4), {f"2025-10-{day:02}" for day in range(1, 31)})
    assert "Jours présents (30) : 2025-10-01, 2025-10-02, 2025-10-03 … 2025-10-28, 2025-10-29, 2025-10-30." in str(many)
    assert "ni pour un autre jour" in str(no_data("bikes", date(2025, 11, 4), set()))


def test_gzip_is_read_and_a_broken_one_named(raw: RawTree) -> None:
    whole = gzip.compress(b"abc" * 1000)
    assert read_bytes(raw.batch("a.json.gz", whole)) == b"abc" * 1000
    for broken in (whole[:-6], whole[:20] + b"\xff" * 10):
        with pytest.raises(InputError, match=r"b\.json\.gz est illisible"):
            read_bytes(raw.batch("b.json.gz", broken))


def test_an_invented_tree_is_known_by_its_marker(raw: RawTree) -> None:
    assert not is_synthetic(raw.settings())
    (raw.root / "LISEZMOI.txt").touch()
    assert is_synthetic(raw.settings())
