"""A voice without weights: text to phonemes, phonemes to a curve of the voice's parts, that curve to samples."""
