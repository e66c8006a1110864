"""Rights that are missing, where they are enforced: each refusal is one message with a way out, old files are whole."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from lib.common.settings import load_settings
from lib.files.locks import whole_day
from lib.run import cli
from scripts import backfill, generate_history, generate_report, process_weather, show_status
from tests.conftest import Ran, RawTree
from tests.support.cases import each_once
from tests.support.confined import Main, mode, run_confined
from tests.support.confined import bits_count as bits_count
from tests.support.shared_trees import demo_tree

DAY = "2025-11-04"


def hold_the_day(argv: list[str] | None) -> int:
    def work() -> int:
        with whole_day(load_settings().output_dir, date.fromisoformat(DAY), wait=False):
            return 0

    return cli.guarded(work, cli.day_parser("").parse_args(argv))


COMMANDS: dict[str, tuple[Main, list[str]]] = {
    "weather": (process_weather.main, ["--date", DAY]),
    "report": (generate_report.main, ["--date", DAY]),
    "history": (generate_history.main, []),
    "backfill": (backfill.main, ["--from", DAY, "--to", DAY, "--source", "weather", "--force", "--jobs", "1"]),
    "status": (show_status.main, ["--from", DAY, "--to", DAY]),
    "lock of make": (hold_the_day, []),
}
FOLDERS = ("", "metrics", "reports", "rejects", "runs", f"runs/{DAY}", ".locks", ".inputs")
READ_ONLY, NOT_TO_BE_ENTERED, CLOSED = 0o555, 0o444, 0o000


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("rights")
    shutil.copytree(demo_tree(tmp_path_factory, 1), root / "raw")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("DATA_DIR", "raw"), ("OUTPUT_DIR", "output")):
            patch.setenv(name, str(root / value))
        patch.setenv("CITYFLOW_STORE", "local_files")
        for main, words in ((backfill.main, ["--from", DAY, "--to", DAY]), COMMANDS["history"]):
            assert run_confined(main, *words).code == 0
    return root


@pytest.fixture
def results(raw: RawTree, processed: Path, bits_count: None) -> RawTree:
    shutil.copytree(processed / "raw", raw.root, dirs_exist_ok=True)
    shutil.copytree(processed / "output", raw.output)
    return raw


def run(name: str) -> Ran:
    main, words = COMMANDS[name]
    return run_confined(main, *words)


def figures(output: Path) -> dict[str, bytes]:
    """Metrics and reports, byte for byte."""
    paths = [path for folder in ("metrics", "reports") for path in (output / folder).rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in paths}


def check_refusal(ran: Ran, place: Path, note: str) -> None:
    assert ran.code in (0, 1) and "Traceback" not in ran.err and "erreur inattendue" not in ran.err, note
    if ran.code:
        assert str(place) in ran.err and "droits" in ran.err, note


@pytest.mark.parametrize(("name", "bits"), each_once(COMMANDS, [READ_ONLY, NOT_TO_BE_ENTERED, CLOSED]))
def test_a_folder_of_results_without_rights(
    name: str, bits: int, results: RawTree, request: pytest.FixtureRequest
) -> None:
    quick = bits == READ_ONLY and name not in ("report", "backfill")
    everywhere = quick or int(request.config.getoption("--torture"))
    for folder in FOLDERS if everywhere else (*FOLDERS[:3], f"runs/{DAY}") if bits == READ_ONLY else FOLDERS[:2]:
        for path in (results.output / ".inputs").glob("*.txt"):
            path.write_text("no longer true")  # so that each list is to be written again
        before = figures(results.output)
        with mode(results.output / folder, bits):
            ran = run(name)
        note = f"{folder or 'whole'}: {ran}"
        check_refusal(ran, results.output / folder, note)
        if ran.code:
            assert "accès refusé" in ran.err, note
            assert name == "backfill" or figures(results.output) == before, note
        elif folder == f"runs/{DAY}" and name in ("weather", "report", "backfill"):
            assert "compte rendu du traitement n'est pas écrit" in ran.err, note
        assert not list(results.output.rglob(".*.tmp")), note
    assert run(name).code == 0, "rights are all that was missing"


NAMES = {  # files that each command writes
    "weather": [
        f"metrics/weather_metrics_{DAY}.json",
        f"rejects/weather_{DAY}.csv",
        ".inputs/weather.txt",
        f".locks/{DAY}.weather.lock",
    ],
    "report": [f"reports/daily_report_{DAY}{suffix}" for suffix in (".json", ".csv", ".html")],
    "history": ["reports/index.html"],
    "status": [],
    "lock of make": [f".locks/{DAY}.lock"],
    "backfill": [f"metrics/weather_metrics_{DAY}.json", ".inputs/weather.txt", f".locks/{DAY}.weather.lock"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_folder_in_the_place_of_a_file(name: str, results: RawTree) -> None:
    for file in NAMES[name]:
        path = results.output / file
        kept = path.read_bytes() if path.exists() else None
        path.unlink(missing_ok=True)
        path.mkdir()
        (path / "kept").touch()
        before = figures(results.output)
        ran = run(name)
        check_refusal(ran, path, f"{file}: {ran}")
        assert ran.code == 1 and (path / "kept").exists(), f"{file}: {ran}"
        if len(NAMES[name]) > 3 or "reports" not in file:
            assert figures(results.output) == before or name == "backfill", f"{file}: {ran}"
        shutil.rmtree(path)
        if kept is not None:
            path.write_bytes(kept)
    assert run(name).code == 0
