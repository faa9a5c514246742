"""The desk's tables: people, what they decide, and the queue that nights bring up."""

from pipeline.desk.tables.account import User
from pipeline.desk.tables.audit import AuditEntry, AuditHead
from pipeline.desk.tables.blind import BlindDraw
from pipeline.desk.tables.case import Case, CaseLabel, Signature
from pipeline.desk.tables.client import Client
from pipeline.desk.tables.decision import Decision, Note, NoteRead
from pipeline.desk.tables.search import Block, Indexed, Posting
from pipeline.desk.tables.shadow import Shadow, ShadowDraw, ShadowNight, ShadowScore
from pipeline.desk.tables.tally import Tally
from pipeline.desk.tables.view import SavedView
from pipeline.desk.tables.worksheet import OfficeRule, Worksheet

__all__ = [
    "AuditEntry",
    "AuditHead",
    "BlindDraw",
    "Block",
    "Case",
    "CaseLabel",
    "Client",
    "Decision",
    "Indexed",
    "Note",
    "NoteRead",
    "OfficeRule",
    "Posting",
    "SavedView",
    "Shadow",
    "ShadowDraw",
    "ShadowNight",
    "ShadowScore",
    "Signature",
    "Tally",
    "User",
    "Worksheet",
]
