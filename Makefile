# `make help` says what there is. Everything runs in .venv, which the targets set up by themselves.

VENV := .venv
BIN := $(VENV)/bin
BASE := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
ARGS ?=

# The first of these that is 3.11 or later; `make PYTHON=/path/to/python3 …` names another.
CANDIDATES := python3 python3.13 python3.12 python3.11 python3.14 python
IS_NEW := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(firstword $(foreach p,$(CANDIDATES),$(shell $(p) -c '$(IS_NEW)' 2>/dev/null && echo $(p))))

.DEFAULT_GOAL := help
.PHONY: browser help setup demo test lint types golden gallery experiments bench fuzz check clean

help: ## this list
	@echo "make TARGET, of:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-11s %s\n", $$1, $$2 }'

setup: $(DEV) ## .venv with archdsl, editable, and all that its development needs

demo: $(BASE) ## compile specs/alexnet.arch: PyTorch, ONNX, a picture, the table
	@$(BIN)/archdsl compile specs/alexnet.arch --verify
	@echo
	@echo "Look at build/alexnet.svg, read build/alexnet.py, then try:"
	@echo "  . $(BIN)/activate                        # puts archdsl on your path"
	@echo "  archdsl summary vgg16                       # a network of the zoo: specs/vgg.arch"
	@echo "  archdsl draw specs/lenet.arch -o lenet.png"
	@echo "  cp specs/tiny.arch my.arch                  # change it, then: archdsl compile my.arch"

test: $(DEV) ## all tests; ARGS="-k field" picks
	@$(BIN)/pytest -n auto $(ARGS)

lint: $(DEV) ## format and lint, as ruff would have it; changes nothing
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(DEV) ## pyright, strict in ir, ops and analyses
	@$(BIN)/pyright

golden: $(DEV) ## write the golden files anew; what fails is what changed: read its diff
	@ARCHDSL_GOLDEN=update $(BIN)/pytest -q -n auto -k golden $(ARGS) && echo 'Nothing changed.'

gallery: $(DEV) ## the pictures of docs/gallery, drawn anew
	@$(BIN)/python tests/gallery.py

experiments: $(DEV) ## the history's lessons, trained anew; ARGS="degradation --short" picks
	@$(BIN)/python examples/experiments $(ARGS)

bench: $(DEV) ## the measured ratios, each beside its target; takes some minutes
	@$(BIN)/python tests/bench/bench.py $(ARGS)

fuzz: $(DEV) ## 200,000 specs and 10,000 models and pictures, damaged; 5,000 exports; ARGS="--specs 0 --files 0"
	@$(BIN)/python tests/fuzz.py $(ARGS)
	@ARCHDSL_KILLS=20 $(BIN)/pytest -q -s tests/train/test_resume.py -k killed

check: lint types test ## what a change must pass

browser: ## Chromium, for the tests of pages, by apt-get; without it they are skipped
	@sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	$$sudo apt-get update -qq && $$sudo apt-get install -y -qq chromium chromium-driver

clean: ## remove what was built; .venv stays
	@rm -rf build dist .pytest_cache .ruff_cache .hypothesis
	@find archdsl tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { \
		echo "archdsl needs Python 3.11 or later, and none of $(CANDIDATES) is that."; \
		echo "Install one, or name it: make PYTHON=/path/to/python3 demo"; exit 1; } >&2
	@"$(PYTHON)" -c '$(IS_NEW)' || { \
		echo "archdsl needs Python 3.11 or later; $(PYTHON) is $$("$(PYTHON)" --version 2>&1)." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: its venv module is missing."; \
		echo "On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; } >&2
	@"$(PYTHON)" -m venv $(VENV)

$(BASE): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Setting up $(VENV); the first time this takes some minutes." >&2
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(DEV): $(BASE)
	@echo "Adding what development needs to $(VENV)." >&2
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev,train,experiments]'
	@touch $@
