"""The Makefile as its users know it: what is written, what is left alone, what fails, what is never executed."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from lib.common.settings import SYNTHETIC_MARKER
from lib.files.locks import day_lock
from scripts.registry import SOURCES
from tests.conftest import ROOT
from tests.support.cases import each_once
from tests.support.checkout import DAY, Checkout, copy_checkout
from tests.support.patience import deadline
from tests.support.shared_trees import demo_tree

REPORT = {f"reports/daily_report_{DAY}{suffix}" for suffix in (".json", ".csv", ".html")}
WEATHER_AND_REPORT = {f"metrics/weather_metrics_{DAY}.json", *REPORT}
STEPS = "step-"
RESULTS = {*(f"metrics/{source}_metrics_{DAY}.json" for source in SOURCES), *REPORT}


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout on a small invented tree, in which DAY was processed once, into a folder with a space in its name."""
    folder = tmp_path_factory.mktemp("make")
    checkout = copy_checkout(folder / "checkout", Path(shutil.copytree(demo_tree(tmp_path_factory, 8), folder / "raw")))
    checkout.environment["OUTPUT_DIR"] = str(folder / "out put")
    ran = checkout.make("-j2", "process", f"DATE={DAY}")
    assert ran.code == 0, ran.err
    assert set(written(checkout)) >= RESULTS
    return checkout


@pytest.fixture
def checkout(seed: Checkout) -> Checkout:
    """The same checkout, up to date at the start of every test."""
    if stale(seed):
        assert seed.make("process", f"DATE={DAY}").code == 0
    return seed


def output(checkout: Checkout) -> Path:
    return Path(checkout.environment["OUTPUT_DIR"])


def written(checkout: Checkout) -> dict[str, int]:
    return checkout.written(checkout.environment["OUTPUT_DIR"])


def stale(checkout: Checkout, *words: str) -> set[str]:
    """The sources and the report that make would do again."""
    return stale_to(checkout, "backfill.py", "--dry-run", "--json", *words)


def stale_to(checkout: Checkout, script: str, *words: str) -> set[str]:
    """The same, as another command says it of DAY."""
    ran = checkout.run(".venv/bin/python", f"scripts/{script}", "--from", DAY, "--to", DAY, *words)
    said = json.loads(ran.out)
    steps = said["jours"][0]["a_refaire"] if script == "show_status.py" else said["a_faire"]
    return {"report" if step == "rapport" else step for step, why in steps.items() if why}


def changed(checkout: Checkout, before: dict[str, int]) -> set[str]:
    """The metrics and reports that are not those of before."""
    after = written(checkout)
    return {name for name in after if after[name] != before.get(name) and not name.startswith("rejects")}


def test_a_second_run_writes_nothing_and_says_so(checkout: Checkout) -> None:
    before = written(checkout)
    for words in (["process"], ["-j4", "process"], ["weather"], ["report"]):
        ran = checkout.make(*words, f"DATE={DAY}")
        assert (ran.code, ran.err) == (0, "")
        assert "rien à refaire" in ran.out
    assert written(checkout) == before


def test_what_makes_one_source_stale_redoes_it_and_the_report_alone(checkout: Checkout, tmp_path: Path) -> None:
    first, *_, last = checkout.pulls("weather")

    def replace_by_an_older_file() -> None:
        shutil.copy2(last, tmp_path / "kept")
        last.write_bytes(last.read_bytes() + b"\n")
        os.utime(last, (1_000_000_000, 1_000_000_000))

    for change, target, expected in (
        (last.touch, "weather", WEATHER_AND_REPORT - REPORT),
        (replace_by_an_older_file, "weather", WEATHER_AND_REPORT - REPORT),
        (first.unlink, "process", WEATHER_AND_REPORT),
    ):
        before = written(checkout)
        change()
        assert stale(checkout) == {"weather", "report"}
        assert checkout.make(target, f"DATE={DAY}").code == 0
        assert changed(checkout, before) == expected
    shutil.move(tmp_path / "kept", last)


def test_code_and_packages_that_changed_make_stale_what_runs_them_and_nothing_else(checkout: Checkout) -> None:
    room = checkout.root / "lib" / "weather_room"
    room.mkdir()
    (room / "__init__.py").touch()
    (room / "words.py").write_text('RAIN = "pluie"\n')
    script = checkout.root / "scripts" / "process_weather.py"
    before = script.read_text()
    script.write_text(before.replace("HELP = ", "from lib.weather_room import words\n\nHELP = ", 1))
    assert checkout.make("process", f"DATE={DAY}").code == 0
    for name, expected in (
        ("scripts/process_weather.py", {"weather", "report"}),
        ("scripts/generate_report.py", {"report"}),
        ("lib/weather_room/words.py", {"weather", "report"}),
        ("scripts/sources/weather/records.py", {"weather", "report"}),
        ("lib/figures/numbers.py", {*SOURCES, "report"}),
        ("scripts/report/templates/page.html.j2", {"report"}),
        ("lib/publish/outcome.py", set()),
        ("lib/stores/dynamodb_items.py", set()),
        ("scripts/fetch_raw.py", set()),
        ("requirements.txt", {*SOURCES, "report"}),
    ):
        path = checkout.root / name
        before = path.stat().st_mtime_ns
        path.touch()
        assert stale(checkout) == expected, name
        if name in ("lib/weather_room/words.py", "lib/publish/outcome.py"):
            assert stale_to(checkout, "show_status.py", "--json") == expected, name
        os.utime(path, ns=(before, before))


def test_a_day_is_stale_when_the_day_it_is_compared_with_was_redone(checkout: Checkout) -> None:
    before = written(checkout)
    assert checkout.make("bikes", "DATE=2025-10-28").code == 0
    assert checkout.make("process", f"DATE={DAY}").code == 0
    assert changed(checkout, before) == {
        "metrics/bikes_metrics_2025-10-28.json",
        f"metrics/bikes_metrics_{DAY}.json",
        *REPORT,
    }


def test_another_raw_tree_is_not_taken_for_the_one_before(checkout: Checkout, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(checkout.raw, other)  # the same bytes and times, elsewhere
    for raw, said in ((checkout.raw, "complet"), (checkout.raw, "rien à refaire"), (other, "complet")):
        ran = checkout.make("weather", f"DATE={DAY}", DATA_DIR=str(raw), OUTPUT_DIR=str(tmp_path / "output"))
        assert ran.code == 0
        assert said in ran.out


def test_a_page_or_table_that_is_missing_or_older_than_the_report_is_made_again(
    checkout: Checkout, tmp_path: Path
) -> None:
    forms = [output(checkout) / "reports" / f"daily_report_{DAY}{suffix}" for suffix in (".html", ".csv")]
    for form in forms:
        for spoil in (form.unlink, partial(os.utime, form, (1_000_000_000, 1_000_000_000))):
            shutil.copy2(form, tmp_path / "kept")
            spoil()
            assert stale(checkout) == {"report"}
            shutil.copy2(tmp_path / "kept", form)
    assert stale(checkout) == set()
    before = written(checkout)
    forms[0].unlink()
    os.utime(forms[1], (1_000_000_000, 1_000_000_000))
    assert checkout.make("report", f"DATE={DAY}").code == 0
    assert changed(checkout, before) == REPORT
    assert "rien à refaire" in checkout.make("report", f"DATE={DAY}").out


def test_force_redoes_what_is_up_to_date(checkout: Checkout) -> None:
    before = written(checkout)
    assert checkout.make("weather", f"DATE={DAY}", "FORCE=1").code == 0
    assert checkout.make("report", f"DATE={DAY}", "FORCE=1").code == 0
    assert changed(checkout, before) == WEATHER_AND_REPORT
    assert stale(checkout, "--force") == {*SOURCES, "report"}


def test_figures_of_a_past_day_outlive_their_raw_files(checkout: Checkout, tmp_path: Path) -> None:
    away = tmp_path / "bikes"
    shutil.copytree(checkout.raw / "api" / "bikes", away)
    shutil.rmtree(checkout.raw / "api" / "bikes")
    (checkout.root / "lib" / "bike_records.py").touch()  # as git pull does
    before = written(checkout)
    ran = checkout.make("process", f"DATE={DAY}")
    assert (ran.code, "chiffres gardés" in ran.err) == (0, True), ran.err
    assert f"metrics/bikes_metrics_{DAY}.json" not in changed(checkout, before)
    again = checkout.make("process", f"DATE={DAY}")
    assert "rien à refaire" in again.out and "chiffres gardés" in again.err
    shutil.copytree(away, checkout.raw / "api" / "bikes")


@pytest.mark.parametrize(
    "date",
    ["$(touch x)", "$(shell touch x)", "`touch x`", f"{DAY};touch x", f"{DAY} --json", f"{DAY}\ntouch x", "$$(touch x)",
     "'; touch x; '", "2025-11", "2025-1-04", "hier", "2025-02-30"],
)  # fmt: skip
@pytest.mark.parametrize("way", ["word", "environment"])
def test_a_date_that_is_none_is_refused_and_never_executed(seed: Checkout, date: str, way: str) -> None:
    before = sorted(path.name for path in seed.root.iterdir())
    ran = seed.make("process", f"DATE={date}") if way == "word" else seed.make("process", DATE=date)
    assert ran.code == 1
    assert "invalide" in ran.err
    assert "Traceback" not in ran.err
    assert sorted(path.name for path in seed.root.iterdir()) == before


@pytest.mark.parametrize("words", [["referentiel"], ["-n", "process"]])
def test_an_empty_date_is_yesterday(seed: Checkout, words: list[str]) -> None:
    ran = seed.make(*words, "DATE=", "FORCE=1", CITYFLOW_NOW="2028-02-29T23:00:00+00:00")  # midnight in Paris
    assert (ran.code, "invalide" in ran.err) == (0, False), ran.err
    if words == ["referentiel"]:
        assert "referentiel 2028-02-29 : " in ran.out


def test_a_range_is_never_executed_either(seed: Checkout) -> None:
    before = sorted(path.name for path in seed.root.iterdir())
    text = """$(touch x)$(shell touch x)`touch x`"; touch x; "'; touch x; '"""
    ran = seed.make("backfill", f"FROM={text}", f"TO={DAY}")
    assert ran.code == 1
    assert "invalide" in ran.err
    assert sorted(path.name for path in seed.root.iterdir()) == before


@pytest.mark.parametrize("name", ["process", "weather"])
def test_an_unusable_setting_is_one_message(seed: Checkout, name: str) -> None:
    ran = seed.make(name, f"DATE={DAY}", CITYFLOW_STORE="oracle")
    assert ran.code == 1
    assert "CITYFLOW_STORE=oracle (environnement) est inconnu" in ran.err
    assert "Traceback" not in ran.err


def test_a_raw_file_named_by_mistake_fails_its_own_source_alone(seed: Checkout, tmp_path: Path) -> None:
    where = {"COMPTAGES_CSV": "/absent.csv", "OUTPUT_DIR": str(tmp_path)}
    ran = seed.make("comptages", f"DATE={DAY}", **where)
    assert ran.code == 1
    assert "/absent.csv n'existe pas" in ran.err
    assert "Traceback" not in ran.err
    assert seed.make("weather", f"DATE={DAY}", **where).code == 0
    assert [path.name for path in tmp_path.glob("metrics/*.json")] == [f"weather_metrics_{DAY}.json"]


HERE = Checkout(ROOT, ROOT, {"PATH": os.environ["PATH"]})  # for commands that write nothing


MEANT = [
    ("DRYRUN=1", "DRY_RUN="), ("dry_run=1", "DRY_RUN="), ("date=2025-11-04", "DATE="), ("Force=1", "FORCE="),
    ("OUTPUTDIR=/tmp/x", "OUTPUT_DIR="), ("S3_REPORT_BUCKET=x", "S3_REPORTS_BUCKET="), ("x'y=1", ""),
]  # fmt: skip


@pytest.mark.parametrize(("meant", "command"), each_once(MEANT, ["help", "upload"]))
def test_a_variable_that_nothing_reads_is_refused_with_the_one_that_was_meant(
    seed: Checkout, meant: tuple[str, str], command: str
) -> None:
    word, near = meant
    ran = seed.make(command, word)
    assert ran.code == 1
    assert f"{word.split('=')[0]}= est inconnu" in ran.err
    assert (f"est-ce {near} ?" in ran.err) == bool(near)
    assert not (seed.root / "x").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["proces"], "make proces : cette commande n’existe pas (est-ce make process ?). Les voici toutes : make help"),
        (["-e", "daily", "DAYS=0"], "erreur : DAYS= : « 0 » n'est pas un nombre de jours (1 à 31)"),
        (["tout"], "make tout : cette commande n’existe pas. Les voici toutes : make help"),
        (["help", "x'y=1"], "x'y= est inconnu : rien n'a été fait. Voir make help et .env.example"),
        (["help", "DRY_RUN=$(x)"], "DRY_RUN=$(x) est invalide : écrire DRY_RUN=1, ou DRY_RUN=0"),
        (["process", "DATE=2025-13-01"], "erreur : DATE= : date « 2025-13-01 » invalide : ce jour n'existe pas, "
         "écrire par exemple 2025-11-04"),
        (["history", "MONTH=2025-13"], "erreur : MONTH= : mois « 2025-13 » invalide : écrire AAAA-MM (de 1970 à 2100), "
         "par exemple 2025-10"),
        (["bench", "WHAT=x"], "WHAT=x est inconnu : day range road-counts upload ou all"),
        (["daily", "DAYS=x"], "erreur : DAYS= : « x » n'est pas un nombre de jours (1 à 31)"),
    ],
)  # fmt: skip
def test_a_typing_error_is_one_line_of_french_that_names_it_as_typed(
    seed: Checkout, words: list[str], said: str
) -> None:
    ran = seed.make("-j2", *words)
    assert (ran.code, ran.out, ran.err.splitlines()) == (1, "", [said])


def test_a_range_that_is_none_is_said_as_it_was_typed(seed: Checkout) -> None:
    ran = seed.make("upload", "FROM=2025-11-05", "TO=2025-11-04")
    assert ran.code == 1 and ran.err.rstrip().endswith(" erreur : FROM=2025-11-05 est après TO=2025-11-04.")


@pytest.mark.parametrize("flag", ["-n", "-q", "-t"])
def test_what_make_is_asked_to_do_without_doing_it_is_not_done(seed: Checkout, flag: str) -> None:
    assert seed.make(flag, "clean").code == (flag == "-q")
    assert (seed.root / ".venv").is_dir()


def test_ctrl_c_ends_a_command_without_a_word_of_make(seed: Checkout) -> None:
    (seed.root / "scripts" / "check_quality.py").rename(seed.root / "kept")
    (seed.root / "scripts" / "check_quality.py").write_text("import time\nprint('ready', flush=True)\ntime.sleep(60)\n")
    made = subprocess.Popen(
        ["make", "quality"], cwd=seed.root, env=seed.environment, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert made.stdout and made.stdout.readline() == "ready\n"
    os.killpg(made.pid, signal.SIGINT)
    said, _ = made.communicate(timeout=deadline())
    (seed.root / "kept").rename(seed.root / "scripts" / "check_quality.py")
    assert made.returncode == -signal.SIGINT and "make:" not in said, said


def test_places_that_are_set_farther_away_than_data_dir_are_left_aside(checkout: Checkout) -> None:
    """As after make demo: what .env or the shell says of one source's files is of other data."""
    (checkout.root / ".env").write_text("CHANTIERS_CSV=/absent.csv\nCITYFLOW_STORE=mongodb\n", encoding="utf-8")
    assert (checkout.raw / SYNTHETIC_MARKER).is_file()
    ran = checkout.make("process", f"DATE={DAY}", f"DATA_DIR={checkout.raw}", COMPTAGES_CSV="/absent.csv")
    (checkout.root / ".env").unlink()
    assert (ran.code, ran.err, "rien à refaire" in ran.out) == (0, "", True)


def test_a_command_that_is_proposed_has_the_settings_that_were_typed(checkout: Checkout) -> None:
    checkout.pulls("bikes")[-1].touch()
    where = [f"DATA_DIR={checkout.raw}", f"OUTPUT_DIR={output(checkout)}"]
    ran = checkout.make("status", f"FROM={DAY}", f"TO={DAY}", *where, COLUMNS="1000")
    (proposed,) = re.findall(f"-> (make process DATE={DAY} .*)", ran.out)
    assert sorted(shlex.split(proposed)[3:]) == where


@pytest.mark.parametrize(("value", "dry"), [("1", True), ("oui", True), ("0", False), ("non", False), ("", False)])
def test_a_switch_can_be_off(value: str, dry: bool) -> None:
    for ran in (HERE.make("-n", "setup-aws", f"DRY_RUN={value}"), HERE.make("-n", "setup-aws", DRY_RUN=value)):
        assert ran.code == 0, ran.err
        assert ("--dry-run" in ran.out) == dry


def test_a_switch_that_is_neither_on_nor_off_is_refused(seed: Checkout) -> None:
    ran = seed.make("upload", "DRY_RUN=peut-être")
    assert ran.code == 1 and "écrire DRY_RUN=1, ou DRY_RUN=0" in ran.err


def test_settings_typed_after_make_are_text_whatever_they_hold(seed: Checkout, tmp_path: Path) -> None:
    folder = f"{tmp_path}/a$(shell touch {tmp_path}/executed)$HOME b"
    for target in ("weather", "process"):
        seed.make(target, f"DATE={DAY}", f"OUTPUT_DIR={folder}")
        assert sorted(path.name for path in Path(folder, "metrics").glob("weather*")) == [f"weather_metrics_{DAY}.json"]
    assert not (tmp_path / "executed").exists()


def test_a_command_that_does_not_exist_is_one_sentence() -> None:
    ran = HERE.make("proces'; touch x")
    assert ran.code == 1 and "cette commande n’existe pas" in ran.err
    assert not (ROOT / "x").exists()


@pytest.mark.parametrize("words", [[], [f"FROM={DAY}"], [f"TO={DAY}"]])
def test_a_backfill_needs_both_days(words: list[str]) -> None:
    ran = HERE.make("backfill", *words)
    assert ran.code == 1 and "FROM=AAAA-MM-JJ TO=AAAA-MM-JJ" in ran.err


def test_without_raw_data_it_is_one_line(seed: Checkout, tmp_path: Path) -> None:
    where = {"DATA_DIR": str(tmp_path / "none"), "OUTPUT_DIR": str(tmp_path / "out")}
    folders = ", ".join(dict.fromkeys(f"api/{one.name}" if one.pulls else "batch" for one in SOURCES.values()))
    for command in (["process", f"DATE={DAY}"], ["backfill", f"FROM={DAY}", f"TO={DAY}"]):
        ran = seed.make(*command, **where)
        said = ran.err.splitlines()
        assert (ran.code, len(said)) == (1, 1), ran.err
        assert f"aucun fichier brut dans {tmp_path}/none ({folders})" in said[0]


def test_a_day_that_no_source_tells_of_is_code_4_and_nothing_is_written(seed: Checkout, tmp_path: Path) -> None:
    where = {"OUTPUT_DIR": str(tmp_path)}
    ran = seed.run(".venv/bin/python", "scripts/day.py", "--date", "2025-12-25", **where)
    assert ran.code == 4, ran.err
    assert ran.err.rstrip().endswith("2025-12-25 : aucune source n'a de données, rien n'est écrit.")
    assert [name for name in seed.written(str(tmp_path)) if name != SYNTHETIC_MARKER] == []


def test_help_names_every_command() -> None:
    typed = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(SOURCES)", " ".join(SOURCES))
    rules = re.findall(r"^([a-z][a-z -]*):(?!=)", typed, flags=re.MULTILINE)
    targets = {word for rule in rules for word in rule.split() if not word.startswith(STEPS)}
    shown = HERE.make("help").out
    words = {word for line in re.findall(r"^  make (\S+)", shown, flags=re.MULTILINE) for word in line.split("|")}
    of_developers = {"venv", "new-venv", "venv-dev", "venv-bench", "constraints"}  # or made when a command needs them
    assert words == targets - of_developers
    assert max(map(len, shown.splitlines())) <= 80


def test_a_change_of_requirements_installs_again(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "checkout", tmp_path / "raw")
    requirements = checkout.root / "requirements.txt"
    requirements.write_text("# nothing is needed\n", encoding="utf-8")
    first, again = checkout.make("venv"), checkout.make("venv")
    assert (first.code, again.code) == (0, 0)
    assert "Installation de requirements.txt" in first.err
    assert again.err == ""
    (checkout.root / "constraints.txt").write_text("pandas==0\n", encoding="utf-8")
    assert "Installation de requirements.txt" in checkout.make("venv").err, "another version of what it pulls in"


def test_an_install_that_fails_says_so_in_french_and_stops(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "checkout", tmp_path / "raw")
    (checkout.root / "requirements.txt").write_text("./nothing-1.0-py3-none-any.whl\n", encoding="utf-8")
    for _ in range(2):  # nothing is noted as installed
        ran = checkout.make("process", f"DATE={DAY}")
        assert ran.code == 1
        assert ran.err.splitlines()[-1].startswith("Installation de requirements.txt impossible (voir ci-dessus) : ")


def test_without_python_the_message_says_so_once(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "checkout", tmp_path / "raw")
    for name in ("make", "bash", "rm"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    bare = str(tmp_path / "bin")
    assert checkout.make("venv", PATH=bare).code == 0, "an environment that works needs no other Python"
    shutil.rmtree(checkout.root / ".venv")
    ran = checkout.make("process", f"DATE={DAY}", PATH=bare)
    assert ran.code == 1
    assert "Python 3.11 ou plus récent est introuvable" in ran.err


def test_two_runs_of_one_day_at_once_are_refused_or_wait(checkout: Checkout) -> None:
    with day_lock(output(checkout), date.fromisoformat(DAY), "weather", None):  # held until the other run has ended
        ran = checkout.make("process", f"DATE={DAY}")
        assert ran.code == 1
        assert "un autre traitement du 2025-11-04 est en cours" in ran.err
        assert "WAIT=1" in ran.err
    assert checkout.make("process", f"DATE={DAY}", "WAIT=1").code == 0


def test_sources_that_fail_stop_no_other_nor_the_report_and_are_named(checkout: Checkout) -> None:
    """Traffic was never done and cannot be; the weather was and cannot be done again; the works can."""
    for source in ("traffic", "weather"):
        (checkout.raw / "api" / source).rename(checkout.raw / source)
    (output(checkout) / "metrics" / f"traffic_metrics_{DAY}.json").unlink()
    next((checkout.raw / "batch").glob("chantiers*")).touch()
    before = written(checkout)
    ran = checkout.make("-j4", "process", f"DATE={DAY}")
    assert ran.code == 1
    assert [ran.err.count(f"aucun fichier brut pour « {one} »") for one in ("traffic", "weather")] == [1, 1]
    assert "source manquante : perturbations des transports (relancer : make traffic" in ran.err
    assert "source manquante : météo" not in ran.err, "its last metrics are kept"
    assert changed(checkout, before) == {f"metrics/chantiers_metrics_{DAY}.json", *REPORT}

    before = written(checkout)
    again = checkout.make("process", f"DATE={DAY}")
    assert again.code == 1, "a missing source goes on failing"
    assert "source manquante" in again.err
    assert changed(checkout, before) == REPORT
