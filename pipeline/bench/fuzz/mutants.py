"""Damaged inputs: bytes anywhere, and parts of the format where it has any."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

from pipeline.bench.fuzz import parts
from pipeline.bench.fuzz.seeds import Files, seeds

__all__ = ["KINDS", "mutant"]

KINDS = ("csv", "xlsx", "docx", "jsonl", "parquet", "bundle")
_TOKENS: tuple[bytes, ...] = (
    b"\0", b"\xff", b'"', b'""', b"\n", b"\r", b"\r\n", b",", b"\t", b"\x0c", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff",
    b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x84\x31\xa4\x37", b"-1", b"0", b"2147483647", b"4294967296",
    b"18446744073709551615", b"1e999", b"NaN", b"PK\x03\x04", b"PAR1", b"<!DOCTYPE a>", b"&lt;", b"]]>", b"=1+1",
    b"\xe2\x80\xae", b"%s%n", b"../../x", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80",
)  # fmt: skip


def mutant(kind: str, number: int) -> Files:
    """Return the damaged input of this number; the same number gives the same input, also in another process."""
    dice = random.Random(f"{kind} {number}")  # noqa: S311  repeatable, not secret
    files = dict(dice.choice(seeds(kind)))
    if kind == "bundle":
        return _model(files, dice)
    (name,) = files
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        files[name] = _one(kind, files[name], dice)
    return files


def _one(kind: str, data: bytes, dice: random.Random) -> bytes:
    if dice.random() < 0.35:
        return damage(data, dice)
    match kind:
        case "csv":
            return parts.text(data, dice, _TOKENS)
        case "jsonl":
            return parts.json_lines(data, dice)
        case "parquet":
            return parts.parquet(data, dice, [f for s in seeds(kind) for f in s.values()], damage)
    return parts.archive(data, dice, damage)


def damage(data: bytes, dice: random.Random) -> bytes:
    """Change some bytes without knowing what they are."""
    for _ in range(dice.choice((1, 1, 2, 4, 8))):
        at = dice.randrange(len(data) + 1)
        to = min(len(data), at + int(dice.paretovariate(0.7)))
        match dice.randrange(8):
            case 0 if data:
                at = min(at, len(data) - 1)
                data = data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :]
            case 1:
                data = data[:at] + dice.choice(_TOKENS) + data[at:]
            case 2:
                token = dice.choice(_TOKENS)
                data = data[:at] + token + data[at + len(token) :]
            case 3:
                data = data[:at] + data[to:]
            case 4:
                data = data[:at] + data[at:to] * dice.choice((2, 3, 50)) + data[to:]
            case 5:
                other = dice.randrange(len(data) + 1)
                data = data[:at] + data[other : other + to - at] + data[to:]
            case 6:
                data = data[:at] + dice.randbytes(min(to - at, 64)) + data[to:]
            case _:
                data = data[: max(at, 1)] if dice.random() < 0.3 else data
    return data[: 1 << 20]


def _model(files: Files, dice: random.Random) -> Files:
    """Damage a model's files; mostly its manifest vouches for the damage, so that loading goes on past the hashes."""
    for _ in range(dice.choice((1, 1, 2, 3))):
        name = dice.choice([n for n in files if n != "manifest.json"] * 3 + ["manifest.json"])
        if name not in files:
            continue
        if dice.random() < 0.03:
            del files[name]
        elif dice.random() < 0.25:
            files[name] = damage(files[name], dice)
        elif name.endswith(".json"):
            changed = json.dumps(parts.json_value(_json(files[name]), dice), ensure_ascii=False)
            files[name] = changed.encode("utf-8", "surrogatepass")
        elif name.endswith(".npz"):
            files[name] = parts.arrays(files[name], dice, damage)
        else:
            files[name] = parts.toml(files[name], dice)
    if "manifest.json" in files and dice.random() < 0.85:
        files["manifest.json"] = _sealed(files)
    return files


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return {}


def _sealed(files: Files) -> bytes:
    """Return the manifest with hashes that fit; one that is no object stays as it is."""
    manifest = _json(files["manifest.json"])
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        return files["manifest.json"]
    for name, data in files.items():
        if name in manifest["files"]:
            manifest["files"][name] = hashlib.sha256(data).hexdigest()
    body = {k: v for k, v in manifest.items() if k != "id"}
    written = (json.dumps(body, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "surrogatepass")
    of = manifest.get("taxonomy")
    named = f"{of.get('id')}-{of.get('version')}" if isinstance(of, dict) else "tiny"
    return json.dumps({**manifest, "id": f"{named}-{hashlib.sha256(written).hexdigest()[:12]}"}).encode()
