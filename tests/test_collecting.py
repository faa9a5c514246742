import gc
import subprocess
import sys
import weakref

import pytest

from pipeline.collecting import no_collecting, rarely_collecting


def test_the_collector_is_as_it_was_afterwards():
    assert gc.isenabled()
    with no_collecting():
        assert not gc.isenabled()
        with no_collecting():
            pass
        assert not gc.isenabled()
    with pytest.raises(ZeroDivisionError), no_collecting():
        raise ZeroDivisionError
    assert gc.isenabled()


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["models", "--home", "/none"], 2)])
def test_a_command_ends_without_another_look_for_garbage(words, code):
    script = (
        "import atexit, gc, sys; from pipeline.cli import main\n"
        "atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 0))\n"
        "sys.argv[1:] = sys.argv[2:]; main()"
    )
    done = subprocess.run([sys.executable, "-c", script, "-", *words], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "True True"
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)


class Ring:
    def __init__(self):
        self.own = self


def test_cycles_are_found_though_rarely():
    before = gc.get_threshold()
    with rarely_collecting():
        ring = weakref.ref(Ring())
        kept = [[i] for i in range(50_000)]
        assert ring() is not None
        kept += [[i] for i in range(250_000)]
        assert ring() is None
    assert gc.get_threshold() == before
    assert len(kept) == 300_000


def test_python_looks_as_before_after_a_failure():
    gc.unfreeze()  # whatever ran here before
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="x"), rarely_collecting():
        raise ValueError("x")
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
