"""Personal data in text: recognisers, one a file. Each yields spans with kind, confidence, and the word of the context that names them."""
