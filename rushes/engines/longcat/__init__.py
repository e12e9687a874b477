"""LongCat-Video as an implementation of our own on PyTorch: the network, its sampling, its weights and its LoRAs.

Reading order: `config`, `network` (with `embedders`, `attention`, `rotary`, `block_sparse`, `first_block`), `schedule`,
`guidance`, `sampling`, `refining`, `pipeline`; `plan` and `film` (what a request becomes); `components`, `weights`,
`lora` and `quantising` (from disk); `placement` and `waiting` (where weights live); and `engine` (the contract of all
engines). Text encoder and autoencoder are those of transformers and diffusers.
"""
