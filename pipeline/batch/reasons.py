"""Why records are set aside, by code: what a night says of all that have the same one."""

from __future__ import annotations

__all__ = ["REASONS"]

#: What is particular to one record (where its number came before, how long it is) stands with that record.
REASONS = {
    "ZF-REC-EMPTY": "正文是空的",
    "ZF-REC-TYPE": "正文或标题不是文字",
    "ZF-REC-SHEET": "工作表里没有正文列",
    "ZF-REC-COLUMN": "没有认得的正文列，另有一列像是正文，请写列名对照",
    "ZF-REC-ID": "编号过长，存不下",
    "ZF-REC-KEY": "键是空的、过长或存不下",
    "ZF-REC-DIGITS": "编号被表格软件舍去了末几位，请设为文本重新导出",
    "ZF-REC-DUPLICATE": "编号和内容都与另一条相同，只算一次",
    "ZF-REC-CONFLICT": "编号与另一条相同而内容不同，留用原有的；要换成新的，把旧的那份移出来源（清单里逐条写着）",
    "ZF-REC-TOO-LONG": "太长，没有读入",
    "ZF-REC-ENCODING": "编码无法识别",
    "ZF-REC-QUOTE": "引号不配对",
    "ZF-REC-FIELDS": "列数与表头不同",
    "ZF-REC-CUT": "正文里有没加引号的换行，这一行是上一条的残段",
    "ZF-REC-JSON": "不是合格的 JSON 记录",
    "ZF-REC-TIME": "打分超过单条时限，已放弃",
    "ZF-REC-MEMORY": "打分超过单条内存上限，已放弃",
    "ZF-REC-CRASH": "打分时进程意外退出，已放弃",
    "ZF-REC-SCORE": "打分出错",
}
