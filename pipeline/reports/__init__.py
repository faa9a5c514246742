"""Pages and pictures for analysts: tables and charts of what other rooms found. Knows nothing of how it was found."""
