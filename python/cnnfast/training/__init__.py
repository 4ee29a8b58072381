"""Training and evaluation: `fit`, `Trainer`, `evaluate`, and their parts.

Everything public is exported by `cnnfast` itself.
"""
