"""The ledger's schema through time: one numbered step per file under `versions`, run by `postbot.ledger`.

A released step is never edited. A new one takes the next number, and `postbot.ledger.HEAD` names the last.
"""
