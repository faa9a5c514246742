"""Tiny sentence encoders in the layout of real ones: a vector a character, characters that mean the same share it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

OPSET = 17
#: Inputs of BERT's exports, all of which the graph reads.
BERT = ("input_ids", "attention_mask", "token_type_ids")


def table_of(characters: str, twins: Mapping[str, str], dimensions: int) -> tuple[dict[str, int], np.ndarray]:
    """Return the number of each character, 0 being all others', and the vectors, (characters + 1, dimensions)."""
    number = {c: n for n, c in enumerate(sorted({*characters, *twins, *twins.values()}), 1)}
    table = np.random.default_rng(11).normal(size=(len(number) + 1, dimensions)).astype(np.float32)
    table[0] = 0
    for one, other in twins.items():
        table[number[one]] = table[number[other]]
    return number, table


def write_encoder(
    folder: Path,
    characters: str = "",
    twins: Mapping[str, str] | None = None,
    *,
    dimensions: int = 8,
    sentence: bool = False,
    inputs: tuple[str, ...] = BERT,
    longest: int | None = None,
    model: str = "model.onnx",
    factor: float = 1.0,
) -> Path:
    """Write an encoder into ``folder`` and return it; ``sentence`` lets the model itself take the mean over tokens."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    number, table = table_of(characters, twins or {}, dimensions)
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["tokens"]),
             helper.make_node("Mul", ["tokens", "factor"], ["scaled"])]  # fmt: skip
    last = "scaled"
    # Ones and zeros: they must be there and change nothing.
    for name, operator in (("attention_mask", "Mul"), ("token_type_ids", "Add")):
        if name in inputs:
            nodes += [helper.make_node("Cast", [name], [f"{name}_real"], to=TensorProto.FLOAT),
                      helper.make_node("Unsqueeze", [f"{name}_real", "two"], [f"{name}_wide"]),
                      helper.make_node(operator, [last, f"{name}_wide"], [f"after_{name}"])]  # fmt: skip
            last = f"after_{name}"
    nodes.append(helper.make_node("Identity", [last], ["last_hidden_state"]))
    outputs = [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["n", "tokens", dimensions])]
    if sentence:
        nodes.append(helper.make_node("ReduceMean", [last], ["sentence_embedding"], axes=[1], keepdims=0))
        outputs.append(helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["n", dimensions]))
    graph = helper.make_graph(
        nodes, "encoder",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "tokens"]) for name in inputs],
        outputs,
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([2]), "two"),
         numpy_helper.from_array(np.array(factor, np.float32), "factor")],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(made)
    path = folder / model
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made.SerializeToString())
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, **number}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    if longest:
        tokenizer.enable_truncation(longest)
    # What batches need: of a text alone it must not be read.
    tokenizer.enable_padding(length=20, pad_id=1)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
