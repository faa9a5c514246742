"""Text as given → clean text with an offset map → passages → tokens. Knows nothing of models or databases."""
