"""Hostile labels, dates, names of files and words of a command line, and what a user sees of them."""

import csv
import io
import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

import upload_to_aws
from lib.common.errors import ExitCode
from lib.figures.quality import spreadsheet_cell
from lib.raw.source_files import source_files
from scripts import (
    backfill,
    check_quality,
    fetch_raw,
    generate_history,
    generate_report,
    process_bikes,
    process_chantiers,
    process_weather,
)
from scripts.registry import SOURCES
from tests.conftest import ROOT, RawTree, mains
from tests.support.patience import deadline
from tests.torture.inputs import hostile_day
from tests.torture.inputs.forms import DAY, hours
from tests.torture.inputs.hostile_day import LABELS, LONG
from tests.torture.inputs.test_hostile_input import Run, listing

ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
FORMULAS = tuple("=+-@\t\r\n＝")
MAINS = mains()


@pytest.fixture
def hostile(raw: RawTree) -> RawTree:
    hostile_day.write(raw)
    return raw


@pytest.fixture
def done(hostile: RawTree, run: Run) -> RawTree:
    """The hostile day through the scripts it has files of, the report and the history; every message is looked at."""
    before = listing(hostile.root.parent, hostile.output)
    there = [name for name, source in SOURCES.items() if source_files(hostile.settings(), source)]
    whole = ExitCode.DONE if there == list(SOURCES) else ExitCode.FAILED  # of a report that misses a source
    for main, code in (*((MAINS[name], ExitCode.DONE) for name in there), (generate_report.main, whole)):
        ran = run(main, "--date", DAY)
        assert ran.code == code and "Traceback" not in ran.err and "inattendue" not in ran.err, ran.err
        assert not ACTING.search(ran.err + ran.out)
    assert run(generate_history.main).code == 0
    assert listing(hostile.root.parent, hostile.output) == before
    return hostile


def cells(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), delimiter=";"))


def test_every_label_is_in_the_figures_as_it_was_written(done: RawTree) -> None:
    written = {one.strip() for one in LABELS}
    roads = done.metrics("comptages", DAY)
    broken = written - {one["identifiant_arc"] for one in roads["metrics"]}
    assert broken == {"a;b\n=1+1"}  # a row of road counts is one line: this one is rejected, each time it comes
    assert roads["qualite"]["rejets"]["guillemet_non_ferme"] >= 23
    assert {one["id_compteur"] for one in done.metrics("bikes", DAY)["metrics"]} == written
    assert {one["id"] for one in done.metrics("traffic", DAY)["perturbations"]} == set(LABELS)


def test_no_cell_of_a_csv_is_a_formula(done: RawTree) -> None:
    files = [*done.output.glob("rejects/*.csv"), *done.output.glob("reports/*.csv")]
    found = [cell for path in files for row in cells(path) for cell in row]
    assert any(cell.startswith("'=cmd") for cell in found)
    numbers = re.compile(r"[+-]?[\d,.]+")
    assert not [cell for cell in found if cell.startswith(FORMULAS) and not numbers.fullmatch(cell)]


@pytest.mark.parametrize("number", ["-12", "+3", "-1,5", "-1.5e-07", "12"])
def test_a_number_is_no_formula(number: str) -> None:
    assert spreadsheet_cell(number) == number


@pytest.mark.parametrize("text", ["+inf", "-nan", "-1_000", "＝1", "\n=1", "-", "+1+1", "@a"])
def test_what_only_looks_like_a_number_is_neutralised(text: str) -> None:
    assert spreadsheet_cell(text) == f"'{text}"


class Page(HTMLParser):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.longest = 0
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        if self.lasttag != "style":
            self.longest = max([self.longest, *map(len, data.split())])


def test_labels_on_a_page_are_words_alone(done: RawTree) -> None:
    for name in (f"daily_report_{DAY}.html", "index.html"):
        path = done.output / "reports" / name
        page, text = Page(path), path.read_text(encoding="utf-8")
        assert not page.tags & {"script", "img", "b onclick=x"} and not {"onclick", "onerror"} & page.attributes
        assert not ACTING.search(text)
        assert page.longest <= 160 and LONG[:200] not in text


def test_escape_sequences_in_the_names_of_raw_files_reach_no_terminal(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", "2025-11-06", "b.json", {"results": hours("sain", 7)})
    raw.pull("bikes", "2025-11-05", "\x1b]0;pwned\x07\n12:00:00 erreur : faux.json", f"le {DAY}, rien")
    ran = run(process_bikes.main, "--date", DAY)
    assert ran.code == 0 and not ACTING.search(ran.err + ran.out)
    assert "\\x1b]0;pwned\\x07\\n12:00:00 erreur : faux.json" in ran.err
    assert not re.search("^12:00:00 erreur : faux", ran.err, re.MULTILINE)
    (row,) = cells(raw.output / "rejects" / f"bikes_{DAY}.csv")[1:]
    assert row[2] == "json_illisible"


@pytest.mark.parametrize(
    "folder", ["dt=..", "dt=../..", "dt=2025-11-05\x1b[31m", "dt=2025-13-99", "dt=", "dt=0000-00-00"]
)
def test_a_folder_that_names_no_day_is_a_pull_of_unknown_day(raw: RawTree, run: Run, folder: str) -> None:
    path = raw.root / "api/bikes/x" / folder / "hour=99" / "a.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"results": hours("sain", 7)}))
    before = listing(raw.root.parent, raw.output)
    ran = run(process_bikes.main, "--date", DAY)
    assert ran.code == 0 and raw.metrics("bikes", DAY)["total_jour"] == 24 * 7
    assert listing(raw.root.parent, raw.output) == before


DATES = (
    "../../etc",
    "/etc/passwd",
    f"{DAY}/../..",
    f"{DAY}\n",
    f"{DAY}\x1b[31m",
    f"{DAY}\0",
    "",
    "..",
    "２０２５-11-04",
)
ON_A_DATE = (process_bikes, generate_report, check_quality, upload_to_aws, fetch_raw)
ON_A_TYPE = ((upload_to_aws, "--type"), (backfill, "--source"), (process_bikes, "--store"), (fetch_raw, "--source"))


@pytest.mark.parametrize("script", ON_A_DATE, ids=lambda script: script.__name__)
def test_a_date_that_is_none_touches_nothing(script: ModuleType, raw: RawTree, run: Run) -> None:
    for value in DATES:
        ran = run(script.main, "--date", value)
        assert ran.code == 2 and "Traceback" not in ran.err and "--date" in ran.err
        assert not ACTING.search(ran.err) and ran.err.rstrip("\n").count("\n") <= 10
    assert listing(raw.root.parent, Path("/nowhere")) == []


@pytest.mark.parametrize(("script", "option"), ON_A_TYPE, ids=lambda one: getattr(one, "__name__", one))
def test_a_type_that_is_none_touches_nothing(script: ModuleType, option: str, raw: RawTree, run: Run) -> None:
    for value in ("../x", "/etc", "metrics/..", "\x1b[31m", "\0", ""):
        days = ["--from", DAY, "--to", DAY] if script is backfill else []
        ran = run(script.main, *days, option, value)
        assert ran.code == 2 and option in ran.err and not ACTING.search(ran.err)
    assert listing(raw.root.parent, Path("/nowhere")) == []


@pytest.mark.parametrize("value", ["../../etc", "2025-11-04;id", "$(id)", "`id`", "\x1b[31m"])
def test_make_refuses_a_date_that_is_none(value: str, raw: RawTree) -> None:
    ran = subprocess.run(
        ["make", "-C", str(ROOT), "bikes", f"DATE={value}"], capture_output=True, text=True, timeout=deadline()
    )
    assert ran.returncode == 1 and "invalide" in ran.stderr and "uid=" not in ran.stdout + ran.stderr
    assert listing(raw.root.parent, Path("/nowhere")) == []


def test_works_and_weather_of_another_form_are_named_without_their_controls(raw: RawTree, run: Run) -> None:
    raw.batch("chantiers-perturbants-la-circulation.csv", "\x1b[2J;\x07\n1;2\n")
    raw.pull(
        "weather", "2025-11-05", "a.json", {"hourly": {}, "hourly_units": {"temperature_2m": "\x1b[31m"}, "t": DAY}
    )
    for main in (process_chantiers.main, process_weather.main):
        ran = run(main, "--date", DAY)
        assert ran.code == 1 and not ACTING.search(ran.err)
