# The targets; `make help` lists them by the text behind "##".

VENV ?= .venv
BIN := $(VENV)/bin
NODE := tests/node/node_modules
# Most tests wait for other processes, so more of them run at once than there are cores.
TESTS_AT_ONCE ?= 5
# The newest Python at hand that is new enough; PYTHON=... chooses another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)

.PHONY: help run test check format docs site screenshots build bench torture lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

run: $(VENV)/.run ## serve the sandbox on 127.0.0.1:8080 (PORT=9000 DATA=/some/dir serve it elsewhere)
	@exec $(BIN)/passback sandbox $(if $(PORT),--port '$(PORT)') $(if $(DATA),--data '$(DATA)')

test: $(VENV)/.dev $(NODE)/.installed ## run the whole test suite (COVERAGE=1 measures what it covers, and fails below the gate)
	$(BIN)/python -m pytest -n $(TESTS_AT_ONCE) --dist worksteal $(if $(COVERAGE),--cov --cov-report=term:skip-covered)

check: $(VENV)/.dev ## check style, types, imports, unused code and dependencies, spelling, links
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry src
	$(BIN)/vulture
	$(BIN)/codespell
	$(BIN)/python -m pytest tests/docs/test_links.py tests/docs/test_reference.py

format: $(VENV)/.dev ## let ruff fix what it can, and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev ## generate the reference of commands and settings, and the Postman collection
	$(BIN)/python docs/generate.py

site: $(VENV)/.dev ## build the documentation's site into build/site, and for the gateway to serve at /docs/guide/
	$(BIN)/python docs/site/build.py

screenshots: $(VENV)/.dev ## take the pictures of the console that the docs show (needs Chromium; PICTURES="connect audit" for some)
	PYTHONPATH=tests $(BIN)/python docs/screenshots.py $(PICTURES)

build: site ## build the wheel and the source distribution, into dist/
	rm -rf dist
	$(BIN)/python -m hatchling build --directory dist

bench: $(VENV)/.dev ## measure speed beside a bare application (STUDENTS="1000 50000" for smaller districts)
	PYTHONPATH=tests $(BIN)/python -m bench $(STUDENTS)

torture: $(VENV)/.dev ## kill it, starve it, lie to it for half an hour (WAYS="kill" SCALE=0.1 for less)
	PYTHONPATH=tests $(BIN)/python -m torture $(WAYS) $(if $(SCALE),--scale '$(SCALE)')

lock: $(VENV)/.dev ## update the lock files to the newest versions (needs npm)
	$(BIN)/uv pip compile pyproject.toml --group build $(COMPILE) --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group dev $(COMPILE) --constraint requirements.lock --output-file requirements-dev.lock
	npm update --prefix tests/node --package-lock-only

COMPILE := --universal --python-version 3.11 --generate-hashes --upgrade --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --quiet

clean: ## remove the virtual environment, what npm installed, what was built, and all caches
	rm -rf $(VENV) $(NODE) build dist src/passback/web/guide.zip .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage

# uv is used if it is installed; if it is not, or cannot reach its registry, pip is.
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

# Without npm the tests that need it are skipped, but not in CI.
$(NODE)/.installed: tests/node/package-lock.json
	@if command -v npm >/dev/null; then \
		echo "Installing others' clients for tests into $(NODE) (once) ..."; \
		cd tests/node && npm ci --silent && touch node_modules/.installed; \
	elif [ -n "$$CI" ]; then echo "npm is not installed, and tests need it" >&2; exit 1; \
	else echo "npm is not installed: the tests that need it are skipped"; fi
