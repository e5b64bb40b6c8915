"""A mail server of our own: SMTP on loopback, real TLS, real logins, and a log of every mail it has taken.

It refuses what a strict server refuses, and at a test's wish fails as servers fail, at every step of a conversation.
`client.SmtpTwin` starts and drives it.
"""
