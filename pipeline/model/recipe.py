"""What an analyst may turn before a training, and the file it is written in."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError, field_validator
from pydantic.dataclasses import dataclass

from pipeline.errors import ConfigError
from pipeline.mistakes import mistakes

__all__ = ["Expert", "Learner", "Settings", "read_settings"]

_CODE = "ZF-TRAIN-SETTINGS"
_Positive = Annotated[float, Field(gt=0)]
_LogOdds = Annotated[float, Field(ge=0, le=10)]
_Count = Annotated[int, Field(ge=1)]
_Part = Annotated[float, Field(ge=0, le=10)]
_Weight = Annotated[float, Field(gt=0, le=100)]
Learner = Literal["svm", "ridge"]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Expert:
    """Heads of their own for texts of some registers; in training they also read this share of the ``others``.

    ``strange`` is which share of what strange wording is given their texts get.
    """

    registers: Annotated[tuple[str, ...], Field(min_length=1)]
    others: Annotated[float, Field(ge=0, le=1)] = 0.0
    strange: Annotated[float, Field(ge=0, le=1)] = 1.0


@dataclass(frozen=True, config=ConfigDict(extra="forbid", strict=True))
class Settings:
    """What an analyst may turn; all of it goes into the manifest.

    ``sentence_part`` is what the margin of the strongest sentence counts beside that of the whole text. ``strange`` is
    the log-odds that a text in wholly strange wording (`model.wording`) is given on every head, for corpora written by
    other people than the texts to come; ``backing`` of what its strongest label then has beyond its threshold is given
    to there being conduct at all, whose head is decided where F-``beta`` is highest: below 1 it minds false alarms more
    than what it misses. ``promise`` > 0 is the precision every decided label is to have; what only the F1
    threshold would decide then asks for a person. ``experts`` each have heads of their own (a mixture with a hard gate,
    Jacobs et al. 1991): people who write differently say the same thing in other words. The first also reads the
    registers that none names; without experts one reads all. ``lead`` is what the first sentence counts again beside
    the whole text. ``learner`` is a support vector machine, or least squares (ridge, of strength 1 / 2c). ``balance``
    gives the texts of a label the weight (others / its own) ** balance: 1 makes a rare label count as much as all the
    rest. ``ratio`` lets a support vector machine read each feature as large as the log of how much more frequent it is
    in the texts of a label than in the others, to this power (Wang and Manning, ACL 2012). ``weights`` is what a text
    of a file of the corpus counts, by the file's name without its ending; 1 where it names none. ``unpadded`` names
    files whose texts are as long as those to come. ``encoder_weight`` is the length of an encoder's vectors beside
    words and characters of length 1.
    """

    c: _Positive = 0.5
    folds: Annotated[int, Field(ge=2)] = 3
    seed: int = 20190301
    word_n: Annotated[int, Field(ge=0, le=2)] = 2
    char_shortest: Annotated[int, Field(ge=1, le=4)] = 1
    char_longest: Annotated[int, Field(ge=1, le=4)] = 2
    min_texts: _Count = 2
    concept_weight: _Positive = 0.15
    sentence_part: _Part = 0.75
    strange: _LogOdds = 0.0
    backing: _Part = 0.0
    beta: _Positive = 1.0
    promise: Annotated[float, Field(ge=0, lt=1)] = 0.0
    experts: Annotated[tuple[Expert, ...], Field(strict=False)] = ()
    passage_chars: Annotated[int, Field(ge=100)] = 1000
    lead: _Part = 0.0
    learner: Learner = "svm"
    balance: Annotated[float, Field(ge=0, le=1)] = 0.0
    ratio: Annotated[float, Field(ge=0, le=1)] = 0.0
    weights: Annotated[tuple[tuple[str, _Weight], ...], Field(strict=False)] = ()
    unpadded: Annotated[tuple[str, ...], Field(strict=False)] = ()
    encoder_weight: _Positive = 1.0
    jobs: _Count = 2

    @field_validator("weights", mode="before")
    @classmethod
    def _pairs(cls, weights: Any) -> Any:
        return tuple(weights.items()) if isinstance(weights, dict) else weights

    @field_validator("experts")
    @classmethod
    def _each_register_once(cls, experts: tuple[Expert, ...]) -> tuple[Expert, ...]:
        named = Counter(r for e in experts for r in e.registers)
        if twice := sorted(r for r, n in named.items() if n > 1):
            raise ValueError(f"{twice} 不止一套在读")
        return experts


def read_settings(path: Path) -> Settings:
    """Read a TOML file of settings, what it leaves out as by default; raises ConfigError with every mistake."""
    try:
        return Settings(**tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as e:
        raise ConfigError(_CODE, f"读不到训练设置 {path}（{e.strerror}）", "用 --settings 指定文件。") from e
    except ValidationError as e:
        wrong = mistakes(e)
        raise ConfigError(_CODE, f"训练设置 {path} 有 {len(wrong)} 处错误", "逐条改正后再运行。", wrong) from e
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
        raise ConfigError(_CODE, f"训练设置 {path} 不是合格的 TOML", "按提示的行列改正。", [str(e)]) from e
