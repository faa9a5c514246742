"""Gold texts: reading, checking, splitting. Knows nothing of models, databases or the command line."""
