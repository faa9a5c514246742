"""``zuofeng client``: tokens for programs that use the interface."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from pipeline.cli.common import Home, Store, console, open_desk
from pipeline.cli.screen import say, table

__all__ = ["app"]

app = typer.Typer(help="接口的客户端：发令牌、停用、列出、打印接口说明。", no_args_is_help=True, rich_markup_mode=None)
_ACTOR = "（命令行）"


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="客户端名称，留痕里用它")],
    may: Annotated[
        list[str], typer.Option("--may", help="许可，可写几次：classify 分类、read 取用预测与判定、post 交来新件")
    ],
    store: Store = None,
    home: Home = None,
) -> None:
    """发一个令牌，只打印这一次；库里只存它的散列。"""
    open_desk(home, store, there=False)  # may come before the first night
    from pipeline.desk.clients import Grant, add_client

    if unknown := set(may) - set(Grant):
        raise typer.BadParameter(f"没有这种许可：{'、'.join(sorted(unknown))}；只有 {'、'.join(Grant)}")
    _, token = add_client(name, may, actor=_ACTOR)
    say(console(), f"客户端 {name} 的令牌：{token}\n只显示这一次，请当面交给用它的人，存在别人读不到的地方。")


@app.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="客户端名称")], store: Store = None, home: Home = None) -> None:
    """停用令牌，立即生效，不能恢复。"""
    open_desk(home, store)
    from pipeline.desk.clients import revoke_client

    revoke_client(name, actor=_ACTOR)
    console().print(f"客户端 {name} 已停用。", highlight=False)


@app.command("list")
def list_clients(store: Store = None, home: Home = None) -> None:
    """列出客户端；令牌本身哪里都没有存。"""
    open_desk(home, store)
    from django.utils import timezone

    from pipeline.desk.tables import Client

    rows = []
    for c in Client.objects.all():
        state = "在用" if c.revoked is None else f"{timezone.localtime(c.revoked):%Y-%m-%d} 停用"
        rows.append((c.name, " ".join(c.may), f"{timezone.localtime(c.created):%Y-%m-%d}", state))
    console().print(table("", ("客户端", "许可", "发于", "状态"), rows))


@app.command("openapi")
def openapi(store: Store = None, home: Home = None) -> None:
    """打印接口的 OpenAPI 说明（JSON）。"""
    # The address of the interface comes from the table of addresses; no store is looked at.
    open_desk(home, store, there=False, bring_up=False)
    from pipeline.desk.api.app import api

    sys.stdout.write(json.dumps(api.get_openapi_schema(), ensure_ascii=False, indent=1) + "\n")
