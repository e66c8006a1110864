"""The daily report, from metrics that the scripts really wrote: what is missing, compared, and opened in Excel."""

import copy
import json
import math
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lib.local_file_service import LocalFileService
from scripts import backfill
from scripts.generate_report import main
from scripts.registry import SOURCES
from tests.conftest import Ran, RawTree
from tests.support.shared_trees import demo_tree

Run = Callable[..., Ran]
DAY = "2025-11-04"
TODAY = date.fromisoformat(DAY)


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of DAY without any history, computed once."""
    folder = tmp_path_factory.mktemp("computed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATA_DIR", str(demo_tree(tmp_path_factory, 8)))
        patch.setenv("OUTPUT_DIR", str(folder / "output"))
        patch.setenv("CITYFLOW_STORE", "local_files")
        assert backfill.main(["--from", DAY, "--to", DAY]) == 0
    return folder / "output"


@pytest.fixture
def day(raw: RawTree, computed: Path) -> RawTree:
    """The metrics of DAY as real ones, without a report."""
    shutil.copytree(computed / "metrics", raw.output / "metrics")
    return raw


def earlier(raw: RawTree, source: str, weeks: int, change: Callable[[Any], None]) -> None:
    """Metrics of the same weekday `weeks` before: those of DAY, changed."""
    metrics = copy.deepcopy(raw.metrics(source, DAY))
    metrics["qualite"]["couverture"] = 1.0
    change(metrics)
    LocalFileService(raw.output).save_metrics(metrics, source, TODAY - timedelta(weeks=weeks))


def edit(raw: RawTree, source: str, change: Callable[[Any], None]) -> None:
    earlier(raw, source, 0, change)


def weather_alone(raw: RawTree, computed: Path, when: str) -> None:
    """Another day of which only the weather is known: that of DAY."""
    metrics = LocalFileService(computed).load_metrics("weather", TODAY)
    assert metrics
    LocalFileService(raw.output).save_metrics(metrics, "weather", date.fromisoformat(when))


def total(number: float, coverage: float = 1.0) -> Callable[[Any], None]:
    """One counter that passes `number` in the day, all of it in one hour, and nothing in the others."""

    def change(metrics: Any) -> None:
        metrics["total_jour"] = number
        metrics["qualite"]["couverture"] = coverage
        row = {"id_compteur": "A", "ecarte": None, "comptages_horaires": [number, *[0] * 23], "heures_valides": 24}
        metrics["metrics"] = [row | {"total_jour": number, "pic_horaire": number}]

    return change


def table(raw: RawTree, day: str = DAY) -> pd.DataFrame:
    path = raw.output / "reports" / f"daily_report_{day}.csv"
    return pd.read_csv(path, sep=";", decimal=",", encoding="utf-8-sig", keep_default_na=False)


def cell(raw: RawTree, section: str, identifier: str, indicator: str) -> Any:
    rows = table(raw)
    found = rows[(rows["section"] == section) & (rows["identifiant"] == identifier) & (rows["indicateur"] == indicator)]
    (value,) = found["valeur"]
    return value


def test_a_whole_day_has_every_section_and_exit_0(day: RawTree, run: Run) -> None:
    ran = run(main, "--date", DAY)
    assert ran.code == 0
    report = day.report(DAY)
    assert report["resume"]["sources_manquantes"] == []
    states = {source: report["sources"][source]["statut"] for source in SOURCES}
    partial = {"bikes", "comptages"}  # without history, sensors that fail all day are expected all the same
    assert states == {source: "partiel" if source in partial else "complet" for source in SOURCES}
    assert all(rows for section in ("tops", "alertes", "capteurs_defaillants") for rows in report[section].values())
    assert report["chiffres_cles"]["passages_velo"]["valeur"] == day.metrics("bikes", DAY)["total_jour"]
    assert report["meteo"]["metrics"] == day.metrics("weather", DAY)["metrics"]
    sections = {"Résumé", "Contexte", "Chiffres du jour", "Heure par heure", "Météo", "Perturbations", "Chantiers"}
    assert sections <= set(table(day)["section"])


@pytest.mark.parametrize("source", SOURCES)
def test_a_missing_source_is_missing_and_never_zero(day: RawTree, run: Run, source: str) -> None:
    (day.output / "metrics" / f"{source}_metrics_{DAY}.json").unlink()
    ran = run(main, "--date", DAY)
    assert ran.code == 1
    assert f"(relancer : make {source} DATE={DAY})" in ran.err
    report = day.report(DAY)
    assert report["resume"]["sources_manquantes"] == [source]
    assert report["resume"]["statut"] == "partielle"
    assert report["sources"][source]["statut"] == "manquant"
    figures = [one for one in report["chiffres_cles"].values() if one["source"] == source]
    assert all(one["valeur"] is None and one["comparaison"] == "donnée manquante" for one in figures)
    rows = table(day)
    assert list(rows[rows["identifiant"] == source]["valeur"]) == ["manquant"]
    assert [one["code"] for one in report["constats"] if one["source"] == source] == ["source_manquante"]


def test_what_the_missing_sources_would_fill_is_null(day: RawTree, run: Run) -> None:
    for source in ("comptages", "bikes", "traffic", "weather", "chantiers"):
        (day.output / "metrics" / f"{source}_metrics_{DAY}.json").unlink()
    assert run(main, "--date", DAY).code == 1
    report = day.report(DAY)
    for section in ("tops", "alertes", "capteurs_defaillants"):
        assert set(report[section].values()) == {None}
    assert (report["chantiers"], report["perturbations"], report["meteo"]) == (None, None, None)
    assert "données manquantes (trafic routier, vélo et transports)" in report["resume"]["phrase"]
    gone = {"Tronçons les plus chargés", "Alertes de congestion", "Chantiers", "Météo", "Perturbations"}
    assert not set(table(day)["section"]) & gone


def test_a_source_that_measured_nothing_is_missing_too(day: RawTree, run: Run) -> None:
    edit(day, "bikes", lambda metrics: metrics["qualite"].update(statut="absent", couverture=0.0))
    assert run(main, "--date", DAY).code == 1
    assert day.report(DAY)["resume"]["sources_manquantes"] == ["bikes"]


def test_a_day_of_blank_road_counts_has_no_rankings_nor_alerts_rather_than_none_found(day: RawTree, run: Run) -> None:
    def blank(metrics: Any) -> None:
        metrics["qualite"].update(statut="absent", couverture=0.0)
        metrics["alertes_congestion"] = metrics["top_10_troncons"] = metrics["top_10_zones_congestionnees"] = []

    edit(day, "comptages", blank)
    assert run(main, "--date", DAY).code == 1
    report = day.report(DAY)
    assert report["alertes"]["congestion"] is None
    assert report["tops"]["troncons"] is report["tops"]["zones_congestionnees"] is None
    assert report["profils_horaires"]["trafic_routier"] is None
    assert report["capteurs_defaillants"]["comptages"]  # those that were silent
    page = (day.output / "reports" / f"daily_report_{DAY}.html").read_text(encoding="utf-8")
    assert page.count("Donnée manquante\u00a0: ") == 5  # map, hours, two rankings, alerts
    assert "Aucun tronçon n'a dépassé" not in page.replace("&#39;", "'")


def test_a_source_whose_figures_are_of_an_older_version_is_missing_and_said(day: RawTree, run: Run) -> None:
    edit(day, "bikes", lambda metrics: [metrics.pop(key) for key in ("qualite", "profil_horaire")])
    ran = run(main, "--date", DAY)
    assert ran.code == 1
    assert "comptage vélo du 2025-11-04 : chiffres d'une version antérieure, laissés de côté" in ran.err
    assert day.report(DAY)["resume"]["sources_manquantes"] == ["bikes"]


def test_a_partial_source_is_named_and_no_failure(day: RawTree, run: Run) -> None:
    edit(day, "weather", lambda metrics: metrics["qualite"].update(statut="partiel", couverture=0.9))
    assert run(main, "--date", DAY).code == 0
    resume = day.report(DAY)["resume"]
    assert (resume["statut"], resume["sources_partielles"]) == ("partielle", ["bikes", "weather", "comptages"])


def test_a_day_that_the_store_does_not_know_names_those_it_knows(day: RawTree, run: Run) -> None:
    ran = run(main, "--date", "2025-11-03")
    assert (ran.code, ran.out) == (4, "")
    assert DAY in ran.err
    assert not (day.output / "reports").exists()


def test_without_history_nothing_is_compared_and_it_says_so(day: RawTree, run: Run) -> None:
    assert run(main, "--date", DAY).code == 0
    figures = day.report(DAY)["chiffres_cles"]
    for figure in figures.values():
        assert (figure["jours_compares"], figure["comparaison"]) == (0, "sans historique")
        assert {figure[key] for key in figure if key.endswith("_pct") or "semaine" in key} == {None}
    assert "(sans historique)" in day.report(DAY)["resume"]["phrase"]
    assert cell(day, "Chiffres du jour", "passages_velo", "écart à l'habitude") == ""
    assert cell(day, "Chiffres du jour", "passages_velo", "comparé à") == "sans historique"


def test_evolution_against_last_week_and_the_median_of_four(day: RawTree, run: Run) -> None:
    edit(day, "bikes", total(1100))
    for week, number in enumerate((1000, 800, 900, 5000, 1), start=1):  # the fifth week is too far away
        earlier(day, "bikes", week, total(number))
    assert run(main, "--date", DAY).code == 0
    figure = day.report(DAY)["chiffres_cles"]["passages_velo"]
    assert (figure["semaine_precedente"], figure["evolution_semaine_precedente_pct"]) == (1000, 10.0)
    assert (figure["mediane_4_semaines"], figure["evolution_mediane_pct"]) == (950, 16.1)
    assert (figure["jours_compares"], figure["comparaison"]) == (4, "4 semaines")
    assert (
        "vélo en nette hausse (+16,1\u202f%) par rapport aux 4\u00a0mardis précédents"
        in day.report(DAY)["resume"]["phrase"]
    )
    assert cell(day, "Chiffres du jour", "passages_velo", "écart à l'habitude") == "16,1"


def counters(number: int, hours: int = 24, count: int = 10) -> Callable[[Any], None]:
    """So many counters, each with the same count in the first so many hours."""

    def change(metrics: Any) -> None:
        values = [count] * hours + [None] * (24 - hours)
        one = {"ecarte": None, "comptages_horaires": values, "heures_valides": hours, "pic_horaire": count}
        rows = [one | {"id_compteur": str(n), "total_jour": hours * count} for n in range(number)]
        metrics |= {"metrics": rows, "total_jour": number * hours * count}
        metrics["qualite"]["couverture"] = number * hours / 240

    return change


def test_a_past_day_is_compared_on_what_both_days_measured(day: RawTree, run: Run) -> None:
    edit(day, "bikes", counters(8, count=11))
    earlier(day, "bikes", 1, counters(10))
    earlier(day, "bikes", 2, counters(10, hours=11))  # under half of the day in common
    earlier(day, "bikes", 3, lambda metrics: metrics.pop("qualite"))  # of a program that kept no account
    earlier(day, "bikes", 52, counters(10, count=20))
    assert run(main, "--date", DAY).code == 0
    figure = day.report(DAY)["chiffres_cles"]["passages_velo"]
    assert (figure["valeur"], figure["semaine_precedente"]) == (8 * 24 * 11, 2400)
    assert (figure["evolution_semaine_precedente_pct"], figure["evolution_mediane_pct"]) == (10.0, 10.0)
    assert figure["semaine_precedente_base"] == {
        "capteurs": 8, "sur": 8, "part_du_jour": 1.0, "part_du_passe": 0.8, "journees_entieres": False, "marge": None,
        "pourquoi": None,
    }  # fmt: skip
    assert (figure["evolution_annee_precedente_pct"], figure["jours_compares"]) == (-45.0, 1)
    assert cell(day, "Chiffres du jour", "passages_velo", "semaine précédente : capteurs constants") == "8"
    page = (day.output / "reports" / f"daily_report_{DAY}.html").read_text(encoding="utf-8")
    assert "à 8\xa0compteurs constants sur 8" in page and "Comparé au mardi 28\xa0octobre" in page


def test_under_half_in_common_there_is_no_figure_and_it_is_said_why(day: RawTree, run: Run) -> None:
    edit(day, "bikes", counters(10, hours=11))
    earlier(day, "bikes", 1, counters(10))
    assert run(main, "--date", DAY).code == 0
    figure = day.report(DAY)["chiffres_cles"]["passages_velo"]
    assert (figure["valeur"], figure["evolution_semaine_precedente_pct"]) == (1100, None)
    assert (figure["comparaison"], figure["semaine_precedente_base"]["pourquoi"]) == ("jour trop partiel",) * 2
    edit(day, "bikes", counters(10))
    earlier(day, "bikes", 1, counters(4))
    assert run(main, "--date", DAY).code == 0
    figure = day.report(DAY)["chiffres_cles"]["passages_velo"]
    assert figure["comparaison"] == "moins de la moitié des mesures en commun"
    assert figure["semaine_precedente_base"]["part_du_jour"] == 0.4
    phrase = day.report(DAY)["resume"]["phrase"]
    assert "vélo 2\u202f400 passages (moins de la moitié des mesures en commun)" in phrase


def test_below_four_fifths_there_is_a_change_but_no_sentence(day: RawTree, run: Run) -> None:
    edit(day, "bikes", counters(7, count=11))
    earlier(day, "bikes", 1, counters(10))
    assert run(main, "--date", DAY).code == 0
    report = day.report(DAY)
    assert report["chiffres_cles"]["passages_velo"]["evolution_semaine_precedente_pct"] == 10.0
    assert "vélo : vu à 70\u202f% seulement, trop peu pour conclure" in report["resume"]["phrase"]
    assert "hausse" not in report["resume"]["phrase"]


def test_figures_without_hours_are_compared_on_whole_days_and_it_is_said(day: RawTree, run: Run) -> None:
    def older(metrics: Any) -> None:
        counters(10)(metrics)
        metrics["metrics"][9]["heures_valides"] = 20  # no whole day: left out
        for row in metrics["metrics"]:
            del row["comptages_horaires"], row["ecarte"]

    edit(day, "bikes", counters(10, count=11))
    earlier(day, "bikes", 1, older)
    assert run(main, "--date", DAY).code == 0
    figure = day.report(DAY)["chiffres_cles"]["passages_velo"]
    assert (figure["evolution_semaine_precedente_pct"], figure["semaine_precedente_base"]["capteurs"]) == (10.0, 9)
    assert figure["semaine_precedente_base"]["journees_entieres"] is True
    assert figure["comparaison"] == "1 semaine, dont 1 sur des totaux de jours entiers (version antérieure)"


def test_no_alert_of_half_a_day_is_none_known(day: RawTree, run: Run) -> None:
    def noon(metrics: Any) -> None:
        metrics["alertes_congestion"] = []
        metrics["qualite"] |= {"statut": "partiel", "heures_manquantes": list(range(12, 24)), "heures_vues": 12}

    edit(day, "comptages", noon)
    assert run(main, "--date", DAY).code == 0
    page = (day.output / "reports" / f"daily_report_{DAY}.html").read_text(encoding="utf-8").replace("\xa0", " ")
    assert page.count("ucune alerte connue, sur 12 heures vues") == 2
    assert "Aucun tronçon n'a dépassé" not in page.replace("&#39;", "'")
    assert day.report(DAY)["profils_horaires"]["trafic_routier"]["jour"][12:] == [None] * 12


@pytest.mark.parametrize(
    ("when", "holiday", "school"),
    [
        ("2025-11-11", "Armistice", None),
        ("2025-10-21", None, "Vacances de la Toussaint"),
        ("2025-12-25", "Noël", "Vacances de Noël"),
        (DAY, None, None),
    ],
)
def test_the_calendar_is_told(
    raw: RawTree, computed: Path, run: Run, when: str, holiday: str | None, school: str | None
) -> None:
    weather_alone(raw, computed, when)
    assert run(main, "--date", when).code == 1
    context = raw.report(when)["contexte"]
    assert (context["jour_ferie"], context["vacances_scolaires"]) == (holiday, school)
    assert context["vacances_scolaires_connues"] is True
    told = table(raw, when).query("section == 'Contexte'").set_index("indicateur")["valeur"]
    assert (told["jour férié"], told["vacances scolaires"]) == (holiday or "non", school or "non")


def test_an_unknown_school_year_is_told_as_unknown(raw: RawTree, computed: Path, run: Run) -> None:
    weather_alone(raw, computed, "2090-11-04")
    assert run(main, "--date", "2090-11-04").code == 1
    context = raw.report("2090-11-04")["contexte"]
    assert (context["vacances_scolaires"], context["vacances_scolaires_connues"]) == (None, False)
    told = table(raw, "2090-11-04").query("section == 'Contexte'").set_index("indicateur")["valeur"]
    assert told["vacances scolaires"] == "inconnu"


def test_the_csv_is_what_a_french_excel_opens(day: RawTree, run: Run) -> None:
    def poison(metrics: Any) -> None:
        for row, name in zip(metrics["top_10_troncons"], ("=1+1", "+33", "-2", "@SUM(A1)", 'a;b\n"c"'), strict=False):
            row["libelle"] = name

    edit(day, "comptages", poison)
    assert run(main, "--date", DAY).code == 0
    content = (day.output / "reports" / f"daily_report_{DAY}.csv").read_bytes()
    assert content.startswith("\ufeffsection;rang;identifiant;libelle;indicateur;valeur;unite\r\n".encode())
    rows = table(day)
    labels = list(dict.fromkeys(rows[rows["section"] == "Tronçons les plus chargés"]["libelle"]))[:5]
    assert labels == ["'=1+1", "+33", "-2", "'@SUM(A1)", 'A;b "c"']  # a number is no formula
    texts = rows.astype(str).stack()
    risky = texts[texts.str.match(r"[=+\-@\t]")]
    assert [text for text in risky if not is_number(text)] == []
    temperature = rows.query("section == 'Météo' and indicateur == 'température maximale'")
    assert list(temperature["valeur"]) == [str(day.metrics("weather", DAY)["metrics"]["temp_max"]).replace(".", ",")]
    assert list(temperature["unite"]) == ["°C"]


def is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text.replace(",", ".")))
    except ValueError:
        return False


def test_the_same_metrics_give_the_same_bytes(day: RawTree, run: Run) -> None:
    def contents() -> list[bytes]:
        folder = day.output / "reports"
        report = json.loads((folder / f"daily_report_{DAY}.json").read_bytes())
        report["timestamp"] = ""
        return [json.dumps(report).encode(), (folder / f"daily_report_{DAY}.csv").read_bytes()]

    assert run(main, "--date", DAY).code == 0
    first = contents()
    assert run(main, "--date", DAY).code == 0
    assert contents() == first


def test_json_is_one_object_that_says_where_the_report_is(day: RawTree, run: Run) -> None:
    (day.output / "metrics" / f"weather_metrics_{DAY}.json").unlink()
    ran = run(main, "--date", DAY, "--json")
    told = json.loads(ran.out)
    assert (ran.code, told["date"], told["sources_manquantes"]) == (1, DAY, ["weather"])
    assert Path(told["fichier"]).is_file()
    assert "source manquante : météo" in ran.err


def test_metrics_that_cannot_be_read_are_a_failure_that_names_the_file(day: RawTree, run: Run) -> None:
    path = day.output / "metrics" / f"weather_metrics_{DAY}.json"
    path.write_text('{"metrics": ', encoding="utf-8")
    ran = run(main, "--date", DAY)
    assert (ran.code, ran.out) == (1, "")
    assert str(path) in ran.err
    assert not (day.output / "reports").exists()
