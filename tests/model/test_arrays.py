import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.model.arrays import read_arrays


def packed(save=np.savez, **given):
    out = io.BytesIO()
    save(out, **given)
    return out.getvalue()


@given(
    arrays.arrays(st.sampled_from([np.float64, np.int64, np.float32]), arrays.array_shapes(min_dims=0, min_side=0)),
    st.booleans(),
)
def test_arrays_are_those_numpy_reads(array, by_column):
    if by_column:
        array = np.asfortranarray(array)
    raw = packed(one=array, two=np.arange(3))
    with np.load(io.BytesIO(raw)) as read:
        mine = read_arrays(raw)
        assert list(mine) == read.files
        for name in read.files:
            np.testing.assert_array_equal(mine[name], read[name])
            assert (mine[name].dtype, mine[name].flags.aligned) == (read[name].dtype, True)


@pytest.mark.parametrize(
    "raw",
    [packed(np.savez_compressed, a=np.arange(9)), packed(a=np.array([{}], object)), packed(a=np.arange(99))[:-200]],
)
def test_what_is_compressed_cut_off_or_code_is_refused(raw):
    with pytest.raises(Exception, match=r"compressed|object|zip file"):
        read_arrays(raw)
