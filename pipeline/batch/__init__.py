"""The night: sources → scores → store → report. Only this package and the desk touch the store."""
