"""``zuofeng user``: the first account, and help for one who forgot a password."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from pipeline.cli.common import Home, Store, console
from pipeline.desk.roles import ROLE_NAMES, Role
from pipeline.errors import ConfigError
from pipeline.settings import load_settings

__all__ = ["app"]

app = typer.Typer(help="复核台帐号：新建、列出、重设密码。", no_args_is_help=True, rich_markup_mode=None)
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
    _open(home, store, there=False)  # the first account may come before the first night
    from pipeline.desk.accounts import add_account

    user, password = add_account(username=username, role=role.value, name=name, actor="（命令行）")
    console().print(
        f"帐号 {user.username}（{ROLE_NAMES[role]}）已建，初始密码：{password}\n首次登录须改密码。",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


@app.command("reset")
def reset(username: Annotated[str, typer.Argument(help="帐号")], store: Store = None, home: Home = None) -> None:
    """重设密码，打印新的初始密码；这个帐号的登录立即失效。"""
    _open(home, store)
    from pipeline.desk.accounts import reset_password
    from pipeline.desk.tables import User

    user = User.objects.filter(username=username).first()
    if user is None:
        raise ConfigError("ZF-USER-NONE", f"没有帐号 {username}", "用 zuofeng user list 查看。")
    console().print(f"新的初始密码：{reset_password(user, actor='（命令行）')}", markup=False, highlight=False)


@app.command("second-off")
def second_off(username: Annotated[str, typer.Argument(help="帐号")], store: Store = None, home: Home = None) -> None:
    """关掉帐号的两步登录：手机丢了、备用码也没有的时候。"""
    _open(home, store)
    from pipeline.desk.second import take_away
    from pipeline.desk.tables import User

    user = User.objects.filter(username=username).first()
    if user is None:
        raise ConfigError("ZF-USER-NONE", f"没有帐号 {username}", "用 zuofeng user list 查看。")
    take_away(user, actor="（命令行）")
    console().print(f"帐号 {username} 现在只凭密码登录。", markup=False, highlight=False)


@app.command("list")
def list_accounts(store: Store = None, home: Home = None) -> None:
    """列出帐号。"""
    _open(home, store)
    from pipeline.desk.tables import User

    table = Table("帐号", "姓名", "角色", "状态")
    for user in User.objects.all():
        table.add_row(user.username, user.name, user.role_name, "在用" if user.is_active else "停用")
    console().print(table)


def _open(home: object, store: str | None, *, there: bool = True) -> None:
    from pipeline.desk.configure import open_desk

    open_desk(load_settings(home, store=store), there=there)  # type: ignore[arg-type]
