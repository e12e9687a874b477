"""Connections to strangers' hosts: which addresses may be reached, and sockets that keep to it."""
