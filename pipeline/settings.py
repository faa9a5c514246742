"""Settings: defaults, then ``zuofeng.toml`` in the home, then ``ZUOFENG_…`` in the environment."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

# Nobody's plugins are wanted, and to look for some pydantic reads what every installed package says of itself.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from pipeline.errors import ConfigError
from pipeline.mistakes import mistakes
from pipeline.secrets import exposed, is_private, with_password
from pipeline.sign_on_settings import SignOnSettings
from pipeline.table_settings import TableSettings

__all__ = ["DeskSettings", "Settings", "find_home", "load_settings", "origins", "unknown_variables"]

FILE = "zuofeng.toml"
Column = Literal["id", "title", "text", "time", "unit", "channel", "district"]


class DeskSettings(BaseModel):
    """The table ``[desk]``: how the triage desk is served and how it works."""

    model_config = ConfigDict(extra="forbid")

    #: Names under which browsers reach the desk, besides the loopback ones.
    hosts: list[str] = Field(default_factory=list)
    #: A reverse proxy in front speaks HTTPS: secure cookies, HSTS, redirects.
    https: bool = False
    #: Address of that proxy, the only one whose forwarding headers count.
    trusted_proxy: str = ""
    session_minutes: int = Field(default=30, ge=1, le=720)
    claim_minutes: int = Field(default=45, ge=5, le=720)
    #: Percent of decided documents that a second person reads blind.
    second_percent: int = Field(default=10, ge=0, le=100)
    #: Requests that one client of the interface may make in a minute.
    api_per_minute: int = Field(default=60, ge=1, le=100_000)
    #: Where documents handed in over the interface wait for the night; a folder from the home on.
    api_inbox: Path = Path("state/api-inbox")
    sign_on: SignOnSettings = Field(default_factory=SignOnSettings)


class MlflowSettings(BaseModel):
    """The table ``[mlflow]``: where trainings are recorded besides ``models/runs.jsonl``; nowhere without ``uri``."""

    model_config = ConfigDict(extra="forbid")

    uri: str = ""
    experiment: str = Field(default="zuofeng", min_length=1)


class _Environment(EnvSettingsSource):
    """Lets a list or table that is no JSON pass as text, to be named with every other mistake."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class Settings(BaseSettings):
    """Everything an operator may set. Relative paths start at the home."""

    model_config = SettingsConfigDict(env_prefix="ZUOFENG_", env_nested_delimiter="__", extra="forbid")

    home: Path
    corpora: Path = Path("corpora")
    models: Path = Path("models")
    state: Path = Path("state")
    store: str = ""
    source: str = ""
    chunk: int = Field(default=4000, ge=1, le=100_000)
    max_text_bytes: int = Field(default=8 * 2**20, ge=1000)
    document_seconds: float = Field(default=30.0, gt=0)
    document_memory_mb: int = Field(default=4096, ge=0)
    outage_seconds: float = Field(default=600.0, ge=0)
    lock_seconds: float = Field(default=30.0, gt=0)
    store_password_file: Path | None = None
    metrics_file: Path | None = None
    encoder: Path | None = None
    alert: list[str] = Field(default_factory=list)
    late_hours: float = Field(default=26.0, gt=0)
    log: Literal["text", "json"] = "text"
    columns: dict[Column, list[str]] = Field(default_factory=dict)
    tables: TableSettings = Field(default_factory=TableSettings)
    desk: DeskSettings = Field(default_factory=DeskSettings)
    mlflow: MlflowSettings = Field(default_factory=MlflowSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of precedence: the call, the environment, the file."""
        home = Path(init_settings.init_kwargs["home"])  # type: ignore[attr-defined]
        return init_settings, _Environment(settings_cls), InitSettingsSource(settings_cls, _file(home))

    def path(self, name: str) -> Path:
        """Return the folder setting ``name`` as an absolute path."""
        folder: Path = getattr(self, name)
        return (self.home / folder).resolve()

    @property
    def encoder_folder(self) -> Path | None:
        """The sentence encoder that models are trained with; none by default."""
        return self.path("encoder") if self.encoder else None

    @property
    def gold_files(self) -> list[Path]:
        """The labelled texts, in the order they are read."""
        return sorted((self.path("corpora") / "gold").glob("*.jsonl"))

    @property
    def training_file(self) -> Path:
        """How a model is trained on this corpus; need not be there."""
        return self.path("corpora") / "training.toml"

    @property
    def taxonomy_file(self) -> Path:
        """The label schemes."""
        return self.path("corpora") / "taxonomy.toml"

    @property
    def dictionary_file(self) -> Path:
        """The domain dictionary of the segmenter."""
        return self.path("corpora") / "dictionary.txt"

    @property
    def lexicon_file(self) -> Path:
        """The concept lexicon."""
        return self.path("corpora") / "concepts.toml"

    @property
    def rules_file(self) -> Path:
        """The office's own rules, a second opinion at the desk; need not be there."""
        return self.path("corpora") / "rules.toml"

    @property
    def store_url(self) -> str:
        """The store: the one that was set, with its password, else the embedded one below ``state``."""
        if self.store and self.store_password_file:
            return with_password(self.store, _password(self.home / self.store_password_file))
        # As it stands, a # or ? in a folder's name would end the path.
        return self.store or f"sqlite:///{quote(str(self.path('state') / 'zuofeng.sqlite3'))}"


def find_home(given: Path | None = None) -> Path:
    """Return where corpora and models are: the one given, ZUOFENG_HOME, a folder above this one, the checkout."""
    if given is not None or (named := os.environ.get("ZUOFENG_HOME")):
        home = (given if given is not None else Path(str(named))).resolve()
        if not home.is_dir():
            raise ConfigError(
                "ZF-HOME-MISSING", f"家目录 {home} 不存在", "用 --home 或 ZUOFENG_HOME 指定含 corpora 的目录。"
            )
        return home
    here = Path.cwd()
    checkout = Path(__file__).resolve().parents[1]
    for folder in (here, *here.parents, checkout):
        if (folder / FILE).is_file() or (folder / "corpora" / "taxonomy.toml").is_file():
            return folder
    raise ConfigError(
        "ZF-HOME-NONE",
        f"{here} 及其上级目录里没有 {FILE} 或 corpora/taxonomy.toml",
        "用 --home 或 ZUOFENG_HOME 指定家目录。",
    )


def load_settings(home: Path | None = None, **given: Any) -> Settings:
    """Read the settings; raises ConfigError with every mistake of file and environment at once."""
    folder = find_home(home)
    wrong: list[str] = []
    settings = None
    try:
        wrong += exposed(_file(folder), folder / FILE)
        settings = Settings(home=folder, **{k: v for k, v in given.items() if v is not None})
        if settings.source and given.get("source") is None and "://" not in settings.source:
            # Set once for every night, whatever folder that starts in.
            settings.source = str(folder / settings.source)
        if settings.store_password_file:
            wrong += _closed(folder / settings.store_password_file)
    except tomllib.TOMLDecodeError as e:
        raise ConfigError("ZF-CONFIG-SYNTAX", f"{folder / FILE} 不是合格的 TOML", "按提示的行列改正。", [str(e)]) from e
    except UnicodeDecodeError as e:
        raise ConfigError("ZF-CONFIG-SYNTAX", f"{folder / FILE} 不是 UTF-8 编码", "另存为 UTF-8，内容不用改。") from e
    except ValidationError as e:
        wrong += mistakes(e)
    if wrong or settings is None:
        raise ConfigError(
            "ZF-CONFIG-INVALID",
            f"配置有 {len(wrong)} 处错误",
            f"改正 {folder / FILE} 或环境变量（列表和表写成 JSON）。",
            wrong,
        )
    return settings


def origins(settings: Settings, **given: Any) -> dict[str, str]:
    """Return where each setting came from: the command line, the environment, the file, or the default."""
    named = {k.upper() for k in os.environ}
    written = _file(settings.home)
    found = {}
    for name in Settings.model_fields:
        variable = f"ZUOFENG_{name.upper()}"
        if given.get(name) is not None:
            found[name] = "命令行"
        elif variable in named or any(k.startswith(f"{variable}__") for k in named):
            found[name] = f"环境变量 {variable}"
        else:
            found[name] = FILE if name in written else "默认"
    return found


def unknown_variables() -> list[str]:
    """Return ``ZUOFENG_…`` variables of the environment that set nothing."""
    names = tuple(f"ZUOFENG_{n.upper()}" for n in Settings.model_fields)
    return sorted(k for k in os.environ if k.upper().startswith("ZUOFENG_") and k.upper().split("__")[0] not in names)


def _file(folder: Path) -> dict[str, Any]:
    path = folder / FILE
    # Editors of Windows write a mark at the beginning that nobody sees.
    return tomllib.loads(path.read_text(encoding="utf-8-sig")) if path.is_file() else {}


def _closed(path: Path) -> list[str]:
    if not path.is_file():
        return [f"store_password_file -> 没有文件 {path}"]
    return [] if is_private(path) else [f"store_password_file -> 别人也能读 {path}：chmod 600 {path}"]


def _password(path: Path) -> str:
    # That mark again: as part of the password it would only be "wrong password".
    return path.read_text(encoding="utf-8-sig").strip()
