"""Open weights in diffusers' layout. `weights`, `layouts` and `plan` load nothing heavy; the rest imports torch."""
