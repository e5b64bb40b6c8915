"""Guards that are taken away one at a time: at least one test must notice each. `make mutants` prints the table."""
