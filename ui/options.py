"""Options that several commands share, and how they override the configuration."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from orchestrator.config import Config, default_file, load_config

FLAGS = {
    "adapter": "tts.adapter",
    "persona": "tts.persona",
    "voice": "tts.voice",
    "pace": "tts.pace",
    "seed": "tts.seed",
    "mic": "audio.microphone",
    "speaker": "audio.speaker",
    "artifacts": "artifacts",
    "cache": "cache",
}
"""Flag -> dotted name of the setting that it overrides."""


def add_config_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="TOML file (default: ./duckbill.toml, then the user's)"
    )
    parser.add_argument("--artifacts", metavar="DIR", help="folder for what runs leave (default: artifacts)")


def add_voice_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--adapter", metavar="NAME", help="text-to-speech engine: piper, espeak, kokoro, ...")
    parser.add_argument("--persona", metavar="NAME|FILE", help="a persona: a name that `voices` lists, or a JSON file")
    parser.add_argument("--voice", metavar="NAME", help="a voice that the engine knows; wins over the persona's")
    parser.add_argument("--pace", type=float, metavar="X", help="speaking rate, 1.0 is the engine's own")
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="same text, voice and seed: the same audio, where no other voice takes over",
    )


def config_from(args: argparse.Namespace, **more: Any) -> Config:
    """File, environment, flags; `more`: dotted names with __ for dots. Raises ConfigError."""
    flags = {setting: getattr(args, flag, None) for flag, setting in FLAGS.items()}
    flags |= {name.replace("__", "."): value for name, value in more.items()}
    return load_config(getattr(args, "config", None) or default_file(), os.environ, flags)
