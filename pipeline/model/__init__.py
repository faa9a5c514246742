"""Text → nineteen calibrated scores with evidence. Knows nothing of Django, the store or the command line."""
