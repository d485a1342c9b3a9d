# make run    serve the sandbox on 127.0.0.1:8080 (PORT=9000 DATA=/some/dir put it elsewhere)
# make test   run the whole test suite
# make check  lint, format, types, imports
# make bench  measure the server beside a bare application, and districts of three sizes (STUDENTS="1000 50000" for less)
# make torture  kill it, starve it, lie to it: is any grade lost or doubled? (twenty minutes; WAYS="kill" SCALE=0.1 for less)
# make lock   take newer versions of what we depend on into the lock files

VENV ?= .venv
BIN := $(VENV)/bin
# Most tests wait for other processes, so more of them run at once than there are cores.
TESTS_AT_ONCE ?= 4
# The newest Python at hand that is new enough; PYTHON=... chooses another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)

.PHONY: run test check format bench torture lock clean

run: $(VENV)/.run
	@exec $(BIN)/passback sandbox $(if $(PORT),--port '$(PORT)') $(if $(DATA),--data '$(DATA)')

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(TESTS_AT_ONCE)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	$(BIN)/python -m bench $(STUDENTS)

torture: $(VENV)/.dev
	PYTHONPATH=tests $(BIN)/python -m torture $(WAYS) $(if $(SCALE),--scale '$(SCALE)')

lock:
	uv pip compile pyproject.toml --group build $(COMPILE) --output-file requirements.lock
	uv pip compile pyproject.toml --group dev $(COMPILE) --constraint requirements.lock --output-file requirements-dev.lock

COMPILE := --universal --python-version 3.11 --generate-hashes --upgrade --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --quiet

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# uv is used where it is at hand; where it is not, or cannot reach its registry, pip is.
INSTALL = { command -v uv >/dev/null && uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1); } \
	|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)

$(VENV)/.run: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Passback needs Python 3.11 or newer: install it, or name it with PYTHON=..." >&2; exit 1; }
	@echo "Installing Passback into $(VENV) (once) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(call INSTALL,requirements.lock)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	@echo "Installing the tools for tests and checks into $(VENV) (once) ..."
	@$(call INSTALL,requirements-dev.lock)
	@touch $@
