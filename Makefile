# The two commands of this repository; everything else is behind `cargo xtask`.
CARGO ?= cargo

.PHONY: help demo test
help: ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

demo: ## builds the release binary (half an hour the first time on two cores) and serves the bundled apps with live events
	@echo "building the release binary; the first time this compiles about 450 crates, later seconds"
	$(CARGO) build --release --locked --package highwater-cli
	@echo "serving the bundled apps with simulated people until Ctrl-C; data is kept in highwater-data"
	@"$${CARGO_TARGET_DIR:-target}/release/highwater" demo

test: ## every check: format, tidy, lints, build, tests, SQL oracle, API fuzzing (what CI runs)
	$(CARGO) xtask ci
