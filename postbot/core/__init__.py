"""The pure core: same input, same output. No I/O, no clock, no environment; time and bytes come in as arguments."""
