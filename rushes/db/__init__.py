"""Tables, connections and migrations; knows rows, not jobs."""
