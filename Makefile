# Two commands: `make talk` sets everything up and holds a conversation, `make test` sets up and tests.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: talk test scenes setup system lint clean

talk: setup
	$(BIN)/duckbill talk

test: setup lint
	$(BIN)/duckbill models fetch kokoro-82m-int8 kokoro-voices
	$(BIN)/python -m pytest

# Every scene: many seeds on paper, a few with voices that really speak; then the rate controller against others.
scenes: setup
	rm -rf artifacts/ci
	$(BIN)/duckbill scenes --adapters null --seeds 50 --keep 1 --artifacts artifacts/ci
	$(BIN)/duckbill scenes --adapters espeak,piper --seeds 2 --keep 1 --artifacts artifacts/ci
	@for run in artifacts/ci/scenes/*/; do \
		$(BIN)/duckbill replay $$run --verify >/dev/null || exit 1; done; echo "all that was kept replays"
	$(BIN)/duckbill bench controller

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p timeline -p stitcher -p adapters -p orchestrator -p scenes -p ui

# The environment, the command at .venv/bin/duckbill, and the weights in the user's cache.
setup: system $(VENV)/.installed
	$(BIN)/duckbill models fetch

# Debian packages, where we may install them; else the line to type, and on without them.
system:
	@sh .ci/system.sh

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --editable '.[talk,kokoro,wake,dev]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
