"""容错甄别: the six looks, sentences of the text that may bear on each, and the outcomes a person chooses from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.text.sentences import split_sentences

__all__ = ["LOOKS", "OUTCOMES", "Look", "suggest"]

MOST = 4
LONGEST = 160


@dataclass(frozen=True, slots=True)
class Look:
    """One of the six parts: what to weigh, and words that point to sentences worth reading for it."""

    id: str
    name: str
    asks: str
    cues: str


LOOKS = (
    Look(
        "nature", "问题性质", "是失误还是违纪违法，后果轻重，触没触碰底线。",
        "违规|违法|违纪|挪用|套取|收受|造成|损失|伤亡|后果|瞒报|虚报|造假|失误|事故",
    ),
    Look(
        "basis", "工作依据", "有没有法规、政策、上级部署作依据；当时是否明令禁止。",
        "依据|根据|按照|规定|文件|批复|批准|通知|政策|意见|办法|条例|要求",
    ),
    Look(
        "motive", "主观动机", "为公还是谋私，是无心还是明知故犯。",
        "为了|私利|谋取|亲属|好处|故意|明知|政绩|应付|敷衍|出于|好意|便民|图省事",
    ),
    Look(
        "process", "决策过程", "是否经过调研、论证、集体研究，程序是否走到。",
        "研究|论证|会议|集体|讨论|决定|拍板|擅自|未经|程序|公示|听证|征求|调研",
    ),
    Look(
        "duty", "履职取向", "是敢担当、在办事，还是推诿、拖延、不作为。",
        "推诿|拖延|不作为|担当|负责|先行|试点|创新|落实|办理|不管|不理|扯皮|主动",
    ),
    Look(
        "attitude", "纠错态度", "知错后改没改、挽回没挽回，有没有隐瞒、对抗。",
        "整改|改正|纠正|道歉|退还|补救|挽回|重新|反弹|隐瞒|拒不|态度|承认|及时",
    ),
)  # fmt: skip

#: Chosen by a person, never by the model.
OUTCOMES = {
    "form_1": "第一种形态：批评教育、谈话函询",
    "form_2": "第二种形态：轻处分、组织调整",
    "form_3": "第三种形态：重处分、重大职务调整",
    "form_4": "第四种形态：涉嫌违法，移送审查",
    "tolerate": "容错：予以免责、减责",
    "clear": "不实：澄清正名",
    "transfer": "转其他部门办理",
    "unproven": "查无实据",
}


def suggest(text: str) -> dict[str, list[str]]:
    """Return for each look the sentences of ``text`` (already masked) that hold most of its cue words."""
    sentences = [" ".join(x.split()) for x in split_sentences([text]).of([text])]
    return {look.id: _best(look, sentences) for look in LOOKS}


def _best(look: Look, sentences: list[str]) -> list[str]:
    scored = [(len(set(re.findall(look.cues, s))), i, s) for i, s in enumerate(sentences)]
    best = sorted((x for x in scored if x[0]), key=lambda x: (-x[0], x[1]))[:MOST]
    return [s[:LONGEST] for _, _, s in sorted(best, key=lambda x: x[1])]
