"""What the scripts share: settings, raw inputs, civil time, geography, quality and storage."""

__version__ = "1.0.0"  # pyproject.toml repeats it; printed by make doctor and in every manifest
