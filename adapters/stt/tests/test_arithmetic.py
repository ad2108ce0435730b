"""int8 as it is only where the processor adds it without overflowing; elsewhere in seven bits, at worst in float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from adapters.stt import arithmetic, seven_bits
from adapters.stt.arithmetic import Plan, exact_int8, plan
from adapters.stt.seven_bits import MOST, Model, decode, encode, in_seven_bits, quantized

AVX2 = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu sse2 avx2 bmi2\n\nprocessor\t: 1\nflags\t\t: avx2\n"
DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("machine", "cpu_info", "exact"),
    [
        ("x86_64", AVX2, False),
        ("AMD64", AVX2.replace("avx2", "avx2 avx512f"), False),
        ("x86_64", AVX2.replace("avx2", "avx2 avx512f avx512_vnni"), True),
        ("x86_64", "no flags here", False),
        ("x86_64", None, False),
        ("aarch64", None, True),
        ("arm64", None, True),
    ],
)
def test_which_processors_add_int8_right(tmp_path: Path, machine: str, cpu_info: str | None, exact: bool):
    path = tmp_path / "cpuinfo"
    if cpu_info is not None:
        path.write_text(cpu_info)
    assert exact_int8(machine, path) is exact


@pytest.mark.parametrize(("cores", "numbers", "threads"), [(8, "float32", 2), (1, "float32", 1), (8, "int8", 1)])
def test_float32_takes_two_threads_where_there_are_as_many_cores(monkeypatch, cores, numbers, threads):
    monkeypatch.setattr(arithmetic.os, "cpu_count", lambda: cores)
    assert arithmetic.threads(numbers) == threads


def a_model() -> Model:
    random = np.random.default_rng(3)
    matrix = random.normal(size=(5, 16)).astype(np.float16)
    matrix[2] = 0  # a row of nothing
    return Model(
        "WhisperSpec",
        3,
        [
            ("decoder/num_heads", np.int16(8).reshape(())),
            ("decoder/embeddings/weight", matrix),
            ("decoder/linear_0/bias", random.normal(size=16).astype(np.float32)),
            ("encoder/conv1/weight", random.normal(size=(4, 3, 2)).astype(np.float16)),
        ],
        [("decoder/projection/weight", "decoder/embeddings/weight")],
    )


def test_a_file_is_read_and_written_byte_for_byte():
    data = encode(a_model())
    assert encode(decode(data)) == data


def test_matrices_become_small_bytes_that_mean_the_same_and_nothing_else_is_touched():
    plain, small = a_model(), dict(quantized(a_model()).variables)
    for name, values in plain.variables:
        if name != "decoder/embeddings/weight":
            assert small[name] is values or np.array_equal(small[name], values)
    matrix, scale = small["decoder/embeddings/weight"], small["decoder/embeddings/weight_scale"]
    assert matrix.dtype == np.int8 and scale.dtype == np.float32 and scale.shape == (5,)
    assert np.abs(matrix).max(axis=1).tolist() == [MOST, MOST, 0, MOST, MOST] and np.isfinite(scale).all()
    original = plain.variables[1][1].astype(np.float32)
    assert np.abs(matrix / scale[:, None] - original).max() <= np.abs(original).max() / MOST


def test_products_of_such_weights_are_added_in_16_bits():
    assert 2 * 255 * MOST < 2**15 <= 2 * 255 * (MOST + 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "model"
    found.mkdir()
    (found / "model.bin").write_bytes(encode(a_model()))
    for name in ("config.json", "tokenizer.json", "vocabulary.txt", "README.md"):
        (found / name).write_text(name)
    return found


def test_it_is_made_once_with_what_belongs_to_it(folder, tmp_path, monkeypatch):
    made = in_seven_bits(folder, DIGEST, tmp_path)
    beside = ["config.json", "model.bin", "tokenizer.json", "vocabulary.txt"]
    assert sorted(path.name for path in made.iterdir()) == beside
    assert decode((made / "model.bin").read_bytes()).aliases == a_model().aliases
    monkeypatch.setattr(seven_bits, "decode", None)
    assert in_seven_bits(folder, DIGEST, tmp_path) == made
    (made / "model.bin").unlink()
    with pytest.raises(TypeError):  # what was broken off is made again
        in_seven_bits(folder, DIGEST, tmp_path)


def test_where_int8_is_exact_the_model_is_taken_as_it_is(folder, tmp_path):
    assert plan(folder, DIGEST, tmp_path, exact=True) == Plan(folder, "int8", 1)
    assert not (tmp_path / "whisper").exists()


def test_elsewhere_in_seven_bits(folder, tmp_path):
    found = plan(folder, DIGEST, tmp_path, exact=False)
    assert found.folder.is_relative_to(tmp_path / "whisper") and found[1:] == ("int8", 1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no model",
        encode(a_model())[:-20],
        encode(a_model())[: len(encode(a_model())) // 2],
        encode(quantized(a_model())),
        b"\7" + encode(a_model())[1:],
    ],
)
def test_what_cannot_be_put_so_is_computed_in_float32(folder, tmp_path, data):
    (folder / "model.bin").write_bytes(data)
    assert plan(folder, DIGEST, tmp_path, exact=False)[:2] == (folder, "float32")
    assert not (tmp_path / "whisper").exists()


def test_so_is_what_nothing_can_be_kept_of(folder, tmp_path):
    (tmp_path / "cache").write_text("a file")
    assert plan(folder, DIGEST, tmp_path / "cache", exact=False).compute_type == "float32"
