"""The files of a bundle, every byte checked before anybody reads it. Reading needs no numpy, so it can begin first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import BundleError

__all__ = ["FORMAT", "Files", "as_json", "read_files"]

FORMAT = 10
#: The largest first: it takes longest.
_FILES = ("weights.npz", "vocabulary.json", "concepts.json", "calibration.json", "taxonomy.toml")
_MAX_BYTES = 2**31


@dataclass(frozen=True, slots=True)
class Files:
    """The manifest of the bundle at ``path`` and the bytes of every other file, by name, as it says they are."""

    path: Path
    manifest: dict[str, Any]
    raw: Mapping[str, bytes]


def read_files(path: Path) -> Files:
    """Read what is in a bundle; raises BundleError for whatever is missing or changed.

    Nearly all of it is reading and hashing, which leave the interpreter to other threads.
    """
    manifest = _manifest(path)
    return Files(path, manifest, {name: _checked(path, name, manifest["files"].get(name)) for name in _FILES})


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((path / "manifest.json").read_bytes())
        if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
            raise ValueError("not a manifest")
        body = as_json({k: v for k, v in manifest.items() if k != "id"})
    except OSError as e:
        raise BundleError(
            "ZF-MODEL-MISSING", f"读不到模型 {path}（{e.strerror}）", "运行 zuofeng models 查看已有模型。"
        ) from e
    except (ValueError, RecursionError) as e:
        raise BundleError(
            "ZF-MODEL-MANIFEST", f"模型 {path.name} 的 manifest.json 已损坏", "重新训练，或换回上一个模型。"
        ) from e
    if manifest.get("format") != FORMAT:
        raise BundleError(
            "ZF-MODEL-FORMAT",
            f"模型 {path.name} 的格式 {manifest.get('format')!r} 不是本程序的 {FORMAT}",
            "用本版本重新训练：zuofeng train；启用时旧的比较不了，用 zuofeng promote 加 --force --reason “升级”。",
        )
    of = manifest.get("taxonomy")
    named = f"{of.get('id')}-{of.get('version')}" if isinstance(of, dict) else ""
    if manifest.get("id") != f"{named}-{hashlib.sha256(body).hexdigest()[:12]}":
        raise BundleError("ZF-MODEL-CHANGED", f"模型 {path.name} 的 manifest.json 被改动过", "从备份恢复，或重新训练。")
    return manifest


def _checked(path: Path, name: str, sha256: object) -> bytes:
    try:
        if (path / name).stat().st_size > _MAX_BYTES:
            raise BundleError("ZF-MODEL-SIZE", f"模型 {path.name} 的 {name} 大得不合常理", "从备份恢复，或重新训练。")
        data = (path / name).read_bytes()
    except OSError as e:
        raise BundleError("ZF-MODEL-FILE", f"模型 {path.name} 缺少 {name}", "从备份恢复，或重新训练。") from e
    if hashlib.sha256(data).hexdigest() != sha256:
        raise BundleError(
            "ZF-MODEL-CHANGED", f"模型 {path.name} 的 {name} 与清单不符，可能被改动或损坏", "从备份恢复，或重新训练。"
        )
    return data


def as_json(value: object, indent: int | None = 1) -> bytes:
    """Return ``value`` as the files of a bundle have it: hashes are over these bytes."""
    return (json.dumps(value, ensure_ascii=False, indent=indent) + "\n").encode()
