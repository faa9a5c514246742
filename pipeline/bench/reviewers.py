"""People who are not there: reviewers that know the truth and are wrong now and then, at the desk's own doors."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.desk import audit
from pipeline.desk.decide import decide
from pipeline.desk.models import Document
from pipeline.desk.queue import Filters, claim_next, hold, release
from pipeline.desk.schemes import by_scheme, taxonomy
from pipeline.desk.settle import ConflictError
from pipeline.desk.shadows import SPOT_CHECK
from pipeline.desk.states import State
from pipeline.desk.tables import Case, User

__all__ = ["Reviewers"]

#: Labels by the number of a document.
Truth = Mapping[str, frozenset[str]]


class Reviewers:
    """``users`` take turns; a share ``noise`` of their decisions has a label missing, one too many or another one."""

    def __init__(self, users: Sequence[User], truth: Truth, *, noise: float, seed: int) -> None:
        self._users = list(users)
        self._truth = truth
        self._noise = noise
        self._rng = np.random.default_rng(seed)
        self._labels = [label for _, label in taxonomy().columns]
        self.noisy = 0

    def work_off(self, count: int) -> Counter[str]:
        """Take cases from the queue, ten at a time, until ``count`` decisions are made or nothing waits; by kind."""
        said: Counter[str] = Counter()
        idle = 0
        while said.total() < count and idle < len(self._users):
            user = self._users[0]
            self._users.append(self._users.pop(0))
            ids = claim_next(user, Filters())[: count - said.total()]
            idle = 0 if ids else idle + 1
            for pk in ids:
                said.update(self._decide(user, Case.objects.get(pk=pk)))
            release(user)
        return said

    def look_at_spot_checks(self) -> Counter[str]:
        """Decide every spot check that waits; by kind."""
        said: Counter[str] = Counter()
        waiting = Case.objects.filter(state__in=(State.OPEN, State.SECOND)).order_by("-priority")
        for case in [c for c in waiting if SPOT_CHECK[0] in dict(c.reasons)]:
            for user in self._users:
                case.refresh_from_db()
                if case.state in (State.OPEN, State.SECOND) and hold(user, case):
                    said.update(self._decide(user, case))
        return said

    def settle(self, senior: User) -> int:
        """Let ``senior`` give the last word on what two read differently; return how often."""
        return sum(len(self._decide(senior, c, noise=0.0)) for c in list(Case.objects.filter(state=State.DISPUTED)))

    def _decide(self, user: User, case: Case, *, noise: float | None = None) -> list[str]:
        """Return the kind of the decision in a list, empty when the desk wants somebody else."""
        key = str(Document.objects.values_list("key", flat=True).get(pk=case.pk))
        labels = set(self._truth[key])
        if self._rng.random() < (self._noise if noise is None else noise):
            labels = self._wrong(labels)
            self.noisy += 1
        token = audit.current_gesture.set(audit.Gesture(uuid.uuid4().hex, user.username))
        try:
            made = decide(
                user=user, document=case.pk, action="save" if labels else "reject", labels=sorted(labels),
                text_hash=case.text_hash, seconds=int(self._rng.integers(15, 90)),
            )  # fmt: skip
        except ConflictError:
            return []
        finally:
            audit.current_gesture.reset(token)
        return [made.said]

    def _wrong(self, labels: set[str]) -> set[str]:
        """Take one away, put one in, or both, within what the schemes allow."""
        have, others = sorted(labels), [i for i in self._labels if i not in labels]
        for _ in range(20):
            made = set(have)
            how = self._rng.integers(3)
            if have and how != 1:
                made.discard(have[self._rng.integers(len(have))])
            if how != 0 or not have:
                made.add(others[self._rng.integers(len(others))])
            if made != labels and not taxonomy().check_labels(by_scheme(made)):
                return made
        return labels
