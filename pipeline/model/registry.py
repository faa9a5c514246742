"""Which models there are and which one is live: a folder of bundles and a one-line file, ``champion``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import BundleError
from pipeline.model.files import Files, read_files
from pipeline.taxonomy import Taxonomy
from pipeline.whole import write_file

if TYPE_CHECKING:
    from pipeline.model.bundle import Bundle

__all__ = ["champion_id", "find_model", "fit_model", "list_models", "load_model", "read_model", "set_champion"]


def list_models(folder: Path) -> list[str]:
    """Return the ids of the bundles in ``folder``, sorted."""
    return sorted(p.parent.name for p in folder.glob("[!.]*/manifest.json"))


def champion_id(folder: Path) -> str | None:
    """Return the id of the live model, or None while there is none."""
    try:
        return (folder / "champion").read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def set_champion(folder: Path, model_id: str) -> None:
    """Make ``model_id`` live, atomically; raises BundleError when it cannot be loaded."""
    load_model(folder, model_id)
    write_file(folder / "champion", model_id + "\n")


def load_model(folder: Path, model_id: str) -> Bundle:
    """Load the bundle in ``folder`` with this id; raises BundleError, also when another one lies under its name."""
    from pipeline.model.bundle import build_bundle

    return build_bundle(_read_called(folder, model_id))


def find_model(
    folder: Path, model: str | None = None, *, taxonomy: Taxonomy | None = None, dictionary: str | None = None
) -> Bundle:
    """Load ``model`` (an id or a path; the live one when None) and check what it was made for, as `fit_model` does."""
    return fit_model(read_model(folder, model), taxonomy=taxonomy, dictionary=dictionary, live=model is None)


def read_model(folder: Path, model: str | None = None) -> Files:
    """Read the files of ``model`` (an id or a path; the live one when None); raises BundleError.

    A path may lead to a copy with any name: what it is called by is the id inside.
    """
    if model is None:
        model = champion_id(folder)
        if model is None:
            raise BundleError("ZF-MODEL-NONE", f"{folder} 里还没有在用的模型", "先运行 zuofeng train。")
    elif "/" in model or Path(model, "manifest.json").exists():
        return read_files(Path(model))
    return _read_called(folder, model)


def _read_called(folder: Path, model_id: str) -> Files:
    """Read the files of a model by its id: scores and history name it so, and must find it again."""
    files = read_files(folder / model_id)
    if files.manifest["id"] != model_id:
        raise BundleError(
            "ZF-MODEL-NAME",
            f"{folder} 里的目录 {model_id} 装的是模型 {files.manifest['id']}",
            "把目录名改回模型的编号，或从备份恢复。",
        )
    return files


def fit_model(files: Files, *, taxonomy: Taxonomy | None, dictionary: str | None, live: bool) -> Bundle:
    """Return the bundle of ``files``; checks what it was made for.

    ``taxonomy`` and ``dictionary`` (its hash) are what this home holds; another version of the same taxonomy,
    or another dictionary, raises BundleError, and so does any other taxonomy when the model is the ``live`` one.
    """
    # Imported here: files can be read and hashed while numpy is.
    from pipeline.model.bundle import build_bundle
    from pipeline.model.dictionaries import kept_path

    bundle = build_bundle(files)
    of = bundle.taxonomy
    again = "重新训练并启用：zuofeng train --champion。" if live else "重新训练：zuofeng train。"
    if taxonomy is not None and live and of.id != taxonomy.id:
        raise BundleError(
            "ZF-MODEL-TAXONOMY",
            f"模型 {bundle.id} 按标签体系 {of.id} 训练，这里的是 {taxonomy.id}，不能在用",
            "用 zuofeng promote 换一个模型；要用那个标签体系，把它放到 corpora/taxonomy.toml。",
        )
    if taxonomy is not None and of.id == taxonomy.id and (of.version, of.sha256) != (taxonomy.version, taxonomy.sha256):
        same = "内容已改但版本号没有变" if of.version == taxonomy.version else f"现行版本为 {taxonomy.version}"
        raise BundleError(
            "ZF-MODEL-TAXONOMY", f"模型 {bundle.id} 按标签体系 {of.version} 训练，{same}", f"用现行标签体系{again}"
        )
    if dictionary is not None and (digest := str(bundle.manifest["dictionary"])) != dictionary:
        kept = kept_path(files.path.parent, digest)
        raise BundleError(
            "ZF-MODEL-DICTIONARY",
            f"模型 {bundle.id} 训练时的领域词典与现行词典不同",
            f"恢复词典{f'（当时的一份：{kept}）' if kept.exists() else ''}，或{again}",
        )
    return bundle
