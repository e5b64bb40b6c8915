"""The crash laboratory: real commands, killed at every step that they take, judged by what the outside world has got.

`kit` has the site and its twins, `scenarios` what is to happen, `judge` what must have happened, `schedules` the lives
in which the kills fall at random.
"""
