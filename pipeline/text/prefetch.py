"""Asking for memory before it is needed: large tables are read in no order, and waiting is most of the work."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["prefetch"]

_INT = ir.IntType(32)
_POINTER = ir.IntType(8).as_pointer()
#: For reading, to be kept in every cache, data.
_HOW = (_INT(0), _INT(3), _INT(1))


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Fetch the line of the cache that holds ``array[index]``, in compiled code only; any index is harmless."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        where = builder.bitcast(builder.gep(data, [arguments[1]]), _POINTER)
        kind = ir.FunctionType(ir.VoidType(), [_POINTER, _INT, _INT, _INT])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8"), [where, *_HOW])
        return context.get_dummy_value()

    return types.void(array, index), generate
