"""Configuration: file, then environment, then flags; and whatever is wrong with them is one line."""

from __future__ import annotations

import pytest

from adapters import personas
from adapters.voice import PLAIN, named
from orchestrator.config import Config, ConfigError, load_config
from orchestrator.settings import SourceSettings


@pytest.fixture
def toml(tmp_path):
    def write(text):
        path = tmp_path / "duckbill.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_without_anything_the_defaults_hold():
    assert load_config(None, {}, {}) == Config()


def test_each_source_overrides_the_one_before(toml):
    path = toml('[tts]\nadapter = "espeak"\npace = 1.5\nseed = 3\n')
    env = {"DUCKBILL_TTS__PACE": "1.25", "DUCKBILL_TTS__SEED": "4", "PATH": "/bin", "XDUCKBILL_CACHE": "no"}
    config = load_config(path, env, {"tts.seed": 5, "tts.voice": None})
    assert (config.tts.adapter, config.tts.pace, config.tts.seed) == ("espeak", 1.25, 5)


def test_the_tables_of_adapters_become_their_options(toml):
    path = toml(
        '[tts.piper]\nthreads = 2\n[llm]\nadapter = "openai"\n[llm.openai]\nbase_url = "http://localhost:1/v1"\n'
    )
    flags = {"llm.openai.model": "m"}
    config = load_config(path, {"DUCKBILL_TTS__PIPER__NOISE": "0.5"}, flags)
    assert config.tts.options == {"piper": {"threads": 2, "noise": 0.5}}
    assert config.llm.options == {"openai": {"base_url": "http://localhost:1/v1", "model": "m"}}


def test_a_persona_is_what_is_asked_and_what_is_set_beside_it_wins(toml):
    narrator = personas.load("narrator")
    path = toml('[tts]\npersona = "narrator"\n')
    assert load_config(path, {}, {}).tts.asked == narrator
    set_beside = load_config(path, {"DUCKBILL_TTS__PACE": "1.0"}, {"tts.voice": "amy"}).tts.asked
    assert set_beside.pace == 1.0 and set_beside.prosody == narrator.prosody
    assert set_beside.timbre.names == {**narrator.timbre.names, "piper": "amy"}
    assert load_config(None, {"DUCKBILL_TTS__PERSONA": ""}, {}).tts.asked == PLAIN
    assert load_config(None, {}, {"tts.voice": "amy", "tts.pace": 1.2}).tts.asked == named("piper", "amy", 1.2)


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("no", "no"), ("1.5", 1.5), ('"1.5"', "1.5"), ("", ""), ("a = b\nc", "a = b\nc")],
)
def test_the_environment_is_read_as_toml_where_it_can_be(text, value):
    config = load_config(None, {"DUCKBILL_TTS__NULL__OPTION": text}, {})
    assert config.tts.options == {"null": {"option": value}}


def test_a_device_may_be_named_by_its_number(toml):
    assert load_config(None, {"DUCKBILL_AUDIO__MICROPHONE": "2"}, {}).audio.microphone == "2"
    assert load_config(toml("[audio]\nspeaker = 3\n"), {}, {}).audio.speaker == "3"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[listen]\nendpiont_ms = 3", "unknown setting listen.endpiont_ms; did you mean listen.endpoint_ms?"),
        ("[liste]\n", "unknown setting liste; did you mean listen?"),
        ("[tts]\nadaptor = 'x'", "unknown setting tts.adaptor; did you mean tts.adapter?"),
        ("tts = 3", "setting tts is 3"),
        ("[tts]\npace = 9.0", "setting tts.pace is 9.0"),
        ("[tts]\npace = 'fast'", "setting tts.pace is 'fast'"),
        ("[tts]\noptions = 3\n[tts.piper]\nthreads = 2", "setting tts.options is 3"),
        (
            "[tts]\npersona = 'narator'",
            "setting tts.persona is 'narator': no persona goes by it; did you mean narrator",
        ),
        ("[tts]\npersona = 'no/where.json'", "setting tts.persona is 'no/where.json': it cannot be read (No such file"),
        ("[tts]\npersona = 3", "setting tts.persona is 3: no persona goes by it"),
        ("[audio]\nrate_hz = 24001", "setting audio.rate_hz is 24001"),
        ("[listen]\ndetector = 'mood'", "setting listen.detector is 'mood'"),
        ("[listen]\nbarge_in = 'perhaps'", "setting listen.barge_in is 'perhaps'"),
        ("[task]\npatience_ms = 3", "setting task.patience_ms is 3"),
        ("[task]\nhandover = 'x'", "unknown setting task.handover; did you mean task.hand_over?"),
        ("[listen]\nendpoint_ms = []", "setting listen.endpoint_ms is []"),
        ("tts = {", "is no TOML file"),
        (b"\xff\xfe\x00", "is no TOML file"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_it(toml, text, line):
    with pytest.raises(ConfigError) as caught:
        load_config(toml(text), {}, {})
    assert line in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.toml: No such file"):
        load_config(tmp_path / "nowhere.toml", {}, {})
    with pytest.raises(ConfigError, match="directory"):
        load_config(tmp_path, {}, {})


def test_a_value_is_no_section():
    with pytest.raises(ConfigError, match="cache is no section"):
        load_config(None, {"DUCKBILL_CACHE": "x", "DUCKBILL_CACHE__SIZE": "3"}, {})


def test_the_second_source_is_set_in_a_section_of_its_own(toml):
    path = toml('[task]\nadapter = "openai"\naddress = "hey duck"\npatience_ms = 5000\n[task.openai]\nmodel = "m"\n')
    config = load_config(path, {"DUCKBILL_TASK__PRIORITY": "1"}, {})
    assert config.task.options == {"openai": {"model": "m"}}
    assert config.task.source == SourceSettings("task", address="hey duck", priority=1, patience_ms=5000)
    assert load_config(None, {}, {}).task.adapter == "" and Config().task.source == SourceSettings("task")
