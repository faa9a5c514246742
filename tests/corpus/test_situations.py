from pipeline.corpus.gold import Gold
from pipeline.corpus.situations import join_copies

LONG = "去年三月我到镇上办理低保，窗口的人说系统坏了让我等通知，等了半年没有音信，再去又说材料过期。"


def test_near_copies_and_what_shares_their_groups_are_one_situation():
    texts = [("d", f"您好。{LONG}", "二组"), ("a", "路灯坏了一年没有人来修，打热线也没有用。", ""), ("c", LONG, "")]
    texts += [("e", "井盖丢了三个月，街道说归城管，城管说归街道。", "二组"), ("b", f"{LONG}谢谢", "")]
    gold = [Gold(id=key, text=text, labels={}, group=group or key) for key, text, group in texts]
    joined = join_copies(gold)
    assert [(g.id, g.text) for g in joined] == [(g.id, g.text) for g in gold]
    assert [g.group for g in joined] == ["b", "a", "b", "b", "b"]
