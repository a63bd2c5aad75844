# make chat and make test each work alone on a fresh clone. PYTHON names the interpreter (3.11 or newer); TORCH_ARGS goes
# to pip when it installs torch, for example to pick PyTorch's own CPU index.
PYTHON ?= python3
TORCH_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
# Some images set this, and every start would then compile the packages again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install chat test check gate bench

install: $(VENV)/.product
chat: $(VENV)/.product
	$(BIN)/isnad chat --samples
test: $(VENV)/.test
	$(BIN)/python -m pytest
check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
# Fails when the sample questions are answered worse than at the last baseline, by more than their own noise.
GATE := recall@5>=-0.02, right>=-0.02, answer_in_quotes>=-0.02, hallucination<=+0.03, refusal_error<=+0.02, errors<=0
gate: $(VENV)/.test
	$(BIN)/isnad eval --jobs 2 --out build/gate --fresh --baseline eval/baselines/sample.json --gate "$(GATE)"
bench: $(VENV)/.test
	@test -n "$(DATA)" || { echo "make bench DATA=FOLDER, a folder with xquad.LANG.json files"; exit 2; }
	$(BIN)/isnad bench retrieval --data "$(DATA)" --questions en,ar,tr --articles ar --half 2
	$(BIN)/isnad bench retrieval --data "$(DATA)" --questions en,ar --articles en --half 2
	$(BIN)/isnad bench speed --passages 20000

# torch comes first and by pip, which takes the build that this machine's pip is set up for; uv installs the rest, every
# version as pinned, in seconds.
$(VENV)/.torch: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Isnad needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv==$$(sed -n 's/^uv==//p' requirements.lock)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile $(TORCH_ARGS) $$(grep '^torch==' requirements.lock)
	@touch $@
$(VENV)/.product: $(VENV)/.torch pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint requirements.lock --editable .
	$(BIN)/isnad prepare
	@touch $@
$(VENV)/.test: $(VENV)/.product
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint requirements.lock --editable ".[test,eval]"
	@touch $@
