# Every target sets up what it needs. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# As many as compute at once, and four more for the tests that wait for others (tests/scheduling.py).
PROCESSES ?= $(shell echo $$(( $$(nproc 2>/dev/null || echo 2) + 4 )))
# Tests start this code as a program again and again: compiled once is enough, whatever the machine says.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help

.PHONY: help
help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: need
need:
	@PYTHON="$(PYTHON)" sh .ci/need

# pip would compile one file after the other, the thousands of the Kubernetes client among them that nothing imports. What
# draws charts compiles itself when it is first needed.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
COMPILE = $(BIN)/python -m compileall -qq -j 0 -x '/kubernetes/(client|dynamic)/|/(fontTools|matplotlib|mpl_toolkits|numpy|PIL)/|/tests/' $(VENV)/lib || true

# Two stamps, so that trying the bot out does not wait for the tools of its developers.
$(VENV)/.installed: requirements-sandbox.lock pyproject.toml integrations/sandbox/pyproject.toml | need
	@echo "Setting up $(VENV) (once; about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --require-hashes -r requirements-sandbox.lock
# The first by its path: the other one's part of `integrations` would hide the package that it is a part of.
	@$(INSTALL) --no-deps --no-build-isolation --config-settings editable_mode=compat -e .
	@$(INSTALL) --no-deps --no-build-isolation -e integrations/sandbox
	@$(COMPILE)
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "Adding what tests and checks need (once)"
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@$(COMPILE)
	@touch $@

.PHONY: sandbox
sandbox: $(VENV)/.installed ## Try it: a whole delivery platform and a Slack workspace on this machine
	@$(BIN)/pilothouse sandbox

.PHONY: test
test: $(VENV)/.installed-dev ## Run the tests
# In a fresh clone every process would compile all of it, side by side.
	@$(BIN)/python -m compileall -qq -j 0 -x '/(test_|conftest)' bot commands integrations tests
	@$(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile

.PHONY: check
check: $(VENV)/.installed-dev ## Format, lint, types, floors
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: bench
bench: $(VENV)/.installed-dev ## Measure, each against its baseline in the same run
	@for bench in benchmarks/*.py; do case $$bench in */_*|*__init__*) ;; *) $(BIN)/python -m benchmarks.$$(basename $$bench .py) || exit 1;; esac; done

.PHONY: fmt
fmt: $(VENV)/.installed-dev ## Format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: reference
reference: $(VENV)/.installed-dev ## Write what the documents repeat of the code: docs/reference, policy keys, the table of commands
	@$(BIN)/pilothouse reference
	@PYTHONPATH=. $(BIN)/python .ci/documents

.PHONY: sbom
sbom: $(VENV)/.installed-dev ## List all that the wheel brings with it (CycloneDX, in dist/)
	@$(BIN)/python .ci/sbom

.PHONY: image
image: $(VENV)/.installed-dev ## Build the image twice, compare the bytes, list what is in it, and start it (needs buildah)
	@$(BIN)/python .ci/image $(OPTIONS)

.PHONY: screenshots
screenshots: $(VENV)/.installed-dev ## Take the pictures of docs/images again (needs chromium)
	@$(BIN)/python -m tests.browser.screenshots

# One for the image, one for an image that draws charts, one to try it out, one to work on it; each holds the one before it.
PIN = uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	--python-version 3.11 --extra postgres

.PHONY: lock
lock: $(VENV)/.installed-dev ## Pin the dependencies again (needs uv)
	@$(PIN) --extra build pyproject.toml -o requirements.lock
	@$(PIN) --extra build --extra charts -c requirements.lock pyproject.toml -o requirements-charts.lock
	@$(PIN) --extra build --extra charts --group sandbox -c requirements-charts.lock pyproject.toml \
		-o requirements-sandbox.lock
	@$(PIN) --extra build --extra charts --group sandbox --extra test --extra check -c requirements-sandbox.lock pyproject.toml \
		-o requirements-dev.lock
