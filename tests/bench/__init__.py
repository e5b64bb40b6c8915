"""The figures of `make bench`: what is counted, what is timed, and the peers that are measured in the same run."""
