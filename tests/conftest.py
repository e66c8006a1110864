"""A raw tree in tmp_path that a script is run on, as a user would: files in, exit code, messages and files out."""

import gc
import gzip
import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from lib.common.settings import Settings, load_settings
from scripts.registry import SOURCES, script
from tests import script_server

pytest_plugins = [
    "tests.support.answer_server",
    "tests.support.aws_server",
    "tests.support.fault_proxy",
    "tests.support.mongo_server",
    "tests.support.portal_server",
    "tests.support.published",
]

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT.parent / "shared" / "samples"

needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="../shared/samples is not beside this checkout")

KNOWN_PREFIXES = ("AWS_", "CITYFLOW_", "MONGODB_", "S3_", "DYNAMODB_", "IDFM_", "VISUALCROSSING_")

ARCS_HEADER = (
    "Identifiant arc;Libelle;Date et heure de comptage;Débit horaire;Taux d'occupation;Etat trafic;"
    "Identifiant noeud amont;Libelle noeud amont;Identifiant noeud aval;Libelle noeud aval;Etat arc;"
    "Date debut dispo data;Date fin dispo data;geo_point_2d;geo_shape"
)


# How many examples of each property are tried: few, and others each time, with the other tests; many in make torture.
# No deadline: a machine that does something else as well is slow now and then, which is no fault of the code.
SLOW = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("test", max_examples=15, deadline=None, suppress_health_check=SLOW)
hypothesis.settings.register_profile("torture", max_examples=200, deadline=None, suppress_health_check=SLOW)


def pytest_configure(config: pytest.Config) -> None:
    """Tests that a shell runs in the background are started with Ctrl-C ignored, which their commands would inherit."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each command compiles all our modules again
    os.environ.pop("CITYFLOW_MAKE", None)  # of make test: no test was typed after it
    config.add_cleanup(script_server.stop)
    hypothesis.settings.load_profile("torture" if int(config.getoption("--torture")) else "test")


def pytest_collection_finish() -> None:
    """Have the collector no longer look through what the imports made: it is there to stay, and commands fork off."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate", action="store_true", help="write tests/golden/ again (see test_golden_day.py)")
    parser.addoption("--torture", default="0", metavar="N", help="trials of the long tests (0: their short form)")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """As many as there are processors: one more would import and make again what each of them needs."""
    return os.cpu_count() or 1


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is marked `long` is for make torture alone."""
    if not int(config.getoption("--torture")):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@dataclass
class RawTree:
    """A raw root and an output folder of one test."""

    root: Path
    output: Path

    def batch(self, name: str, content: str | bytes) -> Path:
        return _write(self.root / "batch" / name, content)

    def pull(self, source: str, day: str, name: str, body: Any, hour: str | None = "06") -> Path:
        folder = self.root / "api" / source / f"dt={day}"
        content = body if isinstance(body, str | bytes) else json.dumps(body, ensure_ascii=False)
        return _write((folder / f"hour={hour}" if hour else folder) / name, content)

    def counts(self, rows: list[str], name: str = "comptages-routiers-permanents.csv") -> Path:
        return self.batch(name, "\n".join([ARCS_HEADER, *rows]) + "\n")

    def metrics(self, data_type: str, day: str) -> Any:
        path = self.output / "metrics" / f"{data_type}_metrics_{day}.json"
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)["metrics"]

    def report(self, day: str) -> Any:
        path = self.output / "reports" / f"daily_report_{day}.json"
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)["report"]

    def rejects(self, data_type: str, day: str) -> str:
        return (self.output / "rejects" / f"{data_type}_{day}.csv").read_text(encoding="utf-8-sig")

    def settings(self) -> Settings:
        return load_settings()


def count_row(arc: str, label: str, flow: object = "", rate: object = "", libelle: str = "Rue_A", **more: str) -> str:
    """One road-count row with labels; `label` is the END of the hour."""
    point = more.get("point", "48.85,2.35")
    shape = more.get("shape", '{""coordinates"": [[2.35, 48.85], [2.351, 48.851]], ""type"": ""LineString""}')
    state = more.get("state", "Fluide")
    return (
        f"{arc};{libelle};{label};{flow};{rate};{state};1;Amont;2;Aval;{more.get('barre', 'Invalide')};"
        f'2005-01-01;2019-06-01;{point};"{shape}"'
    )


def bike(counter: str | None, instant: str, count: object, **more: Any) -> dict[str, Any]:
    """One bike record of the portal's API; `instant` is the START of the hour."""
    return {
        "id_compteur": counter,
        "nom_compteur": more.get("name", f"Compteur {counter}"),
        "sum_counts": count,
        "date": instant,
        "coordinates": more.get("coordinates", {"lon": 2.35, "lat": 48.85}),
    }


def gz(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def _write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} in a JSON file")


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RawTree:
    """An empty raw tree, and an environment in which only it is known."""
    for name in list(os.environ):
        if name.startswith(KNOWN_PREFIXES) or name.endswith(("_CSV", "_DATA_PATH")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "raw"))
    monkeypatch.setenv("OUTPUT_DIR", str(tmp_path / "output"))
    monkeypatch.setenv("CITYFLOW_STORE", "local_files")
    (tmp_path / "raw").mkdir()
    return RawTree(tmp_path / "raw", tmp_path / "output")


@pytest.fixture(scope="session")
def two_tuesdays(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Metrics and reports of report_days.DAY and of the week before, of 300 invented arcs; not to be changed."""
    from tests.support.report_days import (  # the scripts, which few tests need
        DAY,
        WEEK_BEFORE,
        demo_environment,
        demo_store,
    )
    from tests.support.shared_trees import made_once

    folder = made_once(tmp_path_factory, "tuesdays", lambda folder: demo_store(folder, 300, [WEEK_BEFORE, DAY]))
    return load_settings(environment=demo_environment(folder), root=folder)


@dataclass
class Ran:
    """What a user saw of one command."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Ran]]:
    """Run a script's main in this process: run(process_bikes.main, "--date", "2025-11-04"). No row is broken."""
    monkeypatch.setenv("COLUMNS", "1000")

    def call(main: Callable[[list[str]], int], *argv: str) -> Ran:
        capfd.readouterr()
        try:
            code = main(list(argv))
        except SystemExit as stop:
            code = int(stop.code or 0)
        seen = capfd.readouterr()
        return Ran(code, seen.out, seen.err)

    yield call


def mains() -> dict[str, Callable[[list[str] | None], int]]:
    """The `main` of each source, by its name."""
    return {name: script(source).main for name, source in SOURCES.items()}
