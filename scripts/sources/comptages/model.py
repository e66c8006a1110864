"""What an hour of an arc says of its traffic: the publisher's state, and the time lost, which is a model of ours."""

import numpy as np
import pandas as pd

from scripts.sources.referentiel.records import is_ring

# Traffic state by occupancy rate k (%), the publisher's thresholds.
STATES = ("Fluide", "Pré-saturé", "Saturé", "Bloqué")
STATE_BOUNDS = (15.0, 30.0, 50.0)
SLOW_STATES = STATES[2:]
UNKNOWN = "Inconnu"
SATURATED_FROM = 30.0  # % : Saturé or Bloqué

# Lost-time model: free speed, and the share of it that is left at an occupancy of 30, 50 and 70 % or more.
RING_SPEED = 50.0  # km/h, legal speed of the boulevard périphérique since 2024-10-01
CITY_SPEED = 30.0  # km/h, legal speed of most streets since 2021-08-30
SPEED_SHARES = (1.0, 0.8, 0.6, 0.4)
SPEED_BOUNDS = (30.0, 50.0, 70.0)


def traffic_state(occupancy: pd.Series) -> pd.Series:
    """The publisher's state for each occupancy rate (%); « Inconnu » where it was not measured."""
    states = np.array(STATES)[np.searchsorted(STATE_BOUNDS, occupancy.fillna(0.0), side="right")]
    return pd.Series(states, index=occupancy.index).where(occupancy.notna(), UNKNOWN)


def lost_minutes(counts: pd.DataFrame, arcs: pd.DataFrame) -> pd.Series:
    """Minutes lost by all vehicles of each arc-hour: q x length x (1/v(k) - 1/v_ref). A model, not a measurement.

    v_ref is 50 km/h on the périphérique and 30 in the city; v = v_ref x 1 / 0.8 / 0.6 below k = 30 / 50 / 70 %, x 0.4
    above. Missing where the flow, the occupancy or the length is.
    """
    ring = is_ring(arcs["libelle"]).reindex(counts["identifiant_arc"]).to_numpy()
    kilometres = arcs["longueur_metres"].reindex(counts["identifiant_arc"]).to_numpy() / 1000
    free_speed = np.where(ring, RING_SPEED, CITY_SPEED)
    known = counts["taux_occupation"].fillna(0.0)
    speed = free_speed * np.array(SPEED_SHARES)[np.searchsorted(SPEED_BOUNDS, known, side="right")]
    minutes = 60 * counts["debit"] * kilometres * (1 / speed - 1 / free_speed)
    return minutes.where(counts["taux_occupation"].notna())


def dominant_state(counts: pd.DataFrame) -> pd.Series:
    """The most frequent known state of each arc; of two as frequent, the worse."""
    known = counts[counts["etat"] != UNKNOWN]
    hours = known.groupby(["identifiant_arc", "etat"]).size().unstack(fill_value=0)
    worst_first = hours.reindex(columns=STATES[::-1], fill_value=0)
    return worst_first.idxmax(axis=1) if len(worst_first) else pd.Series(dtype=object)
