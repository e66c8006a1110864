"""How dense the traffic of an arc is by its occupancy rate k (%): states, alerts, zones, minutes lost (a model).

Frames have a row per arc and a column per hour (its start), NaN where not measured.
"""

from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.figures.changes import runs
from lib.figures.day_coverage import named_hours
from lib.figures.numbers import ranked
from lib.figures.quality import Quality
from scripts.sources.referentiel.records import is_ring

# The publisher's own states and thresholds of k.
STATES = ("Fluide", "Pré-saturé", "Saturé", "Bloqué")
STATE_BOUNDS = (15.0, 30.0, 50.0)
UNKNOWN = "Inconnu"
SLOW_STATES = STATES[2:]
SATURATED_FROM = 30.0  # % : Saturé or Bloqué
LEAST_ARCS = 5  # measured arcs, below which a zone is ranked after the others: two arcs are no arrondissement
PEAK_FROM, PEAK_TO = 7, 20  # h; etat_trafic_pointe is the worst state held for two hours running between them
UNKNOWN_CODE = -1  # before the place of any known state

# Lost-time model: free speed, and the share of it that is left at an occupancy of 30, 50 and 70 % or more.
RING_SPEED, RING_SPEED_BEFORE = 50.0, 70.0  # km/h, legal speed of the boulevard périphérique since RING_SLOWED
RING_SLOWED = date(2024, 10, 1)
CITY_SPEED = 30.0  # km/h, legal speed of most streets since 2021-08-30
SPEED_SHARES = (1.0, 0.8, 0.6, 0.4)
SPEED_BOUNDS = (30.0, 50.0, 70.0)

ALERT_OCCUPANCY = 80.0  # %
ALERT_HOURS = 2  # consecutive hours at ALERT_OCCUPANCY or more
CRITICAL_HOURS = 4  # an alert this long is « critique », a shorter one « élevée »
RING = "périphérique"
ZERO_RATES = 0.5  # share of the arcs with RATED_FLOW vehicles, LEAST_RATED at least, from which a rate of 0 is a blank
RATED_FLOW, LEAST_RATED = 100.0, 10  # véhicules/h, arcs; of 2 300 real arc-hours two have 0 % beside any vehicle
ENOUGH_RATES = 100  # arc-hours with vehicles, of which one at least is above 1 % on any real day

Codes = npt.NDArray[np.int64]


def traffic_states(rates: pd.DataFrame) -> Codes:
    """Code the state of each arc-hour: a place in STATES, UNKNOWN_CODE without an occupancy."""
    codes = np.searchsorted(STATE_BOUNDS, rates.fillna(0.0), side="right")
    return np.where(rates.notna(), codes, UNKNOWN_CODE)


def dominant_states(states: Codes) -> list[str]:
    """Name the most frequent known state of each arc; of two as frequent, the worse."""
    hours = np.stack([(states == code).sum(axis=1) for code in reversed(range(len(STATES)))], axis=1)
    return _names(np.where(hours.any(axis=1), len(STATES) - 1 - hours.argmax(axis=1), UNKNOWN_CODE))


def held_states(states: Codes, hours: pd.Index) -> list[str]:
    """Name the worst state that each arc held for two hours running between 07 and 20 h; « Inconnu » without two."""
    daytime = states[:, (hours >= PEAK_FROM) & (hours < PEAK_TO)]
    return _names(np.minimum(daytime[:, 1:], daytime[:, :-1]).max(axis=1, initial=UNKNOWN_CODE))


def _names(codes: Codes) -> list[str]:
    return [STATES[code] if code != UNKNOWN_CODE else UNKNOWN for code in codes.tolist()]


def ring_speed(day: date) -> float:
    """Find the legal speed of the périphérique on a day, km/h."""
    return RING_SPEED if day >= RING_SLOWED else RING_SPEED_BEFORE


def lost_minutes(flows: pd.DataFrame, rates: pd.DataFrame, arcs: pd.DataFrame, day: date) -> pd.DataFrame:
    """Compute the minutes lost by all vehicles of each arc-hour: q x length x (1/v(k) - 1/v_ref). A model.

    v_ref is ring_speed on the périphérique and 30 km/h in the city; v = v_ref x 1 / 0.8 / 0.6 below k = 30 / 50 / 70 %,
    x 0.4 above. Missing where the flow, the occupancy or the length is.
    """
    free_speed = np.where(is_ring(arcs["libelle"]), ring_speed(day), CITY_SPEED)[:, None]
    kilometres = arcs["longueur_metres"].to_numpy(dtype=float)[:, None] / 1000
    known = rates.to_numpy()
    speed = free_speed * np.array(SPEED_SHARES)[np.searchsorted(SPEED_BOUNDS, known, side="right")]
    lost = 60 * flows.to_numpy() * kilometres * (1 / speed - 1 / free_speed)
    return pd.DataFrame(np.where(np.isnan(known), np.nan, lost), flows.index, flows.columns)


def congested_zones(rates: pd.DataFrame, lost: pd.DataFrame, arcs: pd.DataFrame) -> list[dict[str, Any]]:
    """Rank zones by the share of measured arc-hours at k >= 30 %, ten at most.

    A zone is the périphérique, else an arrondissement as two digits; what lies outside all twenty is in none.
    """
    numbers = arcs["arrondissement"].to_numpy(dtype=float, na_value=np.nan)
    per_arc = pd.DataFrame(
        {
            "zone": np.where(is_ring(arcs["libelle"]), np.inf, numbers),  # the périphérique comes last
            "heures": rates.count(axis=1),
            "taux": rates.sum(axis=1),
            "saturees": (rates >= SATURATED_FROM).sum(axis=1),
            "perdu": lost.sum(axis=1, min_count=1),
        }
    )
    groups = per_arc[per_arc["heures"] > 0].groupby("zone")
    sums = groups.sum(min_count=1)
    zones = pd.DataFrame(
        {
            "zone": [RING if np.isinf(number) else f"{number:02.0f}" for number in sums.index],
            "nombre_troncons": groups.size(),
            "taux_occupation_moyen": (sums["taux"] / sums["heures"]).round(2),
            "part_heures_saturees_pct": (100 * sums["saturees"] / sums["heures"]).round(2),
            "temps_perdu_total_minutes": sums["perdu"].round(2),
        }
    ).reset_index(drop=True)
    zones["mince"] = zones["nombre_troncons"] < LEAST_ARCS
    order = ["mince", "part_heures_saturees_pct", "taux_occupation_moyen", "zone"]
    return ranked(zones.sort_values(order, ascending=[True, False, False, True]).drop(columns="mince"))


def alerts(rates: pd.DataFrame, arcs: pd.DataFrame, day: date) -> list[dict[str, Any]]:
    """List runs of at least two consecutive hours at k >= 80 %, the longest first."""
    found = []
    for arc, first, last in runs(rates >= ALERT_OCCUPANCY, ALERT_HOURS):
        hours = [int(hour) for hour in rates.columns[first : last + 1]]
        found.append(
            {
                "identifiant_arc": arc,
                "libelle": arcs.at[arc, "libelle"],
                "arrondissement": arcs.at[arc, "arrondissement"],
                "debut": _hour_text(day, hours[0]),
                "fin": _hour_text(day, hours[-1] + 1),
                "duree_heures": len(hours),
                "taux_occupation_max": rates.loc[arc, hours].max(),
                "severite": "critique" if len(hours) >= CRITICAL_HOURS else "élevée",
            }
        )
    return sorted(found, key=lambda alert: (-alert["duree_heures"], alert["debut"], alert["identifiant_arc"]))


def _hour_text(day: date, hour: int) -> str:
    return (datetime.combine(day, time()) + timedelta(hours=hour)).isoformat(timespec="minutes")


def without_filled(flows: pd.DataFrame, rates: pd.DataFrame, quality: Quality) -> pd.DataFrame:
    """Blank the rates of 0 in hours in which most arcs with vehicles have one: they stand for blanks. Warn of them."""
    rated = (flows >= RATED_FLOW) & rates.notna()
    arcs, zeros = rated.sum(), (rated & rates.eq(0)).sum()
    filled = (arcs >= LEAST_RATED) & (zeros >= ZERO_RATES * arcs)
    if not filled.any():
        return rates
    hours = [int(hour) for hour in rates.columns[filled]]
    text = (
        f"Heures où la plupart des tronçons ont des véhicules et un taux d'occupation de 0 ({named_hours(hours)}) : "
        "des vides remplis de 0 ? Ces taux ne comptent pas comme mesurés."
    )
    quality.warn("taux_a_zero", "attention", text, len(hours), 0, hours)
    return rates.mask(rates.eq(0) & filled)


def warn_of_fractions(flows: pd.DataFrame, rates: pd.DataFrame, quality: Quality) -> None:
    """Warn when no occupancy passes 1 % although vehicles do: fractions (0 to 1) written for percentages."""
    moving = rates.to_numpy()[flows.to_numpy() > 0]
    highest = np.nanmax(moving, initial=0.0)
    if np.isfinite(moving).sum() >= ENOUGH_RATES and 0 < highest <= 1:
        text = f"Aucun taux d'occupation ne dépasse {highest:g} % : des fractions (0 à 1) pour des pourcentages ?"
        quality.warn("taux_en_fractions", "attention", text, highest, None)
