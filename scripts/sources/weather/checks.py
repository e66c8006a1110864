"""Which accounts of a day are the weather of Paris, in °C, and which of them measured the most of it."""

from dataclasses import replace
from datetime import date

from lib.common.errors import InputError, NoDataError
from lib.common.text import counted, on_one_line
from lib.figures.quality import SAMPLES_KEPT, Quality
from lib.raw.source_files import RawFile
from scripts.sources.weather.records import WeatherDay, unread_files, without_impossible

# Degrees (south, north, west, east): the box around Île-de-France, by its departments (IGN Admin Express).
ILE_DE_FRANCE = (48.12, 49.25, 1.44, 3.56)
# °C; Paris has known -23.9 (1879) and 42.6 (2019). Outside these a temperature is in another unit, °F as a rule.
COLDEST, HOTTEST = -25.0, 45.0
# A Paris winter in °F (32 to 55) looks like a heat wave: the records of November to February are below 23 °C, those of
# March, April and October below 31 °C.
WINTER_MONTHS, WINTER_HOTTEST = (11, 12, 1, 2), 30.0
MILD_MONTHS, MILD_HOTTEST = (3, 4, 10), 36.0
MEASURES = ("temp", "precip", "vent")
PLACE_SHOWN = 80  # characters of an address


def best_account(files: list[RawFile], accounts: list[WeatherDay], day: date, quality: Quality) -> WeatherDay:
    """Choose the account of Île-de-France in °C that measured the most; of equal ones the newest pull.

    The others are counted as duplicates, and those of another place or unit as rejected. NoDataError where all are of
    another place, InputError where none is usable.
    """
    unread = unread_files(files, accounts, quality)
    usable: list[WeatherDay] = []
    refused: list[InputError | NoDataError] = []
    for one in accounts:
        error: InputError | NoDataError | None = foreign(one, day)
        if error:
            quality.reject("hors_ile_de_france", one.raw.name, 1, error.message)
            quality.warn("meteo_hors_paris", "attention", error.message, mesure=round(one.away, 1), attendu=0)
        elif error := wrong_unit(one := without_impossible(one, quality), day):
            quality.reject("unite_impossible", one.raw.name, 1, error.message)
            quality.warn("unite_impossible", "attention", str(error), exemples=[one.raw.name])
            unread.append(one.raw)
        else:
            usable.append(one)
        refused += [error] if error else []
    if not usable:
        raise next((error for error in refused if isinstance(error, InputError)), refused[-1])
    *others, best = sorted(usable, key=lambda one: worth(one, day))  # stable: of equal ones the newest comes last
    quality.doublons += sum(hours_known(one) for one in others)
    quality.lignes_retenues += hours_known(best)
    if not best.place and not best.place_name:
        text = f"{best.raw.name} ne dit pas de quel lieu est la météo : c'est Paris qui est supposé."
        quality.warn("lieu_non_dit", "attention", text, exemples=[best.raw.name])
    return replace(best, newer_unread=tuple(dict.fromkeys(raw.name for raw in unread if raw > best.raw)))


def worth(weather: WeatherDay, day: date) -> tuple[int, int, int]:
    """Count what was measured: hours with a temperature, their values of rain and wind; then what is foretold too."""
    known = weather.hours[list(MEASURES)].notna().to_numpy()
    temp, *others = known[weather.is_measured(day)].sum(axis=0)
    return int(temp), int(sum(others)), int(known.sum())


def hours_known(weather: WeatherDay) -> int:
    """Count the raw rows of an account: its hours with any value; one for daily values alone."""
    return int(weather.hours.drop(columns="heure").notna().any(axis=1).sum()) or 1


def foreign(weather: WeatherDay, day: date) -> NoDataError | None:
    """Refuse the weather of a place outside Île-de-France, by its coordinates or, without any, by its address."""
    if weather.place is None:
        if not weather.away:
            return None
        place = f"« {on_one_line(weather.place_name)[:PLACE_SHOWN]} », sans coordonnées"
    else:
        south, north, west, east = ILE_DE_FRANCE
        latitude, longitude = weather.place
        if south <= latitude <= north and west <= longitude <= east:
            return None
        named = f"{weather.place_name or 'un lieu'} (latitude {latitude:g}, longitude {longitude:g})"
        place = f"{named}, à {weather.away:.0f} km de Paris"
    text = f"{weather.raw.name} donne pour le {day} la météo de {place}"
    way_out = "Refaire le relevé pour Paris (48.8566, 2.3522) : make fetch"
    return NoDataError(f"{text} : ce n'est pas la météo de Paris.", way_out)


def wrong_unit(weather: WeatherDay, day: date) -> InputError | None:
    """Refuse temperatures that cannot be °C: Visual Crossing answers in °F, inches and mph by default."""
    if not weather.known:
        return InputError(f"{weather.raw.path} ne donne aucune température possible le {day}.", "Refaire le relevé.")
    names = ("temp_moyenne", "temp_min", "temp_max")
    temperatures = [float(weather.daily[name]) for name in names if weather.daily.get(name) is not None]
    temperatures += weather.hours["temp"].dropna().tolist()
    limit = WINTER_HOTTEST if day.month in WINTER_MONTHS else MILD_HOTTEST if day.month in MILD_MONTHS else HOTTEST
    if min(temperatures) >= COLDEST and max(temperatures) <= limit:
        return None
    wrong = max(temperatures) if max(temperatures) > limit else min(temperatures)
    return InputError(
        f"{weather.raw.path} donne {wrong:g} le {day} : ce ne peut pas être des °C à Paris (°F, pouces, mph ?).",
        "Refaire le relevé avec unitGroup=metric (Visual Crossing), ou sans temperature_unit (Open-Meteo).",
    )


def warn_of_forecast(weather: WeatherDay, day: date, quality: Quality) -> None:
    """Warn when the account is a forecast, wholly or after the pull, or when a newer one cannot be read."""
    measured, pulled = int(weather.is_measured(day).sum()), weather.raw.pulled or "date inconnue"
    if not measured:
        text = f"Seul un relevé antérieur ({pulled}) parle du {day} : c'est une prévision, pas une mesure."
        quality.warn("prevision_seule", "attention", text, measured, 24)
    elif measured < 24:
        some = f"Le meilleur relevé ({pulled}) n'a mesuré que {counted(measured, 'heure')} du {day}"
        quality.warn("releve_du_jour", "information", f"{some} : le reste est une prévision.", measured, 24)
    if unread := weather.newer_unread:
        names = ", ".join(unread[:SAMPLES_KEPT])
        text = f"Un relevé plus récent ne peut pas être lu ({names}) : les chiffres viennent de {weather.raw.name}."
        quality.warn("releve_recent_illisible", "attention", text, len(unread), 0, unread)
