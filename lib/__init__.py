"""What the scripts share: settings, raw inputs, civil time, geography, quality and storage."""
