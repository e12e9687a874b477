"""Webhooks: the end of a request told to whom the submitter named, signed, and tried again until it is heard."""
