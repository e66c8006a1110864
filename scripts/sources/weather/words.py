"""The weather of an hour or a day in French words: of WMO codes, and of Visual Crossing's conditions."""

# WMO weather interpretation codes, the subset that Open-Meteo documents; a higher code is a worse weather.
WMO = {
    0: "Ciel dégagé",
    1: "Ciel plutôt dégagé",
    2: "Partiellement nuageux",
    3: "Couvert",
    45: "Brouillard",
    48: "Brouillard givrant",
    51: "Bruine faible",
    53: "Bruine modérée",
    55: "Bruine forte",
    56: "Bruine verglaçante faible",
    57: "Bruine verglaçante forte",
    61: "Pluie faible",
    63: "Pluie modérée",
    65: "Pluie forte",
    66: "Pluie verglaçante faible",
    67: "Pluie verglaçante forte",
    71: "Neige faible",
    73: "Neige modérée",
    75: "Neige forte",
    77: "Neige en grains",
    80: "Averses faibles",
    81: "Averses modérées",
    82: "Averses violentes",
    85: "Averses de neige faibles",
    86: "Averses de neige fortes",
    95: "Orage",
    96: "Orage avec grêle faible",
    99: "Orage avec forte grêle",
}

# The words Visual Crossing joins with commas when no `lang` is asked for.
CONDITIONS = {
    "clear": "Dégagé",
    "partially cloudy": "Partiellement nuageux",
    "overcast": "Couvert",
    "rain": "Pluie",
    "heavy rain": "Forte pluie",
    "light rain": "Pluie faible",
    "drizzle": "Bruine",
    "light drizzle": "Bruine faible",
    "freezing drizzle/freezing rain": "Pluie verglaçante",
    "snow": "Neige",
    "light snow": "Neige faible",
    "heavy snow": "Forte neige",
    "ice": "Verglas",
    "hail": "Grêle",
    "fog": "Brouillard",
    "mist": "Brume",
    "thunderstorm": "Orage",
    "rain showers": "Averses",
}


def wmo_text(code: object) -> str | None:
    """Name a WMO code in French; None for no code or an unknown one."""
    return WMO.get(int(code)) if isinstance(code, int | float) and code == code else None


def conditions_text(text: object) -> str | None:
    """Translate Visual Crossing's conditions word by word; a word that is not known stays as it is."""
    if not isinstance(text, str) or not text.strip():
        return None
    return ", ".join(CONDITIONS.get(part.strip().casefold(), part.strip()) for part in text.split(","))
