# Two commands do everything: `make demo` and `make test`. Each sets up .venv the first time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# pip of the outer Python installs into the venv: Debian's python3 may have no ensurepip, hence no pip inside.
PIP := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: all demo test test-slow test-train lint types audit fuzz ci bench models demo-case dist dist-test clean help
all: lint types test

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV); }

$(VENV)/.base: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing sibnlp into $(VENV) (about a minute)"
	@$(PIP) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	@echo "installing what the tests need"
	@$(PIP) -e '.[dev]'
	@touch $@

$(VENV)/.train: $(VENV)/.dev
	@$(PIP) -e '.[train,bench]' torch==2.13.0
	@touch $@

demo: $(VENV)/.base ## run the main job on the demo case
	@$(BIN)/sibnlp run corpora/demo/case -o demo-report --force
	@$(BIN)/sibnlp drift corpora/demo/gold.jsonl -o demo-report/as-written --title "Clear Nights, as its writers coded it" --force
	@echo "as the model reads it:   $(CURDIR)/demo-report/report.html"
	@echo "as its writers meant it: $(CURDIR)/demo-report/as-written/report.html"

test: $(VENV)/.dev ## all tests
	@$(BIN)/python -m pytest

test-slow: $(VENV)/.dev ## tests that take minutes, as twenty kills of a run over 5,000 documents
	@$(BIN)/python -m pytest -m slow

test-train: $(VENV)/.train ## tests that fit small transformers; need torch (make test leaves them out, and says so)
	@$(BIN)/python -m pytest -m train

lint: $(VENV)/.dev ## ruff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/.dev ## mypy
	@$(BIN)/mypy

audit: $(VENV)/.dev ## known vulnerabilities of the pinned packages; says NOT RUN where advisories cannot be reached
	@$(BIN)/python -m training.audit || test $$? -eq 3

$(VENV)/.fuzz: $(VENV)/.dev
	@$(PIP) -e '.[fuzz]'
	@touch $@

fuzz: $(VENV)/.fuzz ## fuzz what reads strangers' files; FUZZ_SECONDS=60 a target, FUZZ_TARGETS="docx pdf" for some
	@$(BIN)/python -m tests.fuzz $(FUZZ_TARGETS)

bench: $(VENV)/.train ## measure speed, sentence boundaries and public sets; writes RESULTS.md, PSEUDONYMS.md, PUBLIC_SETS.md in training/benchmarks
	@$(BIN)/python -m training.benchmarks

models: $(VENV)/.train ## rebuild the shipped models
	@$(BIN)/python -m training.build_models

demo-case: $(VENV)/.dev ## rebuild the files of the demo case from corpora/demo/source
	@$(BIN)/python -m training.build_demo

dist: $(VENV)/.dev
	@rm -rf dist && $(BIN)/python -m build --quiet

dist-test: dist ## build wheel and sdist, install each into a clean environment, try them
	@bash training/dist_test.sh

clean:
	rm -rf $(VENV) build dist demo-report .pytest_cache .mypy_cache .ruff_cache
