"""Who may do what: the one table from which pages, the documents and the test of every address are made."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["GRANTS", "ROLE_NAMES", "Permission", "Role", "allows", "permission_rows", "permissions_of"]


class Role(StrEnum):
    """A person has exactly one."""

    OPERATOR = "operator"
    REVIEWER = "reviewer"
    SENIOR = "senior"
    ANALYST = "analyst"
    AUDITOR = "auditor"
    ADMIN = "admin"


ROLE_NAMES = {
    Role.OPERATOR: "运维员",
    Role.REVIEWER: "分办员",
    Role.SENIOR: "复核组长",
    Role.ANALYST: "分析员",
    Role.AUDITOR: "审计员",
    Role.ADMIN: "管理员",
}


class Permission(StrEnum):
    """What a page may ask for; the value stands in the audit trail and the documents."""

    SELF = "self"
    DASHBOARD = "dashboard"
    DOCUMENTS = "documents"
    REVIEW = "review"
    REVEAL = "reveal"
    ASSIGN = "assign"
    ADJUDICATE = "adjudicate"
    WORKSHEET = "worksheet"
    AGREEMENT = "agreement"
    EXPORT = "export"
    IMPORT = "import"
    AUDIT = "audit"
    ACCOUNTS = "accounts"


_EVERYONE = frozenset(Role)

#: Permission → what it lets one do, and the roles that hold it.
GRANTS: dict[Permission, tuple[str, frozenset[Role]]] = {
    Permission.SELF: ("登录、退出、改自己的密码与两步登录、换明暗与语言", _EVERYONE),
    Permission.DASHBOARD: ("看总览：数量与趋势，不含原文", _EVERYONE),
    Permission.DOCUMENTS: (
        "看队列与已遮盖的原文",
        frozenset({Role.REVIEWER, Role.SENIOR, Role.ANALYST, Role.AUDITOR}),
    ),
    Permission.REVIEW: ("领取、判定、备注、撤销自己的判定", frozenset({Role.REVIEWER, Role.SENIOR})),
    Permission.REVEAL: ("填写理由后看未遮盖的原文", frozenset({Role.SENIOR})),
    Permission.ASSIGN: ("把件分给别人、收回别人占着的件", frozenset({Role.SENIOR})),
    Permission.ADJUDICATE: ("裁定两人意见不一和拿不准的件", frozenset({Role.SENIOR})),
    Permission.WORKSHEET: ("填写容错甄别表", frozenset({Role.SENIOR})),
    Permission.AGREEMENT: ("看两人一致程度", frozenset({Role.SENIOR, Role.ANALYST, Role.AUDITOR})),
    Permission.EXPORT: ("把筛出的件导出为表格", frozenset({Role.SENIOR, Role.ANALYST})),
    Permission.IMPORT: ("把填好判定的表格导回", frozenset({Role.REVIEWER, Role.SENIOR})),
    Permission.AUDIT: ("看操作留痕并核验", frozenset({Role.AUDITOR})),
    Permission.ACCOUNTS: ("建帐号、定角色、停用、重设密码", frozenset({Role.ADMIN})),
}


def allows(role: str, permission: Permission) -> bool:
    """Return whether ``role`` holds ``permission``; an unknown role holds nothing."""
    return role in GRANTS[permission][1]


def permissions_of(role: str) -> frozenset[str]:
    """Return the permissions of a role by value, for templates."""
    return frozenset(p.value for p in Permission if allows(role, p))


def permission_rows() -> list[tuple[str, list[bool]]]:
    """Return ``(what it lets one do, held by each role in order)``: the table of the documents."""
    return [(what, [r in held for r in Role]) for what, held in GRANTS.values()]
