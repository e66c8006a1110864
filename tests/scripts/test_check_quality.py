"""The quality gate on days written to a real store: what is said, with which code, and how the command ends."""

import ast
import io
import re
import sys
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from lib.figures.quality import IN_WORDS
from lib.local_file_service import LocalFileService
from scripts import check_quality
from tests.conftest import ROOT, Ran, RawTree

DAY = date(2025, 11, 4)
MEDIAN = "par rapport à la médiane de 3 mêmes jours de semaine, sur les mêmes capteurs"
Run = Callable[..., Ran]


def qualite(**changes: Any) -> dict[str, Any]:
    account = {"statut": "complet", "couverture": 1.0, "lignes_lues": 1000, "rejets": {}, "avertissements": []}
    return account | changes


def bikes(total: float, counters: int = 100, **account: Any) -> dict[str, Any]:
    """One counter that counts `total` in an hour, whatever is said of how many there are."""
    row = {"id_compteur": "A", "ecarte": None, "comptages_horaires": [total, *[0.0] * 23], "heures_valides": 24}
    rows = [row | {"total_jour": total, "pic_horaire": total}]
    return {"total_jour": total, "nombre_compteurs_actifs": counters, "metrics": rows, "qualite": qualite(**account)}


def history(store: LocalFileService, totals: list[float], day: date = DAY) -> None:
    for week, total in enumerate(totals, start=1):
        store.save_metrics(bikes(total), "bikes", day - timedelta(weeks=week))


@pytest.fixture
def store(raw: RawTree) -> LocalFileService:
    return LocalFileService(raw.output)


def lines(ran: Ran, source: str) -> list[str]:
    return [line for line in ran.out.splitlines() if f" {source} " in line]


@pytest.mark.parametrize(
    ("total", "said"),
    [
        (41_000, []),
        (
            39_000,
            [f"chute : Passages du jour : -61 % {MEDIAN} (seuil -60 %)."],
        ),
        (179_000, []),
        (
            181_000,
            [f"hausse : Passages du jour : +81 % {MEDIAN} (seuil +80 %)."],
        ),
    ],
)
def test_a_fall_or_a_rise_is_measured_against_the_same_weekdays(
    store: LocalFileService, run: Run, total: float, said: list[str]
) -> None:
    history(store, [90_000, 100_000, 110_000])
    store.save_metrics(bikes(total), "bikes", DAY)
    ran = run(check_quality.main, "--date", str(DAY))
    assert [line.split("bikes        ")[1] for line in lines(ran, "bikes")] == said


def test_a_partial_day_is_said_to_be_thin_and_not_to_have_fallen(store: LocalFileService, run: Run) -> None:
    history(store, [90_000, 100_000, 110_000])
    store.save_metrics(bikes(30_000, counters=30, couverture=0.3), "bikes", DAY)
    (said,) = lines(run(check_quality.main, "--date", str(DAY)), "bikes")
    assert "couverture_basse" in said


def test_a_public_holiday_has_wider_bounds(store: LocalFileService, run: Run) -> None:
    armistice = date(2025, 11, 11)
    history(store, [100_000, 100_000], armistice)
    store.save_metrics(bikes(35_000), "bikes", armistice)
    assert not lines(run(check_quality.main, "--date", str(armistice)), "bikes")
    store.save_metrics(bikes(500), "bikes", armistice)
    (said,) = lines(run(check_quality.main, "--date", str(armistice)), "bikes")
    assert "chute" in said and "jour férié (Armistice)" in said


def test_one_earlier_week_says_nothing(store: LocalFileService, run: Run) -> None:
    history(store, [100_000])
    store.save_metrics(bikes(10), "bikes", DAY)
    assert not lines(run(check_quality.main, "--date", str(DAY)), "bikes")


@pytest.mark.parametrize(
    ("account", "severity", "code"),
    [
        ({"couverture": 0.94}, "attention", "couverture_basse"),
        ({"couverture": 0.49}, "grave", "couverture_basse"),
        ({"rejets": {"comptage_negatif": 11}}, "attention", "rejets_nombreux"),
        ({"rejets": {"comptage_negatif": 90, "json_illisible": 11}}, "grave", "rejets_nombreux"),
    ],
)
def test_thin_coverage_and_many_rejects(
    store: LocalFileService, run: Run, account: dict[str, Any], severity: str, code: str
) -> None:
    store.save_metrics(bikes(1.0, **account), "bikes", DAY)
    (said,) = lines(run(check_quality.main, "--date", str(DAY)), "bikes")
    assert said.startswith(severity) and f"{code} : " in said


def test_missing_and_stopped_sources_are_serious_and_strict_fails(store: LocalFileService, run: Run) -> None:
    store.save_metrics(bikes(1.0), "bikes", DAY)
    store.save_metrics({"x": 1}, "weather", DAY - timedelta(days=4))
    store.save_metrics({"x": 1}, "traffic", DAY - timedelta(days=3))
    ran = run(check_quality.main, "--date", str(DAY))
    assert ran.code == 0
    assert lines(ran, "weather") == [
        "grave        weather      source_arretee : Plus aucune donnée depuis le 31/10/2025."
    ]
    assert [line for line in ran.out.splitlines() if "manquante" in line] == [  # what they have in common is said once
        "grave        4 sources    source_manquante : Aucune donnée pour ce jour. (traffic, comptages, chantiers, "
        "referentiel)"
    ]
    assert ran.out.splitlines()[-1] == "2025-11-04 : 2 points à voir, 0 information."
    assert run(check_quality.main, "--date", str(DAY), "--strict").code == 1


def test_a_day_the_store_does_not_know_names_the_days_it_does(store: LocalFileService, run: Run) -> None:
    store.save_metrics(bikes(1.0), "bikes", DAY)
    ran = run(check_quality.main, "--date", "2025-11-05", "--strict")
    assert ran.code == 4 and "2025-11-04" in ran.err


def codes_in_the_code() -> set[str]:
    """Every code the program can say: first words of warn() and reject(), second of Finding(), keys of `reasons`.

    Also the third of InputError(), which counts a file as rejected.
    """
    found: set[str] = set()
    for path in [*(ROOT / "lib").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in ("warn", "reject") and node.args:
                found |= _texts(node.args[0])
            elif (
                isinstance(node, ast.Call) and _name(node.func) == "Finding" and isinstance(node.args[1], ast.Constant)
            ):
                found |= _texts(node.args[1])
            elif isinstance(node, ast.Call) and _name(node.func) in ("InputError", "__init__"):
                found |= {code for one in node.args[2:] for code in _texts(one)}
            elif isinstance(node, ast.Assign) and _name(node.targets[0]) in (
                "reasons",
                "DATE_REJECTS",
                "SYNTHETIC",
            ):
                value = node.value
                keys = value.keys if isinstance(value, ast.Dict) else getattr(value, "elts", [value])
                found |= {key.value for key in keys if isinstance(key, ast.Constant)}
    return {code for code in found if re.fullmatch(r"[a-z]+(_[a-z]+)*", code)}


def _name(node: ast.expr) -> str:
    return getattr(node, "attr", getattr(node, "id", ""))


def _texts(node: ast.AST) -> set[str]:
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def test_figures_of_an_older_version_are_not_to_be_used(store: LocalFileService, run: Run) -> None:
    store.save_metrics({"total": 12}, "bikes", DAY)
    ran = run(check_quality.main, "--date", str(DAY), "--strict")
    assert ran.code == 1
    assert "grave        bikes        version_anterieure : " in ran.out
    assert "make bikes DATE=2025-11-04 FORCE=1" in ran.out


def test_every_reason_of_rejected_rows_has_words() -> None:
    page = (ROOT / "docs" / "quality-codes.md").read_text(encoding="utf-8").partition("## Reasons of rejected rows")[2]
    codes = {
        code for row in page.splitlines() if row.startswith("| `") for code in re.findall("`(.*?)`", row.split("|")[1])
    }
    assert codes == set(IN_WORDS) and len(codes) > 40


def test_every_code_is_documented() -> None:
    page = (ROOT / "docs" / "quality-codes.md").read_text(encoding="utf-8")
    codes = codes_in_the_code()
    assert {"couverture_basse", "fichier_vide", "debit_negatif", "fin_avant_debut", "export_ancien"} <= codes
    assert sorted(code for code in codes if f"`{code}`" not in page) == []


def test_rows_fit_in_80_columns_and_no_line_begins_with_a_colon(
    store: LocalFileService, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS")
    store.save_metrics(bikes(1.0, rejets={"comptage_negatif": 90, "json_illisible": 11}), "bikes", DAY)
    told = run(check_quality.main, "--date", str(DAY)).out.splitlines()
    assert max(map(len, told)) <= 80
    assert len(told) > 3 and "négatif : 90, JSON illisible : 11)." in " ".join(told)
    assert not [one for one in told if one.lstrip().startswith((":", ";"))]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_states_are_coloured_on_a_terminal_that_wants_it(
    store: LocalFileService, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save_metrics(bikes(0.3), "bikes", DAY)
    monkeypatch.setenv("TERM", "xterm")
    for wanted, settings in ((True, {}), (False, {"NO_COLOR": "1"}), (False, {"TERM": "dumb"})):
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", terminal := Terminal())
            for name, value in settings.items():
                patched.setenv(name, value)
            check_quality.main(["--date", str(DAY)])
        assert ("\x1b[31mgrave\x1b[0m" in terminal.getvalue()) is wanted
    assert "\x1b" not in run(check_quality.main, "--date", str(DAY)).out
