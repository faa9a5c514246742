"""The linear heads: one set by expert, each for texts of some registers, and the gate that knows whose a text is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from pipeline.corpus.gold import Gold
from pipeline.model.calibrate import fit_sigmoids
from pipeline.model.descent import NEAR, descend
from pipeline.model.pool import maximum_over, strongest_sentence
from pipeline.model.recipe import Learner, Settings
from pipeline.model.weights import Weights
from pipeline.ndarrays import Bools, Floats, Ints, Signs

__all__ = [
    "Examples",
    "allow_strange",
    "fit_heads",
    "in_usual_wording",
    "learn_experts",
    "present_experts",
    "share_texts",
    "text_weights",
]

DEFAULTS = Settings()

#: Share of the texts of others that an expert's gate may open for.
STRAYING = 0.005
#: Number of the fold that holds nothing out.
ALL = -1
#: So many heads are fitted together, about: what they weigh is held in memory once for each thread, with a ratio of
#: counts several times, and then a quarter as many are.
WIDEST = 128
#: How steep the heads of sentences may be left: of five times as many rows, steeper ones tell as much.
NEAR_SENTENCES = 0.12
#: What a text counts of whose labels nobody is sure.
LEAST_SURE = 0.05


@dataclass(frozen=True)
class Examples:
    """What heads learn from: ``x`` (rows, columns), ``truth`` (rows, heads); ``fold`` and ``text`` (rows,) of each row.

    Rows that are not ``known`` (rows, heads) for a head are left out of it. The last columns are an encoder's, as many
    as ``dimensions``. ``near`` is how steep their heads may be left.
    """

    x: sparse.csr_matrix
    truth: Bools
    fold: Ints
    text: Ints
    known: Bools | None = None
    dimensions: int = 0
    near: float = NEAR


def learn_experts(
    rows: Examples,
    sentences: Examples,
    members: sparse.csr_matrix,
    gold: Sequence[Gold],
    settings: Settings,
    progress: Callable[[str], None],
) -> tuple[Weights, Floats, Floats]:
    """Return weights whose margins are log-odds, and the out-of-fold margins of ``rows``, (rows, heads, 2), and of
    ``sentences``, (sentences, heads).

    ``rows`` are the texts, then padded ones made of the texts ``members`` (padded, texts) says; margins are those of
    the whole and of its strongest sentence, by the expert whom a gate that did not see the row chooses.
    """
    own, weight = share_texts(gold, settings)
    # What a file counts for is how its letters are told. A sentence shows conduct or does not, whoever told the rest.
    fully = share_texts(gold, replace(settings, weights=()))[1]
    heads, texts = rows.truth.shape[1], len(gold)
    first, usual = told_first(gold, settings), in_usual_wording(gold, settings)[rows.text]
    asked: list[tuple[Examples, Floats]] = []
    for e in range(len(weight)):
        # The gate of an expert is one more head: it tells its own texts from the others it reads. The first reads none
        # of others: its gate tells those that others told first.
        mine = (own == e if e else first)[rows.text]
        asked += [
            (replace(rows, truth=np.column_stack([rows.truth, mine])), weight[e][rows.text]),
            (replace(sentences, near=NEAR_SENTENCES), fully[e][sentences.text]),
        ]
    fitted = cross_fit(asked, settings, progress)
    learned, margins, singles, gates = [], [], [], []
    for (whole, coef, bias), (single, sentence_coef, sentence_bias) in zip(fitted[::2], fitted[1::2], strict=True):
        gates.append((whole[:, heads:], coef[:, heads:], bias[heads:]))
        singles.append(single)
        strongest = strongest_sentence(single, sentences.text, np.tile(sentence_bias, (texts, 1)))
        margins.append(np.stack([whole[:, :heads], np.vstack([strongest, maximum_over(strongest, members)])], 2))
        learned.append((coef[:, :heads], bias[:heads], sentence_coef, sentence_bias))
    gate, gate_bias, expert = fit_gates(gates, own[rows.text], (own == 0) & ~first)
    if not first.any():
        gate, gate_bias = gate[:, :-1], gate_bias[:-1]
    scaled: list[dict[str, Floats]] = []
    chosen = np.zeros((len(expert), heads, 2))
    spoken = np.zeros(sentences.truth.shape)
    for e, (of, arrays) in enumerate(zip(margins, learned, strict=True)):
        mine = expert == e
        # One slope for text and sentence: fitted apart, the sentence would weigh what it weighs in the corpus, where it
        # speaks plainly. Rounded, so that the last bits of a sum never reach the file.
        fits = mine & usual
        slope, shift = np.round(fit_sigmoids(of[fits] @ [1.0, settings.sentence_part], rows.truth[fits]), 6)
        coef, bias, sentence_coef, sentence_bias = arrays
        scaled.append({
            "coef": coef * slope, "bias": bias * slope + shift,
            "sentence_coef": sentence_coef * slope, "sentence_bias": sentence_bias * slope,
        })  # fmt: skip
        chosen[mine] = of[mine] * slope[:, None] + np.stack([shift, np.zeros(heads)], 1)
        read = mine[sentences.text]
        spoken[read] = singles[e][read] * slope
    stacked = {name: np.stack([s[name] for s in scaled]) for name in scaled[0]}
    return Weights.rounded(**stacked, gate=gate, gate_bias=gate_bias), chosen, spoken


def share_texts(gold: Sequence[Gold], settings: Settings) -> tuple[Ints, Floats]:
    """Return whose each text is, (texts,), and what it counts in the training of each expert, (experts, texts).

    An expert without texts is none. The weights of files are among an expert's own texts.
    """
    present, own = present_experts(gold, settings)
    if len(present) == 1:
        return own, text_weights(gold, settings)[None]
    share = np.array([settings.experts[e].others for e in present.tolist()])[:, None]
    drawn = np.random.default_rng(settings.seed).random(len(gold))
    mine = own == np.arange(len(present))[:, None]
    sure = text_weights(gold, DEFAULTS)
    return own, np.where(mine, text_weights(gold, settings), (drawn < share) * sure)


def present_experts(gold: Sequence[Gold], settings: Settings) -> tuple[Ints, Ints]:
    """Return which experts of ``settings`` have texts in ``gold``, in the order of a model's, and whose each text is,
    (texts,), numbered among these.
    """
    named = {r: e for e, expert in enumerate(settings.experts) for r in expert.registers}
    return np.unique([named.get(g.register, 0) for g in gold], return_inverse=True)


def allow_strange(gold: Sequence[Gold], settings: Settings) -> tuple[float, ...]:
    """Return which share of its strangeness a text of each expert is allowed for, (experts,), in a model's order."""
    present = present_experts(gold, settings)[0].tolist()
    return tuple(settings.experts[e].strange for e in present) if settings.experts else (1.0,)


def text_weights(gold: Sequence[Gold], settings: Settings) -> Floats:
    """Return what each text counts, (texts,): by its file, and less where people disagreed on its labels.

    Of a label that a share s of people gives, the loss expected over them is at zero as steep as that of one sure
    label counted 2s - 1 times.
    """
    of_file = dict(settings.weights)
    return np.array([of_file.get(g.file, 1.0) * max(2 * g.sure - 1, LEAST_SURE) for g in gold])


def told_first(gold: Sequence[Gold], settings: Settings) -> Bools:
    """Return which of the first expert's texts others told first, (texts,): those whose files count fully, where some
    count less.
    """
    of_file = dict(settings.weights)
    fully = np.array([of_file.get(g.file, 1.0) >= 1 for g in gold])
    mine = present_experts(gold, settings)[1] == 0
    return np.asarray(mine & fully & (mine & ~fully).any())


def in_usual_wording(gold: Sequence[Gold], settings: Settings) -> Bools:
    """Return which texts calibration and thresholds are of, (texts,).

    What others told first is as strange as what comes in: where something is allowed for that, it is left out.
    """
    allows = settings.strange > 0 and not settings.promise
    return ~told_first(gold, settings) if allows else np.ones(len(gold), bool)


def fit_gates(gates: Sequence[tuple[Floats, Floats, Floats]], own: Ints, usual: Bools) -> tuple[Floats, Floats, Ints]:
    """Return coefficients (columns, experts), biases (experts,), and who reads each row when it is held out.

    A gate opens where next to none of the rows of others would pass: what nobody is sure of is read by the first. The
    last is that of the first expert, in standard deviations from the mean of the ``usual`` texts (texts,), which are
    the first rows.
    """
    margins, coef, bias = (np.concatenate(of, -1) for of in zip(*gates[1:], gates[0], strict=True))
    for g in range(len(bias) - 1):
        edge = round(float(np.quantile(margins[own != g + 1, g], 1 - STRAYING)), 6)
        margins[:, g] -= edge
        bias[g] -= edge
    those = margins[: len(usual), -1][usual]
    mean, spread = (round(float(v), 6) for v in (those.mean(), those.std())) if len(those) else (0.0, 1.0)
    coef[:, -1] /= spread or 1.0
    bias[-1] = (bias[-1] - mean) / (spread or 1.0)
    expert = np.hstack([np.zeros((len(own), 1)), margins[:, :-1]]).argmax(1)
    return coef, bias, expert


def cross_fit(
    asked: Sequence[tuple[Examples, Floats]], settings: Settings, progress: Callable[[str], None]
) -> list[tuple[Floats, Floats, Floats]]:
    """Return, of each (rows, weights) ``asked``, out-of-fold margins (rows, heads), and coefficients (columns, heads)
    and biases (heads,) of all rows.

    A weight (rows,) is what each row counts; those that count nothing are not learned from. A fold held out is a row
    unknown, so that the heads of all folds read each row together, as far as WIDEST goes. Threads share the rows; how
    many there are does not change the result.
    """
    from joblib import Parallel, delayed

    def one(rows: Examples, weight: Floats, held_out: Ints) -> Iterable[tuple[Floats, ...]]:
        learned = rows.fold[:, None] != held_out
        known = np.ones(rows.truth.shape, bool) if rows.known is None else rows.known
        known = np.hstack([known & of[:, None] for of in learned.T])
        fitted = fit_heads(
            rows.x, np.tile(rows.truth, len(held_out)), settings.c, known, weight, learner=settings.learner,
            balance=settings.balance, ratio=settings.ratio, dimensions=rows.dimensions, near=rows.near,
        )  # fmt: skip
        heads = zip(*(np.split(part, len(held_out), -1) for part in fitted), strict=True)
        return [
            # A copy: a part of it would keep what all folds weigh.
            (coef.copy(), bias) if fold == ALL else (rows.x[rows.fold == fold] @ coef + bias,)
            for fold, (coef, bias) in zip(held_out.tolist(), heads, strict=True)
        ]

    fits, widest = np.array([ALL, *range(settings.folds)]), WIDEST // 4 if settings.ratio else WIDEST
    tasks = [
        (of, held_out)
        for of, (rows, _) in enumerate(asked)
        for held_out in np.array_split(fits, min(len(fits), -(-len(fits) * rows.truth.shape[1] // widest)))
    ]
    # The longest first: whoever is done early finds short ones left.
    size = [int(np.diff(rows.x.indptr)[weight > 0].sum()) for rows, weight in asked]
    tasks.sort(key=lambda task: -size[task[0]])
    pool = Parallel(n_jobs=settings.jobs, prefer="threads", return_as="generator")
    done = pool(delayed(one)(*asked[of], held_out) for of, held_out in tasks)
    margins = [np.zeros(rows.truth.shape) for rows, _ in asked]
    whole: dict[int, tuple[Floats, Floats]] = {}
    for n, (of, held_out) in enumerate(tasks):
        progress(f"训练分类器，{len(tasks)} 组已好 {n} 组")
        for fold, found in zip(held_out.tolist(), next(done), strict=True):
            if fold == ALL:
                whole[of] = found[0], found[1]
            else:
                margins[of][asked[of][0].fold == fold] = found[0]
    return [(margin, *whole[of]) for of, margin in enumerate(margins)]


def fit_heads(
    x: sparse.csr_matrix,
    truth: Bools,
    c: float,
    known: Bools | None = None,
    weight: Floats | None = None,
    *,
    learner: Learner = DEFAULTS.learner,
    balance: float = DEFAULTS.balance,
    ratio: float = DEFAULTS.ratio,
    dimensions: int = 0,
    near: float = NEAR,
) -> tuple[Floats, Floats]:
    """Fit one linear head per column of ``truth``; return (columns, heads) coefficients and (heads,) biases.

    Rows that are not ``known`` for a head say nothing to it; each counts its ``weight`` (rows,), else 1, and those of
    the label more by ``balance``; ``ratio`` is that of the settings and does not concern the last ``dimensions``
    columns, which every row has; ``near`` is how steep a head may be left. A head whose rows are all alike always says
    the same.
    """
    sign = np.where(truth, 1, -1).astype(np.int8)
    if known is not None:
        sign[~known] = 0
    if weight is None:
        weight = np.ones(len(truth))
    sign[weight == 0] = 0
    positives, negatives = (sign > 0).sum(0), (sign < 0).sum(0)
    some = (positives > 0) & (negatives > 0)
    sign[:, ~some] = 0
    more = (negatives / np.maximum(positives, 1)) ** balance
    counts = np.where(sign > 0, more, 1.0)
    counts *= weight[:, None]
    if learner == "svm":
        scale = log_ratios(x, sign) ** ratio if ratio else None
        if scale is not None:
            scale[len(scale) - dimensions :] = 1.0
        counts *= c
        coef, bias = descend(x, sign, counts, scale=scale, near=near)
    else:
        coef, bias = fit_ridge(x, sign, counts, 0.5 / c)
    return coef, np.where(some, bias, np.where(positives > 0, 1.0, -1.0))


def log_ratios(x: sparse.csr_matrix, sign: Signs) -> Floats:
    """Return how much each column tells of each head, (columns, heads): abs(log) of naive Bayes' count ratio.

    Counted are the rows that have the column, plus one, as a share of all such counts (Wang and Manning, ACL 2012).
    """
    present = sparse.csr_matrix((np.ones_like(x.data), x.indices, x.indptr), x.shape).T
    own, others = (present @ (sign == s).astype(float) + 1 for s in (1, -1))
    return np.asarray(np.abs(np.log(own / own.sum(0)) - np.log(others / others.sum(0))))


def fit_ridge(x: sparse.csr_matrix, sign: Signs, weight: Floats, strength: float) -> tuple[Floats, Floats]:
    """Return coefficients and biases of least squares on ``sign`` (rows, heads), where 0 is no row."""
    from sklearn.linear_model import RidgeClassifier

    coef, bias = np.zeros((x.shape[1], sign.shape[1])), np.zeros(sign.shape[1])
    for j in np.flatnonzero(sign.any(0)).tolist():
        rows = np.flatnonzero(sign[:, j])
        # A thousandth of a margin is far below what calibration tells apart.
        head = RidgeClassifier(alpha=strength, solver="sparse_cg", tol=1e-3)
        head.fit(x[rows], sign[rows, j], sample_weight=weight[rows, j])
        coef[:, j], bias[j] = np.ravel(head.coef_), np.ravel(head.intercept_)[0]
    return coef, bias
