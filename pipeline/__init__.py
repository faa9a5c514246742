"""作风 (zuofeng): formalism labels, evidence and triage for Chinese complaint and report texts."""

__version__ = "0.1.0"

__all__ = ["__version__"]
