"""Where a setting comes from, what a path means, and what is said when a value makes no sense."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lib.common.errors import ConfigError, ExitCode
from lib.common.paris_time import machine_now
from lib.common.settings import MAKE, SYNTHETIC_MARKER, load_settings
from lib.common.shown_settings import shown_settings, typable
from lib.database_factory import get_database_service, get_database_type
from lib.local_file_service import LocalFileService
from scripts import process_weather
from tests.conftest import ROOT, Ran, RawTree
from tests.support.checkout import copy_checkout
from tests.support.documents import env_example

Run = Callable[..., Ran]


def dotenv(root: Path, *lines: str) -> None:
    (root / ".env").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_command_line_then_environment_then_dotenv_then_default(tmp_path: Path) -> None:
    dotenv(tmp_path, "AWS_REGION=eu-from-file", "S3_REPORTS_PREFIX=from-file", "MONGODB_DATABASE=from-file")
    environment = {"AWS_REGION": "eu-from-environment", "S3_REPORTS_PREFIX": "from-environment"}
    settings = load_settings({"AWS_REGION": "eu-from-option"}, environment, tmp_path)
    assert settings.aws_region == "eu-from-option"
    assert settings.s3_reports_prefix == "from-environment"
    assert settings.mongodb_database == "from-file"
    assert settings.dynamodb_metrics_table == "cityflow-metrics"
    names = ("AWS_REGION", "S3_REPORTS_PREFIX", "MONGODB_DATABASE", "DYNAMODB_METRICS_TABLE")
    assert [settings.origins[name] for name in names] == ["option", "environnement", ".env", "défaut"]


def test_now_is_the_machine_s_clock_unless_a_test_fixes_it(tmp_path: Path) -> None:
    before = machine_now()
    assert before <= load_settings({}, {}, tmp_path).now() <= machine_now()
    fixed = load_settings({}, {"CITYFLOW_NOW": "2026-10-25T02:30:00+01:00"}, tmp_path)
    assert fixed.now() == fixed.now() == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["demain", "2026-10-25", "2026-10-25T02:30:00", "0001-01-01T00:00:00+14:00"])
def test_a_clock_that_is_no_instant_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="CITYFLOW_NOW"):
        load_settings({}, {"CITYFLOW_NOW": text}, tmp_path)


def test_a_clock_is_not_stopped_for_good(tmp_path: Path) -> None:
    """In .env it would make every night's run do the same day again."""
    dotenv(tmp_path, "CITYFLOW_NOW=2026-10-25T02:30:00+01:00")
    with pytest.raises(ConfigError, match=r"CITYFLOW_NOW=.*\.env.*essais"):
        load_settings({}, {}, tmp_path)


def test_an_empty_value_is_no_value(tmp_path: Path) -> None:
    dotenv(tmp_path, "OUTPUT_DIR=results", "AWS_REGION=")
    settings = load_settings({"OUTPUT_DIR": ""}, {"OUTPUT_DIR": "  "}, tmp_path)
    assert settings.output_dir == tmp_path / "results"
    assert settings.aws_region == "eu-west-3"


def test_dotenv_is_read_as_people_write_it(tmp_path: Path) -> None:
    dotenv(
        tmp_path,
        "\ufeffMONGODB_DATABASE=windows",
        'OUTPUT_DIR="out put"',
        "export AWS_REGION=eu-west-1",
        "S3_REPORTS_BUCKET='b$HOME'",
    )
    settings = load_settings({}, {}, tmp_path)
    assert settings.output_dir == tmp_path / "out put"
    assert (settings.aws_region, settings.s3_reports_bucket) == ("eu-west-1", "b$HOME")
    assert settings.mongodb_database == "windows"  # although Notepad put a mark before the name


def test_paths_are_below_the_project_or_where_they_say(tmp_path: Path) -> None:
    environment = {"DATA_DIR": "raw", "API_DATA_PATH": "/srv/api", "COMPTAGES_CSV": "~/counts.csv"}
    settings = load_settings({}, environment, tmp_path)
    assert settings.data_dir == f"{tmp_path}/raw"
    assert settings.batch_dir == f"{tmp_path}/raw/batch"
    assert settings.api_dir == "/srv/api"
    assert settings.comptages_csv == f"{Path.home()}/counts.csv"
    assert (settings.chantiers_csv, settings.output_dir) == ("", tmp_path / "output")


def test_data_dir_may_be_the_folder_above(tmp_path: Path) -> None:
    (tmp_path / "data" / "cityflow-raw" / "raw").mkdir(parents=True)
    for given in ("data", "data/cityflow-raw/raw", ""):
        assert load_settings({}, {"DATA_DIR": given}, tmp_path).data_dir == f"{tmp_path}/data/cityflow-raw/raw"


def test_a_place_that_is_set_farther_away_than_data_dir_is_left_aside(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("COMPTAGES_CSV=a.csv\nDATA_DIR=real\n", encoding="utf-8")
    assert load_settings(environment={}, root=tmp_path).comptages_csv == str(tmp_path / "a.csv")
    nearer = load_settings(environment={"DATA_DIR": "data/demo", "API_DATA_PATH": "api"}, root=tmp_path)
    assert (nearer.comptages_csv, nearer.api_dir) == ("", str(tmp_path / "api"))
    (told,) = [one for one in shown_settings(nearer) if one["nom"] == "COMPTAGES_CSV"]
    assert told["valeur"] == "" and told["origine"].startswith(".env : laissé de côté")


def test_invented_raw_files_go_to_a_database_only_where_a_command_says_so(tmp_path: Path) -> None:
    (tmp_path / SYNTHETIC_MARKER).touch()
    (tmp_path / ".env").write_text("CITYFLOW_STORE=mongodb\n", encoding="utf-8")
    here = {"DATA_DIR": str(tmp_path)}
    assert load_settings(environment=here, root=tmp_path).store == "local_files"
    assert load_settings({"CITYFLOW_STORE": "mongodb"}, here, tmp_path).store == "mongodb"
    assert load_settings(environment={"DATA_DIR": "elsewhere"}, root=tmp_path).store == "mongodb"


def test_commands_of_a_message_get_what_was_typed_after_make(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Relancer : make report DATE=2025-11-04 FORCE=1). Sinon make fetch, ou make demo ; make venv."
    monkeypatch.delenv(MAKE, raising=False)
    assert typable(text) == text
    for name, value in {
        MAKE: "make DATE DATA_DIR IDFM_API_KEY",
        "DATE": "x",
        "DATA_DIR": "a b",
        "IDFM_API_KEY": "k",
    }.items():
        monkeypatch.setenv(name, value)
    assert typable(text) == (
        "Relancer : make report DATE=2025-11-04 FORCE=1 DATA_DIR='a b'). Sinon make fetch DATA_DIR='a b', "
        "ou make demo ; make venv."
    )
    assert typable("make process DATA_DIR=/x OUTPUT_DIR=y") == "make process DATA_DIR=/x OUTPUT_DIR=y"


def test_a_laptop_is_known_by_its_folder(tmp_path: Path) -> None:
    assert get_database_type(load_settings({}, {}, tmp_path)) == "local_files"
    raw = tmp_path / "bucket-cityflow-paris-s3-raw" / "cityflow-raw" / "raw"
    raw.mkdir(parents=True)
    settings = load_settings({}, {}, tmp_path)
    assert (get_database_type(settings), settings.data_dir) == ("mongodb", str(raw))
    assert get_database_type(load_settings({}, {"CITYFLOW_STORE": "local_files"}, tmp_path)) == "local_files"


def test_the_readme_command_says_which_store(tmp_path: Path) -> None:
    command = "from lib.database_factory import get_database_type; print(get_database_type())"
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "CITYFLOW_STORE": "local_files"}
    ran = subprocess.run([sys.executable, "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("local_files\n", "")


def test_files_are_the_store_of_local_files(raw: RawTree) -> None:
    with get_database_service(raw.settings()) as store:
        assert isinstance(store, LocalFileService)
        assert store.output_dir == raw.output


def test_an_unknown_store_is_exit_3_and_names_the_known_ones(
    raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYFLOW_STORE", "oracle")
    ran = run(process_weather.main, "--date", "2025-11-04")
    assert (ran.code, ran.out) == (ExitCode.CONFIG, "")
    assert "CITYFLOW_STORE=oracle (environnement) est inconnu. Choisir parmi : local_files" in ran.err
    assert run(process_weather.main, "--store", "oracle").code == ExitCode.USAGE


def test_an_absolute_output_dir_that_cannot_be_made_falls_back_and_is_said(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "checkout", tmp_path / "raw")
    (tmp_path / "file").touch()
    wanted = str(tmp_path / "file" / "output")
    settings = load_settings({}, {"OUTPUT_DIR": wanted}, checkout.root)
    assert settings.output_dir == checkout.root / "output"
    for name in ("process_weather", "generate_report"):
        ran = checkout.run(".venv/bin/python", f"scripts/{name}.py", "--date", "2025-11-04", OUTPUT_DIR=wanted)
        assert ran.code == ExitCode.NO_INPUT
        assert f"{wanted} ne peut pas être créé" in ran.err
        assert f"résultats dans {checkout.root / 'output'}" in ran.err


def test_output_dir_that_can_be_made_says_nothing(tmp_path: Path) -> None:
    settings = load_settings({}, {"OUTPUT_DIR": str(tmp_path / "a" / "b")}, tmp_path)
    assert settings.output_dir == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()
    assert settings.fallback_notice == ""


def test_a_dotenv_that_cannot_be_read_is_exit_3(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"AWS_REGION=\xff\xfe\n")
    with pytest.raises(ConfigError, match=r"\.env ne peut pas être lu"):
        load_settings({}, {}, tmp_path)


@pytest.mark.parametrize("what", ["dead link", "folder"])
def test_a_dotenv_that_is_no_file_is_exit_3_and_not_passed_over(tmp_path: Path, what: str) -> None:
    path = tmp_path / ".env"
    path.symlink_to(tmp_path / "not mounted") if what == "dead link" else path.mkdir()
    with pytest.raises(ConfigError, match=r"\.env ne peut pas être lu"):
        load_settings({}, {}, tmp_path)


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        (('OUTPUT_DIR="results', "IDFM_API_KEY=SECRET"), 1),
        (("OUTPUT_DIR=results", "# clé", "", 'IDFM_API_KEY="SECRET'), 4),
        (("OUTPUT_DIR=results", "", "IDFM_API_KEY SECRET"), 3),
        (("OUTPUT_DIR=results", "SECRET"), 2),
    ],
)
def test_a_line_of_dotenv_that_says_nothing_is_exit_3_and_not_repeated(
    tmp_path: Path, lines: tuple[str, ...], number: int
) -> None:
    dotenv(tmp_path, *lines)
    with pytest.raises(ConfigError, match=rf"\.env, ligne {number} : ce n'est pas NOM=valeur") as refusal:
        load_settings({}, {}, tmp_path)
    assert "SECRET" not in str(refusal.value)


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    settings = load_settings({}, {"MONGODB_URL": "mongodb://user:motdepasse@host"}, tmp_path)
    assert settings.mongodb_url == "mongodb://user:motdepasse@host"
    assert "motdepasse" not in repr(settings)


def test_env_example_is_up_to_date_and_holds_the_defaults(tmp_path: Path) -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert text == env_example()
    defaults = load_settings({}, {}, tmp_path)
    for lines in (text, text.replace("\n#", "\n").replace("\n ", "\n# ")):  # as it is, then every setting taken up
        dotenv(tmp_path, lines)
        assert load_settings({}, {}, tmp_path) == defaults
    assert load_settings({}, {}, tmp_path).origins["AWS_REGION"] == ".env"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://api.example/v1?apikey=SECRET&x=SECRET", "https://api.example/v1?apikey=***&x=***"),
        ("tcp://10.0.0.4:8786?token=SECRET", "tcp://10.0.0.4:8786?token=***"),
        ("https://me:SECRET@host/path", "https://***@host/path"),
        ("/data/what?=kept", "/data/what?=kept"),
    ],
)
def test_keys_within_an_address_are_not_shown(address: str, shown: str, tmp_path: Path) -> None:
    settings = load_settings(environment={"OPEN_METEO_URL": address}, root=tmp_path)
    assert {one["nom"]: one["valeur"] for one in shown_settings(settings)}["OPEN_METEO_URL"] == shown


def test_days_kept_must_be_a_number(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="KEEP_DAYS=toujours"):
        load_settings(environment={"KEEP_DAYS": "toujours"}, root=tmp_path)
