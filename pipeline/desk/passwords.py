"""Password rules that Django says in English only."""

from __future__ import annotations

from django.contrib.auth.password_validation import MinimumLengthValidator

__all__ = ["LengthValidator"]


class LengthValidator(MinimumLengthValidator):
    """Long enough. Django 5.2 reworded its sentence and lost the Chinese one."""

    def get_error_message(self) -> str:
        """Say it in Chinese."""
        return f"密码太短，至少要 {self.min_length} 个字符。"
