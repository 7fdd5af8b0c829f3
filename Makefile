# book   build the site                       test     prove it: lint, notebooks, numbers, browser
# serve  look at it on http://localhost:8000  figures  draw the figures again
# check  prove the pages that you have changed, or one: make check PAGE=v2
# numbers  write the digits that have expressions beside them, and lock the others
# weekly    at length what `test` tries in short, and what measures this machine
# colab     run the notebooks with the versions that Colab has, and with an older PyTorch
# browsers  open every page in Firefox and WebKit, and run the kernels there
# Each target sets up .venv by itself and installs nothing while the requirements are unchanged.

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin

# A .venv whose interpreter is gone is made anew, stamps and all.
_ := $(shell [ -x $(BIN)/python ] || rm -rf $(VENV))

# A stamp is named after the contents of the files that it answers for.
BOOK := $(VENV)/book-$(firstword $(shell cat requirements.txt constraints.txt | cksum))
TEST := $(VENV)/test-$(firstword $(shell cat requirements.txt requirements-test.txt constraints.txt | cksum))
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Text is UTF-8, whatever the machine is set to.
export PYTHONUTF8 := 1

# pip must not run under a build.
.NOTPARALLEL:

PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist worksteal

# What passed is not run again until something changes that it reads; `make test ONCE=` runs all.
ONCE := --once

.PHONY: book check numbers test lint weekly colab browsers serve figures clean

book: $(BOOK)
	@$(BIN)/python -m tools.build_book

# The book's build is one of the tests: the others need not wait for it.
test: lint
	@$(PYTEST) $(ONCE) --build

check: lint
	@$(PYTEST) $(ONCE) --page "$(PAGE)"

numbers: $(TEST)
	@$(BIN)/python -W ignore -m tools.prose $(PAGE)

weekly: lint
	@$(PYTEST) --build -m weekly

lint: $(TEST)
	@$(BIN)/ruff check --quiet && $(BIN)/ruff format --check --quiet || \
		{ echo "lint failed: run '$(BIN)/ruff check' and '$(BIN)/ruff format'"; exit 1; }

colab: $(BOOK)
	@$(BIN)/python tools/colab.py

browsers: $(TEST) book
	@EVERY_BROWSER=1 $(PYTEST) tests/test_browsers.py
	@EVERY_BROWSER=1 $(PYTEST) tests/test_measure.py tests/test_intake.py tests/test_picture.py \
		tests/test_picture_page.py -k other_browsers

serve: book
	@$(BIN)/python -m http.server --directory _build/html --bind 127.0.0.1 $(PORT)

figures: $(BOOK)
	@for folder in $(wildcard figures/*/); do \
		$(BIN)/python -m figures.$$(basename $$folder).draw || exit 1; done

clean:
	rm -rf _build .pytest_cache .ruff_cache

$(BOOK): | $(BIN)/python
	@echo "Installing what the book needs (torch is large: a few minutes on a slow line)"
	@$(INSTALL) --requirement requirements.txt
	@rm -f $(VENV)/book-*; touch $@

$(TEST): $(BOOK)
	@echo "Installing what the tests need"
	@$(INSTALL) --requirement requirements-test.txt
	@rm -f $(VENV)/test-*; touch $@

$(BIN)/python:
	@$(PYTHON) tools/supported.py
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
