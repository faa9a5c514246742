"""Log-odds and probabilities; like `scipy.special`, whose import alone takes longer than scoring a short text."""

from __future__ import annotations

import numpy as np

from pipeline.ndarrays import Floats

__all__ = ["expit", "logit"]


def expit(log_odds: Floats) -> Floats:
    """Return the probability of each of ``log_odds``."""
    return np.asarray(np.exp(-np.logaddexp(0, -log_odds)))


def logit(probabilities: Floats) -> Floats:
    """Return the log-odds of each probability, infinite for 0 and 1."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(probabilities) - np.log1p(-probabilities))
