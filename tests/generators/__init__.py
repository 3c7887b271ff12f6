"""A teacher for every generator that plays its part, so that their tests say what holds of all of them."""
