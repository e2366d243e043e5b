# The same commands at the desk and in CI. `make demo` and `make test` need only Python 3.11+ and make.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= demo
# Programs that look at a release; they need other versions than it does.
TOOLS  ?= .release-tools
# Of `make weights`: digital patients, and passes over them.
PATIENTS ?= 30
EPOCHS   ?= 20
STAMP  := $(VENV)/installed-$(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)

# Tests start commands anew: what was compiled for one must serve the next.
export PYTHONDONTWRITEBYTECODE :=

PACKAGES := analysis reader_study magic_model app
BY_PACKAGE := $(addprefix test-,$(PACKAGES))

.PHONY: demo app test test-slow test-explore test-failed test-docs $(BY_PACKAGE) check format docs \
   bench figures weights pins sbom audit clean help

help:            ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@printf '  make %-14s %s\n' test-PACKAGE "its quick tests: $(PACKAGES)"

$(STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	@echo "Installing into $(VENV) (once; again when the pins change) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)   ## patients, network, blinded study, simulated readers, report, dossier
	@$(chain)
	@printf 'Read the study yourself: make app\n'

app: reading     ## read the demonstration's study in the browser
	@$(BIN)/magic-study reader code $(OUT)/reading/STUDY you --by demo
	@$(BIN)/magic-app read $(OUT)/reading/STUDY

test: $(STAMP)   ## the quick tests, with coverage; the same examples each time
	@$(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report=term:skip-covered

test-slow: $(STAMP)  ## the tests that take about a second or more each
	@$(BIN)/python -m pytest -m slow -n auto --dist loadfile --rerun-show-tracebacks --max-suite-reruns 3

test-explore: $(STAMP)  ## the quick tests, with fresh examples; a failure prints its example
	@$(BIN)/python -m pytest -n auto --hypothesis-profile=explore

test-failed: $(STAMP)  ## what failed in the last run, quick or slow
	@$(BIN)/python -m pytest -m "" --last-failed --last-failed-no-failures none

test-docs: $(STAMP)  ## the quick tests of the pages
	@$(BIN)/python -m pytest tests/test_docs*.py

$(BY_PACKAGE): test-%: $(STAMP)
	@$(BIN)/python -m pytest tests/$* $* -n auto

check: $(STAMP)  ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP) ## rewrite the sources in the house format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(STAMP)   ## the pages, with a reference of all commands, into site/
	@$(BIN)/python -m tests.command_reference > docs/commands.md
	@rm -rf build/docs site
	@$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs build/docs/site
	@rm -r build/docs/site/.doctrees && mv build/docs/site site

bench: $(STAMP)   ## ratios against other packages, measured in one run; writes docs/benchmarks-run.md
	@$(BIN)/python -m benchmarks.run_all

figures: demo    ## renew the figures of README and docs
	@cp $(OUT)/reproduce/agreement_charts.png docs/images/

weights: $(STAMP) ## a phantom-trained checkpoint below 10 MB, its card and its SHA-256; not for patients
	@$(BIN)/magic-model phantom --patients $(PATIENTS) --seed 11 --jobs 2 --out weights/cohort
	@$(BIN)/magic-model train --recipe realistic --cohort weights/cohort --seed 1 --device cpu --epochs $(EPOCHS) --out weights/run
	@$(BIN)/magic-model generate --checkpoint weights/run --input weights/cohort --split test --device cpu --out weights/textured
	@$(BIN)/magic-model generate --checkpoint weights/run --input weights/cohort --split test --device cpu --no-texture --out weights/plain
	@$(BIN)/magic-model evaluate --cohort weights/cohort --generated weights/plain --generated weights/textured --out weights/evaluation
	@$(BIN)/magic-model card --checkpoint weights/run --evaluation weights/evaluation --out weights/model-card.md
	@cp weights/run/best.safetensors weights/phantom.safetensors
	@cd weights && $(abspath $(BIN))/python -c 'import hashlib, pathlib; print(hashlib.sha256(pathlib.Path("phantom.safetensors").read_bytes()).hexdigest() + "  phantom.safetensors")' | tee phantom.safetensors.sha256

pins: $(STAMP)   ## renew constraints.txt; needs uv
	@echo 'torch==2.13.0' > .torch-pin
	@{ echo "# Exact versions that the tests ran with. Made by: make pins"; \
	   uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header \
	      --extra dev --constraints .torch-pin pyproject.toml; } > constraints.new
	@rm .torch-pin && mv constraints.new constraints.txt

$(TOOLS)/installed:
	@$(PYTHON) -m venv --clear $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0 pip-audit==2.10.1
	@touch $@

sbom: $(TOOLS)/installed  ## what constraints.txt pins, as CycloneDX, into dist/sbom.json
	@mkdir -p dist
	@$(TOOLS)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --of JSON -o dist/sbom.json constraints.txt

audit: $(TOOLS)/installed  ## known faults of what is pinned; fails too where the audit cannot be made
	@$(TOOLS)/bin/pip-audit --strict --disable-pip --no-deps --requirement constraints.txt

clean:           ## remove what the commands above made
	rm -rf $(VENV) $(TOOLS) $(OUT) weights .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist site

include demo.mk
