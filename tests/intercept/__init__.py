"""Tests of the local authority and the intercepting proxy."""
