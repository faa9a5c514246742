"""What pydantic finds wrong with a file of settings, in Chinese."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

__all__ = ["mistakes"]


def mistakes(error: ValidationError) -> list[str]:
    """Return every mistake in Chinese, each with the place it is in."""
    return [f"{'.'.join(map(str, x['loc']))} -> {_say(x)}" for x in error.errors()]


def _say(error: Any) -> str:
    chinese = {
        "extra_forbidden": "没有这个设置项",
        "unexpected_keyword_argument": "没有这个设置项",
        "int_parsing": "应为整数",
        "int_type": "应为整数",
        "int_from_float": "应为整数",
        "float_parsing": "应为数字",
        "finite_number": "应为有限的数",
        "float_type": "应为数字",
        "greater_than": "太小，应大于 {gt}",
        "greater_than_equal": "太小，最小 {ge}",
        "less_than": "太大，应小于 {lt}",
        "less_than_equal": "太大，最大 {le}",
        "string_type": "应为文字",
        "string_too_long": "太长，最多 {max_length} 个字符",
        "string_too_short": "太短，至少 {min_length} 个字符",
        "string_pattern_mismatch": "写法不对，应合 {pattern}",
        "list_type": "应为列表",
        "dict_type": "应为表",
        "model_type": "应为表",
        "path_type": "应为路径",
        "bool_parsing": "应为 true 或 false",
        "bool_type": "应为 true 或 false",
        "literal_error": "只能是 {expected}",
        "value_error": "{error}",
    }
    text = chinese.get(error["type"])
    return text.format(**error.get("ctx", {})) if text else str(error["msg"])
