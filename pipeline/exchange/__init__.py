"""Labelled texts in the formats of others, in and out; snapshots of what was gathered. No store, no command line."""
