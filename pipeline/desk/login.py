"""Checks a password."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.utils.crypto import salted_hmac

from pipeline.desk.tables import User

__all__ = ["PasswordBackend", "name_of_attempts"]


def name_of_attempts(request: Any, credentials: dict[str, Any] | None) -> str:
    """Return the name under which failed attempts are counted: a password typed in the wrong field is not kept."""
    return salted_hmac("attempts", str((credentials or {}).get("username", ""))).hexdigest()


class PasswordBackend(BaseBackend):
    """Accounts of the desk. An unknown account takes as long as a wrong password."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        """Return the account when the password fits and it is switched on."""
        if not username or password is None:
            return None
        user = User.objects.filter(username=User.normalize_username(username)).first()
        if user is None:
            User().set_password(password)
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: int) -> User | None:
        """Return the account of a session, none once it is switched off."""
        return User.objects.filter(pk=user_id, is_active=True).first()
