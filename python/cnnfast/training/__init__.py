"""Training and evaluation: `fit`, `Trainer`, `evaluate`, and what they are made of.

Everything public is exported by `cnnfast` itself.
"""
