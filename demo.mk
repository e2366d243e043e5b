# The whole chain of `make demo`, each step a file that later steps need: what is there is
# not made again. Two cohorts, so that nothing is shown to readers that was trained on.
TRAINED_ON := 12
CASES      := 7,6,7
# Maps are measured from simulated series; `make demo MAPS=--exact` shows the smooth truth.
MAPS       ?=
JOBS       ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)

STUDY      := $(OUT)/study
RESULT     := $(OUT)/unblinded
# A rehearsal's key guards nothing; a real passphrase is typed, not written down here.
export MAGIC_STUDY_PASSPHRASE ?= four words that anybody may know

step = @printf '\n== %s\n' $(1)

ifdef SAMPLE # the authors' montages: few patients, so those trained on are shown too
SHOWN := $(OUT)/patients
$(OUT)/patients/cohort.csv: | $(STAMP)
	$(call step,"1/10 The patients of $(SAMPLE): $(@D)")
	@$(BIN)/magic-model import $(SAMPLE) --layout magic-sample --jobs $(JOBS) --out $(@D)
else
SHOWN := $(OUT)/cases
$(OUT)/patients/cohort.csv: | $(STAMP)
	$(call step,"1/10 Digital patients to train on: $(@D)")
	@$(BIN)/magic-model phantom $(MAPS) --patients $(TRAINED_ON) --seed 1 --jobs $(JOBS) --out $(@D)

$(OUT)/cases/cohort.csv: | $(STAMP)
	$(call step,"3/10 Digital patients to show: $(@D)")
	@$(BIN)/magic-model phantom $(MAPS) --severities $(CASES) --seed 2 --jobs $(JOBS) --out $(@D)
endif

$(OUT)/network/done: $(OUT)/patients/cohort.csv
	$(call step,"2/10 Train a small network: $(@D)")
	@$(BIN)/magic-model train --recipe tiny --cohort $(<D) --jobs $(JOBS) --out $(@D)
	@touch $@

$(OUT)/generated/generated.csv: $(OUT)/network/done $(SHOWN)/cohort.csv
	$(call step,"4/10 Generate perfusion maps from non-contrast CT: $(@D)")
	@$(BIN)/magic-model generate --checkpoint $(<D) --input $(SHOWN) --out $(@D)

$(OUT)/montages/cases.csv: $(OUT)/generated/generated.csv
	$(call step,"5/10 Draw two montages per patient: $(@D)")
	@$(BIN)/magic-model montage --cohort $(SHOWN) --generated $(<D) --split all --slices 5 --out $(@D)

# As many cases of a class as there are, and no more distance than so few allow.
cases = $$(cut -d, -f2 $(1) | grep -cx $(2))
distance = $$(awk 'END { n = int((NR - 1) / 4); print (n < 3 ? n : 3) }' $(1))

# How well the simulated readers diagnose by either method, where the study plans accuracy.
accuracy = $$(grep -q '^rating = ' $(1) && echo --auc 0.88 --auc-test 0.84)

# Noise in measured maps makes pictures larger than those of a network.
noisy = $(if $(MAPS)$(SAMPLE),,-e 's/^accepted_cues = \[\]/accepted_cues = ["compressed size"]/')

# A study is made whole or not at all; one that the key does not fit is made anew.
$(STUDY)/built: $(OUT)/montages/cases.csv
	$(call step,"6/10 Build and audit a blinded study in two trials: $(STUDY)/STUDY")
	@rm -rf $(STUDY) && mkdir -p $(STUDY)
	@$(BIN)/magic-study init $(STUDY)/template.toml > /dev/null
	@sed -e "s/^none = 7/none = $(call cases,$<,none)/" -e "s/^severe = 7/severe = $(call cases,$<,severe)/" \
	   -e "s/^mild_moderate = 6/mild_moderate = $(call cases,$<,mild_moderate)/" \
	   -e "s/^min_distance = 3/min_distance = $(call distance,$<)/" $(noisy) $(STUDY)/template.toml > $(STUDY)/study.toml
# Of digital patients the truth is known, so accuracy is planned, too.
	@if head -n 1 $< | grep -q truth; then \
	   sed -E 's/^# (rating|truth_positive|threshold|accuracy_margin) = /\1 = /' $(STUDY)/study.toml > $(STUDY)/planned.toml \
	   && mv $(STUDY)/planned.toml $(STUDY)/study.toml; fi
	@$(BIN)/magic-study preregister $(STUDY)/study.toml --out $(STUDY)/preregistration.md > /dev/null
	@$(BIN)/magic-study build $(STUDY)/study.toml --cases $< --out $(STUDY)/STUDY --key $(STUDY)/study.key --jobs $(JOBS)
	@touch $@

$(RESULT)/responses.csv: $(STUDY)/built
	$(call step,"7/10 Seven simulated readers read it; lock; unblind: $(@D)")
	@rm -rf $(RESULT) $(STUDY)/STUDY/study.sqlite* $(STUDY)/STUDY/lock.json
	@$(BIN)/magic-study simulate $(STUDY)/STUDY --key $(STUDY)/study.key --kappa 0.5 --missing 0.01 $(call accuracy,$(STUDY)/study.toml)
	@$(BIN)/magic-study lock $(STUDY)/STUDY --by demo
	@$(BIN)/magic-study unblind $(STUDY)/STUDY --key $(STUDY)/study.key --name keeper --name witness \
	   --reason "end of the demonstration" --out $(@D)
	@cp $(STUDY)/preregistration.md $(@D)

$(OUT)/report/report.html: $(RESULT)/responses.csv
	$(call step,"8/10 Analyse the readings: $(@D)")
	@$(BIN)/magic-analyze report $< --out $(@D)

$(OUT)/reproduce/report.html: | $(STAMP)
	$(call step,"9/10 Recompute the paper's Table 1 and supplements: $(@D)")
	@$(BIN)/magic-analyze reproduce --out $(@D)

$(OUT)/dossier/dossier.html: $(OUT)/report/report.html $(OUT)/network/done
	$(call step,"10/10 Checklists for journal and board: $(@D)")
	@$(BIN)/magic-analyze dossier $(RESULT)/responses.csv --network $(OUT)/network --out $(@D)

# To read it oneself: the same pictures, one reader, no washout.
$(OUT)/reading/open: $(OUT)/montages/cases.csv $(STUDY)/built
	@rm -rf $(OUT)/reading && mkdir -p $(OUT)/reading
	@sed -e 's/^number = 7/number = 1/' -e 's/^washout_days = 28/washout_days = 0/' \
	   $(STUDY)/study.toml > $(OUT)/reading/study.toml
	@$(BIN)/magic-study build $(OUT)/reading/study.toml --cases $< --out $(@D)/STUDY --key $(@D)/study.key --jobs $(JOBS)
	@$(BIN)/magic-study reader add $(@D)/STUDY you --specialty neuroradiologist --years 0 --by demo > /dev/null
	@$(BIN)/magic-study open $(@D)/STUDY --by demo
	@touch $@
