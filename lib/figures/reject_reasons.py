"""Why raw rows are rejected, in words: the codes (docs/quality-codes.md) are for programs, these for people."""

from collections.abc import Callable, Mapping

IN_WORDS = {
    "champs_en_trop": "champs en trop",
    "champs_manquants": "champs manquants",
    "comptage_fractionnaire": "comptage qui n’est pas entier",
    "comptage_impossible": "comptage impossible",
    "comptage_negatif": "comptage négatif",
    "comptage_non_numerique": "comptage qui n'est pas un nombre",
    "date_absente": "date absente",
    "date_illisible": "date illisible",
    "date_trop_ancienne": "date d'avant 1990",
    "debit_impossible": "débit impossible",
    "debit_negatif": "débit négatif",
    "debit_non_numerique": "débit qui n'est pas un nombre",
    "encodage_invalide": "caractères illisibles",
    "enregistrement_invalide": "enregistrement d'une autre forme",
    "enregistrements_en_trop": "enregistrements en trop",
    "fichier_illisible": "fichier illisible",
    "fichier_trop_gros": "fichier trop gros",
    "fichier_vide": "fichier vide",
    "fichiers_en_trop": "fichiers en trop",
    "fin_avant_debut": "fin avant le début",
    "geometrie_absente": "tracé absent",
    "guillemet_non_ferme": "guillemet non fermé",
    "heure_illisible": "heure illisible",
    "heure_inexistante": "heure qui n'existe pas",
    "heure_non_ronde": "heure qui n'est pas ronde",
    "horloge_inconnue": "fuseau horaire inconnu",
    "hors_ile_de_france": "lieu hors d'Île-de-France",
    "identifiant_absent": "identifiant absent",
    "identifiant_invalide": "identifiant invalide",
    "jour_d_une_autre_horloge": "jour d'un autre fuseau horaire",
    "json_illisible": "JSON illisible",
    "ligne_trop_longue": "ligne trop longue",
    "periode_illisible": "période illisible",
    "periode_inversee": "période inversée",
    "periodes_absentes": "période absente",
    "referentiel_incomplet": "export incomplet",
    "reponse_en_erreur": "réponse d'erreur du service",
    "reponse_inattendue": "réponse d'une autre forme",
    "taux_hors_bornes": "taux d'occupation hors de 0 à 100 %",
    "taux_non_numerique": "taux d'occupation qui n'est pas un nombre",
    "unite_impossible": "unité impossible",
    "unite_inconnue": "unité inconnue",
}


def rejects_in_words(counts: Mapping[str, int], shown: Callable[[int], str] = str) -> str:
    """Write « date absente : 3, fin avant le début : 1 », the most frequent first; a code that is not known as it is.

    shown: how a number is written.
    """
    ordered = sorted(counts.items(), key=lambda one: -one[1])
    return ", ".join(f"{IN_WORDS.get(reason, reason)} : {shown(count)}" for reason, count in ordered)
