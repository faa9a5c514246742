"""What an analyst may turn before a training, and the file it is written in."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.errors import ConfigError

__all__ = ["Settings", "read_settings"]

CODE = "ZF-TRAIN-SETTINGS"


@dataclass(frozen=True)
class Settings:
    """What an analyst may turn; all of it goes into the manifest.

    ``lean`` lowers every threshold by so much log-odds, for corpora whose texts speak plainer than those to come.
    ``occurrence_lean`` is the same for the problem head, which only has to hold back what no label should be read
    into. ``promise`` > 0 is the precision every
    decided label is to have; what only the F1 threshold would decide then asks for a person.
    """

    c: float = 0.5
    folds: int = 3
    seed: int = 20190301
    word_n: int = 2
    char_shortest: int = 1
    char_longest: int = 2
    min_texts: int = 2
    concept_weight: float = 0.15
    lean: float = 0.0
    promise: float = 0.0
    occurrence_lean: float = 0.0
    passage_chars: int = 1000
    jobs: int = 2


def read_settings(path: Path) -> Settings:
    """Read a TOML file of settings, what it leaves out as by default; raises ConfigError with every mistake."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as e:
        raise ConfigError(CODE, f"读不到训练设置 {path}（{e.strerror}）", "用 --settings 指定文件。") from e
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
        raise ConfigError(CODE, f"训练设置 {path} 不是合格的 TOML", "按提示的行列改正。", [str(e)]) from e
    kinds = {name: type(value) for name, value in asdict(Settings()).items()}
    wrong = [f"{name} -> 没有这一项" for name in given if name not in kinds]
    for name, kind in kinds.items():
        value = given.get(name, kind())
        if kind is float and type(value) is int:
            given[name] = value = float(value)
        if type(value) is not kind:
            wrong.append(f"{name} -> 应为{'整数' if kind is int else '数'}，现为 {value!r}")
    if wrong:
        raise ConfigError(CODE, f"训练设置 {path} 有 {len(wrong)} 处错误", "逐条改正后再运行。", wrong)
    return Settings(**given)
