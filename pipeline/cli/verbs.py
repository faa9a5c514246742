"""Which verbs there are: each is imported when it is asked for, so that help and short errands start at once."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from pipeline.cli.chinese import USAGE, speak, translate_help, word_error
from pipeline.errors import UnfinishedError

__all__ = ["BENCHES", "TABLE", "VERBS", "bench", "lazy"]

#: What ``--write-back`` is told to write into the database that the records come from.
TABLE = "table"
#: Name of each verb → module and attribute (a function, or an app of several verbs), and its line in the help.
VERBS: dict[str, tuple[str, str]] = {
    "nightly": ("nightly:command", "夜间任务：读入新文本，打分，写回，列出先看哪些。"),
    "rescore": ("rescore:command", "用另一个模型重算存储里的文本；旧的打分保留可查，中断后重跑即接着做。"),
    "purge": (
        "purge:command",
        "按保留期清除原文：正文、标题、证据引文、搁置记录原文；分数、来历和运行记录保留。不可撤销。",
    ),
    "move": ("move:command", "把内嵌的存储整个搬进设置里的 PostgreSQL：件、分数、判定、帐号、留痕，或全搬或不搬。"),
    "why": ("why:command", "一篇文本的每个已存打分从哪里来，重算一遍，说明是否一位不差。"),
    "doctor": (
        "doctor:command",
        "体检：数据库、表结构、昨夜、时钟、磁盘、模型、词典、权限、数据库来源、监控，逐项说明是否正常、该做什么。",
    ),
    "config": ("config:command", "现行配置：每一项的值和来处；口令不显示。"),
    "serve": ("serve:command", "复核台：在浏览器里看队列、看证据、判定。按 Ctrl-C 停止。"),
    "user": ("user:app", "复核台帐号：新建、列出、重设密码、关掉两步登录。"),
    "client": ("client:app", "接口的客户端：发令牌、停用、列出、打印接口说明。"),
    "audit": ("audit:app", "操作留痕：核验有没有被改过、删过。"),
    "classify": ("classify:command", "给文本分类，逐条输出标签、分数和证据；不写入存储。"),
    "train": ("train:command", "训练一个模型，并把这次训练记录在案。同样的语料得到逐字节相同的模型。"),
    "adapt": ("adapt:command", "按本单位的来文重设，不重新训练：照几百条复核过的定校准与阈值，或照没有标注的定说法。"),
    "evaluate": ("evaluate:command", "在带标签的文本上测量：逐标签的查准率、查全率、F1 与 95% 区间。"),
    "models": ("models:command", "列出模型：哪个在用、按什么训练、文件是否完好；--on 说明某一天在用的是哪个。"),
    "compare": (
        "compare:command",
        "成对比较两个模型：逐标签的差、区间与检验，翻转的文本和证据，按语域与长度，许诺，速度。",
    ),
    "promote": (
        "promote:command",
        "把一个模型设为在用：先与在用模型成对比较，许诺被违背或有标签显著下降就拒绝；动作记入沿革。",
    ),
    "rollback": ("promote:rollback_command", "退回上一个在用模型；再运行一次就再退一步。不做比较，急用时也退得回去。"),
    "suggest": (
        "suggest:command",
        "挑最值得标的文本：拿不准的、词典与模型不一的、证据单薄的、用词陌生的；各标签轮流，不挑雷同的。",
    ),
    "audit-labels": ("audit_labels:command", "找可能标错的标签：多标的、漏标的，最可疑的在前，附证据。"),
    "drift": (
        "drift:command",
        "这段时间与此前相比变了什么：标签比例、同现、分数、生词、新说法，按区县和渠道；背后是哪些文本。",
    ),
    "corpus": ("corpus:app", "语料：检查与统计，取出复核、合成快照，与别的标注工具往来。"),
    "shadow": ("shadow:app", "陪跑：新模型与在用模型一起给夜里的文本打分，复核台上看不到它。"),
    "sample": ("sample:app", "真实准确度：随机抽样，盲标，加权估计。"),
    "lexicon": ("lexicon:app", "词典与规则：先试会改动哪些篇。"),
    "bench": ("verbs:bench", "量文档里的数字。"),
}
#: The same for what can be measured.
BENCHES: dict[str, tuple[str, str]] = {
    "accuracy": ("bench:accuracy", "在用模型在语料 test 部分（与通常写法对照）和带标签的真实留言上的准确度。"),
    "corpus": (
        "bench:corpus",
        "学习曲线：通常写法用八分之一到全部语料训练，测在语料的 test 部分和带标签的真实留言上。",
    ),
    "tables": ("bench:tables", "一夜：PostgreSQL 的表读出、打分、写回同一张表的列；与同样内容的文件对比用时，并抽查。"),
    "fuzz": (
        "bench:fuzz",
        "把成千上万份损坏的文件和模型喂给读取程序：不许崩溃、卡住、吃光内存，也不许有没编号的错误。",
    ),
    "speed": ("bench_speed:speed", "速度：本系统与通常写法、fastText、spaCy 和下限并排，各在一个进程里轮流量。"),
    "night": ("bench_night:night", "一夜多快：造许多与真实留言一样长短的文本，读出、打分、写库，再跑一遍。"),
    "public": (
        "bench_public:public",
        "别人的标签体系：公开数据各建一个家目录，用同样的命令训练、测量，与通常写法里最好的一种对照。",
    ),
    "desk": (
        "bench_desk:desk",
        "复核台在大存储上有多快：放满文本（分数和判定都是编的），许多人同时办件，量每一页的用时。",
    ),
    "drift": ("bench_analysts:drift", "在没有变化的月份和埋了变化的月份上，量 drift 的误报率和发现率。"),
    "label-errors": ("bench_analysts:label_errors", "在语料里埋下标错的标签，看 audit-labels 找回多少。"),
    "story": (
        "bench_story:story",
        "从头走一遍：夜、复核、快照、重训、比较、陪跑、启用、退回；每一步都是真的命令，最后看留痕齐不齐。",
    ),
    "suggest": ("bench_analysts:suggest", "在语料上重演标注：按 suggest 挑与随机挑，同样的宏 F1 各要标多少条。"),
}


#: For whom the verbs from this one on are, as the guide has it.
_FOR = {"nightly": "运维员", "serve": "分办与管理", "classify": "分析员"}


class _Verbs(TyperGroup):
    """A group that knows the names and first lines of its verbs without importing them."""

    verbs: Mapping[str, tuple[str, str]] = {}

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = dict.fromkeys(self.verbs)  # type: ignore[assignment]  # the names alone, to correct a slip

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the verb ``cmd_name``; None when there is none of this name."""
        if cmd_name not in self.verbs:
            return None
        module, _, name = self.verbs[cmd_name][0].partition(":")
        found = getattr(import_module(f"pipeline.cli.{module}"), name)
        if isinstance(found, typer.Typer):
            group = typer.main.get_group(found)
            return group if isinstance(group, _Verbs) else speak(group)
        alone = typer.Typer(**_STYLE)
        alone.command(cmd_name)(found)
        return speak(typer.main.get_command(alone))

    def get_help(self, ctx: Any) -> str:
        """Return the help, all of it in Chinese."""
        return translate_help(super().get_help(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line up to the verb; what is wrong with it is said in Chinese."""
        try:
            return super().parse_args(ctx, args)
        except USAGE as e:
            word_error(e)
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run a verb; raises UnfinishedError on Ctrl-C and at the end of input, of which typer would make 130 and 1."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, EOFError) as e:
            raise UnfinishedError("ZF-STOPPED", "已中断", "写下的有效，重跑即可。") from e
        except USAGE as e:
            word_error(e)
            raise

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs with their lines, in sections by who needs them."""
        sections: dict[str, list[tuple[str, str]]] = {}
        heading = "Commands"
        for name, (_where, line) in self.verbs.items():
            heading = _FOR.get(name, heading)
            sections.setdefault(heading, []).append((name, line))
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl(rows)


_STYLE: dict[str, Any] = {"add_completion": False, "pretty_exceptions_enable": False, "rich_markup_mode": None}


def lazy(name: str, verbs: Mapping[str, tuple[str, str]], about: str) -> typer.Typer:
    """Return an app of ``verbs``, written as VERBS is; ``about`` is the first line of its help."""
    group = type("Verbs", (_Verbs,), {"verbs": verbs})
    app = typer.Typer(name=name, cls=group, help=about, no_args_is_help=True, **_STYLE)
    app.callback()(_versioned if verbs is VERBS else _nothing)
    return app


def _nothing() -> None:
    """Do what every verb needs before it: nothing."""


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(import_module("pipeline.model.runs").program())
        raise typer.Exit


def _versioned(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="程序的版本，与 zuofeng why 里写的相同。"
    ),
) -> None:
    """Say which program this is where that is asked for."""


bench = lazy("bench", BENCHES, "量文档里的数字。")
