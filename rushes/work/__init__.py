"""Station 5: one job from input to output; read `perform` first."""
