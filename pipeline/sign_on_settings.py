"""Settings of other ways to sign in at the desk: the section ``[desk.sign_on]`` of ``zuofeng.toml``."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = ["SignOnSettings"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class SignOnSettings(BaseModel):
    """Single sign-on; all off by default. Accounts are made at the desk all the same: who one is, not what one may.

    ``header`` names the header in which a reverse proxy says who signed in there; it counts only when the connection
    comes from one of ``header_from``. ``oidc_issuer`` is the address of an OpenID provider, ``oidc_claim`` what of its
    answer names the account.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    header: str = Field(default="", pattern=r"^(?:[A-Za-z][A-Za-z0-9-]*)?$")
    header_from: list[str] = Field(default_factory=list)
    oidc_issuer: str = ""
    oidc_client: str = ""
    oidc_secret_file: Path | None = None
    oidc_claim: str = "preferred_username"
    oidc_name: str = "单位统一登录"

    @field_validator("header_from")
    @classmethod
    def _addresses(cls, given: list[str]) -> list[str]:
        if wrong := [address for address in given if not _is_address(address)]:
            raise ValueError(f"不是网络地址：{'、'.join(wrong)}")
        return given

    @model_validator(mode="after")
    def _whole(self) -> SignOnSettings:
        wrong = []
        if self.header and not self.header_from:
            wrong.append("设了 header，还要在 header_from 里写明只信哪些代理的地址")
        if self.oidc_issuer and not (self.oidc_client and self.oidc_secret_file):
            wrong.append("设了 oidc_issuer，还要设 oidc_client 与 oidc_secret_file")
        parts = urlsplit(self.oidc_issuer)
        if self.oidc_issuer and parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            wrong.append("oidc_issuer 要用 https")
        if wrong:
            raise ValueError("；".join(wrong))
        return self


def _is_address(given: str) -> bool:
    try:
        ip_address(given)
    except ValueError:
        return False
    return True
