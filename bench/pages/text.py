"""Text of the generated pages: words of the Gettysburg Address (1863, public domain) and random ones that can
be pronounced, which no dictionary contains.
"""

from __future__ import annotations

import numpy as np

_TEXT = """
four score and seven years ago our fathers brought forth on this continent a new nation conceived in
liberty dedicated to the proposition that all men are created equal now we engaged great civil war
testing whether or any so can long endure met battlefield of have come dedicate portion field as final
resting place for those who here gave their lives might live it is altogether fitting proper should do
but larger sense not consecrate hallow ground brave living dead struggled far above poor power add
detract world will little note nor remember what say never forget they did us rather be unfinished work
which fought thus nobly advanced task remaining before from these honored take increased devotion cause
last full measure highly resolve shall died vain under god birth freedom government people by perish
earth
"""
WORDS = tuple(_TEXT.split())
CONSONANTS = "bcdfghjklmnpqrstvwxyz"  # q, x and z occur in few English words
VOWELS = "aeiouy"
INVENTED = 0.35  # of the words


def invented(rng: np.random.Generator) -> str:
    """One to three syllables of a consonant and a vowel, sometimes closed by a consonant."""
    syllables = [
        rng.choice(list(CONSONANTS))
        + rng.choice(list(VOWELS))
        + (rng.choice(list(CONSONANTS)) if rng.random() < 0.4 else "")
        for _ in range(rng.integers(1, 4))
    ]
    return "".join(syllables)


def word(rng: np.random.Generator) -> str:
    return invented(rng) if rng.random() < INVENTED else str(rng.choice(WORDS))


def lines(rng: np.random.Generator, count: int, width: int) -> list[list[str]]:
    """`count` lines of words; each has at most `width` characters, spaces included."""
    result: list[list[str]] = []
    while len(result) < count:
        line, used = [], 0
        while used + len(next_word := word(rng)) <= width:
            line.append(next_word)
            used += len(next_word) + 1
        if line:
            result.append(line)
    return result
