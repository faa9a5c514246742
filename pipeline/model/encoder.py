"""Dense features: what a sentence encoder in a local folder, an ONNX file with its tokenizer, says of whole passages.

Off unless a folder is named; onnxruntime and tokenizers come with the extra ``encoder``. Every text goes through the
encoder by itself and on one thread: padded beside others, or shared out, its vector would depend on its company (much
so in models of 8 bits, which take their scale from the whole batch), and a score could never be worked out again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import BundleError, ConfigError
from pipeline.ndarrays import Ints, Singles

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["Encoder", "add_dense", "encoder_of"]

MODEL, TOKENIZER = "model.onnx", "tokenizer.json"
#: Tokens read of a text where the tokenizer sets no end: BERT's.
MOST = 512
#: What a model may ask for, by the name that exports give it, and where the tokenizer has it.
_INPUTS = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}  # nosec B105
_TYPES = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
#: The output that holds one vector a text where a model has several; else the first is taken.
_SENTENCE = "sentence_embedding"
_EXPORT = "按手册“另加编码器”一节重新导出。"


class Encoder:
    """The encoder in ``folder``; vectors of ``length``, ``dimensions`` of them, and the ``sha256`` of both files.

    Safe to be asked by several threads. Raises ConfigError ``ZF-ENCODER-…`` for a folder or model it cannot use, and
    without the extra.
    """

    def __init__(self, folder: Path, length: float = 1.0) -> None:
        model, tokenizer = _files(folder)
        self.length = length
        self.sha256 = hashlib.sha256(hashlib.sha256(model).digest() + hashlib.sha256(tokenizer).digest()).hexdigest()
        self._folder = folder
        self._tokens, self._session = _open(folder, model, tokenizer)
        self._types = {i.name: _TYPES.get(i.type) for i in self._session.get_inputs()}
        if "input_ids" not in self._types or not self._types.keys() <= _INPUTS.keys() or None in self._types.values():
            asked = "、".join(f"{i.name} {i.type}" for i in self._session.get_inputs())
            raise ConfigError("ZF-ENCODER-INPUTS", f"编码器 {folder} 要的输入是 {asked or '无'}，给不了", _EXPORT)
        outputs = [o.name for o in self._session.get_outputs()]
        self._output = _SENTENCE if _SENTENCE in outputs else outputs[0]
        # As long as a text ever gets: what is wrong with the model shows now, not in the night.
        longest = np.zeros(min(MOST, self._tokens.truncation["max_length"]), np.int64)
        self.dimensions = len(self._run({"input_ids": longest, "attention_mask": longest + 1}))

    @property
    def about(self) -> dict[str, Any]:
        """What a model's manifest says of it."""
        return {"sha256": self.sha256, "dimensions": self.dimensions, "weight": self.length}

    def encode(self, texts: Sequence[str], jobs: int = 1) -> Singles:
        """Return the vectors of ``texts``, (texts, dimensions), zero where there is no token; ``jobs`` texts at once.

        Of a long text the first tokens are read, as many as the tokenizer says, else MOST.
        """
        if jobs > 1:
            with ThreadPoolExecutor(jobs) as pool:
                rows = list(pool.map(self._vector, texts))
        else:
            rows = [self._vector(t) for t in texts]
        return self._lengthened(np.array(rows, np.float32).reshape(-1, self.dimensions))

    def joined(self, vectors: Singles, members: sparse.csr_matrix) -> Singles:
        """Return vectors of the texts that ``members`` (padded, texts) are joined to, (padded, dimensions).

        Each points where the mean of its members' ``vectors`` (texts, dimensions) does.
        """
        return self._lengthened(members @ vectors)

    def _vector(self, text: str) -> Singles:
        found = self._tokens.encode(text)
        if not found.ids:
            return np.zeros(self.dimensions, np.float32)
        return self._run({name: np.array(getattr(found, of), np.int64) for name, of in _INPUTS.items()})

    def _run(self, given: Mapping[str, Ints]) -> Singles:
        """Return the vector of one text, (dimensions,); ``given`` arrays (tokens,), none is zeros."""
        nothing = np.zeros_like(given["input_ids"])
        asked = {name: given.get(name, nothing).astype(of)[None] for name, of in self._types.items()}
        try:
            (found,) = self._session.run([self._output], asked)
        except Exception as e:  # onnxruntime's own, one by the kind of fault
            raise ConfigError("ZF-ENCODER-RUN", f"编码器 {self._folder} 算不出来：{_line(e)}", _EXPORT) from e
        found = np.asarray(found, np.float32)
        # Alone, a text is not padded: the mean over its mask is the mean.
        vector = found.mean(1) if found.ndim == 3 else found
        if vector.shape[:-1] != (1,) or not np.isfinite(vector).all():
            shape = "×".join(map(str, found.shape))
            raise ConfigError(
                "ZF-ENCODER-OUTPUT", f"编码器 {self._folder} 的 {self._output}（{shape}）不是向量，或不是数", _EXPORT
            )
        return np.asarray(vector[0])

    def _lengthened(self, vectors: npt.NDArray[np.floating]) -> Singles:
        norm = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors * (self.length / np.where(norm > 0, norm, 1)), np.float32)


def encoder_of(manifest: Mapping[str, Any], folder: Path | None) -> Encoder | None:
    """Return what the model of ``manifest`` reads passages with, None when it uses none, whatever ``folder`` there is.

    Raises BundleError where it needs one and there is none, or another; ConfigError as Encoder does.
    """
    wanted = manifest.get("encoder")
    if not wanted:
        return None
    if folder is None:
        raise BundleError(
            "ZF-ENCODER-NONE",
            f"模型 {manifest['id']} 训练时用了编码器，这里没有指明",
            '在 zuofeng.toml 写 encoder = "目录"，或设 ZUOFENG_ENCODER。',
        )
    encoder = Encoder(folder, wanted["weight"])
    if encoder.about != wanted:
        raise BundleError(
            "ZF-ENCODER-OTHER",
            f"模型 {manifest['id']} 训练时用的编码器是 {wanted['sha256'][:12]}，{folder} 里的是 {encoder.sha256[:12]}",
            "把 encoder 指向训练时的那一份，或用这一份重新训练。",
        )
    return encoder


def add_dense(x: sparse.csr_matrix, vectors: Singles) -> sparse.csr_matrix:
    """Return ``x`` (rows, columns) with ``vectors`` (rows, dimensions) as its last columns."""
    if not vectors.shape[1]:
        return x
    from scipy import sparse

    return sparse.csr_matrix(sparse.hstack([x, sparse.csr_matrix(vectors)], format="csr"))


def _files(folder: Path) -> tuple[bytes, bytes]:
    """Return the model and the tokenizer; exports put the model into the folder or into ``onnx`` below it."""
    model = next((p for p in (folder / MODEL, folder / "onnx" / MODEL) if p.is_file()), folder / MODEL)
    try:
        return model.read_bytes(), (folder / TOKENIZER).read_bytes()
    except OSError as e:
        raise ConfigError(
            "ZF-ENCODER-FOLDER",
            f"编码器读不到 {e.filename}（{e.strerror}）",
            f"目录里要有 {MODEL} 和 {TOKENIZER}：{_EXPORT}",
        ) from e


def _open(folder: Path, model: bytes, tokenizer: bytes) -> tuple[Any, Any]:
    """Return the tokenizer, ready to cut what is too long, and the session."""
    try:
        import onnxruntime
        from tokenizers import Tokenizer
    except ImportError as e:
        raise ConfigError(
            "ZF-ENCODER-EXTRA", f"没有安装 {e.name}，用不了编码器", "运行 pip install 'zuofeng[encoder]'，之后重来。"
        ) from e
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    try:
        tokens = Tokenizer.from_buffer(tokenizer)
        # From bytes: what was hashed is what runs, and nothing outside of the file is read.
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as e:  # both have their own by the kind of damage
        raise ConfigError("ZF-ENCODER-BROKEN", f"编码器 {folder} 打不开：{_line(e)}", _EXPORT) from e
    tokens.no_padding()
    if tokens.truncation is None:
        tokens.enable_truncation(MOST)
    return tokens, session


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
