"""The truth bench: clean clips, spoiled in known ways, enhanced, and held to the clean ones."""
