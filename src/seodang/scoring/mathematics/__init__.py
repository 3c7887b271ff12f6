"""When a mathematical answer is right: a normaliser, two engines that know nothing of each other, and the rule by which they must agree."""
