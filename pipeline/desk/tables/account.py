"""People who sign in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import models

from pipeline.desk.roles import ROLE_NAMES, Permission, Role, allows


class UserManager(BaseUserManager):
    """Makes accounts; `pipeline.desk.accounts` is the door everybody uses."""

    def create_user(self, username: str, password: str, **fields: Any) -> User:
        """Return a stored account whose password is hashed."""
        user: User = self.model(username=self.model.normalize_username(username), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """An account with one role. It is switched off, never deleted: the record speaks of it."""

    username = models.CharField(
        "帐号",
        max_length=60,
        unique=True,
        validators=[UnicodeUsernameValidator()],
        error_messages={"unique": "已有这个帐号。"},
    )
    name = models.CharField("姓名", max_length=60, blank=True)
    role = models.CharField("角色", max_length=20, choices=[(r.value, n) for r, n in ROLE_NAMES.items()])
    is_active = models.BooleanField("在用", default=True)
    must_change_password = models.BooleanField(default=True)
    joined = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ("role",)

    class Meta:
        db_table = "zuofeng_user"
        ordering = ("username",)

    def may(self, permission: Permission) -> bool:
        """Return whether this account may do it now."""
        return self.is_active and allows(self.role, permission)

    @property
    def role_name(self) -> str:
        """The role in Chinese."""
        return ROLE_NAMES[Role(self.role)]

    @property
    def shown(self) -> str:
        """How pages call this person."""
        return self.name or self.username
