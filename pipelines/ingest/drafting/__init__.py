"""A first contract from a sample file: what the bytes say for certain, and comments where a person must decide.

`formats` finds out how a file is to be read, `columns` what its columns look like, `contract` writes YAML. A draft is a
proposal: nothing here is used when files are taken in, and nothing is guessed that the file does not show.
"""
