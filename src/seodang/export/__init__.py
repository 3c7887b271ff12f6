"""A checkpoint as a file for small machines: GGUF for llama.cpp, and how far it agrees with the checkpoint."""
