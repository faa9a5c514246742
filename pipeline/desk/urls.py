"""Every address of the desk with what it needs."""

from __future__ import annotations

from django.urls import path

from pipeline.desk.api.app import api
from pipeline.desk.gate import Page
from pipeline.desk.roles import Permission
from pipeline.desk.views import (
    agreement,
    dashboard,
    document,
    queue,
    review,
    second,
    session,
    sign_on,
    trail,
    users,
    workbooks,
    worksheet,
)

__all__ = ["PAGES", "handler403", "handler404", "handler500", "urlpatterns"]

READ, WRITE, BOTH = ("GET",), ("POST",), ("GET", "POST")

PAGES = (
    Page("login", "login", session.enter, None, BOTH),
    Page("login/code", "code", second.code, None, BOTH),
    Page("login/oidc", "oidc", sign_on.start, None),
    Page("login/oidc/back", "oidc_back", sign_on.back, None),
    Page("", "home", session.home, Permission.SELF),
    Page("logout", "logout", session.leave, Permission.SELF, WRITE),
    Page("password", "password", session.password, Permission.SELF, BOTH),
    Page("second-factor", "second", second.own, Permission.SELF, BOTH),
    Page("theme", "theme", session.theme, Permission.SELF, WRITE),
    Page("language", "language", session.language, Permission.SELF, WRITE),
    Page("dashboard", "dashboard", dashboard.index, Permission.DASHBOARD),
    Page("queue", "queue", queue.index, Permission.DOCUMENTS),
    Page("queue/take", "take", queue.take, Permission.REVIEW, WRITE),
    Page("queue/give-back", "give_back", queue.give_back, Permission.REVIEW, WRITE),
    Page("queue/assign", "assign", queue.assign, Permission.ASSIGN, WRITE),
    Page("queue/views", "keep_view", queue.keep_view, Permission.DOCUMENTS, WRITE),
    Page("queue/views/<int:number>/drop", "drop_view", queue.drop_view, Permission.DOCUMENTS, WRITE),
    Page("documents/<int:number>", "document", document.show, Permission.DOCUMENTS),
    Page("documents/<int:number>/paper", "paper", document.paper, Permission.DOCUMENTS),
    Page("documents/<int:number>/similar", "similar", document.alike, Permission.DOCUMENTS),
    Page("documents/<int:number>/close", "close", document.close, Permission.REVIEW, WRITE),
    Page("documents/<int:number>/reveal", "reveal", document.reveal, Permission.REVEAL, WRITE),
    Page("documents/<int:number>/note", "note", document.note, Permission.REVIEW, WRITE),
    Page("documents/<int:number>/decide", "decide", review.make, Permission.REVIEW, WRITE),
    Page("documents/<int:number>/worksheet", "worksheet", worksheet.sheet, Permission.WORKSHEET, BOTH),
    Page("rules", "rules", worksheet.rules, Permission.WORKSHEET, BOTH),
    Page("rules/<int:number>", "rule", worksheet.rule, Permission.WORKSHEET, WRITE),
    Page("agreement", "agreement", agreement.index, Permission.AGREEMENT),
    Page("export", "export", workbooks.out, Permission.EXPORT, WRITE),
    Page("roundtrip", "roundtrip", workbooks.back, Permission.IMPORT, BOTH),
    Page("audit", "audit", trail.index, Permission.AUDIT),
    Page("audit/verify", "verify", trail.verify, Permission.AUDIT, WRITE),
    Page("users", "users", users.index, Permission.ACCOUNTS, BOTH),
    Page("users/<int:number>", "user", users.change, Permission.ACCOUNTS, WRITE),
    Page("undo", "undo", review.take_back, Permission.REVIEW, WRITE),
)

urlpatterns = [*(page.pattern() for page in PAGES), path("api/v1/", api.urls)]

handler403 = "pipeline.desk.views.refusal.denied"
handler404 = "pipeline.desk.views.refusal.missing"
handler500 = "pipeline.desk.views.refusal.broken"
