"""Measurements whose figures the documents print. Public data is read where it lies, never copied."""
