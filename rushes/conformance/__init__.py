"""The rules of fal's wire protocol as black-box checks against any server that speaks it.

One file per section of the protocol holds the checks, one function per rule id. They see a server only through its
address, so nothing here may import the server's own parts.
"""
