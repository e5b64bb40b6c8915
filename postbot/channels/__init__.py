"""How postbot speaks. Each channel sends one message at a time, and can say whether a message has gone out.

`send` never raises for what the world does: its receipt says sent, not sent (try again) or unknown. `look` answers
the same for a message sent earlier, by its key, so that a crash in mid-send is settled by looking and not by guessing;
a look that finds nothing may be believed once `settles` has passed. `rest` lets go of what was kept open.
A channel decides nothing: what is said to whom, and when it is tried again, is settled before and after it.
"""
