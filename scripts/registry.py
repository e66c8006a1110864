"""The one table of sources: names, raw files, what else is read, what is shown, and to whom credit is due.

Code is found by a source's name: scripts/process_<name>.py has `process` and, where there are sensors, `compare`, which
makes the figures beside the days before; scripts/sources/<name>/publisher.py has `address` and `check_answer`. It is
imported when it is asked for, so that a script that needs the table runs no other source's code.
"""

import importlib
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from lib.common.settings import Settings
from lib.figures.key_figures import HourlyProfile, KeyFigure, Sensors, Watched
from lib.figures.quality import Quality
from lib.figures.tidy_tables import ACCOUNT, Table
from lib.raw.source import Credit, Source
from lib.raw.source_files import RawFile, listing, require_files

if TYPE_CHECKING:
    from lib.run.day_run import Compare
    from lib.run.range_run import Outcome

ODBL = ("ODbL 1.0", "https://opendatacommons.org/licenses/odbl/1-0/")
PORTAL = "https://opendata.paris.fr/explore/dataset"

# The keys under which a sensor holds its hours and their sum.
BIKE_HOURS = ("comptages_horaires", "total_jour")
ROAD_HOURS = ("debits_horaires", "debit_journalier_total")
BIKE_SENSORS = Sensors("id_compteur", "nom_compteur", "compteur", *BIKE_HOURS, "pic_horaire", dead_at_zero=True)
ROAD_SENSORS = Sensors("identifiant_arc", "libelle", "tronçon", *ROAD_HOURS, "debit_max")


def _of_paris(title: str, dataset: str) -> tuple[Credit]:
    return (Credit(title, "Ville de Paris", f"{PORTAL}/{dataset}/", *ODBL),)


ARRONDISSEMENTS = Source(
    "arrondissements",
    "arrondissements",
    export="arrondissements",
    suffix=".geojson",
    whole=True,
    computed=False,
    credits=_of_paris("Arrondissements", "arrondissements"),
    shown=7,
)
REFERENTIEL = Source(
    "referentiel",
    "référentiel routier",
    export="referentiel-geographique-pour-les-donnees-trafic-issues-des-capteurs-permanents",
    also_named=("referentiel-comptages-routiers",),
    whole=True,
    override="referentiel_csv",
    reads=(ARRONDISSEMENTS,),
    late_after=timedelta(days=14),  # twice the time after which make fetch asks for a whole data set again
    credits=_of_paris("Référentiel géographique des comptages routiers", "referentiel-comptages-routiers"),
    watched=(Watched("statistiques.nombre_arcs", -5, 10, label="arcs du référentiel"),),
    shown=6,
)
BIKES = Source(
    "bikes",
    "comptage vélo",
    pulls="comptage-velo",
    export="comptage-velo-donnees-compteurs",
    reads=(ARRONDISSEMENTS,),
    sensors=BIKE_SENSORS,
    stamped=True,
    credits=_of_paris("Comptage vélo - Données compteurs", "comptage-velo-donnees-compteurs"),
    key_figures=(KeyFigure("passages_velo", "total_jour", "passages", 4, *BIKE_HOURS),),
    profiles=(HourlyProfile("velo", "profil_horaire", "total", "compteurs_mesures", "passages", "velos", "Vélo"),),
    # Ordinary weeks of Paris move less than these bounds; rain alone halves the bikes, and works start in bursts.
    watched=(
        Watched("total_jour", -60, 80, *BIKE_HOURS, label="passages du jour"),
        Watched("nombre_compteurs_actifs", -15, 25, label="compteurs actifs"),
    ),
    shown=2,
)
TRAFFIC = Source(
    "traffic",
    "perturbations des transports",
    pulls="line_reports",
    revised=True,
    credits=(
        Credit("Messages d'info trafic", "Île-de-France Mobilités", "https://prim.iledefrance-mobilites.fr/", *ODBL),
    ),
    key_figures=(
        KeyFigure("perturbations", "nombre_perturbations", "perturbations", 5),
        KeyFigure("fiabilite_transports", "reliability_index", "% des lignes-heures (métro, RER, tram)", 6),
    ),
    shown=3,
)
WEATHER = Source(
    "weather",
    "météo",
    pulls="meteo",
    stamped=True,
    credits=(
        Credit(
            "Weather data by Open-Meteo.com",
            "Open-Meteo",
            "https://open-meteo.com/",
            "CC BY 4.0",
            "https://creativecommons.org/licenses/by/4.0/",
            used="open_meteo",
        ),
        Credit(
            "Weather Data",
            "Visual Crossing",
            "https://www.visualcrossing.com/",
            "conditions d'utilisation de Visual Crossing",
            "https://www.visualcrossing.com/weather-services-terms/",
            used="visual_crossing",
        ),
    ),
    key_figures=(
        KeyFigure("temperature_moyenne", "metrics.temp_moyenne", "°C", 8),
        KeyFigure("precipitations", "metrics.precip_totale", "mm", 9),
    ),
    shown=4,
)
COMPTAGES = Source(
    "comptages",
    "comptages routiers",
    export="comptages-routiers-permanents",
    also_named=("trafic-capteurs",),  # the weekly archives of a year
    override="comptages_csv",
    reads=(REFERENTIEL, ARRONDISSEMENTS),
    sensors=ROAD_SENSORS,
    stamped=True,
    labels_end=True,
    credits=_of_paris("Comptages routiers permanents", "comptages-routiers-permanents"),
    key_figures=(
        KeyFigure("debit_routier", "global_metrics.debit_journalier_total", "véhicules × arcs", 1, *ROAD_HOURS),
        KeyFigure(
            "taux_occupation_routier",
            "global_metrics.taux_occupation_moyen",
            "%",
            2,
            hours="taux_horaires",
            whole_day="taux_occupation_moyen",
            points=True,
        ),
        KeyFigure(
            "temps_perdu",
            "global_metrics.temps_perdu_total_minutes",
            "minutes (modèle)",
            3,
            hours="temps_perdu_horaires",
            whole_day="temps_perdu_total_minutes",
        ),
    ),
    profiles=(
        HourlyProfile(
            "trafic_routier",
            "global_metrics.profil_horaire",
            "debit_total",
            "troncons_mesures",
            "véhicules × arcs",
            "routes",
            "Trafic routier",
        ),
    ),
    watched=(
        Watched("global_metrics.debit_journalier_total", -30, 30, *ROAD_HOURS, label="débit du jour"),
        Watched("global_metrics.nombre_troncons_actifs", -15, 25, label="tronçons actifs"),
        Watched("global_metrics.taux_disponibilite_capteurs", -20, 40, label="disponibilité des capteurs"),
    ),
    shown=1,
)
CHANTIERS = Source(
    "chantiers",
    "chantiers",
    export="chantiers-perturbants-la-circulation",
    also_named=("chantiers-perturbants",),
    whole=True,
    override="chantiers_csv",
    reads=(REFERENTIEL, ARRONDISSEMENTS),
    late_after=timedelta(days=14),
    credits=_of_paris("Chantiers perturbants la circulation", "chantiers-perturbants"),
    key_figures=(KeyFigure("chantiers_actifs", "nombre_chantiers_actifs", "chantiers", 7),),
    watched=(Watched("nombre_chantiers_actifs", -40, 60, label="chantiers actifs"),),
    shown=5,
)

# By name, in the order in which they are computed; RAW has those without figures of their own as well.
SOURCES = {one.name: one for one in (BIKES, TRAFFIC, WEATHER, COMPTAGES, CHANTIERS, REFERENTIEL)}
# The sources that may tell of a day after the last pull: their exports are of the days that rows are about.
DATED_EXPORTS = [name for name, one in SOURCES.items() if one.export and not one.whole]
RAW = SOURCES | {ARRONDISSEMENTS.name: ARRONDISSEMENTS}


def on_the_page(sources: dict[str, Source]) -> list[Source]:
    """Sort sources in the order in which the report names them."""
    return sorted(sources.values(), key=lambda source: source.shown)


def files_to_read(settings: Settings, source: Source, quality: Quality) -> list[RawFile]:
    """List the raw files of a source (lib/raw/source_files.require_files); those of no source are named."""
    return require_files(settings, source, quality, RAW.values())


def script(source: Source) -> Any:
    """Import scripts/process_<name>: `process`, `main` and, where figures are compared, `compare`."""
    return importlib.import_module(f"scripts.process_{source.name}")


def tables(source: Source) -> tuple[Table, ...]:
    """Import TABLES of scripts/sources/<name>/tables, and add the account that each source has."""
    return (*importlib.import_module(f"scripts.sources.{source.name}.tables").TABLES, ACCOUNT)


def publisher(source: Source) -> Any:
    """Import scripts/sources/<name>/publisher: `address` and `check_answer`."""
    return importlib.import_module(f"scripts.sources.{source.name}.publisher")


def watched_figures() -> tuple[dict[str, tuple[Watched, ...]], dict[str, Sensors | None]]:
    """Return by source the figures that the quality gate watches, and where the sensors stand that measure them."""
    return (
        {name: source.watched for name, source in SOURCES.items()},
        {name: source.sensors for name, source in SOURCES.items()},
    )


def demo_of(source: Source) -> Any:
    """Import scripts/sources/<name>/demo: `write(root, options)` writes invented files of a source."""
    return importlib.import_module(f"scripts.sources.{source.name}.demo")


def compares() -> "dict[str, Compare]":
    """Import `compare` of each source whose figures are compared with earlier days, by its name."""
    return {name: script(source).compare for name, source in SOURCES.items() if source.sensors}


def measure_days(settings: Settings, name: str, days: list[date]) -> "list[Outcome]":
    """Compute some days of a source from the raw files alone: figures, or the error that kept them from being made.

    Any process, or another machine, finds it by its name.
    """
    from lib.run.day_run import measured  # pandas: doctor reads this table and needs no package

    process, of_all = script(SOURCES[name]).process, listing(settings)
    return [(name, day, measured(process, of_all, day)) for day in days]
