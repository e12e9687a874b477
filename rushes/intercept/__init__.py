"""Ways in for clients that know only fal's hosts: a local certificate authority and a proxy on loopback."""
