"""Triggers that note which rows were written, for stores whose log may not be read or that have none.

The outbox holds keys, not rows: a change is told as the row is when it is read, so the order in which writers commit cannot
bring an older state back. Lines get their place in the order in which the capture meets them committed: a line of a
transaction that commits late comes late, and no gap has to be waited for.
"""
