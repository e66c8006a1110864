"""Figures, hours and names as a French reader writes them.

Numbers have a decimal comma and narrow no-break spaces between thousands and before a unit; a missing one is « n. d. »
(non disponible), never zero.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache

from lib.common.html_text import shortened
from lib.common.text import agreed, without_controls
from lib.figures.calendar_days import MONTHS, WEEKDAYS, day_number
from lib.figures.quality import rejects_in_words

NARROW = "\u202f"  # narrow no-break space: between thousands, before % and units
NO_BREAK = "\u00a0"
MINUS = "\u2212"
MISSING = f"n.{NARROW}d."

BREAK = "\u200b"  # where a line may end within a word

# Both begin with what they replace and look back from there: a whole page is searched in a third of the time.
_APOSTROPHE = re.compile(r"(?:'(?<=[^\W\d_]')|&#39;(?<=[^\W\d_]&#39;))(?=[^\W\d_])")  # between two letters
_BREAKING = re.compile(r" (?:(?=[:;!?»%])|(?<=« ))")

_ENDLESS, _PIECE = re.compile(r"\S{25,}"), re.compile(r"\S{10}(?=\S)")  # hardly a word of French is as long
LABEL_SHOWN, TEXT_SHOWN = 120, 600  # characters of a name, and of any one text of a page

_ELIDED = re.compile(r"(?<=\b[dl]) (?=[AEIOUYHÀÉÈÊÎÔ])")  # the labels of arcs have no apostrophes
_WAY = re.compile(r"\b(?!bis |ter )[A-Za-z]+\b\.?(?= )")  # the first word, after a number
WAYS = {
    "av": "avenue", "av.": "avenue", "bd": "boulevard", "bd.": "boulevard", "bld": "boulevard", "fbg": "faubourg",
    "pl": "place", "pl.": "place", "pt": "pont", "pte": "porte", "r": "rue", "r.": "rue", "rte": "route",
}  # fmt: skip
RING_NAMES = {"PE_": "Périph. extérieur, ", "PI_": "Périph. intérieur, "}


def number(value: float | None, decimals: int = 1, sign: bool = False, fixed: bool = False) -> str:
    """Write 1234.5 as « 1 234,5 »: at most so many decimals, no final zero unless `fixed` (columns)."""
    if value is None:
        return MISSING
    text = f"{value:{'+' if sign else ''},.{decimals}f}"
    if decimals and not fixed:
        text = text.rstrip("0").removesuffix(".")
    if text in ("-0", "+0"):
        text = "0"
    return text.replace(",", NARROW).replace(".", ",").replace("-", MINUS)


def quantity(value: float | None, unit: str, decimals: int = 1, sign: bool = False, fixed: bool = False) -> str:
    """Write a number and its unit, never parted at the end of a line; « n. d. » has no unit."""
    return MISSING if value is None else f"{number(value, decimals, sign, fixed)}{NARROW}{unit}"


def percent(value: float | None, decimals: int = 1, sign: bool = False, fixed: bool = False) -> str:
    return quantity(value, "%", decimals, sign, fixed)


def share_percent(value: float | None) -> str:
    """Write a share from 0 to 1 in percent; what is not quite whole is never written 100 %."""
    if value is None:
        return MISSING
    return percent(min(100 * value, 99.9) if value < 1 else 100.0)


def counted(value: float, singular: str, plural: str = "") -> str:
    """Write « 1 chantier », « 1 234 chantiers »."""
    return f"{number(value)}{NO_BREAK}{agreed(value, singular, plural)}"


def hour(value: int | None) -> str:
    """Write 8 as « 08 h »."""
    return MISSING if value is None else f"{value:02d}{NARROW}h"


def hours(start: int, end: int) -> str:
    """Write « de 10 h à 16 h »."""
    return f"de {hour(start)} à {hour(end)}" if end - start < 24 else "toute la journée"


def clock(text: str) -> str:
    """Write 2025-11-04T08:30 as « 08 h 30 »."""
    moment = datetime.fromisoformat(text)
    return hour(moment.hour) + (f"{NARROW}{moment.minute:02d}" if moment.minute else "")


def span(start: str, end: str) -> str:
    """Write « 22 h – 24 h »: from one moment to another of the same day, midnight at its end being 24 h."""
    last = f"24{NARROW}h" if end[:10] > start[:10] and end[11:16] == "00:00" else clock(end)
    return f"{clock(start)} – {last}"


def duration(hours: float | None) -> str:
    """Write 8.85 hours as « 8 h 51 », less than one as « 45 min »."""
    if hours is None:
        return MISSING
    whole, minutes = divmod(round(hours * 60), 60)
    if not whole:
        return f"{minutes}{NARROW}min"
    return f"{whole}{NARROW}h" + (f"{NARROW}{minutes:02d}" if minutes else "")


def short_date(text: str | None) -> str:
    """Write 2025-11-01 as « 1er novembre 2025 »."""
    if text is None:
        return MISSING
    day = date.fromisoformat(text)
    return f"{day_number(day)}{NO_BREAK}{MONTHS[day.month - 1]} {day.year}"


def week_day(text: str) -> str:
    """Write 2025-11-01 as « samedi 1er »."""
    day = date.fromisoformat(text)
    return f"{WEEKDAYS[day.weekday()]} {day_number(day)}"


def month_name(month: date) -> str:
    return f"{MONTHS[month.month - 1]} {month.year}"


def day_list(days: Sequence[date], year: int) -> str:
    """Write sorted days as « 28 octobre, 4 et 11 novembre », with their year where it is not `year`."""
    words = []
    for day, following in zip(days, [*days[1:], None], strict=True):
        number = day_number(day)
        month = f"{NO_BREAK}{MONTHS[day.month - 1]}" + ("" if day.year == year else f" {day.year}")
        goes_on = following is not None and (following.year, following.month) == (day.year, day.month)
        words.append(number if goes_on else f"{number}{month}")
    return joined(words)


def arrondissement(value: int | None) -> str:
    """Write 12 as « 12e », 1 as « 1er », None (outside all twenty, or unknown) as « hors Paris ou inconnu »."""
    return "hors Paris ou inconnu" if value is None else "1er" if value == 1 else f"{value}e"


def zone(name: str) -> str:
    """Write a zone of the congestion ranking: « 02 » as « 2e arrondissement », any other name as it is."""
    return f"{arrondissement(int(name))} arrondissement" if name.isdecimal() else name


@lru_cache(maxsize=8_000)  # labels of arcs: those of Paris are 3 300, the same every day
def street(label: str | None) -> str:
    """Write a street one way whoever named it: Bd_Joli_Val and « bd Joli Val. » as « Boulevard Joli Val ».

    PE_Sablons is « Périph. extérieur, Sablons », Av_Pte_d_Ivry « Avenue Pte d’Ivry ».
    """
    if not label:
        return "sans nom"
    ring = RING_NAMES.get(label[:3], "")
    words = " ".join(label[3 if ring else 0 :].replace("_", " ").split()).rstrip(" .")
    words = _WAY.sub(lambda found: WAYS.get(found[0].lower(), found[0]), _ELIDED.sub("’", words), count=1)
    return name(ring + words[:1].upper() + words[1:])


def name(text: str | None) -> str:
    """Clean a name out of raw data for a page: no control character, LABEL_SHOWN characters at the most.

    A word too long for a column of a table may be broken.
    """
    if not text:
        return "sans nom"
    return _ENDLESS.sub(lambda word: _PIECE.sub(rf"\g<0>{BREAK}", word[0]), _shown(text, LABEL_SHOWN))


def printable(value: object) -> object:
    """Remove controls of plain text and show TEXT_SHOWN characters of it: raw data may hold anything, at any length.

    Anything else (markup, numbers) is left.
    """
    return _shown(value, TEXT_SHOWN) if type(value) is str else value


def rejected(counts: dict[str, int]) -> str:
    """Write the reasons of rejected rows and how many rows each took."""
    return rejects_in_words(counts, number)


def typeset(page: str) -> str:
    """Write l'heure as « l’heure » and put no-break spaces before tall marks and inside « » in a page.

    Whoever wrote the words: a template, a warning, raw data.
    """
    return _BREAKING.sub(NO_BREAK, _APOSTROPHE.sub("’", page))


def _shown(text: str, limit: int) -> str:
    return shortened(without_controls(text), limit)


def joined(words: Sequence[str]) -> str:
    """Join words as « a, b et c »."""
    return " et ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
