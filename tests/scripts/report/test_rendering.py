"""Compiled templates are kept where Python keeps compiled modules, and change nothing of what is drawn."""

import os
import sys
from pathlib import Path

import pytest
from jinja2 import Environment

from scripts.report import rendering

DRAWN = '<path class="hachures" d="M 0 0"/>'


def drawn() -> str:
    """As another run draws: without what this process has at hand."""
    rendering._environment.cache_clear()
    return str(rendering.drawing("hachures", trace="M 0 0"))


def test_a_template_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert drawn() == DRAWN
    (compiled,) = tmp_path.rglob("template_*.pyc")
    content = compiled.read_bytes()
    for spoilt in (content[:-40], b"", content[:40] + b"\0" * 40):
        compiled.write_bytes(spoilt)
        assert drawn() == DRAWN
        assert compiled.read_bytes() == content, "made again"
    os.utime(compiled, (1, 1))
    assert drawn() == DRAWN
    assert compiled.stat().st_mtime > 1, "older than the code"
    monkeypatch.setattr(Environment, "compile", None)
    assert drawn() == DRAWN


def test_where_nothing_can_be_kept_it_is_compiled_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "file"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert drawn() == DRAWN
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "off"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert drawn() == DRAWN
    assert not (tmp_path / "off").exists()
