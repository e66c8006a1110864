"""What the system and parsers say in English reaches people in French."""

import errno
import json

import pytest

from lib.common.errors import in_french


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "accès refusé"),
        (OSError(errno.ENOSPC, "No space left on device"), "plus de place sur le disque"),
        (OSError("odd"), "odd"),
        (ValueError("autre"), "autre"),
    ],
)
def test_what_the_system_says_is_said_in_french(error: Exception, said: str) -> None:
    assert in_french(error) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1 "b"}', "virgule attendue, ligne 1, colonne 9"),
        ("{", "nom entre guillemets attendu, ligne 1, colonne 2"),
        ('["a', "texte sans guillemet de fin, ligne 1, colonne 2"),
        ("1 2", "suite après la fin, ligne 1, colonne 3"),
        ('["\\x"]', "échappement inconnu, ligne 1, colonne 3"),
    ],
)
def test_what_is_wrong_with_json_is_said_in_french(text: str, said: str) -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads(text)
    assert in_french(caught.value) == said
