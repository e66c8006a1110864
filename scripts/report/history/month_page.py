"""A month as one HTML page of two A4 sheets: what a team sends upward. A pure function of the month's figures.

The same policy, colours and words as the daily page (see scripts/report/page).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

from lib.common.paris_time import month_before
from lib.figures.calendar_days import MONTHS, WEEKDAYS, day_number
from lib.figures.key_figures import HourlyProfile
from lib.figures.past_days import USABLE_FROM
from scripts.registry import SOURCES, on_the_page
from scripts.report.cards import CARD, LABELS, Card, cards_of, noun_of, rests_on
from scripts.report.french import NARROW, counted, joined, month_name, number, percent, quantity, share_percent
from scripts.report.history.month_days import COMPLETE, PARTIAL
from scripts.report.history.strips import strips
from scripts.report.rendering import render
from scripts.report.summary import in_words
from scripts.report.svg_charts import hour_chart
from scripts.report.table import MOVED
from scripts.report.ways import Way

Month = dict[str, Any]

# Of each figure that has good and bad days: what the two rankings are of.
RANKINGS = {
    "fiabilite_transports": ("Les plus fiables", "Les moins fiables"),
    "temps_perdu": ("Le moins perdu", "Le plus perdu"),
    "passages_velo": ("Le plus de passages", "Le moins de passages"),
    "debit_routier": ("Les plus calmes", "Les plus chargés"),
}
IN_SENTENCE = (("trafic routier", "debit_routier"), ("vélo", "passages_velo"), ("temps perdu", "temps_perdu"))
DAYS_NAMED = 6  # of a list of days; beyond it they are counted


def month_page(figures: Month, ways: Sequence[Way] = (), pages: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """Render the page of a month as UTF-8. pages: by day (ISO), the name of the page that lies beside it."""
    month = date.fromisoformat(f"{figures['mois']}-01")
    days = {date.fromisoformat(one["date"]): _known(figures, one) for one in figures["jours"]}
    before = month_name(month_before(month))
    reasons = _uncompared(figures["chiffres"])
    return render(
        "month.html.j2",
        titre=f"Mobilité à Paris, {month_name(month)}",
        nom=month_name(month).capitalize(),
        avant=before,
        fichier=f"monthly_report_{figures['mois']}",
        synthetique=figures["synthetique"],
        voies=ways,
        pages=pages,
        mois=figures,
        constat=sentence(figures, before),
        comptes={state: sum(one["statut"] == state for one in figures["jours"]) for state in (COMPLETE, PARTIAL)},
        particularites=[_period(one) for one in figures["contexte"]["particularites"]],
        particularites_avant=[_period(one) for one in figures["contexte"]["particularites_mois_precedent"]],
        cartes=[_card(card, figures["chiffres"][card.key], len(reasons) > 1) for card in cards_of(figures["chiffres"])],
        bandes=strips(
            list(days),
            lambda day, key: days[day]["valeurs"][key],
            "Trafic routier, vélo, part perturbée des transports et pluie de chaque jour du mois.",
        ),
        ordre=[source.name for source in on_the_page(SOURCES)],
        jours=[{**one, "jour": day, "page": pages.get(one["date"])} for day, one in days.items()],
        semaine=WEEKDAYS,
        palmares=[
            (LABELS[key], [(better, _ranked(key, rows["meilleurs"])), (worse, _ranked(key, rows["pires"]))])
            for key, (better, worse) in RANKINGS.items()
            if (rows := figures["jours_marquants"][key])["meilleurs"]
        ],
        profils=[
            _profile(source.profiles[0], figures["profils_jours_ouvres"][source.profiles[0].name])
            for source in on_the_page(SOURCES)
            if source.sensors and source.profiles
        ],
        rues=[(MOVED[source], moved) for source, moved in figures["rues"].items()],
        laisse=[line for one in figures["laisse_de_cote"] if (line := _left_out(one))],
        sans_comparaison=reasons,
        utilisable=percent(100 * USABLE_FROM),
    )


def _known(figures: Month, one: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a day the figures of a source too partial to stand beside other days, as the calendar does."""
    thin = {source for source, share in one["couvertures"].items() if share < USABLE_FROM}
    values = {
        key: None if figures["chiffres"][key]["source"] in thin else one["valeurs"][key] for key in one["valeurs"]
    }
    return {**one, "valeurs": values}


def sentence(figures: Month, before: str) -> str:
    """Say what changed since the month before, and how reliable transport was."""
    known = figures["chiffres"]
    changes = [
        (name, known[key]["evolution_pct"]) for name, key in IN_SENTENCE if known[key]["evolution_pct"] is not None
    ]
    clauses = []
    if changes:
        clauses.append(f"{joined([f'{name} {in_words(change)}' for name, change in changes])} par rapport à {before}")
    reliable = known["fiabilite_transports"]["moyenne_par_jour"]
    if reliable is not None:
        clauses.append(f"métro, RER et tram fiables à {percent(reliable)}")
    if not changes:
        clauses.append(f"trop peu en commun avec {before} pour comparer les routes et le vélo")
    return " ; ".join(clauses)


def _period(one: dict[str, str]) -> str:
    days = [date.fromisoformat(one[key]) for key in ("debut", "fin")]
    first, last = (f"{day_number(day)} {MONTHS[day.month - 1]}" for day in days)
    return f"{one['nom']}, le {first}" if first == last else f"{one['nom']}, du {first} au {last}"


def _card(card: Card, figure: dict[str, Any], say_why: bool) -> dict[str, Any]:
    """Show a mean a day, what changed since the month before or why that is not known, and the extreme days."""
    mean, base, days = figure["moyenne_par_jour"], figure["base"], figure["jours_retenus"]
    if mean is None:
        return card.view(None, unite="aucun jour assez complet")
    gap = figure["evolution_pct"] if card.gap_unit is None else figure["ecart"]
    least, most = (
        f"{_value(card, one['valeur'])} le {int(one['date'][8:])}" for one in (figure["minimum"], figure["maximum"])
    )
    view = card.view(
        mean,
        gap,
        base["marge"] if base else None,
        capteurs=rests_on(figure["source"], base) if base and gap is not None else "",
        pourquoi=figure["pourquoi"] if say_why else "",
        etendue=f"de {least} à {most}, sur {counted(days, 'jour')}" if days > 1 else "",
    )
    total = f"{quantity(figure['somme_des_jours_retenus'], card.unit)} en tout"
    return view | ({"unite": total} if card.unit == "mm" else {})


def _value(card: Card, value: float) -> str:
    """Write the value of one day in full."""
    return quantity(value, card.unit) if card.unit else number(value / card.divisor, 0)


def _ranked(key: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Write each day's value, and beside it its gap to the usual day of the daily report."""
    card = CARD[key]
    return [
        {
            "date": one["date"],
            "valeur": f"{_value(card, one['valeur'])}{f'{NARROW}h' if key == 'temps_perdu' else ''}",
            "niveau": one["niveau"],
            "usuel": None if card.gap_unit else one["ecart_habitude_pct"],
        }
        for one in rows
    ]


def _profile(drawn: HourlyProfile, profile: dict[str, Any]) -> dict[str, Any]:
    """Build titre, genre, unite, dessin, compare, lignes of the average working day."""
    now, then = profile["mois"], profile["mois_precedent"]
    known = any(value is not None for value in now)
    compared = any(value is not None for value in then)
    words = f"{drawn.title} de la journée moyenne du lundi au vendredi, heure par heure. Le tableau suit."
    return {
        "titre": drawn.title,
        "genre": drawn.kind,
        "unite": profile["unite"],
        "dessin": hour_chart(drawn.kind, now, then, words) if known else None,
        "compare": compared,
        "lignes": list(zip(range(len(now)), now, then, strict=True)),
    }


def _left_out(one: dict[str, Any]) -> str:
    """Write what of a source is in no mean, and why; nothing where all of it is."""
    parts = []
    missing, thin = one["jours_manquants"], one["jours_trop_partiels"]
    if missing:
        parts.append(f"{counted(len(missing), 'jour manquant', 'jours manquants')}{_named(missing)}")
    if thin:
        shares = [f"{int(day[8:])} ({share_percent(share)})" for day, share in thin.items()]
        some = joined(shares) if len(shares) <= DAYS_NAMED else ", ".join(shares[:DAYS_NAMED]) + "…"
        parts.append(
            f"{counted(len(thin), 'jour vu', 'jours vus')} à moins de {percent(100 * USABLE_FROM)} : le {some}"
        )
    if one["capteurs_ecartes"]:
        noun = noun_of(one["source"])
        parts.append(
            f"jusqu’à {counted(one['capteurs_ecartes'], f'{noun} en panne', f'{noun}s en panne')} "
            f"{'écarté' if one['capteurs_ecartes'] < 2 else 'écartés'} de tous les totaux, "
            f"sur {counted(one['jours_avec_capteurs_ecartes'], 'jour')}"
        )
    return f"{SOURCES[one['source']].french.capitalize()} : {' ; '.join(parts)}." if parts else ""


def _named(days: Sequence[str]) -> str:
    numbers = [str(int(day[8:])) for day in days]
    if len(numbers) > 1 and int(numbers[-1]) - int(numbers[0]) == len(numbers) - 1:
        return f" (du {numbers[0]} au {numbers[-1]})"
    return f" (le {joined(numbers)})" if len(numbers) <= DAYS_NAMED else f" (dont le {', '.join(numbers[:DAYS_NAMED])})"


def _uncompared(figures: dict[str, Any]) -> list[str]:
    """Name the figures that stand beside none of the month before, by why."""
    labels = {card.key: card.label for card in cards_of(figures)}
    reasons: dict[str, list[str]] = {}
    for key, figure in figures.items():
        if figure["pourquoi"]:
            reasons.setdefault(figure["pourquoi"], []).append(labels[key])
    return [f"{joined(names)} : {why}" for why, names in reasons.items()]
