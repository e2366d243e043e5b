# `make demo` is `magic-app demo`, which knows the steps (app/demonstration/chain.py) and
# makes what is missing; here are its options by the names that make takes.
TRAINED_ON := 12
CASES      := 7,6,7
# Maps are measured from simulated series; `make demo MAPS=--exact` shows the smooth truth.
MAPS       ?=
JOBS       ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)

chain = $(BIN)/magic-app demo --out $(OUT) --trained-on $(TRAINED_ON) --cases $(CASES) \
   --jobs $(JOBS) $(MAPS) $(if $(SAMPLE),--sample $(SAMPLE))

# To read it oneself: the same pictures, one reader, no washout.
.PHONY: reading
reading: $(STAMP)
	@$(chain) --reading
