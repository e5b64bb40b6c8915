"""A real GNU Mailman 3, as a site would run it, and the relay that stands before it.

It lives in a virtual environment of its own (`make mailman` builds it from `requirements.txt`): what it depends on is
none of postbot's business. `server.Mailman` starts and asks it; nothing here changes what it does.
"""
