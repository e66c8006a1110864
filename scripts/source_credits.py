"""The six sources by name: who publishes them, under which licence, and where."""

from typing import NamedTuple

NAMES = {
    "comptages": "comptages routiers",
    "bikes": "comptage vélo",
    "traffic": "perturbations des transports",
    "weather": "météo",
    "chantiers": "chantiers",
    "referentiel": "référentiel routier",
}

ODBL = ("ODbL 1.0", "https://opendatacommons.org/licenses/odbl/1-0/")
PARIS = "https://opendata.paris.fr/explore/dataset"


class Credit(NamedTuple):
    """A data set as its licence asks to be named."""

    title: str
    publisher: str
    url: str
    licence: str
    licence_url: str


CREDITS = {
    "comptages": (
        Credit("Comptages routiers permanents", "Ville de Paris", f"{PARIS}/comptages-routiers-permanents/", *ODBL),
    ),
    "bikes": (
        Credit(
            "Comptage vélo - Données compteurs", "Ville de Paris", f"{PARIS}/comptage-velo-donnees-compteurs/", *ODBL
        ),
    ),
    "traffic": (
        Credit("Messages d'info trafic", "Île-de-France Mobilités", "https://prim.iledefrance-mobilites.fr/", *ODBL),
    ),
    "chantiers": (
        Credit("Chantiers perturbants la circulation", "Ville de Paris", f"{PARIS}/chantiers-perturbants/", *ODBL),
    ),
    "referentiel": (
        Credit(
            "Référentiel géographique des comptages routiers",
            "Ville de Paris",
            f"{PARIS}/referentiel-comptages-routiers/",
            *ODBL,
        ),
        Credit("Arrondissements", "Ville de Paris", f"{PARIS}/arrondissements/", *ODBL),
    ),
}

VISUAL_CROSSING = Credit(
    "Weather Data",
    "Visual Crossing",
    "https://www.visualcrossing.com/",
    "conditions d'utilisation de Visual Crossing",
    "https://www.visualcrossing.com/weather-services-terms/",
)
OPEN_METEO = Credit(
    "Weather data by Open-Meteo.com",
    "Open-Meteo",
    "https://open-meteo.com/",
    "CC BY 4.0",
    "https://creativecommons.org/licenses/by/4.0/",
)


def weather_credits(source: str | None) -> tuple[Credit, ...]:
    """The credit of the weather source that was used; both where it is not known."""
    known = {"visual_crossing": (VISUAL_CROSSING,), "open_meteo": (OPEN_METEO,)}
    return known.get(source or "", (OPEN_METEO, VISUAL_CROSSING))
