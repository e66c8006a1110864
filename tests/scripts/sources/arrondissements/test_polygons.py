"""In which arrondissement a point lies, and what is said where the outlines are missing or are something else."""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
import shapely

from lib.figures.quality import Quality
from scripts.sources.arrondissements.polygons import Arrondissements, load_arrondissements
from tests.conftest import SAMPLES, RawTree, needs_samples


def test_a_point_is_located_or_missing() -> None:
    west, east = shapely.box(2.30, 48.80, 2.35, 48.90), shapely.box(2.35, 48.80, 2.40, 48.90)
    two = Arrondissements([7, 4], [west, east])
    lon = pd.Series([2.32, 2.38, 2.35, 2.50, np.nan, 2.32], index=[9, 8, 7, 6, 5, 5])
    found = two.locate(lon, pd.Series([48.85, 48.85, 48.85, 48.85, 48.85, np.nan], index=lon.index))
    assert found.index.tolist() == [9, 8, 7, 6, 5, 5]
    assert found.fillna(0).tolist() == [7, 4, 4, 0, 0, 0]  # on the common border: the lower number


def test_without_polygons_every_place_is_missing_and_it_is_said_once(raw: RawTree) -> None:
    quality = Quality()
    nowhere = load_arrondissements(raw.settings(), quality)
    load_arrondissements(raw.settings(), quality)
    assert nowhere.locate(pd.Series([2.35]), pd.Series([48.85])).isna().all()
    assert len(nowhere.locate(pd.Series([], dtype=float), pd.Series([], dtype=float))) == 0
    (warning,) = quality.avertissements
    assert warning.code == "arrondissements_absents"
    assert "make fetch" in warning.message


@pytest.mark.parametrize(
    "content", ["<!DOCTYPE html><html></html>", '{"features": [{}]}', "[]", '{"features": ["texte"]}']
)
def test_another_file_under_that_name_gives_no_arrondissement_and_says_so(raw: RawTree, content: str) -> None:
    path, quality = raw.batch("arrondissements.geojson", content), Quality()
    nowhere = load_arrondissements(raw.settings(), quality)
    assert nowhere.locate(pd.Series([2.35]), pd.Series([48.85])).isna().all()
    (warning,) = quality.avertissements
    assert (warning.code, warning.severite) == ("arrondissements_illisibles", "attention")
    assert str(path) in warning.message and "make fetch" in warning.message


def squares(*numbers: int) -> str:
    """Arrondissements as squares side by side, the n-th from the west on the n-th hundredth of a degree."""
    shapes = [(number, shapely.box(2.0 + number / 100, 48.80, 2.01 + number / 100, 48.90)) for number in numbers]
    features = [
        {"type": "Feature", "properties": {"c_ar": number}, "geometry": json.loads(shapely.to_geojson(shape))}
        for number, shape in shapes
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def test_fewer_than_twenty_are_said_and_the_places_in_the_others_are_missing(raw: RawTree) -> None:
    raw.batch("arrondissements.geojson", squares(*range(1, 11)))
    quality = Quality()
    ten = load_arrondissements(raw.settings(), quality)
    load_arrondissements(raw.settings(), quality)
    found = ten.locate(pd.Series([2.035, 2.155]), pd.Series([48.85, 48.85]))
    assert found.fillna(0).tolist() == [3, 0] and not ten.complete
    (warning,) = quality.avertissements
    assert (warning.code, warning.severite) == ("arrondissements_incomplets", "attention")
    assert (warning.mesure, warning.attendu, warning.exemples) == (10, 20, (11, 12, 13, 14, 15))
    assert "10 arrondissements sur 20" in warning.message and "make fetch" in warning.message


@pytest.mark.parametrize("kept", [10, 19])
def test_an_older_file_of_all_twenty_is_taken_before_a_newer_one_of_fewer(raw: RawTree, kept: int) -> None:
    for age, (name, numbers) in enumerate([("cut", range(1, kept + 1)), ("whole", range(1, 21)), ("old", range(1, 6))]):
        path = raw.batch(f"arrondissements-{name}.geojson", squares(*numbers))
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    quality = Quality()
    twenty = load_arrondissements(raw.settings(), quality)
    assert twenty.complete and twenty.locate(pd.Series([2.205]), pd.Series([48.85])).tolist() == [20]
    (warning,) = quality.avertissements
    assert warning.code == "arrondissements_incomplets"
    assert f"arrondissements-cut.geojson ({kept} lignes)" in warning.message
    assert "arrondissements-whole.geojson (20 lignes)" in warning.message


def test_of_several_files_that_all_lack_some_the_fullest_is_taken(raw: RawTree) -> None:
    for age, numbers in enumerate([range(1, 8), range(1, 13), range(1, 10)]):
        path = raw.batch(f"arrondissements-{age}.geojson", squares(*numbers))
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    quality = Quality()
    assert len(set(load_arrondissements(raw.settings(), quality).numbers)) == 12
    assert [one.code for one in quality.avertissements] == ["arrondissements_incomplets"]


@needs_samples
def test_the_real_polygons_know_paris(raw: RawTree) -> None:
    raw.batch("arrondissements.csv", "c_ar;l_ar\n1;1er Ardt\n")  # the portal's CSV beside it is not read
    shutil.copy(next((SAMPLES / "arrondissements").iterdir()), raw.root / "batch" / "arrondissements.geojson")
    twenty = load_arrondissements(raw.settings(), Quality())
    assert sorted(twenty.numbers) == list(range(1, 21))
    places = {  # lon, lat
        1: (2.3364, 48.8606),  # Louvre
        7: (2.2945, 48.8584),  # tour Eiffel
        18: (2.3431, 48.8867),  # Sacré-Cœur
        20: (2.3937, 48.8614),  # Père-Lachaise
        None: (2.1204, 48.8049),  # Versailles
    }
    lon, lat = zip(*places.values(), strict=True)
    found = twenty.locate(pd.Series(lon), pd.Series(lat))
    assert [None if pd.isna(number) else int(number) for number in found] == list(places)
