# `make run` and `make test` do all the set-up they need; everything they do is in xtask.

.PHONY: help run test rust

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST)
	@printf '\neverything else: cargo xtask help\n'

run: rust ## build the page and the program, then show it at http://127.0.0.1:8080 (ARGS="--symbols SPY")
	@cargo xtask run $(ARGS)

test: rust ## install what the tests need, then check everything
	@cargo xtask ci

rust:
	@command -v cargo >/dev/null || { echo "error: cargo is not installed; get Rust through rustup" >&2; exit 1; }
	@command -v cc >/dev/null || { echo "error: no C compiler; on Debian: sudo apt-get install build-essential" >&2; exit 1; }
