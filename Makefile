# The set-up goes to .venv and node_modules, and is made once.
# make PYTHON=python3.13 chooses the interpreter, make VENV=path another environment.

PYTHON ?= python3
VENV ?= .venv
BIN := $(abspath $(VENV))/bin
DONE := $(VENV)/.done
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check -qq --constraint constraints.txt

export PATH := $(BIN):$(PATH)

.PHONY: help demo lab docs screenshots test test-js test-python check-python build format clean distclean
.DELETE_ON_ERROR:

help:
	@echo 'make demo       explain a scene with the embedded model; writes build/demo.html'
	@echo 'make lab        open the quick start in JupyterLab'
	@echo 'make docs       the site, with interactive explanations, into build/site/; it needs no network'
	@echo 'make test       every check: ruff, mypy, tsc, biome, vitest, pytest with real browsers'
	@echo 'make build      the front end into gradeclip_widget/static/, sdist and the wheel from it into dist/'
	@echo 'make format     format Python and TypeScript'
	@echo 'make clean      remove what was built; make distclean removes .venv and node_modules too'

demo: $(DONE)/package
	@mkdir -p build
	@gradeclip demo -o build/demo.html

lab: $(DONE)/lab
	jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks/quickstart.ipynb

docs: $(DONE)/docs
	@echo 'Building the site; the notebooks run, which takes some minutes.'
	@sphinx-build --quiet --fresh-env --fail-on-warning --keep-going -c docs -d build/doctrees . build/site
	@echo 'Open build/site/index.html in a browser; it needs no server.'

screenshots: $(DONE)/dev $(DONE)/browsers
	python -m scripts.screenshots

# While pip installs, the front end is tested; while the types are checked, the browsers are installed.
test: $(DONE)/node
	$(MAKE) --no-print-directory --jobs=2 test-js check-python $(DONE)/browsers
	$(MAKE) --no-print-directory test-python

test-js: node_modules/.done
	npm run --silent check
	npm run --silent test

check-python: $(DONE)/dev
	ruff check
	ruff format --check
	mypy

test-python: $(DONE)/dev $(DONE)/browsers node_modules/.done
	@# Two processes at once, each with one thread of torch: many tests wait for a browser or a server.
	OMP_NUM_THREADS=1 pytest -n 2 --no-loadscope-reorder

build: $(DONE)/dev node_modules/.done
	npm run --silent build
	rm -rf dist
	python -m build --no-isolation

format: $(DONE)/dev node_modules/.done
	ruff check --fix-only --quiet
	ruff format
	npm run --silent format

clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find gradeclip_widget tests benchmarks scripts -name __pycache__ -exec rm -rf {} +

distclean: clean
	rm -rf .venv node_modules

$(DONE)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'gradeclip-widget needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...'; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@# JupyterLab's scripts are CommonJS; without this file, node would apply the "type" of our package.json.
	@echo '{}' > $(VENV)/package.json
	@mkdir -p $(DONE) && touch $@

$(DONE)/package: pyproject.toml constraints.txt | $(DONE)/python
	@echo 'Installing into $(VENV); torch is large, so the first time takes some minutes.'
	$(INSTALL) --editable .
	@touch $@

$(DONE)/lab: $(DONE)/package
	$(INSTALL) --editable '.[lab]'
	@touch $@

$(DONE)/docs: $(DONE)/package
	$(INSTALL) --editable '.[docs]'
	@touch $@

$(DONE)/dev: $(DONE)/package
	$(INSTALL) --editable '.[dev]'
	@touch $@ $(DONE)/lab $(DONE)/docs

$(DONE)/node: | $(DONE)/python
	scripts/need-node.sh
	@touch $@

$(DONE)/browsers: | $(DONE)/dev
	scripts/need-browsers.sh
	@touch $@

node_modules/.done: package.json package-lock.json | $(DONE)/node
	npm ci
	@touch $@
