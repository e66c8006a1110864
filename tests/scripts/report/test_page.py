"""The daily page as a reader gets it: order, words, escaping, size, speed, the same bytes twice."""

import copy
import re
import time
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import shapely

from lib.common.settings import Settings
from lib.figures.calendar_days import day_context
from lib.local_file_service import LocalFileService
from scripts.generate_report import compute_report
from scripts.registry import RAW, SOURCES
from scripts.report.french import BREAK
from scripts.report.page import advice, daily_page
from scripts.report.rendering import POLICY
from scripts.report.road_map import map_view
from tests.support import report_days
from tests.support.report_days import DAY, WEEK_BEFORE

Metrics = dict[str, Any]
ORDER = [
    "inhabituel", "chiffres", "carte", "heures", "classements", "rues", "alertes",
    "transports", "chantiers", "meteo", "qualite", "methode",
]  # fmt: skip
VOID = {"meta", "link", "br", "img", "input", "hr"}
MAX_BYTES, MAX_SECONDS = 400_000, 0.5  # of processor time, so that a busy machine proves nothing


class Outline(HTMLParser):
    """Elements in order, text by element, and whether every element is closed in its turn."""

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.prose: list[str] = []  # without the drawings' words, which are never broken into lines
        self.headings: list[tuple[int, str]] = []
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.words.append(data)
            if not {"svg", "title"} & set(self.open):
                self.prose.append(data)
        if self.open and re.fullmatch("h[1-6]", self.open[-1]):
            self.headings[-1] = (self.headings[-1][0], self.headings[-1][1] + data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split(" "))


@pytest.fixture(scope="module")
def stored(two_tuesdays: Settings) -> dict[str, dict[str, Metrics]]:
    """Metrics of DAY and of the week before, by day then source, 300 arcs."""
    store = LocalFileService(two_tuesdays.output_dir)
    days = {day.isoformat(): day for day in (WEEK_BEFORE, DAY)}
    return {
        name: {source: found for source in SOURCES if (found := store.load_metrics(source, day))}
        for name, day in days.items()
    }


@pytest.fixture
def metrics(stored: dict[str, dict[str, Metrics]]) -> Iterator[dict[str, Metrics]]:
    yield copy.deepcopy(stored[DAY.isoformat()])


def page_of(metrics: dict[str, Metrics], past: dict[str, Metrics] | None = None, **context: Any) -> bytes:
    earlier = {source: {WEEK_BEFORE: found} for source, found in (past or {}).items()}
    return daily_page(DAY, compute_report(metrics, earlier, day_context(DAY) | context, DAY), metrics)


def test_it_is_one_closed_french_document_in_the_order_of_reading(
    metrics: dict[str, Metrics], stored: dict[str, dict[str, Metrics]]
) -> None:
    page = Outline(page_of(metrics, stored[WEEK_BEFORE.isoformat()]))
    assert page.open == []
    assert page.tags[0] == ("html", {"lang": "fr"})
    sections = [attrs.get("id") for tag, attrs in page.tags if tag == "section"]
    assert sections == ORDER
    assert [tag for tag, _ in page.tags if tag in ("header", "main", "footer")] == ["header", "main", "footer"]
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.headings[0][1] == "Mardi 4 novembre 2025"
    assert "Trafic routier en nette hausse (+11,1\u202f%) et vélo en nette baisse" in page.text
    assert "à 21\xa0compteurs constants sur 21" in page.text


def test_every_id_is_unique_and_every_link_within_the_page_arrives(metrics: dict[str, Metrics]) -> None:
    page = Outline(page_of(metrics))
    names = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(names) == len(set(names))
    asked = [attrs[key] or "" for _, attrs in page.tags for key in ("href", "aria-labelledby") if key in attrs]
    inside = {link.removeprefix("#") for link in asked if link.startswith("#")}
    assert inside and inside <= set(names)
    assert {attrs["aria-labelledby"] for tag, attrs in page.tags if tag == "section"} <= set(names)


def test_it_loads_and_runs_nothing(metrics: dict[str, Metrics]) -> None:
    page = Outline(page_of(metrics))
    (policy,) = [attrs for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy["content"] == POLICY == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert not {"script", "img", "iframe", "object", "form", "use", "image"} & {tag for tag, _ in page.tags}
    assert [attrs["href"] for tag, attrs in page.tags if tag == "link"] == ["data:,"]
    assert not [key for _, attrs in page.tags for key in attrs if key.startswith("on") or key == "src"]
    assert not re.search(rb"url\(|@import", page_of(metrics))


def test_a_street_named_script_is_only_text(metrics: dict[str, Metrics]) -> None:
    evil = "<script>alert(1)</script>\"'><b onclick=x>"
    roads, works, traffic = metrics["comptages"], metrics["chantiers"], metrics["traffic"]
    for row in (*roads["metrics"], *roads["top_10_troncons"], *roads["alertes_congestion"], *works["metrics"]):
        row["libelle" if "libelle" in row else "voies"] = evil
    for row in (*works["nouveaux"], *works["se_terminant"]):
        row["voies"] = evil
    for row in (
        *roads["capteurs_defaillants"],
        *metrics["bikes"]["failing_sensors"],
        *metrics["bikes"]["top_counters"],
    ):
        row["libelle" if "libelle" in row else "nom_compteur"] = evil
    for row in (*traffic["par_ligne"], *traffic["alerts"], *traffic["longue_duree"]):
        row["ligne"] = evil
        row["titre"] = evil
    metrics["weather"]["metrics"]["conditions"] = evil
    metrics["bikes"]["qualite"]["avertissements"][0] |= {"code": "x", "message": evil}
    page = page_of(metrics, jour_ferie=evil, vacances_scolaires=evil)
    outline = Outline(page)
    assert b"<script" not in page and b"<b " not in page
    assert outline.text.replace(BREAK, "").count("<script>alert(1)</script>") > 30
    assert not [tag for tag, attrs in outline.tags if "onclick" in attrs]


def test_a_missing_source_is_said_and_never_a_zero(metrics: dict[str, Metrics]) -> None:
    report_days.without_roads(metrics)
    page = Outline(page_of(metrics))
    assert "Journée partielle. Manquent\u00a0: comptages routiers." in page.text
    assert page.text.count("Donnée manquante\u00a0: ") == 5  # map, hours, two rankings, alerts
    assert "make comptages DATE=2025-11-04" in page.text.partition("Les mêmes chiffres")[2]
    assert page.text.count("make ") == 1
    card = page.text[page.text.index("Les chiffres du jour") :].partition("Trafic routier")[2]
    assert card.startswith("n.\u202fd.donnée manquante")
    states = {attrs["class"] for tag, attrs in page.tags if tag == "path" and "arc " in (attrs.get("class") or "")}
    assert states == {"arc inconnu w0"}  # the reference's arcs, without a state
    assert "alertes inconnues" in page.text and "0\u00a0alerte" not in page.text


@pytest.mark.parametrize("gone", list(SOURCES))
def test_any_source_may_be_the_only_one_missing_or_the_only_one_there(metrics: dict[str, Metrics], gone: str) -> None:
    alone = {gone: metrics.pop(gone)}
    for held in (metrics, alone):
        assert Outline(page_of(held)).open == []


def test_a_partial_day_says_which_part_and_its_warnings(metrics: dict[str, Metrics]) -> None:
    report_days.partial(metrics)
    page = Outline(page_of(metrics))
    wanted = "Journée partielle. Manquent\u00a0: météo, référentiel routier. En partie seulement\u00a0: comptage vélo"
    assert wanted + " (58,3\u202f%), perturbations des transports (50\u202f%)." in page.text
    assert "Aucun relevé du jour\u00a0: <b>attention</b>." in page.text
    assert "Sans référentiel routier ce jour-là, chaque tronçon est un point." in page.text


def test_the_word_for_the_wind_stands_beside_the_speed_it_is_given_for(metrics: dict[str, Metrics]) -> None:
    metrics["weather"]["metrics"] |= {"vent_moyen": 14.5, "vent_max": 41.0}
    metrics["weather"]["categories"]["vent"] = "vent fort"
    wanted = "vent moyen de 14,5\u202fkm/h, au plus 41\u202fkm/h (vent fort)."
    assert wanted in Outline(page_of(metrics)).text


def test_the_account_of_each_source_closes_in_its_table(metrics: dict[str, Metrics]) -> None:
    page = page_of(metrics).decode().partition('id="qualite"')[2].partition("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", page)[1:]
    assert len(rows) == len(SOURCES)
    for row in rows:
        read, kept, twice, rejected = [
            int(cell.replace("\u202f", "")) for cell in re.findall(r'<td class="n">([\d\u202f]+)</td>', row)[-4:]
        ]
        assert read == kept + twice + rejected > 0, row


def test_no_zone_is_congested_where_no_hour_is(metrics: dict[str, Metrics]) -> None:
    for zone in metrics["comptages"]["top_10_zones_congestionnees"][1:]:
        zone["part_heures_saturees_pct"] = 0.0
    ranking = Outline(page_of(metrics)).text.partition("Zones congestionnées")[2].partition("Compteurs vélo")[0]
    assert ranking.count("\u202f%") == 2  # of the one zone, and of what is meant
    metrics["comptages"]["top_10_zones_congestionnees"][0]["part_heures_saturees_pct"] = 0.0
    assert "Aucune heure à 30\u202f% d’occupation ou plus dans une zone connue." in Outline(page_of(metrics)).text


def test_works_that_the_map_cannot_draw_are_said_beside_it(metrics: dict[str, Metrics]) -> None:
    drawn = "sans position dans ce cadre n’y est pas"
    for work in metrics["chantiers"]["metrics"]:
        work["geo_point_2d"] = {"lon": 2.35, "lat": 48.85}
    assert drawn not in Outline(page_of(metrics)).text
    metrics["chantiers"]["metrics"][0]["geo_point_2d"] = None
    assert f"1\u00a0chantier {drawn}." in Outline(page_of(metrics)).text


def test_what_the_source_says_of_the_weather_has_one_capital(metrics: dict[str, Metrics]) -> None:
    metrics["weather"]["metrics"]["conditions"] = "Pluie, Partiellement nuageux"
    assert "Pluie, partiellement nuageux. De " in Outline(page_of(metrics)).text


def test_an_interruption_by_night_is_not_missed_in_the_list_of_those_of_the_service(
    metrics: dict[str, Metrics],
) -> None:
    traffic = metrics["traffic"]
    several = len({one["id"] for one in traffic["alerts"]})
    for count, words in ((several, "lignes, "), (several + 2, "lignes (dont 2 hors des heures de service), ")):
        traffic["par_severite"]["bloquante"] = count
        assert f"interruptions de {words}".replace("lignes", "ligne") in Outline(page_of(metrics)).text


def test_the_reliability_is_that_of_the_structuring_lines_and_buses_are_a_count(metrics: dict[str, Metrics]) -> None:
    traffic = metrics["traffic"]
    traffic |= {"reliability_index": 98.25, "lignes_perturbees": {"Métro": 1, "RER": 0, "Tram": 0, "Bus": 34}}
    traffic["reliability_par_mode"] = {"Métro": 99.0, "RER": 95.5, "Tram": 100.0}
    text = Outline(page_of(metrics)).text
    wanted = "98,2\u202f% des heures de service sans perturbation (Métro 99\u202f%, RER 95,5\u202f%, Tram 100\u202f%)"
    assert (
        f"Fiabilité du métro, du RER et du tram\u00a0: {wanted}. Bus\u00a0: 34\u00a0lignes perturbées connues." in text
    )
    assert "compte pour toute sa ligne\u00a0; les bus connus dépendent de ce qui a été demandé" in text


def test_what_lasts_is_a_list_of_its_own_and_what_lies_outside_the_service_is_said(metrics: dict[str, Metrics]) -> None:
    traffic = metrics["traffic"]
    detour = {"id": "d", "titre": "Déviation du pont", "severite": "perturbée", "cause": "travaux",
              "lignes": ["Bus 1", "Bus 2", "Bus 3", "Bus 4"], "debut": "2025-04-18T05:00", "fin": None}  # fmt: skip
    traffic["longue_duree"] = [detour | {"severite": "bloquante"}, *[detour] * 11]
    traffic["alerts"], traffic["par_ligne"] = [], traffic["par_ligne"][:1]
    traffic["par_ligne"][0] |= {"ligne": "Métro 9", "heures_perturbees": 0.0, "heures_hors_service": 3.5}
    text = Outline(page_of(metrics)).text
    assert "Perturbations de plus de 30 jours (12)" in text
    assert "Bus 1, Bus 2 et Bus 3…\u00a0: Déviation du pont, interrompue, depuis le 18\u00a0avril 2025" in text
    assert "Et 8\u00a0perturbations de plus" in text
    assert "Aucune interruption de ligne pendant le service, hors longue durée." in text
    assert "Aucune ligne perturbée pendant le service." in text
    assert "Hors du service (05\u202fh\u202f30 à 01\u202fh\u202f15)\u00a0: Métro 9 (3\u202fh\u202f30)." in text


def test_of_a_partial_day_nothing_is_said_to_be_absent(metrics: dict[str, Metrics]) -> None:
    report_days.partial(metrics)
    metrics["traffic"] |= {"alerts": [], "par_ligne": [], "longue_duree": []}
    text = Outline(page_of(metrics)).text
    for told in ("\u00a0: au plus ", "Aucune interruption de ligne connue", "Aucune ligne perturbée connue"):
        assert told in text
    assert "Relevés incomplets ce jour-là\u00a0: il peut en manquer." in text


def test_rejected_rows_are_counted_by_reason(metrics: dict[str, Metrics]) -> None:
    metrics["comptages"]["qualite"]["rejets"] = {"debit_negatif": 1, "guillemet_non_ferme": 1234}
    text = Outline(page_of(metrics)).text
    assert "Comptages routiers\u00a0: guillemet non fermé\u00a0: 1\u202f234, débit négatif\u00a0: 1" in text


def test_an_operator_finds_what_to_do_in_the_foot_and_a_reader_what_happened_above() -> None:
    text = "3 arrondissements sur 20 : le reste manque (a.geojson). Le récupérer à nouveau : make fetch"
    assert advice(text) == (
        "3 arrondissements sur 20 : le reste manque (a.geojson).",
        "Le récupérer à nouveau : make fetch",
    )
    assert advice("Rien à faire. Vraiment.") == ("Rien à faire. Vraiment.", "")
    assert advice("Tout refaire : make daily") == ("Tout refaire : make daily", "")


def test_the_usual_day_is_named_by_its_days_and_their_holidays(metrics: dict[str, Metrics]) -> None:
    past = {"bikes": dict.fromkeys((date(2025, 10, 14), date(2025, 10, 21), date(2025, 10, 28)), metrics["bikes"])}
    report = compute_report(metrics, past, day_context(DAY), DAY)
    wanted = "Comparé aux mardis 14, 21 et 28\u00a0octobre (21 et 28\u00a0octobre\u00a0: Vacances de la Toussaint)."
    assert wanted in Outline(daily_page(DAY, report, metrics)).text


def test_what_a_person_should_see_is_counted_once_and_agrees(metrics: dict[str, Metrics]) -> None:
    for one in metrics.values():
        one["qualite"] |= {"avertissements": [], "rejets": {}, "couverture": 1.0}
    assert "à voir" not in Outline(page_of(metrics)).text
    metrics["bikes"]["qualite"]["couverture"] = 0.9
    assert "1\u00a0point à voir avant d’utiliser ces chiffres" in Outline(page_of(metrics)).text


def test_the_hour_lived_twice_is_drawn_as_a_mean_and_listed_as_a_sum(metrics: dict[str, Metrics]) -> None:
    for counter in metrics["bikes"]["metrics"]:
        counter["comptages_horaires"] = [100.0] * 25
    for one in metrics["bikes"]["profil_horaire"]:
        one["total"] = 4800 if one["heure"] == 2 else 2400
    autumn = date(2025, 10, 26)
    report = compute_report(metrics, {}, day_context(autumn), autumn)
    page = daily_page(autumn, report, metrics)
    assert "02\u202fh a eu lieu deux fois" in Outline(page).text
    assert '<th scope="row">02\u202fh (les deux)</th><td class="n">4\u202f800</td>'.encode() in page
    (line,) = re.findall(rb'<path class="trait velos" d="([^"]*L[^"]*)"/>', page)
    assert len(set(re.findall(rb"[ML][\d.]+ ([\d.]+)", line))) == 1


def test_the_map_counts_the_states_of_three_hours_and_has_none_of_a_version_without_them(
    metrics: dict[str, Metrics],
) -> None:
    roads = metrics["comptages"]["metrics"]
    for number, arc in enumerate(roads):
        arc["taux_horaires"] = [10.0] * 24
        arc["taux_horaires"][8] = (None, 14.9, 15.0, 30.0, 50.0)[number % 5]
    view = map_view(metrics)
    assert view is not None and view["heures"] == (8, 13, 18)
    assert {one["etat"]: one["heures"] for one in view["legende"]} == {
        "Bloqué": [60, 0, 0], "Saturé": [60, 0, 0], "Pré-saturé": [60, 0, 0], "Fluide": [60, 300, 300],
        "Inconnu": [60, 0, 0],
    }  # fmt: skip
    assert "À 08\u202fh" in Outline(page_of(metrics)).text
    del roads[0]["taux_horaires"]
    assert b'type="radio"' not in page_of(metrics)


def test_a_reference_stored_before_lines_were_kept_gives_points(metrics: dict[str, Metrics]) -> None:
    del metrics["referentiel"]["contours"]
    for arc in metrics["referentiel"]["mapping"]:
        del arc["trace"]
    assert "chaque tronçon est un point" in Outline(page_of(metrics)).text


def test_invented_figures_are_said_to_be_and_measured_ones_are_not(metrics: dict[str, Metrics]) -> None:
    banner = "Données de démonstration\u00a0: tous ces chiffres sont inventés."
    assert banner in Outline(page_of(metrics)).text
    for one in metrics.values():
        one["qualite"]["avertissements"] = []
    assert banner not in Outline(page_of(metrics)).text


def test_long_lists_are_cut_and_it_says_by_how_much(metrics: dict[str, Metrics]) -> None:
    report_days.heavy(metrics)
    text = Outline(page_of(metrics)).text
    for told in ("Et 48\u00a0alertes de plus", "Et 46\u00a0autres lignes perturbées", "Et 12\u00a0chantiers de plus"):
        assert told in text


def test_text_has_no_place_where_a_line_may_break_before_a_tall_mark(metrics: dict[str, Metrics]) -> None:
    text = "".join(Outline(page_of(metrics)).prose)
    assert re.findall(r".{20} [:;?!»%]", text) == []
    assert re.findall(r"\d[.]\d", text.replace("ODbL 1.0", "").replace("CC BY 4.0", "")) == []


def test_licences_and_the_weather_source_used_are_named(metrics: dict[str, Metrics]) -> None:
    text = Outline(page_of(metrics)).text
    city = [one for source in RAW.values() for one in source.credits if one.publisher == "Ville de Paris"]
    assert text.count("Ville de Paris – ODbL 1.0") == len(city)
    assert "Île-de-France Mobilités – ODbL 1.0" in text
    for source, other, name in (
        ("open_meteo", "Visual Crossing", "Open-Meteo – CC BY 4.0"),
        ("visual_crossing", "Open-Meteo", "Visual Crossing – conditions d’utilisation"),
    ):
        metrics["weather"]["source"] = source
        text = Outline(page_of(metrics)).text
        assert name in text and other not in text


@pytest.fixture(scope="module")
def big(stored: dict[str, dict[str, Metrics]]) -> dict[str, Metrics]:
    """A day of 3 000 arcs with as much of everything else as a bad day has: ten times the 300, each a little aside."""
    metrics = copy.deepcopy(stored[DAY.isoformat()])
    report_days.heavy(metrics)
    roads, reference = metrics["comptages"], metrics["referentiel"]
    arcs, known = roads["metrics"], reference["mapping"]
    lines = shapely.from_wkt([arc["trace"] for arc in known])
    roads["metrics"], reference["mapping"] = [], []
    for number in range(10):
        moved = shapely.to_wkt(shapely.transform(lines, lambda points, by=number: points + 0.0007 * by))
        for rows, copied in ((arcs, roads["metrics"]), (known, reference["mapping"])):
            copied += [row | {"identifiant_arc": f"{row['identifiant_arc']}{number:02}"} for row in rows]
        for row, trace in zip(reference["mapping"][-len(moved) :], moved, strict=True):
            row["trace"] = str(trace)
    for number, alert in enumerate(roads["alertes_congestion"]):
        alert["identifiant_arc"] = roads["metrics"][number]["identifiant_arc"]
    return metrics


def test_3000_arcs_make_a_small_page_fast(big: dict[str, Metrics]) -> None:
    report = compute_report(big, {}, day_context(DAY), DAY)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        page = daily_page(DAY, report, big)
        seconds.append(time.process_time() - start)
    assert len(page) <= MAX_BYTES
    assert min(seconds) < MAX_SECONDS
    assert len(big["comptages"]["metrics"]) == 3000
    drawn = sum(path.count(b"M") for path in re.findall(rb'<path class="arc [^"]*" d="([^"]*)"', page))
    assert drawn >= 3000


def test_the_same_figures_give_the_same_bytes(big: dict[str, Metrics], tmp_path: Path) -> None:
    first = page_of(big)
    other = LocalFileService(tmp_path)
    for source, found in big.items():
        other.save_metrics(found, source, DAY)
    again = {source: other.load_metrics(source, DAY) or {} for source in big}
    assert page_of(again) == first
