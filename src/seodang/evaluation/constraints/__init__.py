"""Instructions about the form of an answer that a program can check, in English and Korean.

After Zhou et al. 2023, arXiv 2311.07911 (IFEval), whose idea of verifiable instructions and of a strict and a loose score this follows; the
kinds, topics and wordings are our own. Whether an answer is to the point is not judged.
"""
