"""Damaged inputs by the thousand for everything that reads files of foreign make.

Each input is made from a sound one by a number alone, so that any of them can be made again:
``mutant("xlsx", 17)``. It is read in a child process with bounds of time and memory; the child's death is an outcome
like any other, and a bad one.
"""

from __future__ import annotations

from pipeline.bench.fuzz.mutants import KINDS, mutant
from pipeline.bench.fuzz.run import Finding, Outcome, fuzz

__all__ = ["KINDS", "Finding", "Outcome", "fuzz", "mutant"]
