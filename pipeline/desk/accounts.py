"""Accounts: made, changed, given a new first password. The pages and the command line use the same doors."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from pipeline.desk import audit
from pipeline.desk.locks import lock
from pipeline.desk.queue import let_go
from pipeline.desk.roles import Permission, Role
from pipeline.desk.tables import User
from pipeline.errors import ConfigError

__all__ = ["Change", "add_account", "change_account", "change_password", "reset_password"]

# Neither 0/O nor 1/l/I: first passwords are read out and typed.
_LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class Change:
    """The ``role`` an account had and whether it was ``active``; how many cases were ``freed``."""

    role: str
    active: bool
    freed: int = 0


def first_password() -> str:
    """Return a password to hand over once; three groups of five characters, 86 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(3))


def add_account(*, username: str, role: str, name: str = "", actor: str | None = None) -> tuple[User, str]:
    """Make an account; return it with its first password, which must be changed at first use."""
    password = first_password()
    user = User(username=User.normalize_username(username), name=name, role=role)
    user.set_password(password)
    try:
        user.full_clean()
    except ValidationError as e:
        raise ConfigError("ZF-USER-INVALID", "帐号没有建成", "逐条改正后再试。", e.messages) from e
    with transaction.atomic():
        user.save(force_insert=True)
        audit.record("account.add", user.username, actor=actor, role=role)
    return user, password


@transaction.atomic
def change_account(user: User, *, role: str, active: bool, actor: str | None = None) -> Change:
    """Change role and whether the account is on, and return what came of it; who may decide no more keeps no cases.

    Raises ConfigError when nobody could manage accounts any more.
    """
    # Two who take the office from each other at once: the second finds what the first left.
    lock(User.objects.filter(Q(pk=user.pk) | Q(role=Role.ADMIN, is_active=True)))
    user.refresh_from_db(fields=["role", "is_active"])
    before = {"role": user.role, "active": user.is_active}
    after = {"role": Role(role).value, "active": active}
    if before == after:
        return Change(user.role, user.is_active)
    manages = User.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=user.pk).exists()
    if not manages and not (active and role == Role.ADMIN) and user.role == Role.ADMIN:
        raise ConfigError("ZF-USER-LAST", "这是最后一个管理员", "先建另一个管理员，再改这一个。")
    user.role, user.is_active = role, active
    user.save(update_fields=["role", "is_active"])
    freed = 0 if user.may(Permission.REVIEW) else let_go(user, actor=actor)  # cases before the trail
    audit.record("account.change", user.username, actor=actor, before=before, after=after)
    return Change(before["role"], before["active"], freed)


@transaction.atomic
def reset_password(user: User, *, actor: str | None = None) -> str:
    """Give the account a new first password and return it; its sessions end."""
    password = first_password()
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password"])
    audit.record("account.reset", user.username, actor=actor)
    return password


@transaction.atomic
def change_password(user: User, *, old: str, new: str) -> None:
    """Change one's own password; raises ValidationError with every objection."""
    if not user.check_password(old):
        raise ValidationError("现在的密码不对。")
    if old == new:
        raise ValidationError("新密码要与现在的不同。")
    validate_password(new, user)
    user.set_password(new)
    user.must_change_password = False
    user.save(update_fields=["password", "must_change_password"])
    audit.record("account.password", user.username)
