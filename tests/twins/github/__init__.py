"""A GitHub of our own for one repository: REST and GraphQL over HTTP on loopback, real git objects behind them.

It refuses what GitHub refuses, and at a test's wish fails as GitHub fails. `client.Twin` starts and drives it.
"""
