"""The pictures of docs/hr.md: what postbot says in Slack, drawn from the very blocks that it sends.

`bakery` is a small site of our own making, led through a few days by the real plan. `scenes` takes from it each view
and message that the page shows. `slack` turns those into plain HTML that looks like Slack on a phone, and `camera`
makes a PNG of that, in which it notes what it was made from.

    python -m tests.pictures        # make all of them anew; needs Chromium
"""
