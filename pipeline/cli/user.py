"""``zuofeng user``: the first account, and help for one who forgot a password."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.common import Home, Store, console, open_desk
from pipeline.cli.screen import say, table
from pipeline.desk.roles import ROLE_NAMES, Role
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.desk.tables import User

__all__ = ["app"]

app = typer.Typer(help="复核台帐号：新建、列出、重设密码、关掉两步登录。", no_args_is_help=True, rich_markup_mode=None)
_ROLES = "、".join(f"{r.value} {n}" for r, n in ROLE_NAMES.items())


@app.command("add")
def add(
    username: Annotated[str, typer.Argument(help="帐号")],
    role: Annotated[Role, typer.Option("--role", help=f"角色：{_ROLES}")],
    name: Annotated[str, typer.Option("--name", help="姓名，页面上显示。")] = "",
    store: Store = None,
    home: Home = None,
) -> None:
    """新建帐号，打印只用一次的初始密码。"""
    open_desk(home, store, there=False)  # the first account may come before the first night
    from pipeline.desk.accounts import add_account

    user, password = add_account(username=username, role=role.value, name=name, actor="（命令行）")
    say(console(), f"帐号 {user.username}（{ROLE_NAMES[role]}）已建，初始密码：{password}\n首次登录须改密码。")


@app.command("reset")
def reset(username: Annotated[str, typer.Argument(help="帐号")], store: Store = None, home: Home = None) -> None:
    """重设密码，打印新的初始密码；这个帐号的登录立即失效。"""
    user = _account(username, home, store)
    from pipeline.desk.accounts import reset_password

    console().print(f"新的初始密码：{reset_password(user, actor='（命令行）')}", highlight=False)


@app.command("second-off")
def second_off(username: Annotated[str, typer.Argument(help="帐号")], store: Store = None, home: Home = None) -> None:
    """关掉帐号的两步登录：手机丢了、备用码也没有的时候。"""
    user = _account(username, home, store)
    from pipeline.desk.second import take_away

    take_away(user, actor="（命令行）")
    console().print(f"帐号 {username} 现在只凭密码登录。", highlight=False)


@app.command("list")
def list_accounts(store: Store = None, home: Home = None) -> None:
    """列出帐号。"""
    open_desk(home, store)
    from pipeline.desk.tables import User

    rows = ((u.username, u.name, u.role_name, "在用" if u.is_active else "停用") for u in User.objects.all())
    console().print(table("", ("帐号", "姓名", "角色", "状态"), rows))


def _account(username: str, home: Path | None, store: str | None) -> User:
    open_desk(home, store)
    from pipeline.desk.tables import User

    user: User | None = User.objects.filter(username=username).first()
    if user is None:
        raise ConfigError("ZF-USER-NONE", f"没有帐号 {username}", "用 zuofeng user list 查看。")
    return user
