import gc
import subprocess
import sys

import pytest

from pipeline.collecting import no_collecting


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
