"""The French of the CSV of a day or a month: what sections and indicators are called in a spreadsheet.

The keys are those of the JSON, which programs read.
"""

from scripts.report.cards import LABELS

SECTIONS = {
    "resume": "Résumé",
    "contexte": "Contexte",
    "sources": "Sources",
    "rejets": "Lignes rejetées",
    "constats": "Points à voir",
    "chiffres_cles": "Chiffres du jour",
    "profils_horaires": "Heure par heure",
    "troncons": "Tronçons les plus chargés",
    "zones_congestionnees": "Zones congestionnées",
    "compteurs_velo": "Compteurs vélo",
    "lignes_impactees": "Lignes les plus perturbées",
    "hors_ordinaire": "Hors de l'ordinaire",
    "en_hausse_comptages": "Rues en hausse",
    "en_baisse_comptages": "Rues en baisse",
    "en_hausse_bikes": "Compteurs vélo en hausse",
    "en_baisse_bikes": "Compteurs vélo en baisse",
    "alertes_congestion": "Alertes de congestion",
    "interruptions": "Interruptions de ligne",
    "lignes": "Lignes perturbées",
    "capteurs_comptages": "Tronçons en défaut",
    "capteurs_bikes": "Compteurs vélo en défaut",
    "ecartes_comptages": "Tronçons laissés de côté",
    "ecartes_bikes": "Compteurs vélo laissés de côté",
    "chantiers": "Chantiers",
    "zones_critiques": "Zones critiques",
    "liste_chantiers": "Liste des chantiers",
    "perturbations": "Perturbations",
    "longue_duree": "Longue durée",
    "meteo": "Météo",
    "mois": "Mois",
    "chiffres": "Chiffres du mois",
    "jours": "Jours",
    "meilleurs_jours": "Meilleurs jours",
    "pires_jours": "Pires jours",
    "profil_jours_ouvres": "Heures des jours ouvrés",
    "laisse_de_cote": "Laissé de côté",
}
# Where a word of the key has an accent, or says little in a cell; of any other key only the « _ » go.
INDICATORS = {
    "jour_semaine": "jour de la semaine",
    "jour_ferie": "jour férié",
    "heures_du_jour": "heures dans la journée",
    "rejets": "lignes rejetées",
    "capteurs_mesures": "capteurs qui ont mesuré",
    "capteurs_ecartes": "capteurs laissés de côté",
    "capteurs_base": "capteurs attendus d'après",
    "heures_manquantes": "heures sans mesure",
    "severite": "gravité",
    "valeur": "ce jour",
    "semaine_precedente": "semaine précédente",
    "evolution_semaine_precedente_pct": "évolution depuis la semaine précédente",
    "evolution_semaine_precedente_points": "écart à la semaine précédente",
    "mediane_4_semaines": "habitude (médiane de 4 semaines)",
    "evolution_mediane_pct": "écart à l'habitude",
    "evolution_mediane_points": "écart à l'habitude, en points",
    "annee_precedente": "52 semaines avant",
    "evolution_annee_precedente_pct": "évolution depuis 52 semaines",
    "evolution_annee_precedente_points": "écart à 52 semaines avant",
    "comparaison": "comparé à",
    "debit_journalier_total": "débit du jour",
    "heure_pic": "heure de pointe",
    "part_heures_saturees_pct": "part des heures saturées",
    "taux_occupation_moyen": "taux d'occupation moyen",
    "taux_occupation_max": "taux d'occupation maximal",
    "total_jour": "passages du jour",
    "heures_perturbees": "heures perturbées",
    "heures_bloquees": "heures interrompues",
    "nombre_perturbations": "nombre de perturbations",
    "usuel": "habitude",
    "habituel": "habitude",
    "jour": "ce jour",
    "ecart": "écart",
    "ecart_pct": "écart à l'habitude",
    "debut": "début",
    "fin": "fin",
    "duree_heures": "durée",
    "regle": "règle",
    "aurait_ajoute": "aurait ajouté",
    "nombre_chantiers_actifs": "chantiers actifs",
    "surface_totale_m2": "surface totale",
    "par_impact": "chantiers par impact",
    "par_niveau": "chantiers par niveau",
    "par_severite": "perturbations par gravité",
    "par_cause": "perturbations par cause",
    "par_mode": "perturbations par mode",
    "reliability_par_mode": "fiabilité",
    "lignes_perturbees": "lignes perturbées",
    "temp_moyenne": "température moyenne",
    "temp_min": "température minimale",
    "temp_max": "température maximale",
    "precip_totale": "pluie",
    "vent_max": "vent maximal",
    "conditions": "temps",
    "impact_mobilite": "gêne pour la mobilité",
    "mois_precedent": "mois précédent",
    "moyenne_mois_precedent": "moyenne du mois précédent",
    "jours_retenus_mois_precedent": "jours retenus du mois précédent",
    "evolution_pct": "évolution",
    "capteurs_constants": "capteurs constants",
    "part_du_mois_precedent": "part du mois précédent",
    "part_mois_precedent_pct": "part du service, mois précédent",
    "part_du_service_pct": "part du service",
}
# Of each earlier day beside the day (see table._rests_on).
BASES = {
    "semaine_precedente": "semaine précédente",
    "mediane": "habitude",
    "annee_precedente": "52 semaines avant",
}


def section(key: str) -> str:
    """Name a section in a spreadsheet."""
    return SECTIONS.get(key, key.replace("_", " ").capitalize())


def indicator(key: str) -> str:
    """Name an indicator in a spreadsheet."""
    return INDICATORS.get(key) or LABELS.get(key) or key.replace("_", " ")
