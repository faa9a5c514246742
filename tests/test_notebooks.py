"""Notebooks run from the start on a small home, say the same as their .py, and carry no outputs and nobody's data."""

from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

from pipeline.text.mask import find_personal_data
from pipeline.text.normalise import normalise

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def read(path):
    return nbformat.read(path, as_version=4)


def test_every_notebook_has_its_pair_and_a_line_in_the_readme():
    assert len(NOTEBOOKS) >= 4
    assert [p.stem for p in NOTEBOOKS] == [p.stem for p in sorted(FOLDER.glob("*.py"))]
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [p.stem for p in NOTEBOOKS if p.stem not in readme] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem[:2])
def test_nothing_but_the_writing_is_committed(path):
    book = read(path)
    nbformat.validate(book)
    paired = jupytext.read(path.with_suffix(".py"))
    assert [(c.cell_type, c.source) for c in book.cells] == [(c.cell_type, c.source) for c in paired.cells]
    assert set(book.metadata) <= {"jupytext", "kernelspec"}
    for cell in book.cells:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
        assert "attachments" not in cell
        assert find_personal_data(normalise(cell.source)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem[:2])
def test_it_runs_from_the_start(path, home, tmp_path, monkeypatch):
    monkeypatch.setenv("ZUOFENG_HOME", str(home))
    book = read(path)
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(book, kernel_name="python3", timeout=300, resources=place).execute()
    shown = [o for c in book.cells for o in c.get("outputs", [])]
    assert [o for o in shown if o.output_type == "error"] == []
    pages = "".join(o.data["text/html"] for o in shown if "data" in o and "text/html" in o.data)
    assert "<table>" in pages
    assert "<script" not in pages
