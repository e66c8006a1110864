"""The states of traffic of an arc in an hour, by its occupancy rate k (%): the publisher's own thresholds."""

STATES = ("Fluide", "Pré-saturé", "Saturé", "Bloqué")
STATE_BOUNDS = (15.0, 30.0, 50.0)
UNKNOWN = "Inconnu"
