"""Open weights in diffusers' layout.

What is said of them before anything is loaded imports no torch: `weights`, `single`, `variants`, `layouts`,
`choosing`, `demands`, `plan`, `fitting`, `skipping`, `deployed`. Reading order of the rest: `engine`, `loading` (with
`swapping` and `single_reading`), `sampling`, `passes`, `decoding`; `shared`, `group` and `rank` for several devices.
"""
