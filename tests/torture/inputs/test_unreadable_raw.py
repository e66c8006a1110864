"""Raw files and folders that are there and cannot be opened: said in the log and in the figures, the others kept."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts import doctor
from tests.conftest import Ran, RawTree
from tests.support.cases import each_once
from tests.support.confined import bits_count as bits_count
from tests.support.confined import run_confined
from tests.torture.inputs.forms import DAY, FORMS, Form

Run = Callable[..., Ran]
Spoil = Callable[[Path], None]

PULLED = [form for form in FORMS if form.name in ("bikes results", "traffic navitia", "weather visual crossing")]
EXPORTED = [form for form in FORMS if form.name in ("bikes csv", "comptages labels", "comptages api", "chantiers csv")]


def file_without_rights(victim: Path) -> None:
    victim.chmod(0o000)


def folder_without_rights(victim: Path) -> None:
    victim.parent.chmod(0o000)


def folder_that_lists_only(victim: Path) -> None:
    victim.parent.chmod(0o444)


def folder_of_the_pull_day(victim: Path) -> None:
    victim.parent.parent.chmod(0o000)


def dead_link(victim: Path) -> None:
    victim.unlink()
    victim.symlink_to("/nowhere/at all.json")


def link_to_itself(victim: Path) -> None:
    victim.unlink()
    victim.symlink_to(victim)


def dead_link_for_a_folder(victim: Path) -> None:
    day = victim.parent.parent
    day.rename(day.parents[3] / "away")
    day.symlink_to("/nowhere/at all")


def link_back_up(victim: Path) -> None:
    (victim.parent / "encore").symlink_to(victim.parents[2])


FILE: tuple[Spoil, ...] = (file_without_rights, dead_link, link_to_itself)
FOLDER: tuple[Spoil, ...] = (
    folder_without_rights,
    folder_that_lists_only,
    folder_of_the_pull_day,
    dead_link_for_a_folder,
    link_back_up,
)
CASES = [  # every way with one pull and one export, every form with one way; the rest for make torture
    *(
        (form, spoil)
        if form in (PULLED[0], EXPORTED[1]) or spoil is FILE[0]
        else pytest.param(form, spoil, marks=pytest.mark.long)
        for form in (*PULLED, *EXPORTED)
        for spoil in FILE
    ),
    *((PULLED[0], spoil) for spoil in FOLDER),
    *(pytest.param(PULLED[2], spoil, marks=pytest.mark.long) for spoil in FOLDER),  # that of traffic has one pull day
]


@pytest.fixture
def tree(raw: RawTree, bits_count: None) -> Iterator[RawTree]:
    """The raw tree, whose folders can be removed again whatever a test did to them."""
    yield raw
    for _ in range(6):  # deeper ones are seen once those above are open
        for path in raw.root.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o755)


def laid(form: Form, raw: RawTree, companions: bool = True) -> Path:
    """The form's files; the victim's path."""
    files = {**(form.companions if companions else {}), form.victim: form.content}
    for name, content in files.items():
        (raw.root / name).parent.mkdir(parents=True, exist_ok=True)
        (raw.root / name).write_bytes(content)
    return raw.root / form.victim


@pytest.mark.parametrize(
    ("form", "spoil"), CASES, ids=lambda one: (one.name if isinstance(one, Form) else one.__name__).replace(" ", "_")
)
def test_what_cannot_be_opened_is_said_and_costs_itself_alone(form: Form, spoil: Spoil, tree: RawTree) -> None:
    spoil(laid(form, tree))
    ran = run_confined(form.main, "--date", DAY)
    assert ran.code == 0 and "Traceback" not in ran.err, ran.err
    assert form.survives is not None
    metrics = tree.metrics(form.data_type, DAY)
    assert form.survives(metrics)
    qualite = metrics["qualite"]
    assert qualite["rejets"]["fichier_illisible"] == 1
    (warning,) = (one for one in qualite["avertissements"] if one["code"] == "fichiers_inutilisables")
    assert warning["severite"] == "attention" and warning["message"] in ran.err
    assert "est illisible (" in ran.err and str(tree.root) in ran.err
    assert "compte rendu" not in ran.err, "the manifest is written all the same"


@pytest.mark.parametrize(
    ("form", "spoil"), each_once([*PULLED, *EXPORTED[1:]], [file_without_rights, dead_link, folder_without_rights])
)
def test_without_anything_else_to_read_the_run_fails_and_says_why(form: Form, spoil: Spoil, tree: RawTree) -> None:
    spoil(laid(form, tree, companions=False))
    ran = run_confined(form.main, "--date", DAY)
    assert ran.code == 1 and "est illisible (" in ran.err and "erreur inattendue" not in ran.err, ran.err
    assert not (tree.output / "metrics").exists()


@pytest.mark.parametrize(
    ("name", "spoil"), each_once(["referentiel csv", "referentiel of comptages", "arrondissements"], FILE)
)
def test_an_older_export_stands_in_for_one_that_cannot_be_opened(name: str, spoil: Spoil, tree: RawTree) -> None:
    form = next(one for one in FORMS if one.name == name)
    victim = laid(form, tree)
    older = victim.with_name(victim.name.replace(".", "-2024.", 1))
    older.write_bytes(form.content)
    os.utime(older, (1, 1))
    spoil(victim)
    ran = run_confined(form.main, "--date", DAY)
    assert ran.code == 0, ran.err
    metrics = tree.metrics(form.data_type, DAY)
    codes = {one["code"] for one in metrics["qualite"]["avertissements"]}
    assert codes & {"fichiers_inutilisables", "referentiel_illisible", "arrondissements_illisibles"}
    assert f"{name.split()[0]}_absent" not in codes
    assert str(victim) in ran.err


def test_links_to_files_and_folders_elsewhere_are_read(tree: RawTree, tmp_path: Path, run: Run) -> None:
    form = PULLED[0]
    victim = laid(form, tree)
    elsewhere = tmp_path / "volume"
    elsewhere.mkdir()
    victim.rename(elsewhere / "a.json")
    victim.symlink_to(elsewhere / "a.json")
    companion = next(tree.root / name for name in form.companions).parent.parent
    companion.rename(elsewhere / "folder")
    companion.symlink_to(elsewhere / "folder")
    ran = run(form.main, "--date", DAY)
    assert ran.code == 0 and form.survives is not None and form.survives(tree.metrics("bikes", DAY)), ran.err
    assert len(tree.metrics("bikes", DAY)["metrics"]) == 2
    assert "illisible" not in ran.err


@pytest.mark.parametrize("spoil", [*FILE, *FOLDER])
def test_doctor_names_what_cannot_be_opened(spoil: Spoil, tree: RawTree) -> None:
    form = PULLED[0]
    spoil(laid(form, tree))
    ran = run_confined(doctor.main)
    found = ran.out[ran.out.index("illisibles (1)") :]
    (line,) = (one for one in ran.out.splitlines() if one.startswith("attention") and "illisibles (1)" in one)
    assert " bikes " in line and "dt=2025-11-05" in found.split("\n\n")[0]
    assert any(" bikes " in one and "fichiers : " in one for one in ran.out.splitlines()), "the others are described"


def test_doctor_fails_where_nothing_of_a_source_can_be_opened(tree: RawTree) -> None:
    file_without_rights(laid(PULLED[0], tree, companions=False))
    ran = run_confined(doctor.main)
    assert ran.code == 1
    assert any(
        one.startswith("erreur") and " bikes " in one and "illisibles (1)" in one for one in ran.out.splitlines()
    )
