"""The rules that keep it one corridor, and documents that stay true."""

import ast
import re
import subprocess
import sys
import tomllib

import pytest


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("room", ["text", "corpus", "model"])
def test_rooms_below_know_nothing_of_the_store_or_the_command_line(root, room):
    forbidden = re.compile(r"django|typer|rich|pipeline\.(batch|desk|cli|settings)")
    files = list((root / "pipeline" / room).rglob("*.py"))
    assert files
    assert [(f.name, m) for f in files for m in imports(f) if forbidden.match(m)] == []


def test_scoring_starts_without_django_spacy_scikit_learn_pandas_or_scipy():
    heavy = "django", "spacy", "sklearn", "pandas", "scipy"
    code = f"import sys, pipeline.model.score, pipeline.model.registry;print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_label_id_is_written_in_code(root, taxonomy):
    ids = {label for _, label in taxonomy.columns}
    for path in (root / "pipeline").rglob("*.py"):
        words = set(re.findall(r"\w+", path.read_text(encoding="utf-8")))
        assert not words & ids, path


def test_the_guide_names_every_verb_and_every_suffix(root):
    from pipeline.batch.sources import SUFFIXES
    from pipeline.cli.verbs import VERBS

    guide = (root / "README.zh-CN.md").read_text(encoding="utf-8")
    assert [v for v in VERBS if f"zuofeng {v}" not in guide] == []
    assert [s for s in SUFFIXES if s not in guide] == []


def test_the_page_on_tables_names_every_setting_and_every_code(root):
    from pipeline.table_settings import TableSettings

    page = (root / "docs" / "数据库来源.md").read_text(encoding="utf-8")
    assert [n for n in TableSettings.model_fields if n not in page] == []
    code = "".join(p.read_text(encoding="utf-8") for p in (root / "pipeline" / "batch" / "tables").glob("*.py"))
    codes = {c for c in re.findall(r"ZF-[A-Z]+-[A-Z-]+[A-Z]", code) if c != "ZF-REC-EMPTY"}
    assert [c for c in codes if f"`{c}`" not in page] == []


def test_the_page_for_operators_names_every_way_in_which_waiting_for_the_store_ends(root):
    from pipeline.batch.patience import Patience

    page = (root / "docs" / "运维员.md").read_text(encoding="utf-8")
    code = (root / "pipeline" / "batch" / "patience.py").read_text(encoding="utf-8")
    ends = re.findall(r"\{self\.code\}(-[A-Z]+)", code)
    assert len(ends) > 1
    assert [e for e in ends if f"`{Patience.code}{e}`" not in page] == []


def test_every_code_of_a_record_has_its_sentence_and_its_line(root):
    from pipeline.batch.reasons import REASONS

    page = (root / "docs" / "运维员.md").read_text(encoding="utf-8")
    files = (p for p in (root / "pipeline" / "batch").rglob("*.py") if p.name != "reasons.py")
    used = {c for p in files for c in re.findall(r'"(ZF-REC-[A-Z-]+)"', p.read_text(encoding="utf-8"))}
    assert used == {*REASONS}
    assert [c for c in REASONS if f"`{c}`" not in page] == []


def test_the_guide_for_analysts_names_every_setting_of_training_and_what_this_corpus_sets(root):
    from dataclasses import fields

    from pipeline.model.recipe import Settings

    page = (root / "docs" / "分析员.md").read_text(encoding="utf-8")
    rows = {n: row for row in re.findall(r"^\| `.*$", page, re.M) for n in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert [f.name for f in fields(Settings) if f.name not in rows] == []
    ours = tomllib.loads((root / "corpora" / "training.toml").read_text(encoding="utf-8"))
    stand = {n: row.split("|")[3].strip() for n, row in rows.items()}
    ours["weights"] = " ".join(f"`{name}` {weight}" for name, weight in ours["weights"].items())
    ours["unpadded"] = " ".join(f"`{name}`" for name in ours["unpadded"])
    assert [n for n, v in ours.items() if n != "experts" and stand[n] != str(v)] == []


def test_no_module_has_outgrown_its_noun(root):
    long = [
        (p.name, n)
        for p in (root / "pipeline").rglob("*.py")
        if p.parent.name != "migrations"  # generated
        and (n := len(p.read_text(encoding="utf-8").splitlines())) > 350
    ]
    assert long == []


def test_links_between_the_pages_lead_somewhere(root):
    folders = (root, root / "docs", root / "docs" / "desk", root / "corpora", root / "models", root / "notebooks")
    pages = {p: p.read_text(encoding="utf-8") for f in folders for p in f.glob("*.md")}
    anchors = {
        p: {
            re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-")
            for h in re.findall(r"^#+ (.*)$", t, re.MULTILINE)
        }
        for p, t in pages.items()
    }
    broken = []
    for page, text in pages.items():
        for link in re.findall(r"\]\(([^)\s:]+)\)", text):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in anchors[target]):
                broken.append((page.name, link))
    assert len(pages) > 10
    assert broken == []


def test_requirement_files_pin_with_hashes_and_name_no_host(root):
    for path in (root / "requirements").glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        pins = re.findall(r"^[a-z0-9][^\s=]*==\S+", text, re.M)
        assert len(pins) > 1
        assert text.count("--hash=sha256:") >= len(pins)
