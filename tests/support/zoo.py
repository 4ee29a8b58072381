"""Names of the networks that tests of all networks use: small ones, in all instruction sets and numbers of
threads.
"""

#: networks for 28x28 gray images
SMALL = ("d4", "hello-dl-letters", "numpy-mnist")
