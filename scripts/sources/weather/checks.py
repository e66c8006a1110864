"""Whether an account of the weather is that of Paris, in °C, and measured: what a day's figures must not hide."""

from datetime import date

from lib.common.errors import InputError
from lib.figures.numbers import rounded
from lib.figures.quality import Quality
from scripts.sources.weather.records import WeatherDay, distance

PARIS_PLACE = (48.8566, 2.3522)  # latitude, longitude
PARIS_RADIUS = 50.0  # km; a farther place is not the weather of Paris
# °C; Paris has known -23.9 (1879) and 42.6 (2019). Outside these a temperature is in another unit, °F as a rule.
COLDEST, HOTTEST = -25.0, 45.0
# A Paris winter in °F (32 to 55) looks like a heat wave: the records of November to February are below 23 °C, those of
# March, April and October below 31 °C.
WINTER_MONTHS, WINTER_HOTTEST = (11, 12, 1, 2), 30.0
MILD_MONTHS, MILD_HOTTEST = (3, 4, 10), 36.0


def check_place(weather: WeatherDay, quality: Quality) -> None:
    """Warn when the pull is about another place than Paris."""
    away = distance(weather.place, PARIS_PLACE) if weather.place else 0.0
    if away > PARIS_RADIUS:
        quality.warn(
            "meteo_hors_paris",
            "grave",
            f"Le relevé {weather.raw.name} est à {away:.0f} km de Paris : ce n'est pas la météo de Paris.",
            mesure=rounded(away, 1),
            attendu=f"{PARIS_RADIUS:g} km au plus",
        )


def check_unit(weather: WeatherDay, day: date) -> None:
    """InputError when a temperature cannot be °C: Visual Crossing answers in °F, inches and mph by default."""
    names = ("temp_moyenne", "temp_min", "temp_max")
    temperatures = [float(weather.daily[name]) for name in names if weather.daily.get(name) is not None]
    temperatures += weather.hours["temp"].dropna().tolist()
    limit = hottest(weather, day)
    if max(temperatures) > limit or min(temperatures) < COLDEST:
        wrong = max(temperatures) if max(temperatures) > limit else min(temperatures)
        raise InputError(
            f"{weather.raw.path} donne {wrong:g} le {day} : ce ne peut pas être des °C à Paris (°F, pouces, mph ?).",
            "Refaire le relevé avec unitGroup=metric (Visual Crossing), ou sans temperature_unit (Open-Meteo).",
        )


def hottest(weather: WeatherDay, day: date) -> float:
    """The temperature (°C) above which a day of that month is in another unit; for Paris alone it has seasons."""
    if weather.place is not None and distance(weather.place, PARIS_PLACE) > PARIS_RADIUS:
        return HOTTEST
    return WINTER_HOTTEST if day.month in WINTER_MONTHS else MILD_HOTTEST if day.month in MILD_MONTHS else HOTTEST


def check_pull(weather: WeatherDay, day: date, quality: Quality) -> None:
    """Warn when the account is a forecast, wholly or for the hours after the pull."""
    pulled = weather.raw.pull_day
    if pulled and pulled < day:
        quality.warn(
            "prevision_seule",
            "attention",
            f"Seul un relevé du {pulled}, antérieur au {day}, en parle : c'est une prévision.",
            mesure=pulled.isoformat(),
            attendu=f"{day} ou après",
        )
    elif pulled == day:
        quality.warn(
            "releve_du_jour",
            "information",
            "Le seul relevé qui vaille date du jour même : les heures qui le suivent sont une prévision.",
            mesure=weather.raw.pulled,
        )
