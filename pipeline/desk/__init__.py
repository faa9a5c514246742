"""The Django app: the store's tables, and the triage desk that works on them."""
