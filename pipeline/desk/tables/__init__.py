"""The desk's tables: people and what they decide. A night never writes here."""

from pipeline.desk.tables.account import User
from pipeline.desk.tables.audit import AuditEntry, AuditHead
from pipeline.desk.tables.case import Case, CaseLabel, Signature
from pipeline.desk.tables.client import Client
from pipeline.desk.tables.decision import Decision, Note
from pipeline.desk.tables.shadow import Shadow, ShadowDraw, ShadowNight, ShadowScore
from pipeline.desk.tables.view import SavedView
from pipeline.desk.tables.worksheet import OfficeRule, Worksheet

__all__ = [
    "AuditEntry",
    "AuditHead",
    "Case",
    "CaseLabel",
    "Client",
    "Decision",
    "Note",
    "OfficeRule",
    "SavedView",
    "Shadow",
    "ShadowDraw",
    "ShadowNight",
    "ShadowScore",
    "Signature",
    "User",
    "Worksheet",
]
