"""Lines of the network: one line for each way of naming it, and no line where none is meant."""

import pytest

from scripts.sources.traffic.lines import (
    NETWORK,
    Line,
    distinct,
    line_order,
    lines_in_text,
    make_line,
    mode_order,
    on_network,
)

KNOWN = {
    "line:IDFM:C01371": "Métro 1", "line:IDFM:C01374": "Métro 4", "line:IDFM:C01376": "Métro 6",
    "line:IDFM:C01383": "Métro 13", "line:IDFM:C01742": "RER A", "line:IDFM:C01743": "RER B",
    "line:IDFM:C01727": "RER C",
}  # fmt: skip


@pytest.mark.parametrize(("identifier", "label"), KNOWN.items())
def test_known_ids_name_their_line_whatever_else_is_said(identifier: str, label: str) -> None:
    line = make_line(identifier, ["Bus"], ["272"])
    assert line is not None
    assert (line.label, line.id, on_network(line)) == (label, identifier, True)


@pytest.mark.parametrize(
    ("mode", "name", "label"),
    [
        ("Metro", "6", "Métro 6"),
        ("commercial_mode:Metro", "METRO 6", "Métro 6"),
        ("Métro", "3B", "Métro 3bis"),
        ("physical_mode:Metro", "7bis", "Métro 7bis"),
        ("RapidTransit", "RER B", "RER B"),
        ("physical_mode:RapidTransit", "H", "Transilien H"),
        ("LocalTrain", "J", "Transilien J"),
        ("Tramway", "T3A", "Tram T3a"),
        ("Tram", "tramway 3b", "Tram T3b"),
        ("Bus", "6", "Bus 6"),
        ("Bus", "A", "Bus A"),
        ("Funicular", "Montmartre", "Funicular Montmartre"),
        (None, "6", "6"),  # a code alone names no line of the métro
        ("Metro", "99", "Métro 99"),
    ],
)
def test_mode_and_code_name_a_line(mode: str | None, name: str, label: str) -> None:
    line = make_line(None, [mode], [name])
    assert line is not None
    assert line.label == label


def test_nothing_names_nothing() -> None:
    assert make_line(None, ["Metro"], [None, " "]) is None
    line = make_line("line:IDFM:C09999", [], [])
    assert line is not None
    assert (line.label, line.key) == ("C09999", "line:IDFM:C09999")


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Métro 6 : trafic interrompu", ["Métro 6"]),
        ("METRO 13", ["Métro 13"]),
        ("Ligne 6 : trafic ralenti", ["Métro 6"]),
        ("métro ligne 3 bis", ["Métro 3bis"]),
        ("RER B et RER ligne D", ["RER B", "RER D"]),
        ("Tram T3a", ["Tram T3a"]),
        ("tramway 3b", ["Tram T3b"]),
        ("Métro 6, RER A. Empruntez le métro 4.", ["Métro 6", "RER A"]),  # the next sentence tells the way round
        ("Métro 4 et métro 4", ["Métro 4"]),
        ("le RER a repris", []),
        ("Métro 60", []),
        ("Métro 2025", []),
        ("La ligne 6 du bus est déviée", []),
        ("Bus 272 : arrêt déplacé, métro 1 à proximité", ["Métro 1"]),
        ("", []),
    ],
)
def test_lines_in_text(text: str, labels: list[str]) -> None:
    assert [line.label for line in lines_in_text(text)] == labels


def test_the_network_is_the_structuring_one() -> None:
    modes = [line.mode for line in NETWORK]
    assert {mode: modes.count(mode) for mode in modes} == {"Métro": 16, "RER": 5, "Tram": 14}
    assert len({line.key for line in NETWORK}) == len(NETWORK)


def test_lines_and_modes_are_ordered_as_people_count() -> None:
    lines = [Line("Bus", "91"), Line("Métro", "10"), Line("Métro", "3bis"), Line("Métro", "3"), Line("RER", "A")]
    assert [one.label for one in sorted(lines, key=line_order)] == [
        "Métro 3",
        "Métro 3bis",
        "Métro 10",
        "RER A",
        "Bus 91",
    ]
    assert sorted(["Bus", "Navette", "Métro", "TER"], key=mode_order) == ["Métro", "TER", "Bus", "Navette"]


def test_two_mentions_of_a_network_line_are_one_line() -> None:
    named, known = Line("Métro", "6"), Line("Métro", "6", "line:IDFM:C01376")
    one, other = Line("Bus", "6", "x"), Line("Bus", "6", "y")
    assert distinct([named, one, known, other]) == [known, one, other]
