"""The built-in engine: a real, honest, deterministic moving storyboard on a CPU, with no weights at all."""
