# The same on a laptop and in CI: `make run`, `make test`. Needs only Python 3.11+, venv and make.
PY      ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
SIZE    ?= demo
SEED    ?= 1
COUNTY  ?= county

export OMP_WAIT_POLICY = passive
export DO_NOT_TRACK = 1
export PREFECT_SERVER_ANALYTICS_ENABLED = false
export PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS = 120
export MLFLOW_DISABLE_TELEMETRY = true
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION = false

.PHONY: env run nightly test test-slow check real bench clean

env: $(VENV)/.ok

$(VENV)/.ok: constraints.txt pyproject.toml
	$(PY) -m venv $(VENV)
	$(BIN)/python -m pip install -q uv || true
	$(BIN)/uv pip install -q --python $(BIN)/python --compile-bytecode -c constraints.txt -e '.[test]' \
	  || $(BIN)/python -m pip install -q -c constraints.txt -e '.[test]'
	touch $@

run: env
	$(BIN)/anxu demo --home $(COUNTY) --size $(SIZE) --seed $(SEED) --serve

nightly: env
	$(BIN)/anxu demo --home $(COUNTY) --size $(SIZE) --seed $(SEED)

real: env
	$(BIN)/anxu real --home real

check: env
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy -p warehouse -p features -p models -p pipelines -p serving -p benchmarks -m settings -m anxu

test: check
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

test-slow: env
	$(BIN)/pytest -m slow -n 2 --dist loadfile --timeout 900

bench: env
	$(BIN)/anxu bench ingest
	$(BIN)/anxu bench sensors

clean:
	rm -rf county real .pytest_cache .mypy_cache .ruff_cache
