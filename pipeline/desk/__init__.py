"""The Django app: the store's tables now, the triage desk's pages later."""
