"""Trials of challengers: begun and ended, and what of each night goes before people.

What is drawn goes into the ordinary queue under the reason "抽查", flips and others alike and in equal number, so that
neither the queue nor the page tells what any model but the live one says.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from pipeline.desk import audit
from pipeline.desk.models import Prediction, Run
from pipeline.desk.schemes import decided_ids
from pipeline.desk.states import State
from pipeline.desk.tables import Case, Shadow, ShadowDraw, ShadowNight, ShadowScore
from pipeline.errors import ConfigError

__all__ = ["SPOT_CHECK", "close_night", "running", "start", "stop"]

#: The reason that a drawn document shows in the queue, and its points.
SPOT_CHECK = ("抽查", 40)
CHUNK = 500


def running() -> list[Shadow]:
    """Return the trials that are on: not stopped, and with nights left.

    A night counts when its run is done, so one that is continued after a crash has the same challengers as before.
    """
    done = Count("done", filter=Q(done__run__state="done"))
    return list(Shadow.objects.filter(ended=None).annotate(n=done).filter(n__lt=F("nights")))


def start(model: str, *, nights: int, sample: int, by: str, actor: str) -> Shadow:
    """Begin a trial; raises ConfigError when the model has one already. The caller has checked the model."""
    with transaction.atomic():
        if any(s.model == model for s in running()):
            raise ConfigError("ZF-SHADOW-ON", f"{model} 已经在陪跑", "运行 zuofeng shadow report 查看。")
        now = timezone.now()
        Shadow.objects.filter(model=model, ended=None).update(ended=now)
        made: Shadow = Shadow.objects.create(
            model=model, nights=nights, sample=sample, salt=secrets.token_hex(16), started=now, by=by
        )
        audit.record("shadow.start", model, actor=actor, nights=nights, sample=sample, trial=made.pk)
    return made


def stop(model: str, *, actor: str) -> Shadow:
    """End a trial before its time; raises ConfigError when there is none. Its scores stay."""
    with transaction.atomic():
        found = next((s for s in running() if s.model == model), None)
        if found is None:
            raise ConfigError("ZF-SHADOW-OFF", f"{model} 没有在陪跑", "运行 zuofeng shadow report 查看。")
        found.ended = timezone.now()
        found.save(update_fields=["ended"])
        audit.record("shadow.stop", model, actor=actor, trial=found.pk, nights=found.done.count())
    return found


def close_night(run: Run, shadows: Sequence[Shadow]) -> None:
    """Count the night for every trial and put its share before people; done once, however often it is called."""
    for shadow in shadows:
        with transaction.atomic():
            if ShadowNight.objects.filter(shadow=shadow, run=run).exists():
                continue
            pairs = _pairs(shadow, run)
            if not pairs:
                continue
            drawn = _draw(shadow, run, pairs)
            flips = sum(p.flip for p in pairs)
            ShadowNight.objects.create(shadow=shadow, run=run, texts=len(pairs), flips=flips)
            fresh = set(drawn) - set(ShadowDraw.objects.filter(shadow=shadow).values_list("document_id", flat=True))
            ShadowDraw.objects.bulk_create([d for pk, d in drawn.items() if pk in fresh])
            _put_before_people(fresh)


@dataclass(frozen=True, slots=True)
class _Pair:
    """One text that both models scored this night; ``lot`` orders the draw."""

    document: int
    text_hash: str
    flip: bool
    state: str
    lot: bytes


def _pairs(shadow: Shadow, run: Run) -> list[_Pair]:
    names = ("document_id", "document__key", "text_hash", "decided")
    rows = ShadowScore.objects.filter(shadow=shadow, run=run).values_list(*names)
    said = rows.iterator(chunk_size=2000)
    ours = {pk: (key, digest, frozenset(decided_ids(decided))) for pk, key, digest, decided in said}
    live = Prediction.objects.filter(run=run, model=run.model).values_list("document_id", "text_hash", "decided")
    states = dict(Case.objects.filter(run=run.pk).values_list("pk", "state"))
    found = []
    for pk, digest, decided in live.iterator(chunk_size=2000):
        key, same, labels = ours.get(pk, ("", "", frozenset()))
        if same == digest:
            lot = hashlib.sha256(f"{shadow.salt} {key} {digest}".encode()).digest()
            found.append(_Pair(pk, digest, frozenset(decided_ids(decided)) != labels, states.get(pk, State.DONE), lot))
    return found


def _draw(shadow: Shadow, run: Run, pairs: Sequence[_Pair]) -> dict[int, ShadowDraw]:
    """Draw flips by lot, and for each one a text from the same part of the queue that is none."""
    flips = sorted((p for p in pairs if p.flip), key=lambda p: p.lot)
    chosen = flips[: shadow.sample]
    found = {p.document: (p, len(chosen) / len(flips)) for p in chosen}
    for state in {p.state for p in chosen}:
        others = sorted((p for p in pairs if not p.flip and p.state == state), key=lambda p: p.lot)
        some = others[: sum(p.state == state for p in chosen)]
        found |= {p.document: (p, len(some) / len(others)) for p in some}
    return {
        pk: ShadowDraw(
            shadow=shadow, document_id=pk, run=run, text_hash=p.text_hash, flip=p.flip, probability=probability
        )
        for pk, (p, probability) in found.items()
    }


def _put_before_people(documents: set[int]) -> None:
    """Let what nobody would have looked at wait like the rest, and all of it somewhat further up."""
    what, points = SPOT_CHECK
    ids = sorted(documents)
    for at in range(0, len(ids), CHUNK):
        waiting = Q(state__in=(State.AUTO, State.OPEN), pk__in=ids[at : at + CHUNK])
        for case in Case.objects.select_for_update().filter(waiting).order_by("pk"):
            if what in dict(case.reasons):
                continue
            case.state = State.OPEN
            case.reasons = [*case.reasons, [what, points]]
            case.priority += points
            case.save(update_fields=["state", "reasons", "priority"])
