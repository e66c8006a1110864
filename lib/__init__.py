"""What the scripts share: settings, raw inputs, civil time, geography, quality and storage."""

__version__ = "0.1.0"  # as in pyproject.toml
